"""Basic LSTM: one recurrent layer, whose last state a linear head maps to the forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo_registry import (
    Architecture,
    RecurrentHyperparameters,
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


def build(hp: RecurrentHyperparameters, shape: SequenceShape) -> keras.Model:
    """Map scaled (batch, window, n_features) to scaled (batch, horizon, n_targets)."""
    import keras

    inputs = sequence_inputs(shape)
    state = recurrent_layer(hp)(inputs.sequence)  # (batch, units)
    return keras.Model(inputs.ends, head(shape)(state, inputs), name="basic")


@hookimpl
def zoo_architectures() -> list[Architecture]:
    return [
        Architecture(
            name="basic",
            summary="One LSTM layer and a linear head.",
            reference="Hochreiter & Schmidhuber, Long Short-Term Memory, Neural Computation 9(8), 1997",
            tags=("lstm",),
            hyperparameters=RecurrentHyperparameters,
            build=build,
            tasks=tuple(Task),
            defaults=TrainingDefaults(optimizer="adam", loss="mse", epochs=100, batch_size=32),
            tiny={"units": 4},
            api=2,
        )
    ]
