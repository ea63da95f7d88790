"""LSTM and GRU layers become native ONNX nodes that give what Keras gives."""

from __future__ import annotations

from collections import Counter

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
import tf2onnx
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from keras.layers import GRU, LSTM, Bidirectional

from zoo.export.formats import OPSET
from zoo.export.inference import inference_network
from zoo.export.native_recurrence import ACTIVATIONS, native_recurrence
from zoo.export.operators import nodes_of
from zoo.keras_internals import flatten_layers

WINDOW, FEATURES = 5, 2


def functional(*stack, window=WINDOW, features=FEATURES, seed=0):
    """A network whose weights, biases too, are random."""
    x = inputs = keras.Input((window, features))
    for layer in stack:
        x = layer(x)
    network = keras.Model(inputs, layers.Dense(2)(x))
    random = np.random.default_rng(seed)
    network.set_weights([random.normal(0, 0.5, weight.shape) for weight in network.get_weights()])
    return network


def convert(network):
    """The ONNX graph of the network as it is served."""
    served = inference_network(network)
    spec = tf.TensorSpec((None, *network.input_shape[1:]), "float32", name="window")
    with native_recurrence(served) as handlers:
        function = tf.function(lambda window: {"forecast": served(window, training=False)})
        model, _ = tf2onnx.convert.from_function(
            function, input_signature=[spec], opset=OPSET, custom_op_handlers=handlers
        )
    onnx.checker.check_model(model, full_check=True)
    return model


def operators(model):
    return Counter(node.op_type for node in nodes_of(model.graph))


def difference(network, model, seed=1):
    """The largest difference from Keras, at batch sizes 1 and 7."""
    session = onnxruntime.InferenceSession(model.SerializeToString())
    worst = 0.0
    for batch in (1, 7):
        windows = np.random.default_rng(seed).normal(size=(batch, *network.input_shape[1:])).astype(np.float32)
        (found,) = session.run(None, {session.get_inputs()[0].name: windows})
        assert found.shape == (batch, 2)
        worst = max(worst, float(np.abs(found - network(windows, training=False)).max()))
    return worst


@settings(max_examples=12, deadline=None)
@given(
    units=st.integers(1, 9),
    window=st.integers(1, 12),
    features=st.integers(1, 5),
    kind=st.sampled_from([GRU, LSTM]),
    use_bias=st.booleans(),
    backwards=st.booleans(),
    sequences=st.booleans(),
    gate=st.sampled_from(["sigmoid", "hard_sigmoid"]),
    more=st.fixed_dictionaries({"reset_after": st.booleans()}),
)
def test_any_shape_and_setting(units, window, features, kind, use_bias, backwards, sequences, gate, more):
    settings = {"use_bias": use_bias, "go_backwards": backwards, "recurrent_activation": gate, "recurrent_dropout": 0.2}
    first = kind(units, return_sequences=sequences, **settings, **(more if kind is GRU else {}))
    network = functional(first, *([GRU(3)] if sequences else []), window=window, features=features, seed=units)
    model = convert(network)
    found = operators(model)
    assert found["Loop"] == found["Scan"] == found["If"] == 0
    assert found["GRU"] + found["LSTM"] == 1 + sequences
    assert difference(network, model) <= 1e-5


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_gru_in_both_directions(reset_after, dropout):
    drops = {"dropout": dropout, "recurrent_dropout": dropout}
    network = functional(
        Bidirectional(GRU(3, reset_after=reset_after, return_sequences=True, **drops)),
        Bidirectional(GRU(2, reset_after=reset_after, **drops), merge_mode="sum"),
    )
    model = convert(network)
    assert operators(model)["GRU"] == 4
    assert operators(model)["Loop"] == 0
    assert difference(network, model) <= 1e-5
    flags = {a.i for node in model.graph.node for a in node.attribute if a.name == "linear_before_reset"}
    assert flags == ({1} if reset_after else {0})


@pytest.mark.parametrize("kind", [GRU, LSTM])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(kind, activation):
    network = functional(kind(3, activation=activation, recurrent_activation="hard_sigmoid"))
    model = convert(network)
    assert operators(model)[kind.__name__] == 1
    assert difference(network, model) <= 1e-5


@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_states_unrolling_and_sharing(kind):
    inputs = keras.Input((WINDOW, FEATURES))
    encoder = kind(3, return_state=True, unroll=True)
    _, *states = encoder(inputs)
    decoder = kind(3, return_sequences=True, use_bias=False)
    steps = decoder(inputs, initial_state=states)
    again = decoder(layers.ZeroPadding1D(1)(inputs), initial_state=states)  # the same weights, another length
    joined = layers.Concatenate()([layers.Flatten()(steps), layers.Flatten()(again), *states])
    network = keras.Model(inputs, layers.Dense(2)(joined))
    model = convert(network)
    assert operators(model)[kind.__name__] == 3
    assert operators(model)["Loop"] == 0
    assert difference(network, model) <= 1e-5


def test_an_lstm_as_it_is_by_default_is_left_to_the_converter():
    network = functional(Bidirectional(LSTM(3, return_sequences=True)), LSTM(2))
    served = inference_network(network)
    with native_recurrence(served):
        assert not any("inner_loop" in vars(layer) for layer in flatten_layers(served))
    model = convert(network)
    assert operators(model)["LSTM"] == 2, "one for both directions, one for the second layer"
    assert difference(network, model) <= 1e-5


@pytest.mark.parametrize(
    "stack",
    [
        pytest.param([GRU(2, activation="swish")], id="an activation that ONNX does not have"),
        pytest.param([layers.Masking(), GRU(2)], id="a mask"),
        pytest.param([layers.SimpleRNN(2)], id="another layer"),
    ],
)
def test_what_has_no_counterpart_is_a_loop_with_the_same_values(stack):
    network = functional(*stack)
    model = convert(network)
    assert operators(model)["Loop"] == 1
    assert operators(model)["GRU"] == 0
    assert difference(network, model) <= 1e-5


def test_the_layers_are_afterwards_as_before():
    served = inference_network(functional(GRU(3, return_sequences=True), Bidirectional(GRU(2))))
    windows = np.ones((1, WINDOW, FEATURES), np.float32)
    expected = served(windows)
    with native_recurrence(served):
        assert sum("inner_loop" in vars(layer) for layer in flatten_layers(served)) == 3
    assert not any("inner_loop" in vars(layer) for layer in flatten_layers(served))
    np.testing.assert_array_equal(served(windows), expected)
