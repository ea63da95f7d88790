"""The serving graph: raw windows -> scaling -> network -> what the task asks for, in raw units where it has units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import tensorflow as tf

from zoo.inference.answers import Answers
from zoo.outputs import FORECAST, INPUT, IS_ANOMALY, PROBABILITIES, QUANTILES, SCORE
from zoo.preprocessing.preprocessor import Preprocessor
from zoo_registry import Task

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
        if self.answers.in_units:
            return [FORECAST] if self.answers.middle is None else [FORECAST, QUANTILES]
        return [PROBABILITIES] if self.answers.task is Task.CLASSIFY else [SCORE, IS_ANOMALY]

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

    def answer(window: tf.Tensor) -> dict[str, tf.Tensor]:
        scaled = tf.cast(features.forward(keras.ops, tf.cast(window, inner), inner), tf.float32)
        output = tf.cast(served.network(answers.network_input(scaled), training=False), inner)
        if not answers.in_units:
            return _cast(answers.judged(keras.ops, tf.cast(scaled, inner), output), dtype)
        if inner == "float32":
            # Keeps a converter from adding the targets' offset inside the head's sums, which would cost them digits
            output = tf.maximum(output, output.dtype.min)
        if answers.middle is None:
            return _cast(answers.values(targets.inverse(keras.ops, output, inner)), dtype)
        columns_last = tf.transpose(output, (0, 1, 3, 2))
        raw = tf.transpose(targets.inverse(keras.ops, columns_last, inner), (0, 1, 3, 2))
        return answers.values(tf.cast(raw, dtype))

    return answer


def default_function(served: Served, dtype: str, inner: str = "float64") -> ServingFunction:
    """What ``serving_default`` and ONNX compute: raw to raw, or scaled to scaled where a scaler has no tensor form."""
    return raw_function(served, dtype, inner) if served.preprocessor.units == "raw" else scaled_function(served)


def scaled_function(served: Served) -> ServingFunction:
    """Return a function from scaled float32 windows to scaled float32 outputs, and flags."""

    def answer(window: tf.Tensor) -> dict[str, tf.Tensor]:
        output = served.network(served.answers.network_input(window), training=False)
        return (
            served.answers.values(output)
            if served.answers.in_units
            else served.answers.judged(keras.ops, window, output)
        )

    return answer


def _cast(outputs: dict[str, tf.Tensor], dtype: str) -> dict[str, tf.Tensor]:
    return {name: value if name == IS_ANOMALY else tf.cast(value, dtype) for name, value in outputs.items()}
