"""A network's own classes and functions are found where its file names them, and no others in their place."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.export.inference import inference_network
from zoo.models.custom_objects import check_loadable, custom_objects, load_with, names_of
from zoo.settings.schema import TrainingConfig
from zoo.training.trainer import fit
from zoo_registry import head
from zoo_registry.errors import PluginError, RunError


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


def scaled_by(factor):
    def scaled(values):
        return values * factor

    return scaled


class Forgetful(Scale):
    def __init__(self, factor=1.0, **settings):
        super().__init__(factor, **settings)

    def get_config(self):
        return keras.layers.Layer.get_config(self)


class Bare(keras.layers.Layer):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor


def hidden(*layers):
    return keras.Sequential([keras.Input((4, 2)), *layers])


def two_functions():
    return hidden(*(keras.layers.Dense(2, activation=scaled_by(factor)) for factor in (2.0, -3.0)))


def two_classes():
    return hidden(type("Twin", (Scale,), {})(2.0), type("Twin", (Scale,), {"call": lambda self, x: x + 1.0})(2.0))


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (two_functions, "holds several things named scaled, which its file could not tell apart"),
        (two_classes, "holds several things named Twin, which"),
        (lambda: hidden(keras.layers.Dense(2, activation=lambda values: values * 2)), "not loaded again: .*no lambda"),
        (lambda: hidden(Bare(2.0)), "not loaded again: "),
        (lambda: hidden(Forgetful(2.0)), "once it is saved and loaded again, the network gives other outputs"),
    ],
)
def test_repair_02_what_its_file_would_not_give_again_is_told_before_a_training(build, said):
    with pytest.raises(PluginError, match=f"^architecture 'mine': .*{said}"):
        check_loadable(build(), "architecture 'mine'")


def test_repair_02_a_network_that_its_file_gives_again_passes():
    check_loadable(network(), "architecture 'mine'")


def test_repair_02_so_a_training_begins_with_it(make_architecture, prepared):
    def build(hp, shape):
        inputs = keras.Input(shape.input)
        return keras.Model(inputs, head(shape)(Forgetful(2.0)(keras.layers.Flatten()(inputs))))

    architecture = make_architecture(build)
    with pytest.raises(PluginError, match=r"^architecture 'mine': once it is saved and loaded again"):
        fit(architecture, architecture.configure({}), prepared, TrainingConfig(epochs=1, patience=0))


@pytest.mark.parametrize(("build", "name"), [(two_functions, "scaled"), (two_classes, "Twin")])
def test_repair_02_a_name_of_several_things_is_not_loaded_as_one_of_them(build, name, tmp_path):
    build().save(tmp_path / "network.keras")
    with pytest.raises(RunError, match=rf"^run one: network\.keras names {name}, and the architecture builds several"):
        load_with(tmp_path / "network.keras", build, "run one")
