"""The problem of a run: told once, with the network's sizes and a model's interface derived from it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from zoo_registry import Problem, Task

INPUT = {"name": "window", "dtype": "float32", "shape": [6, 2], "columns": ["load", "wind"]}
FORECAST = {"name": "forecast", "dtype": "float32", "shape": [3, 1], "columns": ["load"]}


def make(**changes: Any) -> Problem:
    fields = {"task": "forecast", "inputs": [INPUT], "outputs": [FORECAST], "targets": ["load"], "horizon": 3}
    return Problem.model_validate(fields | changes)


def test_it_is_told_in_json():
    problem = make(gap=2, step={"name": "1h", "size": 3600.0}, zone="UTC", categories={"wind": ["calm", "storm"]})
    assert Problem.model_validate_json(problem.model_dump_json()) == problem
    assert (problem.window, problem.features, problem.dtype) == (6, ("load", "wind"), "float32")


def test_sizes_of_a_network_are_derived():
    shape = make(targets=["wind", "rain"], quantiles=[0.1, 0.9]).shape
    assert (shape.input, shape.output, shape.target_columns) == ((6, 2), (3, 2, 2), (1, None))


@pytest.mark.parametrize(("reconstruct", "window", "horizon"), [(True, 6, 6), (False, 5, 1)])
def test_a_network_may_not_see_the_row_that_it_judges(reconstruct, window, horizon):
    shape = make(task="anomaly", horizon=1, reconstruct=reconstruct).shape
    assert (shape.task, shape.window, shape.horizon) == (Task.ANOMALY, window, horizon)


def test_classes_are_of_no_column_that_the_window_holds():
    shape = make(task="classify", classes=["high", "low"], horizon=1).shape
    assert (shape.output, shape.target_columns) == ((2,), (None,))


def test_versions_share_names_sizes_and_types_but_no_codes():
    one = make(categories={"wind": ["calm", "storm"]}, zone="UTC", step={"name": "1h", "size": 3600.0})
    assert one.interface() == make().interface()
    for change in (
        {"units": "scaled"},
        {"gap": 1},
        {"inputs": [INPUT | {"columns": ["wind", "load"]}]},
        {"inputs": [INPUT | {"dtype": "float64"}]},
        {"outputs": [FORECAST | {"columns": ["wind"]}], "targets": ["wind"]},
    ):
        assert make(**change).interface() != one.interface()


def test_only_flags_keep_their_type():
    flag = {"name": "is_anomaly", "dtype": "bool", "shape": [1]}
    problem = make(outputs=[FORECAST, flag]).served("float64", "scaled")
    assert [tensor.dtype for tensor in (*problem.inputs, *problem.outputs)] == ["float64", "float64", "bool"]
    assert problem.units == "scaled"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"inputs": []}, ("inputs",)),
        ({"inputs": [INPUT | {"name": "future"}]}, ()),
        ({"inputs": [INPUT | {"columns": []}]}, ()),
        ({"inputs": [INPUT | {"columns": ["load"]}]}, ("inputs", 0)),
        ({"inputs": [INPUT | {"columns": ["load", "load"]}]}, ("inputs", 0)),
        ({"inputs": [INPUT | {"shape": [0, 2]}]}, ("inputs", 0, "shape", 0)),
        ({"outputs": [FORECAST, FORECAST]}, ()),
        ({"targets": []}, ("targets",)),
        ({"targets": ["load", "load"]}, ()),
        ({"classes": ["high", "high"]}, ()),
        ({"quantiles": [0.5, 1.0]}, ("quantiles", 1)),
        ({"horizon": 0}, ("horizon",)),
        ({"gap": -1}, ("gap",)),
        ({"step": {"name": "1h", "size": 0.0}}, ("step", "size")),
        ({"seasons": 2}, ("seasons",)),
    ],
)
def test_what_fits_nothing_is_refused(changes, place):
    with pytest.raises(ValidationError) as caught:
        make(**changes)
    assert caught.value.errors()[0]["loc"] == place
