"""Stacked LSTM: recurrent layers on top of each other, then a linear head."""

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
    head,
    hookimpl,
    recurrent_layer,
    sequence_inputs,
)

if TYPE_CHECKING:
    import keras


class StackedHyperparameters(RecurrentHyperparameters):
    layers: Annotated[int, Field(ge=2, le=8, description="recurrent layers"), Search.int(2, 4)] = 2


def build(hp: StackedHyperparameters, shape: SequenceShape) -> keras.Model:
    """Map scaled (batch, window, n_features) to scaled (batch, horizon, n_targets)."""
    import keras

    inputs = sequence_inputs(shape)
    x = inputs.sequence  # (batch, window, n_features)
    for depth in range(hp.layers):
        last = depth == hp.layers - 1
        x = recurrent_layer(hp, return_sequences=not last)(x)  # (batch, window, units), at last (batch, units)
    return keras.Model(inputs.ends, head(shape)(x, inputs), name="stacked")


@hookimpl
def zoo_architectures() -> list[Architecture]:
    return [
        Architecture(
            name="stacked",
            summary="Two or more LSTM layers on top of each other and a linear head.",
            reference="Graves, Mohamed & Hinton, Speech recognition with deep recurrent neural networks, ICASSP 2013",
            tags=("lstm", "deep"),
            hyperparameters=StackedHyperparameters,
            build=build,
            tasks=tuple(Task),
            defaults=TrainingDefaults(optimizer="adam", loss="mse", epochs=100, batch_size=32),
            tiny={"units": 4, "layers": 2},
            api=2,
        )
    ]
