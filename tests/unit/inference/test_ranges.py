"""What lies outside the training's range is told: which column, how far, in how many windows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from zoo.inference.ranges import Outside, OutsideRangeWarning, TrainRange, refuse_outside
from zoo_registry import Problem
from zoo_registry.errors import BundleError, DataError

PATH = Path("preprocessing.json")


def problem(features=("load", "hour_sin"), dtype="float64", units="raw"):
    window = {"name": "window", "dtype": dtype, "shape": (2, len(features)), "columns": features}
    forecast = {"name": "forecast", "dtype": dtype, "shape": (1, 1)}
    told = {"task": "forecast", "units": units, "horizon": 1, "targets": ("load",)}
    return Problem.model_validate(told | {"inputs": [window], "outputs": [forecast]})


def content(**changes):
    load = {"column": "load", "minimum": 10.0, "maximum": 20.0, "deviation": 4.0} | changes
    hour = {"column": "hour_sin", "minimum": -0.5, "maximum": 0.5, "deviation": 0.3}
    return json.dumps({"features": [hour, load]}).encode()


def train_range(calendar=(), **changes):
    return TrainRange.parse(content(), PATH, problem(**changes), calendar)


def windows(*values):
    """Windows of two rows whose load is 15 and this; hour_sin is far off in all."""
    return np.array([[[15.0, 7.0], [value, -7.0]] for value in values])


def test_strictly_outside_on_both_sides():
    (load,) = train_range(["hour"]).outside(windows(10, 20, 26, 9, 21, 15))
    assert load == Outside("load", 10, 20, 4, lowest=9, highest=26, windows=3, total=6)
    assert (load.excess, load.deviations) == (6, 1.5)
    assert str(load) == (
        "column 'load': 6 (1.5 deviations) above the maximum 20 and 1 (0.25 deviations) below the minimum 10 of the"
        " training, in 3 of 6 windows"
    )


def test_the_limits_themselves_are_inside_and_calendar_columns_never_count():
    assert train_range(["hour"]).outside(windows(10, 20)) == []
    (hour,) = train_range().outside(windows(10, 20))
    assert hour.column == "hour_sin"


def test_batch_by_batch_is_as_all_at_once():
    limits, random = train_range(), np.random.default_rng(0)
    many = random.normal(15, 5, (100, 2, 2))
    watch = limits.watch()
    for part in np.array_split(many, 7):
        watch.add(part)
    assert watch.found() == limits.outside(many)
    load = watch.found()[0]
    assert load.windows == sum(((window[:, 0] < 10) | (window[:, 0] > 20)).any() for window in many)


def test_rounding_to_float32_leads_nothing_outside():
    limits = TrainRange.parse(content(maximum=20.1), PATH, problem(("load",), "float32"), ())
    assert float(np.float32(20.1)) > 20.1
    assert limits.outside(np.full((1, 2, 1), 20.1, np.float32)) == []
    assert limits.outside(np.full((1, 2, 1), np.nextafter(np.float32(20.1), 21), np.float32))[0].windows == 1
    (below,) = limits.outside(np.array([[[20.1], [9.0]]], np.float32))
    assert "above" not in str(below)


def test_a_constant_column_has_no_deviation():
    limits = TrainRange.parse(content(deviation=0.0), PATH, problem(("load",)), ())
    (load,) = limits.outside(np.full((1, 2, 1), 21.0))
    assert load.deviations == np.inf
    assert "column 'load': 1 above the maximum 20 of the training" in str(load)


def test_scaled_values_have_no_raw_limits():
    assert train_range(units="scaled").outside(windows(1e9)) == []


@pytest.mark.parametrize("wrong", [b"{", b"[]", b'{"features": 3}', b'{"features": []}', content(minimum="x"), b"\xff"])
def test_a_file_that_does_not_fit_is_refused(wrong: bytes):
    with pytest.raises(BundleError, match=r"^preprocessing.json: expected the minimum, maximum and deviation of each"):
        TrainRange.parse(wrong, PATH, problem(), ())


def test_refusing_names_every_column():
    refuse_outside([], "a.csv")
    with pytest.raises(DataError, match=r"^a.csv: expected values .* column 'load': 6 .*; column 'hour_sin': 6.5"):
        refuse_outside(train_range().outside(windows(26)), "a.csv")


def test_a_bundle_warns_once_of_all_and_in_the_callers_name(exported, recwarn):
    high = np.tile([[150.0, 20.0]], (3, 8, 1))
    exported.outputs(high)
    exported.predict(high)
    assert [warning.category for warning in recwarn] == [OutsideRangeWarning] * 2
    assert {warning.filename for warning in recwarn} == {__file__}
    (load,) = exported.outside(high)
    assert (load.column, load.windows, load.total) == ("load", 3, 3)
    assert str(recwarn[0].message) == f"input outside the training's range: {load}"


def test_a_table_is_warned_of_too(exported, series):
    inside = series.assign(load=100.0, temperature=20.0)
    exported.predict(inside)
    with pytest.warns(OutsideRangeWarning, match="column 'temperature': .* in 1 of 1 windows"):
        exported.predict(inside.assign(temperature=200.0))
