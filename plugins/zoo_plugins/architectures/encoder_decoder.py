"""Encoder and decoder: LSTM layers read the window, others write the horizon step by step from what those remember."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo_registry import (
    Architecture,
    Layers,
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


class EncoderDecoderHyperparameters(RecurrentHyperparameters):
    layers: Layers = 1


def build(hp: EncoderDecoderHyperparameters, shape: SequenceShape) -> keras.Model:
    """Map scaled (batch, window, n_features) to scaled (batch, *shape.output).

    Each decoding layer begins with the last states of the encoding layer of its depth (Sutskever et al.), and the first
    one reads the encoder's summary at each step (Cho et al., section 2.2). A step does not read the forecast before it:
    errors are not fed back, and the recurrence is one operation in every format. A classification has one step.
    """
    from math import prod

    import keras

    inputs = sequence_inputs(shape)
    x = inputs.sequence  # (batch, window, n_features)
    states = []
    for depth in range(hp.layers):
        encoder = recurrent_layer(hp, return_sequences=True, return_state=True, name=f"encoder_{depth}")
        x, hidden, cell = encoder(x)  # (batch, window, units), (batch, units), (batch, units)
        states.append([hidden, cell])
    x = keras.layers.RepeatVector(shape.horizon)(states[-1][0])  # (batch, horizon, units)
    for depth in range(hp.layers):
        decoder = recurrent_layer(hp, return_sequences=True, name=f"decoder_{depth}")
        x = decoder(x, initial_state=states[depth])
    steps = keras.layers.Dense(prod(shape.output) // shape.horizon, name="head")(x)  # (batch, horizon, values)
    return keras.Model(inputs.ends, keras.layers.Reshape(shape.output, name="output")(steps), name="encoder-decoder")


@hookimpl
def zoo_architectures() -> list[Architecture]:
    return [
        Architecture(
            name="encoder-decoder",
            summary="LSTM layers that encode the window, and LSTM layers that decode the horizon from their states.",
            reference="Sutskever, Vinyals & Le, Sequence to sequence learning with neural networks, NeurIPS 2014 "
            "(arXiv:1409.3215); Cho et al., EMNLP 2014 (arXiv:1406.1078), section 2.2",
            tags=("lstm", "sequence-to-sequence"),
            hyperparameters=EncoderDecoderHyperparameters,
            build=build,
            tasks=tuple(Task),
            defaults=TrainingDefaults(optimizer="adam", loss="mse", epochs=100, batch_size=32),
            tiny={"units": 6, "layers": 1},
            inputs=("window",),
            api=2,
        )
    ]
