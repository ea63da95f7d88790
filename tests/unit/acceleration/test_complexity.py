"""Parameters and multiply-adds are those that one counts by hand."""

from __future__ import annotations

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, ops

from zoo.acceleration.complexity import Complexity, complexity

WINDOW, FEATURES = 7, 3


def network(*stack, window=WINDOW, features=FEATURES):
    x = inputs = keras.Input((window, features))
    for layer in stack:
        x = layer(x)
    return keras.Model(inputs, x)


def products(*stack, **sizes):
    found = complexity(network(*stack, **sizes))
    assert found.uncounted == ()
    return found.multiply_adds


@settings(max_examples=15, deadline=None)
@given(window=st.integers(1, 9), features=st.integers(1, 5), units=st.integers(1, 8), sequences=st.booleans())
def test_recurrent_layers(window, features, units, sequences):
    u, f = units, features
    for kind, parameters, gates in (
        (layers.LSTM, 4 * (u * (u + f) + u), 4),
        (layers.GRU, 3 * (u * (u + f) + 2 * u), 3),  # two biases, as the reset is after the product
        (layers.SimpleRNN, u * (u + f) + u, 1),
    ):
        found = complexity(network(kind(units, return_sequences=sequences), window=window, features=features))
        assert found == Complexity(parameters, window * gates * u * (u + f))


def test_both_directions():
    assert products(layers.Bidirectional(layers.LSTM(5))) == 2 * WINDOW * 4 * 5 * (5 + FEATURES)


def test_dense_layers():
    assert products(layers.Flatten(), layers.Dense(5)) == WINDOW * FEATURES * 5
    assert products(layers.Dense(5)) == WINDOW * FEATURES * 5  # of each row
    assert products(layers.TimeDistributed(layers.Dense(5))) == WINDOW * FEATURES * 5
    assert products(layers.EinsumDense("bwf,wfh->bfh", (FEATURES, 5))) == FEATURES * WINDOW * 5
    assert products(layers.EinsumDense("...f,fu->...u", 5)) == WINDOW * FEATURES * 5


@pytest.mark.parametrize(("padding", "rows"), [("causal", WINDOW), ("same", WINDOW), ("valid", WINDOW - 3)])
def test_convolutions(padding, rows):
    found = complexity(network(layers.Conv1D(6, 4, padding=padding)))
    assert found == Complexity(4 * FEATURES * 6 + 6, rows * 4 * FEATURES * 6)
    assert products(layers.Conv1D(6, 4, padding=padding, groups=3)) == rows * 4 * 6


@pytest.mark.parametrize("kind", [layers.Attention, layers.AdditiveAttention])
def test_attention(kind):
    """A row against each of the window's: a product for the match, and one for the mean."""
    inputs = keras.Input((WINDOW, FEATURES))
    model = keras.Model(inputs, kind()([inputs[:, -2:], inputs]))
    assert complexity(model).multiply_adds == 2 * 2 * WINDOW * FEATURES
    narrow = layers.Dense(2)
    model = keras.Model(inputs, kind()([narrow(inputs[:, -2:]), inputs, narrow(inputs)]))
    assert complexity(model).multiply_adds == 2 * WINDOW * (2 + FEATURES) + (2 + WINDOW) * FEATURES * 2


def test_operations():
    inputs = keras.Input((WINDOW, FEATURES))
    model = keras.Model(inputs, ops.matmul(inputs, ops.transpose(inputs, (0, 2, 1))))
    assert complexity(model) == Complexity(0, WINDOW * WINDOW * FEATURES)
    model = keras.Model(inputs, ops.einsum("bwf,bvf->bwv", inputs, inputs))
    assert complexity(model) == Complexity(0, WINDOW * WINDOW * FEATURES)
    assert complexity(keras.Model(inputs, ops.tanh(inputs * 2 + 1))) == Complexity(0, 0)


@pytest.mark.parametrize("subscripts", ["...wf,...vf->...wv", "...f,bvf->...v", "bwf,bvf->wv", "bwf,bvf"])
def test_sums_that_name_not_every_axis(subscripts):
    """Of one window: the batch's axis is 1, whether it stays or is summed over."""
    inputs = keras.Input((WINDOW, FEATURES))
    assert complexity(keras.Model(inputs, ops.einsum(subscripts, inputs, inputs))).multiply_adds == (
        WINDOW * WINDOW * FEATURES
    )


def test_layers_called_by_keywords():
    inputs = keras.Input((WINDOW, FEATURES))
    inner = keras.Sequential([keras.Input((WINDOW, 2)), layers.LSTM(4)])
    model = keras.Model(inputs, inner(inputs=layers.Dense(2)(inputs=inputs)))
    assert complexity(model).multiply_adds == WINDOW * FEATURES * 2 + WINDOW * 4 * 4 * (4 + 2)


def test_rows_that_are_folded_into_the_batch_count_each():
    inputs = keras.Input((WINDOW, FEATURES))
    columns = ops.reshape(ops.transpose(inputs, (0, 2, 1)), (-1, WINDOW, 1))  # (batch * features, window, 1)
    model = keras.Model(inputs, layers.GRU(4)(columns))
    assert complexity(model).multiply_adds == FEATURES * WINDOW * 3 * 4 * (4 + 1)


def test_a_layer_that_is_called_twice_counts_twice_and_has_its_parameters_once():
    inputs = keras.Input((WINDOW, FEATURES))
    layer = layers.LSTM(4, return_sequences=True)
    model = keras.Model(inputs, layer(inputs) + layer(inputs[:, ::-1]))
    assert complexity(model) == Complexity(4 * (4 * (4 + FEATURES) + 4), 2 * WINDOW * 4 * 4 * (4 + FEATURES))


def test_networks_inside_networks():
    inner = keras.Sequential([keras.Input((WINDOW, 1)), layers.LSTM(4), layers.Dense(2)])
    inputs = keras.Input((WINDOW, FEATURES))
    columns = ops.reshape(ops.transpose(inputs, (0, 2, 1)), (-1, WINDOW, 1))
    found = complexity(keras.Model(inputs, inner(columns)))
    assert found.multiply_adds == FEATURES * (WINDOW * 4 * 4 * (4 + 1) + 4 * 2)
    assert complexity(inner).multiply_adds == WINDOW * 4 * 4 * (4 + 1) + 4 * 2


def test_layers_without_products_count_nothing_and_unknown_ones_are_named():
    quiet = (layers.Dropout(0.5), layers.LayerNormalization(), layers.ReLU(), layers.AveragePooling1D(2))
    assert products(*quiet) == 0
    found = complexity(network(layers.PReLU(), layers.Dense(2), layers.SeparableConv1D(2, 3), layers.PReLU()))
    assert found.uncounted == ("PReLU", "SeparableConv1D")
    assert found.multiply_adds == WINDOW * FEATURES * 2


def test_the_network_stays_as_it_is():
    model = network(layers.LSTM(4), layers.Dense(2))
    layer, weights = model.layers[1], model.get_weights()
    complexity(model)
    assert len(layer._inbound_nodes) == 1
    assert all((one == two).all() for one, two in zip(weights, model.get_weights(), strict=True))
