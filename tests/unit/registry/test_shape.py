"""The shape that a network must map."""

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo_registry import Task

SIZES = st.integers(1, 10_000)


@given(window=SIZES, features=SIZES, horizon=SIZES, targets=st.integers(1, 50))
def test_forecasts_have_an_output_for_each_step_and_target(make_shape, window, features, horizon, targets):
    shape = make_shape(
        window=window, n_features=features, horizon=horizon, n_targets=targets, target_columns=(None,) * targets
    )
    assert shape.input == (window, features)
    assert shape.output == (horizon, targets)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        *(({name: 0}, f"{name} must be at least 1, found 0") for name in ("window", "n_features", "horizon")),
        ({"n_targets": -1}, "n_targets must be at least 1, found -1"),
        ({"target_columns": ()}, r"target_columns must name 1 target\(s\), found 0"),
        ({"target_columns": (0, 1)}, r"target_columns must name 1 target\(s\), found 2"),
        ({"task": Task.CLASSIFY, "classes": -1}, "two or more classes, .*found -1"),
        ({"task": Task.CLASSIFY, "classes": 1}, "two or more classes, .*found 1"),
    ],
)
def test_what_is_no_shape(make_shape, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        make_shape(**changes)


def test_frozen_and_hashable(make_shape):
    shape = make_shape()
    with pytest.raises(FrozenInstanceError):
        shape.window = 3
    assert {shape: 1}[make_shape()] == 1


def test_tasks_are_their_names():
    assert [str(task) for task in Task] == ["forecast", "regress", "classify", "anomaly"]
    assert Task("classify") is Task.CLASSIFY
