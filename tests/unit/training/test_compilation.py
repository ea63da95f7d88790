"""Losses, schedules and optimizers by name."""

from __future__ import annotations

from typing import get_args

import keras
import numpy as np
import pytest

from zoo.options import OptimizerName
from zoo.training.compilation import OPTIMIZERS, make_loss, make_optimizer
from zoo.training.config import TrainingConfig
from zoo_registry import ExponentialSchedule, Hyperparameters, Loss, LossCatalogue, LossContext, LossEntry, discover
from zoo_registry.errors import ConfigError, PluginError, UnknownLossError

CLASSES = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
    "nadam": keras.optimizers.Nadam,
    "lion": keras.optimizers.Lion,
}


def test_every_option_can_be_made():
    assert set(OPTIMIZERS) == set(get_args(OptimizerName)) == set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_optimizers(name):
    optimizer = make_optimizer(TrainingConfig(optimizer=name, learning_rate=0.003), 100)
    assert type(optimizer) is CLASSES[name]
    assert float(optimizer.learning_rate) == pytest.approx(0.003)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize(("steps", "rate"), [(10_000, 0.9), (500, 0.5), (1, 1.0)])
def test_exponential_schedule(name, steps, rate):
    schedule = ExponentialSchedule(steps=steps, rate=rate)
    optimizer = make_optimizer(TrainingConfig(optimizer=name, learning_rate=0.01, schedule=schedule), 30_000)
    for step in (0, 1, 499, 500, 20_000):
        optimizer.iterations.assign(step)
        assert float(optimizer.learning_rate) == pytest.approx(0.01 * rate ** (step / steps), rel=1e-5, abs=1e-12)


@pytest.fixture
def context(shape):
    return LossContext(shape=shape, to_original=abs)


@pytest.fixture
def own_loss_of_a_plugin(monkeypatch):
    """Register ``make`` as the loss ``cubic`` of a plugin."""

    class Power(Hyperparameters):
        power: float = 3.0

    def register(make):
        loss = Loss(name="cubic", summary="Power of the error.", make=make, parameters=Power)
        found = discover()
        catalogue = LossCatalogue([LossEntry(loss, "mine", "my-losses", "1.0")])
        monkeypatch.setattr(
            "zoo.training.loss_names.discover",
            lambda: type(found)(found.manager, found.catalogue, (), found.scalers, catalogue),
        )

    return register


def values_of(shape):
    random = np.random.default_rng(0)
    return random.normal(size=(2, 5, *shape.output)).astype(np.float32) * 2


def test_losses_with_parameters(make_architecture, context, shape):
    truth, forecast = values_of(shape)
    size = np.abs(truth - forecast)
    for text, delta in (("huber", 1), ("huber:delta=0.5", 0.5)):
        loss = make_loss(TrainingConfig(loss=text), make_architecture(), None, context)
        expected = np.where(size <= delta, size**2 / 2, delta * (size - delta / 2)).mean(axis=(1, 2))
        np.testing.assert_allclose(loss(truth, forecast), expected, rtol=1e-5)


def test_an_architectures_own_loss(make_architecture, context):
    asked = []

    def loss(hp, context):
        asked.append((hp, context))
        return lambda y_true, y_pred: (y_true, y_pred, hp)

    own = make_architecture(loss=loss)
    found = make_loss(TrainingConfig(loss="architecture"), own, "hp", context)
    assert found(1, 2) == (1, 2, "hp")
    assert found.__name__ == "loss", "Keras cannot save a lambda that refers to others"
    assert asked == [("hp", context)]
    ones = np.ones((2, 1, 1), np.float32)
    np.testing.assert_array_equal(make_loss(TrainingConfig(loss="mae"), own, "hp", context)(ones, 0 * ones), [1, 1])
    assert len(asked) == 1
    with pytest.raises(ConfigError, match="loss 'architecture' is an architecture's own, and here none has one"):
        make_loss(TrainingConfig(loss="architecture"), make_architecture(), "hp", context)


def test_a_plugins_loss(make_architecture, own_loss_of_a_plugin, context, shape):
    def make(parameters, context):
        return lambda y_true, y_pred: keras.ops.mean(keras.ops.abs(y_true - y_pred) ** parameters.power, axis=(1, 2))

    own_loss_of_a_plugin(make)
    truth, forecast = values_of(shape)
    for text, power in (("cubic", 3), ("cubic:power=4", 4), ("my-losses:cubic:power=2", 2)):
        loss = make_loss(TrainingConfig(loss=text), make_architecture(), None, context)
        expected = (np.abs(truth - forecast) ** power).mean(axis=(1, 2))
        np.testing.assert_allclose(loss(truth, forecast), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda parameters, context: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda parameters, context: None, "TypeError: 'NoneType' object is not callable"),
        (lambda parameters, context: lambda y_true, y_pred: y_true["x"], "Error: "),
        (
            lambda parameters, context: lambda y_true, y_pred: keras.ops.mean(y_true),
            r"ValueError: expected one value for each sample, \(2,\), found \(\)",
        ),
        (
            lambda parameters, context: lambda y_true, y_pred: keras.ops.mean(y_true, axis=0),
            r"ValueError: expected one value for each sample, \(2,\), found \(3, 1\)",
        ),
    ],
)
def test_a_plugins_loss_that_is_none(make_architecture, own_loss_of_a_plugin, context, make, told):
    own_loss_of_a_plugin(make)
    with pytest.raises(PluginError, match=f"^loss 'cubic' cannot be used: .*{told}.*; take another --loss$"):
        make_loss(TrainingConfig(loss="cubic"), make_architecture(), None, context)


def test_a_loss_whose_plugin_is_gone(make_architecture, context):
    config = TrainingConfig(loss="my-losses:cubic:power=2")  # a record of it can be read
    assert config.loss == "my-losses:cubic:power=2"
    with pytest.raises(UnknownLossError, match="there is no loss 'my-losses:cubic'"):
        make_loss(config, make_architecture(), None, context)
