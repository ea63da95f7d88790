"""What an architecture builds is held to its contract."""

from __future__ import annotations

import keras
import pytest

from zoo.models.network import build_network
from zoo_registry.errors import ConfigError, PluginError


class Subclassed(keras.Model):
    """A model that is code, not a graph of layers."""

    def call(self, inputs):
        return inputs


def functional(output, inputs=None):
    def build(hp, shape):
        window = keras.Input(inputs or shape.input)
        flat = keras.layers.Flatten()(window)
        return keras.Model(window, keras.layers.Reshape(output)(keras.layers.Dense(output[0] * output[1])(flat)))

    return build


def two_inputs(hp, shape):
    ends = [keras.Input(shape.input), keras.Input(shape.input)]
    return keras.Model(ends, functional(shape.output)(hp, shape)(ends[0] + ends[1]))


def with_lambda(hp, shape):
    """Keras would train and save it, and then refuse to load it."""
    window = keras.Input(shape.input)
    return keras.Model(window, keras.layers.Lambda(lambda x: x[:, :3, :1])(window))


def named_output(hp, shape):
    network = functional(shape.output)(hp, shape)
    return keras.Model(network.input, {"forecast": network.output})


def build_with(make_architecture, shape, build, **fields):
    architecture = make_architecture(build, **fields)
    return build_network(architecture, architecture.configure({}), shape)


def sequential(*first):
    layers = [keras.layers.LSTM(2), keras.layers.Dense(3), keras.layers.Reshape((3, 1))]
    return lambda hp, shape: keras.Sequential([*first, *layers])


@pytest.mark.parametrize("build", [functional((3, 1)), sequential(keras.Input((4, 2)))])
def test_a_network(make_architecture, shape, build):
    network = build_with(make_architecture, shape, build)
    assert (network.input_shape, network.output_shape) == ((None, 4, 2), (None, 3, 1))


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (lambda hp, shape: None, "build must return a keras.Model, found NoneType"),
        (lambda hp, shape: keras.layers.LSTM(3), "build must return a keras.Model, found LSTM"),
        (lambda hp, shape: Subclassed(), "build must return a functional or sequential model, found Subclassed"),
        (functional((3, 2)), r"the network's output must have shape \(None, 3, 1\), found \(None, 3, 2\)"),
        (functional((1, 3)), r"the network's output must have shape \(None, 3, 1\), found \(None, 1, 3\)"),
        (functional((3, 1), (5, 2)), r"the network's input must have shape \(None, 4, 2\), found \(None, 5, 2\)"),
        (two_inputs, r"the network's input must have shape \(None, 4, 2\), found \["),
        (with_lambda, "Lambda"),
        (named_output, "output"),
        (sequential(), "the network does not know its input"),
    ],
)
def test_other_things(make_architecture, shape, build, complaint):
    with pytest.raises(PluginError, match=f"architecture 'mine': .*{complaint}"):
        build_with(make_architecture, shape, build)


def test_a_combination_that_the_architecture_refuses(make_architecture, shape):
    built = []

    def check(hp, shape):
        raise ValueError(f"window {shape.window} is shorter than 5")

    with pytest.raises(ConfigError, match="architecture 'mine' cannot be built like this: window 4 is shorter than 5"):
        build_with(make_architecture, shape, lambda hp, shape: built.append(1), check=check)
    assert not built


def test_a_combination_that_it_allows(make_architecture, shape):
    seen = []
    build_with(make_architecture, shape, functional((3, 1)), check=lambda hp, shape: seen.append(shape))
    assert seen == [shape]
