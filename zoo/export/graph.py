"""The serving graph: raw windows -> scaling -> network -> what the task asks for, in raw units where it has units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import tensorflow as tf

from zoo.inference.answers import Answers
from zoo.outputs import INPUT
from zoo.preprocessing.preprocessor import Preprocessor

ServingFunction = Callable[[tf.Tensor], dict[str, tf.Tensor]]


@dataclass(frozen=True)
class Served:
    """A trained network with what stands around it in the exported graph; ``window`` is (window, n_features)."""

    network: keras.Model
    preprocessor: Preprocessor
    answers: Answers
    window: tuple[int, int]

    @property
    def outputs(self) -> list[str]:
        """The names of the outputs, in their order."""
        return [tensor.name for tensor in self.answers.problem.outputs]

    def input_spec(self, dtype: str, batch: int | None = None) -> tf.TensorSpec:
        """The graph's one input: (batch, window, n_features)."""
        return tf.TensorSpec((batch, *self.window), dtype, name=INPUT)


def raw_function(served: Served, dtype: str, inner: str = "float64") -> ServingFunction:
    """Return a function from raw windows to raw outputs, both of ``dtype``, around the float32 network.

    Scaling and its inverse are computed in ``inner``: in float64 whatever the ends are, so that rounding at the ends is
    all that float32 costs, but where a format knows float32 alone. The scalers' numbers stay NumPy arrays: a captured
    ``tf.constant`` would become a required input in ONNX. Flags are bool.
    """
    features, targets, answers = served.preprocessor.features_, served.preprocessor.targets_, served.answers
    taken = "float32" if inner == "float32" else served.preprocessor.network_dtype

    def in_units(output: tf.Tensor) -> tf.Tensor:
        if inner == "float32":
            # Keeps a converter from adding the targets' offset inside the head's sums, which would cost them digits
            output = tf.maximum(output, output.dtype.min)
        if output.shape.rank == 3:
            return tf.cast(targets.inverse(keras.ops, output, inner), dtype)
        columns_last = tf.transpose(output, (0, 1, 3, 2))  # of quantiles
        return tf.cast(tf.transpose(targets.inverse(keras.ops, columns_last, inner), (0, 1, 3, 2)), dtype)

    def answer(window: tf.Tensor) -> dict[str, tf.Tensor]:
        scaled = tf.cast(features.forward(keras.ops, tf.cast(window, inner), inner), taken)
        output = tf.cast(served.network(answers.network_input(scaled), training=False), inner)
        found = answers.decode(keras.ops, tf.cast(scaled, inner), output, in_units)
        return {name: value if value.dtype == tf.bool else tf.cast(value, dtype) for name, value in found.items()}

    return answer


def default_function(served: Served, dtype: str, inner: str = "float64") -> ServingFunction:
    """What ``serving_default`` and ONNX compute: raw to raw, or scaled to scaled where a scaler has no tensor form."""
    return raw_function(served, dtype, inner) if served.preprocessor.units == "raw" else scaled_function(served)


def scaled_function(served: Served) -> ServingFunction:
    """Return a function from scaled windows to scaled outputs, as the network takes and gives them, and flags."""

    def answer(window: tf.Tensor) -> dict[str, tf.Tensor]:
        output = served.network(served.answers.network_input(window), training=False)
        found: dict[str, tf.Tensor] = served.answers.decode(keras.ops, window, output)
        return found

    return answer
