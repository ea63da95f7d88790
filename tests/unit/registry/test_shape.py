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


@pytest.mark.parametrize("task", [Task.FORECAST, Task.REGRESS, Task.ANOMALY])
def test_quantiles_are_the_last_axis(make_shape, task):
    shape = make_shape(task=task, horizon=4, n_targets=2, target_columns=(1, None), quantiles=(0.1, 0.5, 0.9))
    assert shape.output == (4, 2, 3)


def test_classification_has_an_output_for_each_class(make_shape):
    assert make_shape(task=Task.CLASSIFY, classes=5).output == (5,)


@pytest.mark.parametrize("size", ["window", "n_features", "horizon", "n_targets"])
@pytest.mark.parametrize("value", [0, -1])
def test_every_size_is_at_least_one(make_shape, size, value):
    with pytest.raises(ValueError, match=f"{size} must be at least 1, found {value}"):
        make_shape(**{size: value})


@pytest.mark.parametrize("columns", [(), (0, 1)])
def test_every_target_has_its_column(make_shape, columns):
    with pytest.raises(ValueError, match=rf"target_columns must name 1 target\(s\), found {len(columns)}"):
        make_shape(target_columns=columns)


@pytest.mark.parametrize("classes", [-1, 1])
def test_one_class_is_none(make_shape, classes):
    with pytest.raises(ValueError, match=f"two or more classes, .*found {classes}"):
        make_shape(task=Task.CLASSIFY, classes=classes)


def test_frozen_and_hashable(make_shape):
    shape = make_shape()
    with pytest.raises(FrozenInstanceError):
        shape.window = 3
    assert {shape: 1}[make_shape()] == 1


def test_tasks_are_their_names():
    assert [str(task) for task in Task] == ["forecast", "regress", "classify", "anomaly"]
    assert Task("classify") is Task.CLASSIFY
