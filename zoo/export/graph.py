"""The serving graph: raw windows -> scaling -> network -> inverse scaling -> raw outputs."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from zoo.bundle.manifest import FORECAST, INPUT
from zoo.preprocessing.preprocessor import Preprocessor

ServingFunction = Callable[[tf.Tensor], dict[str, tf.Tensor]]


def raw_function(network: keras.Model, preprocessor: Preprocessor, dtype: str) -> ServingFunction:
    """Return a function from raw windows to raw forecasts, both of ``dtype``, around the float32 network.

    The scalers' numbers stay NumPy arrays: a captured ``tf.constant`` would become a required input in ONNX.
    """
    features, targets = preprocessor.features_.affine.astype(dtype), preprocessor.targets_.affine.astype(dtype)

    def forecast(window: tf.Tensor) -> dict[str, tf.Tensor]:
        scaled = tf.cast(features.forward(window), tf.float32)
        return {FORECAST: targets.inverse(tf.cast(network(scaled, training=False), dtype))}

    return forecast


def scaled_function(network: keras.Model) -> ServingFunction:
    """Return a function from scaled float32 windows to scaled float32 forecasts."""

    def forecast(window: tf.Tensor) -> dict[str, tf.Tensor]:
        return {FORECAST: network(window, training=False)}

    return forecast


def input_spec(network: keras.Model, dtype: str) -> tf.TensorSpec:
    """The graph's one input: (batch, window, n_features)."""
    return tf.TensorSpec(network.input_shape, dtype, name=INPUT)
