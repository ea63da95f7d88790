"""Residual LSTM: recurrent layers that add to what they read, with layer normalization before each."""

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


class ResidualHyperparameters(RecurrentHyperparameters):
    layers: Annotated[int, Field(ge=2, le=16, description="recurrent layers"), Search.int(2, 8)] = 4


def build(hp: ResidualHyperparameters, shape: SequenceShape) -> keras.Model:
    """Map scaled (batch, window, n_features) to scaled (batch, *shape.output).

    The first layer reads the window as it is, and each further one gives x + LSTM(norm(x)): skip connections as in Wu
    et al., section 3.1, whose first layers have none either; normalization before a layer leaves the sum's path free
    (Xiong et al., section 3). The sum is not normalized at its end: its size is part of what the head has to know.
    """
    import keras

    inputs = sequence_inputs(shape)
    x = recurrent_layer(hp, return_sequences=True)(inputs.sequence)  # (batch, window, units)
    for depth in range(1, hp.layers):
        last = depth == hp.layers - 1
        added = recurrent_layer(hp, return_sequences=not last)(keras.layers.LayerNormalization()(x))
        x = keras.layers.Add()([x[:, -1] if last else x, added])  # (batch, window, units), at last (batch, units)
    return keras.Model(inputs.ends, head(shape)(x, inputs), name="residual")


@hookimpl
def zoo_architectures() -> list[Architecture]:
    return [
        Architecture(
            name="residual",
            summary="LSTM layers with skip connections and layer normalization, and a linear head.",
            reference="Wu et al., Google's neural machine translation system, 2016 (arXiv:1609.08144), section 3.1; "
            "Ba, Kiros & Hinton, Layer normalization, 2016 (arXiv:1607.06450); Xiong et al., ICML 2020 "
            "(arXiv:2002.04745)",
            tags=("lstm", "deep", "residual"),
            hyperparameters=ResidualHyperparameters,
            build=build,
            tasks=tuple(Task),
            defaults=TrainingDefaults(optimizer="adam", loss="mse", epochs=100, batch_size=32),
            tiny={"units": 4, "layers": 2},
            api=2,
        )
    ]
