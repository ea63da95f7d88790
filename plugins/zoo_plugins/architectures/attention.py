"""LSTM with attention: the head reads the last state and a mean of all states, weighed by their match with the last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from zoo_registry import (
    Architecture,
    Layers,
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


class AttentionHyperparameters(RecurrentHyperparameters):
    layers: Layers = 1
    score: Annotated[
        Literal["additive", "dot"],
        Field(description="how a state is matched with the last one: a small network (additive), or a product (dot)"),
        Search.choice("additive", "dot"),
    ] = "additive"


def build(hp: AttentionHyperparameters, shape: SequenceShape) -> keras.Model:
    """Map scaled (batch, window, n_features) to scaled (batch, *shape.output).

    With states h_1 to h_T and the last, h_T, as the query, the weights of the mean are the softmax over t of
    v . tanh(W h_T + U h_t) (additive, Bahdanau et al., appendix A.1.2) or of h_T . h_t (dot, Luong et al., equation 8).
    The head reads tanh(C [mean; h_T]) (Luong et al., equation 5).
    """
    import keras

    inputs = sequence_inputs(shape)
    x = inputs.sequence  # (batch, window, n_features)
    for _ in range(hp.layers):
        x = recurrent_layer(hp, return_sequences=True)(x)  # (batch, window, units)
    last = x[:, -1:]  # (batch, 1, units)
    if hp.score == "additive":
        query = keras.layers.Dense(hp.units, name="query")(last)
        keys = keras.layers.Dense(hp.units, use_bias=False, name="keys")(x)
        mean = keras.layers.AdditiveAttention(name="attention")([query, x, keys])  # (batch, 1, units)
    else:
        mean = keras.layers.Attention(name="attention")([last, x])
    both = keras.layers.Flatten()(keras.layers.Concatenate()([mean, last]))  # (batch, 2 * units)
    read = keras.layers.Dense(hp.units, "tanh", use_bias=False, name="combination")(both)
    return keras.Model(inputs.ends, head(shape)(read, inputs), name="attention")


@hookimpl
def zoo_architectures() -> list[Architecture]:
    return [
        Architecture(
            name="attention",
            summary="LSTM layers with additive or dot attention of the last state over all states, and a linear head.",
            reference="Bahdanau, Cho & Bengio, Neural machine translation by jointly learning to align and translate, "
            "ICLR 2015 (arXiv:1409.0473); Luong, Pham & Manning, EMNLP 2015 (arXiv:1508.04025), section 3.1",
            tags=("lstm", "attention"),
            hyperparameters=AttentionHyperparameters,
            build=build,
            tasks=tuple(Task),
            defaults=TrainingDefaults(optimizer="adam", loss="mse", epochs=100, batch_size=32),
            tiny={"units": 4},
            api=2,
        )
    ]
