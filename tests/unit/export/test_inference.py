"""The network as it is served: no recurrent dropout at any depth, nothing else changed."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from zoo.export.inference import in_float32, inference_network
from zoo.keras_internals import flatten_layers


def stacked():
    first = layers.LSTM(3, recurrent_dropout=0.3, dropout=0.2, return_sequences=True)
    return [first, layers.Dropout(0.4), layers.GRU(2, recurrent_dropout=0.1)]


def bidirectional():
    backward = layers.LSTM(3, recurrent_dropout=0.5, go_backwards=True)
    return [layers.Bidirectional(layers.LSTM(3, recurrent_dropout=0.3), backward_layer=backward)]


def cells():
    return [layers.RNN([layers.LSTMCell(3, recurrent_dropout=0.3), layers.LSTMCell(2, recurrent_dropout=0.1)])]


def nested():
    inner = keras.Sequential([keras.Input((None, 2)), layers.LSTM(3, recurrent_dropout=0.3, return_sequences=True)])
    return [inner, layers.BatchNormalization(), layers.LSTM(2)]


def without_dropout():
    return [layers.Bidirectional(layers.LSTM(3)), layers.Dense(4, activation="relu")]


def functional(stack):
    x = window = keras.Input((6, 2), name="window")
    for layer in stack:
        x = layer(x)
    return keras.Model(window, layers.Dense(2)(x))


def sequential(stack):
    return keras.Sequential([keras.Input((6, 2)), *stack, layers.Dense(2)])


def recurrent_dropouts(config):
    """Every value of that name, at any depth."""
    if isinstance(config, dict):
        own = [config["recurrent_dropout"]] if "recurrent_dropout" in config else []
        return own + [found for value in config.values() for found in recurrent_dropouts(value)]
    return [found for value in config for found in recurrent_dropouts(value)] if isinstance(config, list) else []


@pytest.mark.parametrize("make", [functional, sequential])
@pytest.mark.parametrize("stack", [stacked, bidirectional, cells, nested, without_dropout])
def test_the_copy_has_no_recurrent_dropout_and_gives_the_same(make, stack, randomized):
    network = make(stack())
    if stack is not nested:  # whose moving variance must stay positive
        randomized(network)
    config, weights = network.get_config(), network.get_weights()
    assert any(recurrent_dropouts(config)) == (stack is not without_dropout)
    copy = inference_network(network)

    assert set(recurrent_dropouts(copy.get_config())) == {0.0}
    assert not any(getattr(layer, "recurrent_dropout", 0) for layer in flatten_layers(copy))
    for mine, theirs in zip(copy.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    windows = np.random.default_rng(1).normal(size=(5, 6, 2)).astype(np.float32)
    np.testing.assert_allclose(copy(windows), network(windows), rtol=0, atol=1e-6)
    assert (copy.input_shape, copy.output_shape) == (network.input_shape, network.output_shape)

    assert network.get_config() == config, "the original stays as it is"
    for before, after in zip(weights, network.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_the_copy_does_not_use_cudnn():
    network = functional([layers.Bidirectional(layers.LSTM(2, return_sequences=True)), layers.GRU(2)])
    assert {layer.use_cudnn for layer in flatten_layers(network) if hasattr(layer, "use_cudnn")} == {"auto"}
    copy = inference_network(network)
    switches = [layer.use_cudnn for layer in flatten_layers(copy) if hasattr(layer, "use_cudnn")]
    assert switches == [False] * 3


def test_recurrent_layers_draw_no_random_numbers_and_other_layers_stay():
    copy = inference_network(functional([layers.LSTM(2, dropout=0.25, recurrent_dropout=0.25), layers.Dropout(0.5)]))
    assert [getattr(layer, "dropout", getattr(layer, "rate", None)) for layer in copy.layers[1:3]] == [0.0, 0.5]
    serve = tf.function(lambda window: copy(window, training=False))
    graph = serve.get_concrete_function(tf.TensorSpec((None, 6, 2))).graph
    assert not [operation.type for operation in graph.get_operations() if "Random" in operation.type]


def test_a_copy_in_float32_normalizes_in_nothing_else():
    window = keras.Input((6, 2), name="window")
    exact = keras.ops.cast(window, "float64")
    level = keras.ops.mean(exact, axis=1, keepdims=True) + np.array([0.5, 0.25])
    states = layers.LSTM(3, return_sequences=True)(keras.ops.cast(exact - level, "float32"))
    outputs = keras.ops.cast(keras.ops.cast(layers.Dense(2)(states), "float64") + level, "float32")
    network, windows = keras.Model(window, outputs), np.random.default_rng(0).normal(3, 1, (4, 6, 2)).astype("float32")
    copy = in_float32(network)
    traced = tf.function(copy).get_concrete_function(tf.TensorSpec((4, 6, 2), tf.float32)).graph
    assert not [one.name for one in traced.get_operations() for end in one.outputs if end.dtype == tf.float64]
    np.testing.assert_allclose(copy(windows), network(windows), rtol=1e-5)
