"""How long a training lasts: what was asked for, else the usual epochs, else as many steps as take minutes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.settings.schema import USUAL_EPOCHS, TrainingConfig
from zoo.training.step_count import (
    LEAST_STEPS,
    MOST_SECONDS,
    MOST_STEPS,
    SURELY_SHORT,
    Pace,
    epochs_of,
    pace_of,
    settled_length,
    total_steps,
)
from zoo_registry import TrainingDefaults


@given(total=st.integers(1, 500), every=st.integers(1, 500))
def test_epochs_hold_all_steps_and_the_last_may_be_shorter(total, every):
    pace = Pace(total, every)
    assert (pace.epochs - 1) * every < total <= pace.epochs * every
    assert pace.steps_after(pace.epochs) == total
    assert [pace.steps_after(epoch) for epoch in range(pace.epochs)] == [every * n for n in range(pace.epochs)]


def test_the_pace_of_epochs_and_of_steps():
    assert pace_of(TrainingConfig(epochs=3, batch_size=32), 33) == Pace(6, 2)
    assert pace_of(TrainingConfig(epochs=0, batch_size=32), 33) == Pace(0, 2)
    assert total_steps(TrainingConfig(epochs=0, batch_size=32), 33) == 2, "a schedule lasts an epoch then"
    config = TrainingConfig(steps=100, validate_every=30)
    assert (pace_of(config, 33), total_steps(config, 33), epochs_of(config)) == (Pace(100, 30), 100, 4)


@pytest.fixture
def settled(make_architecture):
    """``settled(windows, seconds, ...)``: the length of a training whose steps take so many seconds, by estimate."""

    def settle(windows, seconds=0.001, validated=0, defaults=None, **settings):
        architecture = make_architecture(defaults=defaults or TrainingDefaults())
        config = TrainingConfig(**settings)
        found = settled_length(config, architecture, windows, validated, lambda usual: seconds)
        return found.epochs, found.steps, found.validate_every

    return settle


def never(usual):
    raise AssertionError("a step of a short training is not estimated")


def test_what_was_asked_for_always_holds(settled, make_architecture):
    assert settled(10**7, epochs=50) == (50, None, None)
    assert settled(10**7, steps=10**6, validate_every=9) == (None, 10**6, 9)
    assert settled(100, epochs=0) == (0, None, None)
    for config in (TrainingConfig(epochs=9), TrainingConfig(batch_size=SURELY_SHORT)):
        settled_length(config, make_architecture(), 1000, 0, never)


def test_few_windows_have_the_usual_epochs(settled):
    assert settled(1000) == (USUAL_EPOCHS, None, None)
    assert settled(1000, defaults=TrainingDefaults(epochs=7)) == (7, None, None)
    assert settled(32 * MOST_STEPS // USUAL_EPOCHS) == (USUAL_EPOCHS, None, None), "as many steps as may be"


def test_many_windows_have_steps(settled):
    assert settled(32 * MOST_STEPS // USUAL_EPOCHS + 1) == (None, MOST_STEPS, MOST_STEPS // 20)
    assert settled(10**6, batch_size=1000) == (None, MOST_STEPS, MOST_STEPS // 20)
    assert settled(10**6, batch_size=1000, defaults=TrainingDefaults(epochs=30)) == (30, None, None)


def test_slow_steps_are_fewer(settled):
    assert settled(10_000, seconds=MOST_SECONDS / 23_456) == (None, 23_000, 1150)
    assert settled(10_000, seconds=10.0)[1] == SURELY_SHORT, "which train something at least"


def test_how_often_a_training_by_steps_is_validated(settled):
    assert settled(1000, steps=1000) == (None, 1000, 50)
    assert settled(1000, steps=60) == (None, 60, LEAST_STEPS)
    assert settled(1000, steps=4) == (None, 4, 4)
    assert settled(1000, steps=1000, validated=32 * 4 * 300)[2] == 300, "else validation would take the most time"
    assert settled(1000, steps=1000, validated=10**9)[2] == 1000, "once, in the end"
