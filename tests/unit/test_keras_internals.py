"""The private names of Keras and TensorFlow that the zoo relies on: a version that lacks one fails here first."""

from __future__ import annotations

import random
import subprocess
import sys
import tomllib
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from packaging.requirements import Requirement
from packaging.version import Version

from zoo.keras_internals import (
    DROPOUT_MASK,
    INNER_LOOP,
    TRIED,
    create_dropout_mask,
    flatten_layers,
    global_seed_generator,
    keep_graphs,
    keep_keras_seeds,
    keep_tensorflow_seeds,
    layer_seeds,
    standing_in,
    tensorflow_ran,
)

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.mark.parametrize("name", TRIED)
def test_tried(name):
    """The project asks for the minor version that was tried, and for none after it."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    (wanted,) = (one for one in map(Requirement, project["dependencies"]) if one.name == name)
    major, minor = Version(TRIED[name]).release
    assert wanted.specifier.contains(f"{major}.{minor}.99")
    assert not wanted.specifier.contains(f"{major}.{minor + 1}")
    assert Version(version(name)).release[:2] == (major, minor)


def test_flatten_layers():
    inner = keras.layers.LSTM(2, dropout=0.5)
    both = keras.layers.Bidirectional(inner)
    model = keras.Sequential([keras.Input((3, 2)), both, keras.Sequential([keras.layers.Dense(1)])])
    found = flatten_layers(model)
    assert found[0] is model
    assert {both, both.forward_layer, both.backward_layer, both.forward_layer.cell} <= set(found)
    assert sum(isinstance(layer, keras.layers.Dense) for layer in found) == 1
    assert len({id(layer) for layer in found}) == len(found)


def test_function():
    """What a functional network is, and a sequential one is not, by a public name."""
    inputs = keras.Input((1,))
    assert isinstance(keras.Model(inputs, inputs * 2), keras.Function)
    assert not isinstance(keras.Sequential([inputs]), keras.Function)


@pytest.mark.parametrize("kind", [keras.layers.LSTM, keras.layers.GRU])
def test_dropout_mask(kind):
    """A cell draws its mask by this method, for inputs and for states."""
    layer = kind(2, dropout=0.5, recurrent_dropout=0.5)
    asked = []

    def create(like, rate):
        asked.append(rate)
        return create_dropout_mask(layer.cell, like, rate)

    with standing_in([(layer.cell, DROPOUT_MASK, create)]):
        layer(tf.ones((1, 3, 4)), training=True)
    assert asked == [0.5, 0.5], "once for all steps"
    masks = tf.nest.flatten(layer.cell.get_dropout_mask(tf.ones((50, 4))))  # as fused layers ask for it
    assert set(np.ravel(masks)) == {0.0, 2.0}


@pytest.mark.parametrize("kind", [keras.layers.LSTM, keras.layers.GRU])
def test_inner_loop(kind):
    """A layer goes through the steps by this method, and gives what it gives."""
    layer = kind(2, return_sequences=True, return_state=True)
    given = tf.random.stateless_normal((1, 3, 4), (1, 2))
    outputs, *states = layer(given)

    def inner_loop(sequences, initial_state, mask, training=False):
        last, outputs, states = type(layer).inner_loop(layer, sequences, initial_state, mask, training=training)
        np.testing.assert_array_equal(sequences, given)
        assert mask is None
        assert [state.shape for state in tf.nest.flatten(initial_state)] == [(1, 2)] * len(states)
        return last, outputs + 1, [state + 2 for state in states]

    with standing_in([(layer, INNER_LOOP, inner_loop)]):
        changed, *ends = layer(given)
    np.testing.assert_array_equal(changed, outputs + 1)
    for end, state in zip(ends, states, strict=True):
        np.testing.assert_array_equal(end, state + 2)


def test_standing_in():
    """Keras takes nothing of what a function holds for a part of the layer, and the layer is afterwards as before."""
    layer, other = keras.layers.Dense(1), keras.layers.Dense(1)
    other.build((None, 1))
    kept = dict(vars(layer))
    with suppress(KeyError), standing_in([(layer, "call", lambda inputs, held=other: held(inputs))]):
        assert layer.weights == []
        raise KeyError
    assert vars(layer) == kept


def test_global_seed_generator():
    keras.utils.set_random_seed(3)
    state = global_seed_generator().state
    kept = np.asarray(state)
    first = np.asarray(keras.random.normal((2,)))
    assert not np.array_equal(state, kept)
    state.assign(kept)
    np.testing.assert_array_equal(keras.random.normal((2,)), first)


def layer_seed() -> int:
    return int(keras.layers.Dropout(0.5).seed_generator.state[0])


def test_layer_seeds():
    """Layers draw their seeds of the own generator, and afterwards of Python's again."""
    random.seed(3)
    expected = layer_seed(), layer_seed()
    random.seed(5)
    with layer_seeds(3):
        assert (layer_seed(), layer_seed()) == expected
    random.seed(3)
    assert (layer_seed(), layer_seed()) == expected


def test_keep_keras_seeds():
    keras.utils.set_random_seed(3)
    generator = global_seed_generator()
    put_back = keep_keras_seeds()
    keras.utils.set_random_seed(4)
    assert global_seed_generator() is not generator
    put_back()
    assert global_seed_generator() is generator


def drawn() -> float:
    return float(tf.random.normal(()))


def test_keep_tensorflow_seeds():
    tf.random.set_seed(3)
    drawn()
    put_back = keep_tensorflow_seeds()
    expected = drawn()
    tf.random.set_seed(4)
    tf.config.experimental.enable_op_determinism()
    drawn()
    put_back()
    assert drawn() == expected


@pytest.mark.parametrize("deterministic", [False, True])
def test_keep_tensorflow_determinism(deterministic):
    """An operation without a seed is refused where TensorFlow computes deterministically."""
    from tensorflow.python.framework import config

    before = config.is_op_determinism_enabled()
    try:
        (config.enable_op_determinism if deterministic else config.disable_op_determinism)()
        put_back = keep_tensorflow_seeds()
        tf.config.experimental.enable_op_determinism()
        put_back()
        assert config.is_op_determinism_enabled() == deterministic
    finally:
        (config.enable_op_determinism if before else config.disable_op_determinism)()


def test_keep_graphs():
    """Symbols that are made meanwhile are in a graph of their own, and custom gradients of it are forgotten."""
    from tensorflow.python.framework import ops

    @tf.custom_gradient
    def doubled(value):
        return value * 2, lambda upstream: upstream * value

    function = tf.function(lambda value: doubled(value), autograph=False)
    usual, known = tf.compat.v1.get_default_graph(), set(ops.gradient_registry.list())
    put_back = keep_graphs()
    assert tf.compat.v1.get_default_graph() is not usual
    function.get_concrete_function(tf.TensorSpec((), tf.float32))
    assert set(ops.gradient_registry.list()) > known
    put_back()
    assert tf.compat.v1.get_default_graph() is usual
    assert set(ops.gradient_registry.list()) == known


def test_tensorflow_ran():
    """Known in a process of its own, before and after; to import the file loads neither Keras nor TensorFlow."""
    code = """
import sys
from zoo.keras_internals import tensorflow_ran
assert not {"keras", "tensorflow"} & sys.modules.keys()
import tensorflow as tf
before = tensorflow_ran()
tf.constant(1.0)
print(before, tensorflow_ran())
"""
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.split() == ["False", "True"]
    tf.constant(1.0)
    assert tensorflow_ran()
