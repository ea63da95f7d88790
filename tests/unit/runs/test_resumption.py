"""Every generator goes on where it was, and a checkpoint of another network is told."""

from __future__ import annotations

import random
from contextlib import suppress

import keras
import numpy as np
import pytest

from zoo.runs.claiming import begin_run, reopen_run
from zoo.runs.record import Origin
from zoo.runs.resumption import Start, first_difference, not_finite, variables_of
from zoo.settings.schema import TrainingConfig
from zoo.training.trainer import fit
from zoo_registry import Entry
from zoo_registry.errors import ConfigError, RunError


class Killed(BaseException):
    """As SIGKILL: nothing of ours is done about it."""


def test_generators_beside_the_networks(make_architecture, prepared, trained, tmp_path):
    """What keras.random draws from without a seed, and what a callback draws from Python and NumPy."""

    class Noise(keras.layers.Layer):
        def call(self, inputs):
            return inputs + keras.random.normal((1,))

    class Shake(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            shift = random.gauss() + np.random.normal()  # noqa: NPY002 - the generator that Keras seeds
            self.model.set_weights([weight + shift for weight in self.model.get_weights()])

    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise Killed

    def build(hp, shape):
        window = keras.Input(shape.input)
        return keras.Model(window, keras.layers.Reshape(shape.output)(keras.layers.Dense(3)(Noise()(window[:, -1]))))

    architecture = make_architecture(build)
    config = TrainingConfig(epochs=4, keep="last")
    whole = fit(architecture, architecture.configure({}), prepared, config, [Shake()]).model.get_weights()
    with suppress(Killed), begin_run(tmp_path, trained.config, Entry(architecture, "a", "b", "1"), "") as run:
        fit(architecture, architecture.configure({}), prepared, config, [Shake(), Kill()], run=run)
    assert run.epoch == 2
    with reopen_run("latest", tmp_path) as run:
        fitted = fit(architecture, architecture.configure({}), prepared, config, [Shake()], run=run)
    for one, other in zip(whole, fitted.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def dense(units):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units), keras.layers.Dropout(0.5)])
    model.compile(optimizer="adam", loss="mse")
    return model


def test_all_that_a_training_changes():
    groups = variables_of(dense(3))
    assert [variable.shape for variable in groups["weights"]] == [(2, 3), (3,)]
    assert ["seed_generator_state" in variable.path for variable in groups["random"]] == [True, True]
    assert len(groups["optimizer"]) == 2 + 2 * 2, "steps, rate, and two moments of each weight"


def test_weights_that_do_not_fit():
    model = dense(3)
    assert first_difference(model.weights, model.get_weights()) is None
    found, origin = [np.zeros((2, 3)), np.zeros(4)], Origin(run="a-run", epoch=1)
    message = r"`start_from` a-run: expected '.*/bias' of shape \(3,\), found \(4,\); give the hyperparameters"
    with pytest.raises(ConfigError, match=message):
        Start(origin, found).put_into(model)
    with pytest.raises(ConfigError, match="expected 2 variables, found 1; give"):
        Start(origin, found[:1]).put_into(model)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_first_weight_that_is_not_finite(value):
    model = dense(3)
    assert not_finite(model) is None
    model.set_weights([np.zeros((2, 3)), np.array([0, value, 0])])
    assert not_finite(model).endswith("bias")


def test_a_checkpoint_of_another_network(make_architecture, prepared, trained, tmp_path):
    def build(units):
        def make(hp, shape):
            window = keras.Input(shape.input)
            hidden = keras.layers.Dense(units)(window[:, -1])
            return keras.Model(window, keras.layers.Reshape(shape.output)(keras.layers.Dense(3)(hidden)))

        return make_architecture(make)

    config = TrainingConfig(epochs=1)
    with suppress(Killed), begin_run(tmp_path, trained.config, Entry(build(2), "a", "b", "1"), "") as run:
        fit(build(2), build(2).configure({}), prepared, config, run=run)
        raise Killed
    message = r"checkpoint-1: expected '.*kernel' of shape \(2, 5\), found \(2, 2\); the network is not the one"
    with pytest.raises(RunError, match=message), reopen_run("latest", tmp_path) as run:
        fit(build(5), build(5).configure({}), prepared, config, run=run)
    assert run.epoch == 1
