"""A network's own classes and functions are found where its file names them, and no others in their place."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.export.inference import inference_network
from zoo.training.custom_objects import custom_objects, load_with, names_of
from zoo_registry.errors import RunError


class Scale(keras.layers.Layer):
    def __init__(self, factor, **settings):
        super().__init__(**settings)
        self.factor = factor

    def call(self, values):
        return values * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


class Ones(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return keras.ops.ones(shape, dtype)


def tripled(values):
    return values * 3


def registered(factor):
    """A new class at each call, registered under one name, as two plugins may do."""

    @keras.saving.register_keras_serializable("Custom")
    class Twin(keras.layers.Layer):
        def call(self, values):
            return values * factor

    return Twin


TWIN = registered(2.0)


def network(twin=TWIN):
    inputs = keras.Input((4, 2))
    hidden = keras.layers.Dense(3, activation=tripled, kernel_initializer=Ones())(inputs)
    cell = keras.layers.SimpleRNN(2, activation=tripled, kernel_initializer=Ones(), recurrent_initializer=Ones())
    return keras.Sequential([keras.Model(inputs, twin()(Scale(2.0)(hidden))), cell])


@pytest.fixture
def saved(tmp_path):
    model = network()
    model.compile(loss=tripled)  # of which loading needs nothing
    model.save(tmp_path / "network.keras")
    windows = np.arange(16, dtype=np.float32).reshape(2, 4, 2)
    return tmp_path / "network.keras", windows, np.asarray(model(windows))


def test_repair_02_nothing_has_to_be_registered(saved):
    path, windows, expected = saved
    assert names_of(path) == {"Scale", "Ones", "tripled", "Custom>Twin"}
    assert (np.asarray(load_with(path, network, "run one")(windows)) == expected).all()


def test_repair_02_a_class_of_another_plugin_is_not_taken(saved):
    path, windows, expected = saved
    registered(5.0)
    try:
        assert (np.asarray(load_with(path, network, "run one")(windows)) == expected).all()
        assert (np.asarray(inference_network(network())(windows)) == expected).all()
    finally:
        keras.saving.register_keras_serializable("Custom")(TWIN)


def test_repair_02_what_the_architecture_lacks_is_named(saved):
    path, *_ = saved

    def another():
        return keras.Sequential([keras.Input((4, 2)), Scale(2.0)])

    with pytest.raises(RunError, match=r"^run one: network\.keras names Custom>Twin, Ones, tripled, of which the"):
        load_with(path, another, "run one")


def test_repair_02_a_network_of_keras_alone_needs_no_architecture(tmp_path):
    model = keras.Sequential([keras.Input((4, 2)), keras.layers.LSTM(2, activation="gelu"), keras.layers.Dense(1)])
    model.save(tmp_path / "network.keras")
    assert custom_objects(model) == {}
    assert names_of(tmp_path / "network.keras") == set()
    load_with(tmp_path / "network.keras", lambda: pytest.fail("it is built"), "run one")
