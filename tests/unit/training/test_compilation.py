"""Losses, schedules and optimizers by name, against their formulas."""

from __future__ import annotations

from typing import get_args

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.options import LossName, OptimizerName
from zoo.training.compilation import LOSSES, OPTIMIZERS, make_loss, make_optimizer
from zoo.training.config import TrainingConfig
from zoo_registry import ExponentialSchedule, LossContext

CLASSES = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
    "nadam": keras.optimizers.Nadam,
    "lion": keras.optimizers.Lion,
}


def huber(error):
    size = np.abs(error)
    return np.where(size <= 1, error**2 / 2, size - 0.5)


FORMULAS = {"mse": np.square, "mae": np.abs, "huber": huber}


def test_every_option_can_be_made():
    assert set(OPTIMIZERS) == set(get_args(OptimizerName)) == set(CLASSES)
    assert {*LOSSES, "architecture"} == set(get_args(LossName))


@pytest.mark.parametrize("name", CLASSES)
def test_optimizers(name):
    optimizer = make_optimizer(TrainingConfig(optimizer=name, learning_rate=0.003))
    assert type(optimizer) is CLASSES[name]
    assert float(optimizer.learning_rate) == pytest.approx(0.003)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize(("steps", "rate"), [(10_000, 0.9), (500, 0.5), (1, 1.0)])
def test_exponential_schedule(name, steps, rate):
    schedule = ExponentialSchedule(steps=steps, rate=rate)
    optimizer = make_optimizer(TrainingConfig(optimizer=name, learning_rate=0.01, schedule=schedule))
    for step in (0, 1, 499, 500, 20_000):
        optimizer.iterations.assign(step)
        assert float(optimizer.learning_rate) == pytest.approx(0.01 * rate ** (step / steps), rel=1e-5, abs=1e-12)


@pytest.mark.parametrize("name", FORMULAS)
def test_losses(name, make_architecture):
    random = np.random.default_rng(0)
    truth, forecast = random.normal(size=(2, 5, 4, 3)).astype(np.float32) * 2
    loss = make_loss(TrainingConfig(loss=name), make_architecture(), None, None)
    np.testing.assert_allclose(loss(truth, forecast), FORMULAS[name](truth - forecast).mean(axis=-1), rtol=1e-5)


@pytest.mark.parametrize("name", FORMULAS)
@settings(max_examples=20, deadline=None)
@given(error=st.floats(-100, 100, width=32))
def test_losses_of_single_errors(name, error):
    found = LOSSES[name](np.zeros((1, 1), np.float32), np.full((1, 1), error, np.float32))
    assert float(found[0]) == pytest.approx(float(FORMULAS[name](np.float64(error))), rel=1e-5, abs=1e-30)


def test_an_architectures_own_loss(make_architecture, shape):
    asked = []

    def loss(hp, context):
        asked.append((hp, context))
        return "its loss"

    own, context = make_architecture(loss=loss), LossContext(shape=shape, to_original=abs)
    assert make_loss(TrainingConfig(loss="architecture"), own, "hp", context) == "its loss"
    assert asked == [("hp", context)]
    assert make_loss(TrainingConfig(loss="mae"), own, "hp", context) is LOSSES["mae"]
    assert len(asked) == 1
