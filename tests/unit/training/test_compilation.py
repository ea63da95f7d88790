"""Losses, schedules and optimizers by name."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.settings.choices import OptimizerName
from zoo.settings.schema import TrainingConfig
from zoo.training.compilation import make_loss, make_optimizer
from zoo_registry import (
    Entry,
    ExponentialSchedule,
    Hyperparameters,
    Loss,
    LossContext,
    Registry,
    SequenceShape,
    discover,
)
from zoo_registry.errors import ConfigError, PluginError, UnknownLossError
from zoo_registry.hyperparameters import validated
from zoo_registry.registry import LOSSES


@pytest.mark.parametrize("name", get_args(OptimizerName))
def test_optimizers_have_their_schedule(name):
    schedule = ExponentialSchedule(steps=500, rate=0.5)
    optimizer = make_optimizer(TrainingConfig(optimizer=name, learning_rate=0.003, schedule=schedule), 30_000)
    assert type(optimizer).__name__.lower() == name
    for step in (0, 1, 500, 20_000):
        optimizer.iterations.assign(step)
        assert float(optimizer.learning_rate) == pytest.approx(0.003 * 0.5 ** (step / 500), rel=1e-5, abs=1e-12)


def test_a_schedule_that_lasts_as_long_as_the_training():
    optimizer = make_optimizer(TrainingConfig(learning_rate=0.01, schedule="cosine:floor=0.1"), 100)
    for step, part in ((0, 1), (50, 0.55), (100, 0.1)):
        optimizer.iterations.assign(step)
        assert float(optimizer.learning_rate) == pytest.approx(0.01 * part)


def stepped(gradients, weights=(1.0, -2.0), **settings):
    """The weights after each step with these gradients."""
    optimizer = make_optimizer(TrainingConfig(**settings), 100)
    variable = keras.Variable(np.array(weights, np.float32))
    found = []
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(np.array(gradient, np.float32))], [variable])
        found.append(variable.numpy())
    return np.array(found)


@pytest.mark.parametrize("name", get_args(OptimizerName))
def test_weight_decay_shrinks_weights(name):
    zero = [(0, 0)] * 3
    decay = {"optimizer": name, "learning_rate": 0.1}
    expected = [np.array([1.0, -2.0]) * (1 - 0.1 * 0.5) ** step for step in (1, 2, 3)]
    np.testing.assert_allclose(stepped(zero, weight_decay=0.5, **decay), expected, rtol=1e-5)
    np.testing.assert_array_equal(stepped(zero, weight_decay=0, **decay), [(1, -2)] * 3)
    left_out = 1 - 0.1 * (0.004 if name == "adamw" else 0)
    np.testing.assert_allclose(stepped(zero, **decay)[0], np.array([1, -2]) * left_out, rtol=1e-5)
    if name == "adam":  # not by the gradient
        np.testing.assert_allclose(stepped([(1, 1)], weight_decay=0.5, **decay), [[0.85, -2.0]], rtol=1e-5)


SGD_OF_1 = {"optimizer": "sgd", "learning_rate": 1.0}


def test_the_norm_is_that_of_all_gradients_together():
    optimizer = make_optimizer(TrainingConfig(clip_norm=1.0, **SGD_OF_1), 100)
    variables = [keras.Variable(np.zeros(1, np.float32)) for _ in range(2)]
    optimizer.apply([keras.ops.convert_to_tensor(np.array([part], np.float32)) for part in (3, 4)], variables)
    assert [float(variable[0]) for variable in variables] == pytest.approx([-0.6, -0.8])


NUMBERS = st.floats(-100, 100, width=32, allow_subnormal=False)  # TensorFlow takes those for 0


@given(gradient=st.tuples(NUMBERS, NUMBERS), bound=st.floats(0.1, 50))
@settings(max_examples=25, deadline=None)
def test_no_step_is_longer_than_the_bound(gradient, bound):
    step = stepped([gradient], weights=(0, 0), **SGD_OF_1, clip_norm=bound)
    assert np.linalg.norm(step) == pytest.approx(min(bound, np.linalg.norm(gradient)), rel=1e-4)
    step = stepped([gradient], weights=(0, 0), **SGD_OF_1, clip_value=bound)
    np.testing.assert_allclose(step, [-np.clip(gradient, -bound, bound)], rtol=1e-5)


GRADIENTS = np.array([(1.0, -3.0), (0.5, 2.0)])


def test_momentum_of_sgd():
    """Two steps: v = m v - r g, w = w + v; Nesterov (Sutskever et al. 2013): w = w + m v - r g."""
    momentum, rate, weights = 0.9, 0.1, np.array([1.0, -2.0])
    first = -rate * GRADIENTS[0]
    second = momentum * first - rate * GRADIENTS[1]
    common = {"optimizer": "sgd", "learning_rate": rate, "momentum": momentum}
    found = stepped(GRADIENTS, **common)
    np.testing.assert_allclose(found, [weights + first, weights + first + second], rtol=1e-5)

    ahead = momentum * np.array([first, second]) - rate * GRADIENTS
    found_ahead = stepped(GRADIENTS, nesterov=True, **common)
    np.testing.assert_allclose(found_ahead, weights + np.cumsum(ahead, axis=0), rtol=1e-5)
    assert (np.abs(found_ahead - found) > 0.01).all()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"optimizer": "adam", "momentum": 0.9}, "`momentum` is for `optimizer` sgd and rmsprop, found adam"),
        ({"optimizer": "rmsprop", "momentum": 0.9, "nesterov": True}, "`nesterov` is for `optimizer='sgd'`, found"),
        ({"optimizer": "adam", "nesterov": True}, "`nesterov` is for `optimizer='sgd'`, found adam"),
        ({"optimizer": "sgd", "nesterov": True}, "`nesterov` looks ahead along the momentum, but that is 0; give"),
        ({"clip_norm": 1, "clip_value": 1}, "`clip_norm` and `clip_value` bound the gradients each in its way"),
    ],
)
def test_what_an_optimizer_does_not_know(settings, told):
    with pytest.raises(ConfigError) as caught:
        validated(TrainingConfig, settings, "setting")
    assert str(caught.value).startswith(told)


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
        registry = Registry(LOSSES, [Entry(loss, "mine", "my-losses", "1.0")])
        changed = replace(found, registries={**found.registries, LOSSES.hook: registry})
        monkeypatch.setattr("zoo.settings.loss_names.discover", lambda: changed)

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
        return lambda y_true, y_pred: y_true - y_pred + len(hp)

    own = make_architecture(loss=loss)
    found = make_loss(TrainingConfig(loss="architecture"), own, "hp", context)
    np.testing.assert_array_equal(found(np.float32([5, 1]), np.float32([2, 2])), [5, 1])
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


@given(data=st.data(), batch=st.integers(1, 6), horizon=st.integers(1, 6), targets=st.integers(1, 6))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_losses_by_step_and_target_are_weighted_by_samples(make_architecture, data, batch, horizon, targets):
    """Whatever shape losses have, also where a batch is as long as the horizon, or as wide as there are targets."""
    left = data.draw(st.integers(0, 2), "axes that the loss does not reduce")

    def square(hp, context):
        axes = ((1, 2), (2,), ())[left]
        return lambda y_true, y_pred: keras.ops.mean(keras.ops.square(y_true - y_pred), axis=axes)

    sizes = {"horizon": horizon, "n_targets": targets, "target_columns": tuple(range(targets))}
    shape = SequenceShape(task="forecast", window=4, n_features=targets, **sizes)
    context = LossContext(shape=shape, to_original=abs)
    loss = make_loss(TrainingConfig(loss="architecture"), make_architecture(loss=square), None, context)

    class Weighted(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return loss(y_true, y_pred)

    drawn = st.lists(st.floats(0, 4, width=32), min_size=batch, max_size=batch)
    weights = np.array(data.draw(drawn, "weights"), np.float32)
    random = np.random.default_rng(0)
    truth, forecast = random.normal(size=(2, batch, horizon, targets)).astype(np.float32)
    expected = (((truth - forecast) ** 2).mean(axis=(1, 2)) * weights).mean()
    assert float(Weighted()(truth, forecast, weights[:, None])) == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda parameters, context: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda parameters, context: None, "TypeError: 'NoneType' object is not callable"),
        (lambda parameters, context: lambda y_true, y_pred: y_true["x"], "Error: "),
        (lambda parameters, context: lambda y_true, y_pred: keras.ops.mean(y_true), r"each sample, .*found \(\)"),
        (lambda parameters, context: lambda y_true, y_pred: y_true[0], r"each sample, \(2,\), found \(3, 1\)"),
    ],
)
def test_a_plugins_loss_that_is_none(make_architecture, own_loss_of_a_plugin, context, make, told):
    own_loss_of_a_plugin(make)
    with pytest.raises(PluginError, match=f"^loss 'cubic' cannot be used: .*{told}.*; take another `loss`$"):
        make_loss(TrainingConfig(loss="cubic"), make_architecture(), None, context)


def test_a_loss_whose_plugin_is_gone(make_architecture, context):
    config = TrainingConfig(loss="my-losses:cubic:power=2")  # a record of it can be read
    assert config.loss == "my-losses:cubic:power=2"
    with pytest.raises(UnknownLossError, match="there is no loss 'my-losses:cubic'"):
        make_loss(config, make_architecture(), None, context)
