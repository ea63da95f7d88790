"""LSTM autoencoder: it writes down the window that it has read; what it cannot reconstruct is an anomaly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo_registry import (
    Architecture,
    RecurrentHyperparameters,
    SequenceShape,
    Task,
    TrainingDefaults,
    hookimpl,
    recurrent_layer,
    sequence_inputs,
)

if TYPE_CHECKING:
    import keras


def build(hp: RecurrentHyperparameters, shape: SequenceShape) -> keras.Model:
    """Map a scaled window, (batch, window, n_features), to its targets' rows, scaled, (batch, window, n_targets).

    The decoder begins with the encoder's last states, reads the last hidden one at each step, and writes the rows from
    the last to the first, the one that the encoder remembers best being the first to be written (Malhotra et al.,
    section 2). ``units`` is the room for what is remembered: too many, and anomalies are reconstructed too.
    """
    import keras

    inputs = sequence_inputs(shape)
    _, hidden, cell = recurrent_layer(hp, return_state=True, name="encoder")(inputs.sequence)  # each (batch, units)
    repeated = keras.layers.RepeatVector(shape.horizon)(hidden)  # (batch, window, units)
    backwards = recurrent_layer(hp, return_sequences=True, name="decoder")(repeated, initial_state=[hidden, cell])
    rows = keras.layers.Dense(shape.n_targets, name="head")(backwards)  # (batch, window, n_targets)
    return keras.Model(inputs.ends, keras.ops.flip(rows, axis=1), name="autoencoder")


@hookimpl
def zoo_architectures() -> list[Architecture]:
    return [
        Architecture(
            name="autoencoder",
            summary="An LSTM encoder and an LSTM decoder that give the window back, for anomaly detection.",
            reference="Malhotra et al., LSTM-based encoder-decoder for multi-sensor anomaly detection, ICML 2016 "
            "workshop on anomaly detection (arXiv:1607.00148), section 2",
            tags=("lstm", "sequence-to-sequence", "anomaly"),
            hyperparameters=RecurrentHyperparameters,
            build=build,
            tasks=(Task.ANOMALY,),
            anomaly="reconstruct",
            defaults=TrainingDefaults(optimizer="adam", loss="mse", epochs=100, batch_size=32),
            tiny={"units": 6},
            inputs=("window",),
            api=2,
        )
    ]
