"""The serving graph: raw windows -> scaling -> network -> inverse scaling -> raw outputs."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from zoo.bundle.manifest import FORECAST, INPUT, QUANTILES
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.training.layers import middle_quantile

ServingFunction = Callable[[tf.Tensor], dict[str, tf.Tensor]]


def raw_function(network: keras.Model, preprocessor: Preprocessor, dtype: str) -> ServingFunction:
    """Return a function from raw windows to raw forecasts, both of ``dtype``, around the float32 network.

    Scaling and its inverse are computed in float64 whatever the ends are, so that rounding at the ends is all that
    float32 costs. The scalers' numbers stay NumPy arrays: a captured ``tf.constant`` would become a required input in
    ONNX.
    """
    features, targets, middle = preprocessor.features_, preprocessor.targets_, middle_quantile(network)

    def forecast(window: tf.Tensor) -> dict[str, tf.Tensor]:
        scaled = tf.cast(features.forward(keras.ops, tf.cast(window, tf.float64), "float64"), tf.float32)
        output = tf.cast(network(scaled, training=False), tf.float64)
        if middle is None:
            return {FORECAST: tf.cast(targets.inverse(keras.ops, output, "float64"), dtype)}
        columns_last = tf.transpose(output, (0, 1, 3, 2))
        return _named(
            tf.cast(tf.transpose(targets.inverse(keras.ops, columns_last, "float64"), (0, 1, 3, 2)), dtype), middle
        )

    return forecast


def _named(quantiles: tf.Tensor, middle: int) -> dict[str, tf.Tensor]:
    """The quantiles, (batch, horizon, n_targets, n_quantiles), and the middle one as the forecast."""
    return {FORECAST: quantiles[..., middle], QUANTILES: quantiles}


def default_function(network: keras.Model, preprocessor: Preprocessor, dtype: str) -> ServingFunction:
    """What ``serving_default`` and ONNX compute: raw to raw, or scaled to scaled where a scaler has no tensor form."""
    if preprocessor.units == "raw":
        return raw_function(network, preprocessor, dtype)
    return scaled_function(network)


def scaled_function(network: keras.Model) -> ServingFunction:
    """Return a function from scaled float32 windows to scaled float32 forecasts."""
    middle = middle_quantile(network)

    def forecast(window: tf.Tensor) -> dict[str, tf.Tensor]:
        output = network(window, training=False)
        return {FORECAST: output} if middle is None else _named(output, middle)

    return forecast


def input_spec(network: keras.Model, dtype: str) -> tf.TensorSpec:
    """The graph's one input: (batch, window, n_features)."""
    return tf.TensorSpec(network.input_shape, dtype, name=INPUT)
