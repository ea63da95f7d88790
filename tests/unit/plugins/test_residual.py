"""Residual LSTM."""

import numpy as np
import pytest

WINDOWS = np.random.default_rng(0).normal(size=(3, 6, 3)).astype(np.float32)


def recurrent(model):
    return [layer for layer in model.layers if type(layer).__name__ == "LSTM"]


@pytest.mark.parametrize("layers", [2, 5])
def test_normalization_before_each_layer_but_the_first(layers, network, layers_of):
    kinds = [kind for kind in layers_of(network("residual", layers=layers, units=4)) if kind != "GetItem"]
    further = ["LayerNormalization", "LSTM 4", "Add"] * (layers - 1)
    assert kinds == ["LSTM 4", *further, "Dense 8", "Reshape"]


@pytest.mark.parametrize("layers", [2, 4])
def test_what_a_layer_reads_goes_past_it_unchanged(layers, network):
    """LSTM layers whose weights are 0 add 0: what the head reads is the first layer's last state."""
    import keras

    model = network("residual", layers=layers, units=4)
    first, *others = recurrent(model)
    for layer in others:
        layer.set_weights([np.zeros_like(value) for value in layer.get_weights()])
    states, read = keras.Model(model.input, [first.output, model.get_layer("head").input])(WINDOWS)
    np.testing.assert_array_equal(read, states[:, -1])


def test_further_layers_read_normalized_rows(network):
    import keras

    model = network("residual", layers=2, units=8)
    first, second = recurrent(model)
    states, read = (np.asarray(rows) for rows in keras.Model(model.input, [first.output, second.input])(WINDOWS))
    beyond = states - states.mean(-1, keepdims=True)
    expected = beyond / np.sqrt(np.square(beyond).mean(-1, keepdims=True) + 1e-3)  # Keras' epsilon
    np.testing.assert_allclose(read, expected, rtol=0, atol=1e-5)
