"""Causal convolutions that find short patterns in the window, then an LSTM over them."""

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


class CnnLstmHyperparameters(RecurrentHyperparameters):
    convolutions: Annotated[int, Field(ge=1, le=8, description="convolutional layers"), Search.int(1, 4)] = 2
    filters: Annotated[
        int, Field(ge=1, le=4096, description="width of each convolutional layer"), Search.int(16, 256, log=True)
    ] = 64
    kernel: Annotated[
        int, Field(ge=1, le=256, description="rows that a filter reads: its own and those before"), Search.int(2, 9)
    ] = 3


def build(hp: CnnLstmHyperparameters, shape: SequenceShape) -> keras.Model:
    """Map scaled (batch, window, n_features) to scaled (batch, *shape.output).

    Each convolution keeps the window's length, with zeros before it, and is followed by ReLU; the penalties are those
    of the recurrent layer alone.
    """
    import keras

    inputs = sequence_inputs(shape)
    x = inputs.sequence  # (batch, window, n_features)
    for depth in range(hp.convolutions):
        settings = {"padding": "causal", "activation": "relu", "name": f"convolution_{depth}"}
        x = keras.layers.Conv1D(hp.filters, hp.kernel, **settings)(x)  # (batch, window, filters)
    state = recurrent_layer(hp)(x)  # (batch, units)
    return keras.Model(inputs.ends, head(shape)(state, inputs), name="cnn-lstm")


@hookimpl
def zoo_architectures() -> list[Architecture]:
    return [
        Architecture(
            name="cnn-lstm",
            summary="Causal convolutions, an LSTM layer over what they find, and a linear head.",
            reference="Sainath et al., Convolutional, long short-term memory, fully connected deep neural networks, "
            "ICASSP 2015; causal convolution: van den Oord et al., WaveNet, 2016 (arXiv:1609.03499), section 2.1",
            tags=("lstm", "convolution"),
            hyperparameters=CnnLstmHyperparameters,
            build=build,
            tasks=tuple(Task),
            defaults=TrainingDefaults(optimizer="adam", loss="mse", epochs=100, batch_size=32),
            tiny={"units": 4, "filters": 4, "kernel": 2},
            api=2,
        )
    ]
