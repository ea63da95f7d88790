"""Calendar features: plain math on the wall clock, written down so that any client can compute them."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.calendar import calendar_columns, calendar_values
from zoo.data.readers.reading import Reading
from zoo.data.table import read_table
from zoo.settings.choices import CalendarField
from zoo.settings.schema import DataConfig
from zoo.training.preparation import prepare
from zoo_registry.errors import DataError

FIELDS = get_args(CalendarField)
PLAIN = {
    "minute": (lambda time: time.minute, 60),
    "hour": (lambda time: time.hour, 24),
    "weekday": (lambda time: time.isoweekday() - 1, 7),
    "day": (lambda time: time.day - 1, 31),
    "month": (lambda time: time.month - 1, 12),
}
BERLIN = "Europe/Berlin"


def plain(time: datetime, fields: tuple[str, ...] = FIELDS) -> list[float]:
    values = []
    for field in fields:
        count, period = PLAIN[field]
        angle = 2 * math.pi * count(time) / period
        values += [math.sin(angle), math.cos(angle)]
    return values


@given(
    times=st.lists(st.datetimes(datetime(1700, 1, 1), datetime(2250, 1, 1)), min_size=1, max_size=20),
    fields=st.permutations(FIELDS).flatmap(lambda order: st.integers(1, 5).map(lambda count: tuple(order[:count]))),
    zone=st.sampled_from([None, "UTC", BERLIN, "Asia/Kolkata", "America/St_Johns"]),
)
@settings(max_examples=60, deadline=None)
def test_fields_are_plain_math_on_the_wall_clock(times: list[datetime], fields: tuple[Any, ...], zone: str | None):
    index = pd.DatetimeIndex(times)
    clock = times
    if zone is not None:
        index = index.tz_localize("UTC").tz_convert(zone)
        clock = [time.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone)) for time in times]
    found = calendar_values(index, fields)
    np.testing.assert_allclose(found, [plain(time, fields) for time in clock], rtol=0, atol=1e-12)
    assert calendar_columns(fields) == tuple(f"{field}_{wave}" for field in fields for wave in ("sin", "cos"))


def frame_of(zone: str | None, rows: int = 24 * 90, step: str = "h") -> pd.DataFrame:
    times = pd.date_range("2024-01-31", periods=rows, freq=step, tz=zone)
    return pd.DataFrame({"time": times, "load": np.sin(np.arange(rows) / 5.0), "other": np.arange(rows) % 11})


def prepared_with(fields: tuple[str, ...], zone: str | None, step: str = "h", **more: Any) -> Any:
    config = DataConfig(target="load", window=4, horizon=2, calendar=fields, **more)
    return prepare(config, frame_of(zone, step=step))


@pytest.mark.parametrize("zone", [None, BERLIN])
def test_calendar_columns_stand_behind_the_features_and_are_not_scaled(zone: str | None):
    prepared = prepared_with(("weekday", "hour"), zone, scaler="minmax")
    assert prepared.table.features == ("load", "other", "weekday_sin", "weekday_cos", "hour_sin", "hour_cos")
    expected = np.array([plain(time.to_pydatetime(), ("weekday", "hour")) for time in prepared.table.times])
    windows = prepared.parts["train"]
    np.testing.assert_allclose(
        windows.inputs()[:, :, 2:], expected[windows.starts()[:, None] + np.arange(4)], atol=1e-7
    )
    assert prepared.preprocessor.features_.scalers == ("minmax", "minmax", "none", "none", "none", "none")


def test_calendar_columns_stand_before_targets_that_are_no_features():
    prepared = prepared_with(("hour",), None, features=("other",))
    assert prepared.table.columns == ("other", "hour_sin", "hour_cos", "load")
    assert prepared.shape.target_columns == (None,)
    np.testing.assert_array_equal(prepared.history[:, 0], frame_of(None)["load"])


def compute(description: dict[str, Any], time: datetime) -> dict[str, float]:
    """What a client makes of ``preprocessing.json`` and nothing else."""
    assert description["formula"] == (
        "FIELD_sin = sin(2 pi n / period), FIELD_cos = cos(2 pi n / period), n = FIELD - first, read off the clock of"
        " the zone; weekdays count from Monday = 0"
    )
    clock = {"minute": time.minute, "hour": time.hour, "weekday": time.weekday(), "day": time.day, "month": time.month}
    values = {}
    for field, numbers in description["fields"].items():
        angle = 2 * math.pi * (clock[field] - numbers["first"]) / numbers["period"]
        values |= {f"{field}_sin": math.sin(angle), f"{field}_cos": math.cos(angle)}
    return values


@pytest.mark.parametrize("zone", [None, BERLIN])
def test_the_test_vector_can_be_computed_from_what_is_written(tmp_path: Path, zone: str | None):
    prepared = prepared_with(FIELDS, zone, step="37min")
    prepared.preprocessor.save(tmp_path)
    description = json.loads((tmp_path / "preprocessing.json").read_text())["calendar"]
    assert description["zone"] == zone
    test = description["test"]
    assert compute(description, datetime.fromisoformat(test["time"])) == pytest.approx(test["values"], abs=1e-12)
    row = 1234  # and so can the features themselves
    found = dict(zip(prepared.table.features, prepared.table.values[row], strict=True))
    computed = compute(description, prepared.table.times[row].to_pydatetime())
    assert computed == pytest.approx({name: found[name] for name in computed}, abs=1e-12)


# ---------------------------------------------------------------------------------------------------------------------
# The same clock in a prediction


FEATURES = ["load", "hour_sin", "hour_cos", "day_sin", "day_cos"]
TRAINED = {"time_column": "time", "calendar": ("hour", "day")}


@pytest.mark.parametrize("zone", [BERLIN, "+02:00"])
@pytest.mark.parametrize("other", ["UTC", "Asia/Kolkata"])
def test_a_prediction_reads_the_clock_of_the_training(labelled, read_as_trained, zone: str, other: str):
    frame = frame_of(None)
    start = pd.Timestamp("2024-01-31", tz=zone)
    frame["time"] = pd.date_range(start, periods=len(frame), freq="h")
    table = read_table(frame, targets=["load"], reading=Reading(calendar=("hour", "day")))
    same = read_as_trained(frame, FEATURES, 3, zone=table.zone, **TRAINED)
    np.testing.assert_array_equal(same.values[0], table.values[-3:, [0, 2, 3, 4, 5]])
    moved = frame.assign(time=frame["time"].dt.tz_convert(other))
    converted = read_as_trained(moved, FEATURES, 3, zone=table.zone, **TRAINED)
    np.testing.assert_array_equal(converted.values, same.values)
    index = labelled(converted, np.zeros((1, 1, 1)), ["load"]).index
    assert str(index.tz) == other  # the answer keeps the zone of the question
    assert index[0] == frame["time"].iloc[-1] + timedelta(hours=1)


@pytest.mark.parametrize(("trained_zone", "zone"), [(None, "UTC"), ("UTC", None), (BERLIN, None)])
def test_times_with_and_without_a_zone_are_not_mixed_up(read_as_trained, trained_zone: str | None, zone: str | None):
    found, expected = zone or "none", trained_zone or "none"
    sentence = f"the calendar features were learned from times of the zone {expected}, found times of the zone {found};"
    with pytest.raises(DataError, match=sentence):
        read_as_trained(frame_of(zone), FEATURES, 3, zone=trained_zone, **TRAINED)
    assert read_as_trained(frame_of(trained_zone), FEATURES, 3, zone=trained_zone, **TRAINED).values.shape == (1, 3, 5)
    plain = read_as_trained(frame_of(zone), ["load"], 3, zone=trained_zone, time_column="time")
    assert plain.values.shape == (1, 3, 1)  # the clock does not matter
