"""A plan that is measured."""

from __future__ import annotations

from dataclasses import replace
from time import sleep

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.acceleration.compiled_steps import from_dataset
from zoo.acceleration.speed_trial import candidates, plan_by_trial
from zoo.acceleration.step_plan import Plan


def build() -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8, 2)), keras.layers.LSTM(4), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def batches() -> tf.data.Dataset:
    values = np.random.default_rng(0).normal(size=(64, 8, 2)).astype(np.float32)
    return tf.data.Dataset.from_tensor_slices((values, values[:, -1, :1])).batch(16).repeat()


def test_candidates():
    assert candidates(build(), 64, 2) == [
        Plan("keras", 1, 1),
        Plan("keras", 1, 1, jit=True),
        Plan("fused", 1, 1),
        Plan("fused", 2, 1),
        Plan("fused", 4, 1),
    ]
    assert [plan.parts for plan in candidates(build(), 16, 8) if plan.engine == "fused"] == [1, 2]
    plain = keras.Sequential([keras.Input((8, 2)), keras.layers.SimpleRNN(4)])
    assert {plan.engine for plan in candidates(plain, 64, 2)} == {"keras"}


def slow() -> keras.Model:
    """Every step sleeps for longer than any of the other's takes; XLA cannot compile it."""
    model = build()
    usual = model.train_step

    def train_step(data):
        tf.py_function(lambda: sleep(0.05), [], [])
        return usual(data)

    model.train_step = train_step
    return model


@pytest.mark.parametrize("fast", [pytest.param(Plan("keras", 1, 1), marks=pytest.mark.full), Plan("fused", 2, 1)])
def test_the_fastest_is_taken(fast):
    plans = [Plan("fused", 1, 1), fast, Plan("keras", 1, 1, jit=True)]
    models = iter([slow, build, slow])
    chosen = plan_by_trial(lambda: next(models)(), batches(), from_dataset, plans, 40)
    assert replace(chosen, steps_per_execution=1) == fast
    assert 1 < chosen.steps_per_execution <= 40


@pytest.mark.full
def test_nothing_is_left_of_it():
    model = build()
    before = [weight.copy() for weight in model.get_weights()]
    plan_by_trial(build, batches(), from_dataset, candidates(model, 16, 2), 4)
    assert all(np.array_equal(one, other) for one, other in zip(before, model.get_weights(), strict=True))
    assert all(np.array_equal(one, other) for one, other in zip(before, build().get_weights(), strict=True))
