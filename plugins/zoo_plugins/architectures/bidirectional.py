"""Bidirectional LSTM: two recurrent layers, each reading the window in both directions, with dropout between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from zoo_registry import (
    Architecture,
    RecurrentHyperparameters,
    Search,
    SequenceShape,
    Task,
    TrainingDefaults,
    Units,
    head,
    hookimpl,
    recurrent_layer,
    sequence_inputs,
)

if TYPE_CHECKING:
    import keras


class BidirectionalHyperparameters(RecurrentHyperparameters):
    units: Units = 128
    second_units: Annotated[
        int, Field(ge=1, le=4096, description="width of the second layer"), Search.int(16, 256, log=True)
    ] = 64
    dropout: Annotated[
        float, Field(ge=0.0, lt=1.0, description="fraction dropped between the two layers"), Search.float(0.0, 0.5)
    ] = 0.2


def build(hp: BidirectionalHyperparameters, shape: SequenceShape) -> keras.Model:
    """Map scaled (batch, window, n_features) to scaled (batch, horizon, n_targets)."""
    import keras

    inputs = sequence_inputs(shape)
    first = recurrent_layer(hp, dropout=0.0, return_sequences=True)
    x = keras.layers.Bidirectional(first)(inputs.sequence)  # (batch, window, 2 * units)
    x = keras.layers.Dropout(hp.dropout)(x)
    second = recurrent_layer(hp, units=hp.second_units, dropout=0.0)
    x = keras.layers.Bidirectional(second)(x)  # (batch, 2 * second_units)
    return keras.Model(inputs.ends, head(shape)(x, inputs), name="bidirectional")


@hookimpl
def zoo_architectures() -> list[Architecture]:
    return [
        Architecture(
            name="bidirectional",
            summary="Two bidirectional LSTM layers with dropout between them and a linear head.",
            reference="Schuster & Paliwal, Bidirectional recurrent neural networks, IEEE Trans. Signal Proc., 1997",
            tags=("lstm", "deep", "bidirectional"),
            hyperparameters=BidirectionalHyperparameters,
            build=build,
            tasks=tuple(Task),
            defaults=TrainingDefaults(optimizer="adam", loss="mae", epochs=50, batch_size=64),
            tiny={"units": 4, "second_units": 3},
            api=2,
        )
    ]
