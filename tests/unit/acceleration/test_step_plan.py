"""The rules by which a plan is chosen."""

from __future__ import annotations

import keras
import pytest

from zoo.acceleration.fusion import Fusion
from zoo.acceleration.step_plan import EXECUTION, MOST_STEPS, MOST_VALUES, VALUES, Plan, plan_by_rule, steps_within


def network(**settings: object) -> keras.Model:
    return keras.Sequential([keras.Input((30, 8)), keras.layers.LSTM(64, **settings), keras.layers.Dense(2)])


@pytest.mark.parametrize(
    ("engine", "batch_size", "cores", "gpu", "expected"),
    [
        ("auto", 32, 2, False, ("fused", 2)),
        ("auto", 32, 8, False, ("fused", 4)),  # no part has under eight rows
        ("auto", 8, 2, False, ("fused", 1)),
        ("auto", 4, 2, False, ("fused", 1)),
        ("auto", 32, 1, False, ("fused", 1)),
        ("auto", 32, 2, True, ("keras", 1)),
        ("fused", 32, 2, True, ("fused", 2)),
        ("keras", 32, 2, False, ("keras", 1)),
    ],
)
def test_engine_and_parts(engine, batch_size, cores, gpu, expected):
    plan = plan_by_rule(network(), engine, batch_size, 100, cores, gpu=gpu)
    assert (plan.engine, plan.parts) == expected
    assert not plan.jit


def test_a_network_with_nothing_to_fuse():
    model = network(recurrent_dropout=0.2)
    plan = plan_by_rule(model, "auto", 32, 100, 2, gpu=False)
    reasons = ["LSTM(64): recurrent dropout"]  # told whichever engine it is
    assert plan.record(Fusion(model)) == {
        "engine": "keras",
        "parts": 1,
        "steps_per_execution": plan.steps_per_execution,
        "jit": False,
        "rounds": 1,
        "fused": [],
        "not_fused": reasons,
    }
    assert Plan("fused", 2, 8).record(Fusion(network()))["fused"] == ["LSTM(64)"]


def test_layers_that_no_rule_counts_cost_their_weights():
    """In one call of the compiled function nothing is shown, and Ctrl-C waits."""
    cell = keras.layers.RNN(keras.layers.LSTMCell(256), name="cell")
    costly, cheap = (keras.Sequential([keras.Input((96, 8)), layer]) for layer in (cell, keras.layers.Flatten()))
    steps = [plan_by_rule(model, "auto", 32, 1000, 1, gpu=False).steps_per_execution for model in (costly, cheap)]
    assert steps == [1, MOST_STEPS]


def test_steps_of_an_execution():
    assert steps_within(EXECUTION / 10, 100) == 10
    assert steps_within(EXECUTION / 10, 4) == 4
    assert steps_within(EXECUTION * 10, 100) == 1
    assert steps_within(EXECUTION / 1e6, 10**6) == MOST_STEPS


@pytest.mark.parametrize(("batch_size", "rounds"), [(32, 1), (128, 1), (2048, 29)])
def test_a_batch_of_very_many_values_is_computed_in_rounds(batch_size, rounds):
    """Of a recurrent layer each step has gates, state and output; here about 5 x 64 x 720 in a window and the head."""
    model = keras.Sequential([keras.Input((720, 8)), keras.layers.GRU(64), keras.layers.Dense(2)])
    values = 720 * 5 * 64 + 2
    found = plan_by_rule(model, "auto", batch_size, 100, 2, gpu=False).rounds
    assert found == rounds
    if rounds > 1:
        assert values * batch_size > MOST_VALUES
        assert values * batch_size / found <= VALUES


def test_a_network_that_draws_masks_in_a_loop_is_computed_at_once():
    model = keras.Sequential([keras.Input((720, 8)), keras.layers.GRU(64, recurrent_dropout=0.1)])
    assert not Fusion(model).in_rounds
