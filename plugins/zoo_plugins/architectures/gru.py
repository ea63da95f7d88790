"""Stacked GRU: gated recurrent units on top of each other, then a linear head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo_registry import (
    Architecture,
    Layers,
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


class GruHyperparameters(RecurrentHyperparameters):
    layers: Layers = 2


def build(hp: GruHyperparameters, shape: SequenceShape) -> keras.Model:
    """Map scaled (batch, window, n_features) to scaled (batch, *shape.output).

    The reset gate acts after the recurrent product, as in the paper's first version (arXiv:1406.1078v1) and in Keras.
    """
    import keras

    inputs = sequence_inputs(shape)
    x = inputs.sequence  # (batch, window, n_features)
    for depth in range(hp.layers):
        last = depth == hp.layers - 1
        x = recurrent_layer(hp, cell="gru", return_sequences=not last)(x)  # (batch[, window], units)
    return keras.Model(inputs.ends, head(shape)(x, inputs), name="gru")


@hookimpl
def zoo_architectures() -> list[Architecture]:
    return [
        Architecture(
            name="gru",
            summary="One or more GRU layers on top of each other and a linear head.",
            reference="Cho et al., Learning phrase representations using RNN encoder-decoder for statistical machine "
            "translation, EMNLP 2014 (arXiv:1406.1078), section 2.3",
            tags=("gru", "deep"),
            hyperparameters=GruHyperparameters,
            build=build,
            tasks=tuple(Task),
            defaults=TrainingDefaults(optimizer="adam", loss="mse", epochs=100, batch_size=32),
            tiny={"units": 4, "layers": 2},
            api=2,
        )
    ]
