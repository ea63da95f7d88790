"""Resampling against pandas, series by series, and what is recorded of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.readers.reading import Reading
from zoo.data.roles import Roles
from zoo.data.table import Table, read_table
from zoo.settings.schema import DataConfig
from zoo.tasks import find_task
from zoo.training.preparation import prepare
from zoo_registry.errors import DataError


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """One to three series at uneven times, with holes wider than a step and with missing values."""
    frames = []
    for number in range(draw(st.integers(1, 3))):
        steps = draw(st.lists(st.integers(1, 50), min_size=3, max_size=15))
        times = pd.Timestamp(2024, 1, draw(st.integers(1, 3)), 5) + pd.to_timedelta(np.cumsum(steps), "min")
        values = draw(st.lists(st.integers(-9, 9) | st.none(), min_size=len(steps), max_size=len(steps)))
        frame = pd.DataFrame({"time": times, "site": f"s{number}", "y": values, "z": np.arange(len(steps)) * 1.0})
        frames.append(frame.astype({"y": float}))
    table = pd.concat(frames, ignore_index=True)
    if table["y"].isna().all():
        table.loc[0, "y"] = 1.0
    return table


def read(frame: pd.DataFrame, rule: str, aggregate: Any = "mean", **more: Any) -> Table:
    reading = Reading(series="site", resample=rule, aggregate=aggregate, gaps="ignore", **more)
    return read_table(frame, targets=["y"], reading=reading)


@given(tables(), st.sampled_from(["10min", "1h", "37min", "1D", "MS", "W"]), st.sampled_from(["mean", "last", "sum"]))
@settings(max_examples=60, deadline=None)
def test_resampling_is_pandas_for_each_series(frame: pd.DataFrame, rule: str, aggregate: str):
    table = read(frame, rule, aggregate)
    assert list(table.series) == list(dict.fromkeys(frame["site"]))
    empty = 0
    for name, rows in table.series.items():
        own = frame[frame["site"] == name].set_index("time")[["y", "z"]].resample(rule)
        expected = {"mean": own.mean, "last": own.last, "sum": lambda own=own: own.sum(min_count=1)}[aggregate]()
        np.testing.assert_array_equal(table.values[rows.start : rows.stop], expected.to_numpy())
        assert table.times[rows.start : rows.stop].tolist() == expected.index.tolist()
        empty += int(expected.isna().all(axis=1).sum())
    assert rows.stop == len(table.values)
    assert table.repairs == {
        "resample": {
            "rule": rule,
            "aggregate": aggregate,
            "rows_before": len(frame),
            "rows_after": len(table.values),
            "rows_without_values": empty,
        }
    }


def hours(values: list[float], times: list[str], **more: Any) -> pd.DataFrame:
    return pd.DataFrame({"time": [f"2024-01-01 {time}" for time in times], "y": values, **more})


def test_the_aggregates_by_hand():
    frame = hours([1, 2, np.nan, 8, 5], ["00:10", "00:50", "00:55", "02:00", "02:30"])
    for aggregate, expected in (("mean", [1.5, np.nan, 6.5]), ("sum", [3, np.nan, 13]), ("last", [2, np.nan, 5])):
        table = read_table(frame, targets=["y"], reading=Reading(resample="1h", aggregate=aggregate))
        np.testing.assert_array_equal(table.values[:, 0], expected)
        assert str(table.frequency) == "h"
        assert table.repairs["resample"]["rows_without_values"] == 1


def test_a_step_without_rows_is_a_missing_value_that_has_to_be_repaired():
    minutes = [minute for minute in range(0, 60 * 60, 20) if not 300 <= minute < 420]
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(minutes, "min")
    frame = pd.DataFrame({"time": times, "y": np.sin(np.array(minutes) / 99.0)})
    config = DataConfig(target="y", window=4, horizon=2, resample="1h")
    with pytest.raises(DataError, match=r"column 'y', resampled row 6 \(2024-01-01 05:00:00\): the value is missing"):
        prepare(config, frame)
    prepared = prepare(config.model_copy(update={"missing": "interpolate"}), frame)
    assert prepared.repairs.model_dump()["missing"] == {"method": "interpolate", "values": {"y": 2}}
    assert prepared.repairs.model_dump()["resample"]["rows_without_values"] == 2
    assert len(prepared.values) == 60
    drawn = np.interp([5, 6], [4, 7], prepared.values[[4, 7], 0])
    np.testing.assert_allclose(prepared.values[5:7, 0], drawn)


@pytest.mark.parametrize(("task", "target"), [("classify", "state"), ("anomaly", ())])
def test_labels_are_the_last_of_each_step(task: str, target: Any):
    states = [1, 0, 1, 1, None, 0, None]
    frame = hours([1.0] * 7, ["00:00", "00:30", "01:00", "01:20", "01:40", "03:00", "04:00"], state=states)
    reading = Reading(resample="1h")
    targets = [target] if target else []
    table = read_table(
        frame, targets=targets, roles=find_task(task).roles, label=None if target else "state", reading=reading
    )
    assert table.labels.dtype == np.int32
    assert [table.classes[label] if label >= 0 else None for label in table.labels] == ["0", "1", None, "0", None]
    assert table.features == ("y",)


def test_labels_without_a_missing_one():
    frame = hours([1.0, 2.0, 3.0], ["00:00", "00:30", "01:00"], state=["b", "a", "c"])
    table = read_table(frame, targets=["state"], roles=Roles(classes=True), reading=Reading(resample="1h"))
    assert [table.classes[label] for label in table.labels] == ["a", "c"]


def test_rows_out_of_order_are_sorted_or_told_of_before():
    frame = hours([1.0, 3.0, 2.0], ["00:00", "01:00", "00:30"])
    with pytest.raises(DataError, match=r"unsorted: row 3 \(2024-01-01 00:30:00\) follows row 2 \(2024-01-01"):
        read_table(frame, targets=["y"], reading=Reading(resample="1h"))
    table = read_table(frame, targets=["y"], reading=Reading(resample="1h", sort=True))
    assert table.values[:, 0].tolist() == [1.5, 3.0]
    assert list(table.repairs) == ["sort", "resample"]
    assert table.row_name(1) == "resampled row 2 (2024-01-01 01:00:00)"


def test_the_calendar_is_read_off_the_resampled_times():
    table = read_table(
        hours([1.0, 2.0, 3.0], ["00:30", "01:30", "02:30"]),
        targets=["y"],
        reading=Reading(resample="1h", calendar=("hour",)),
    )
    np.testing.assert_allclose(table.values[:, 1], np.sin(2 * np.pi * np.arange(3) / 24))


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_days_are_those_of_the_times_zone(zone: str):
    times = pd.date_range("2024-03-30", periods=72, freq="h", tz=zone)  # over the change of clocks in Berlin
    table = read_table(
        pd.DataFrame({"time": times, "y": 1.0}), targets=["y"], reading=Reading(resample="1D", aggregate="sum")
    )
    assert table.zone == zone
    assert table.values[:, 0].tolist() == ([24, 24, 24] if zone == "UTC" else [24, 23, 24, 1])
