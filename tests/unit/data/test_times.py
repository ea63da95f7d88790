"""Times, or whole numbers that count up: zones, order, gaps, and the steps between rows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.frequency import find_frequency, next_times
from zoo.data.last_window import read_last_windows
from zoo.data.readers.reading import Reading
from zoo.data.roles import Roles
from zoo.data.table import Table, read_table
from zoo.settings.schema import DataConfig
from zoo.training.preparation import prepare
from zoo_registry import Step
from zoo_registry.errors import DataError

ONE = np.zeros(1, np.int64)


def read(times: Any, **reading: Any) -> Table:
    frame = pd.DataFrame({"time": times})
    return read_table(frame.assign(y=np.arange(len(frame)) * 2.0), targets=["y"], reading=Reading(**reading))


# ---------------------------------------------------------------------------------------------------------------------
# Whole numbers that count up


def test_whole_numbers_are_times_where_they_are_named():
    counts = np.arange(100, 150, 5)
    frame = pd.DataFrame({"step": counts, "y": np.arange(10.0)})
    table = read_table(frame, targets=["y"], reading=Reading(time="step"))
    assert table.times.tolist() == counts.tolist()
    assert table.features == ("y",)
    assert table.step == Step(name="5", size=5.0)
    assert table.row_name(2) == "row 3 (110)"
    assert read_table(frame, targets=["y"]).features == ("step", "y")
    indexed = read_table(frame.set_index("step"), targets=["y"], reading=Reading(time="step"))
    assert indexed.fingerprint() == table.fingerprint()


@pytest.mark.parametrize("dtype", ["int32", "uint8", "float64", "Int64", "float32"])
def test_whole_numbers_of_any_dtype(dtype: str):
    table = read(pd.Series([3, 4, 5, 6]).astype(dtype), time="time")
    assert table.times.tolist() == [3, 4, 5, 6]
    assert table.times.dtype == np.int64


def test_whole_numbers_go_through_a_training_and_a_prediction(labelled):
    frame = pd.DataFrame({"tick": np.arange(0, 180, 3), "y": np.sin(np.arange(60.0))})
    prepared = prepare(DataConfig(target="y", time="tick", window=4, horizon=2), frame)
    assert prepared.split()["test"].first == "row 52 (153)"
    assert prepared.season is None
    last = read_last_windows(
        frame, features=["y"], window=4, step=prepared.problem.step, reading=Reading(usual_time="tick")
    )
    labelled = labelled(last, np.zeros((1, 2, 1)), ["y"], gap=2)
    assert labelled.index.tolist() == [186, 189]
    assert labelled.index.name == "time"


# ---------------------------------------------------------------------------------------------------------------------
# Zones


@pytest.mark.parametrize(
    ("texts", "zone"),
    [
        (["2024-01-01", "2024-01-02"], None),
        (["2024-01-01T00:00Z", "2024-01-01T01:00Z"], "UTC"),
        (["2024-01-01T00:00+00:00", "2024-01-01T01:00Z"], "UTC"),
        (["2024-01-01T00:00+02:00", "2024-01-01T01:00+02:00"], "UTC+02:00"),
    ],
)
def test_one_zone_is_kept(tmp_path: Path, texts: list[str], zone: str | None):
    pd.DataFrame({"time": texts, "y": [1.0, 2.0]}).to_csv(path := tmp_path / "y.csv", index=False)
    assert read_table(path, targets=["y"]).zone == zone
    assert read(pd.date_range("2024-01-01", periods=3, freq="h", tz="Europe/Berlin")).zone == "Europe/Berlin"


@given(row=st.integers(1, 9), other=st.sampled_from(["+02:00", "-05:30", "Z", ""]))
@settings(max_examples=25, deadline=None)
def test_mixed_zones_are_named_by_the_first_row_that_differs(row: int, other: str):
    texts = [f"2024-01-01T{hour:02}:00{'+01:00' if hour < row else other}" for hour in range(10)]
    has = {"Z": "+00:00", "": "none"}.get(other, other)
    told = rf"mixes time zones, .*: row {row + 1} \({re.escape(texts[row])}\) has {re.escape(has)}, .* \+01:00"
    with pytest.raises(DataError, match=told):
        read(texts)


@pytest.mark.parametrize("hours", [[0, 1, 2, 3], [0, 1, 3, 4]])
def test_daylight_saving_is_no_gap_where_times_have_their_zone(hours: list[int]):
    start = pd.Timestamp("2024-03-31", tz="Europe/Berlin")  # a day of 23 hours
    times = pd.DatetimeIndex([start + pd.Timedelta(hours=hour) for hour in hours])
    if hours == [0, 1, 2, 3]:
        assert len(read(times).stretches) == 1
        return
    with pytest.raises(DataError, match=r"row 3 \(2024-03-31 04:00:00\+02:00\) follows row 2 \(2024-03-31"):
        read(times)


# ---------------------------------------------------------------------------------------------------------------------
# Arrays


@pytest.mark.parametrize(
    "times",
    [
        np.arange("2024-01-01", "2024-01-07", dtype="M8[D]"),
        pd.date_range("2024-01-01", periods=6, freq="D"),
        [f"2024-01-0{day}" for day in range(1, 7)],
        np.arange(6),
        [10, 11, 12, 13, 14, 15],
    ],
    ids=["datetime64", "DatetimeIndex", "text", "integers", "list"],
)
def test_the_times_of_arrays_are_times_of_whatever_kind(labelled, times: Any):
    values = np.random.default_rng(0).normal(size=(6, 2))
    table = read_table((values, times, ["a", "b"]), targets=["b"])
    assert table.source == "arrays"
    assert table.time_column == "time"
    assert table.features == ("a", "b")
    np.testing.assert_array_equal(table.values, values)
    assert len(table.times) == 6
    last = read_last_windows(
        (values, times, ["a", "b"]), features=["a", "b"], window=2, reading=Reading(usual_time="when")
    )
    following = labelled(last, np.zeros((1, 1, 1)), ["b"]).index[0]
    assert following == (
        pd.Timestamp("2024-01-07") if isinstance(table.times, pd.DatetimeIndex) else table.times[-1] + 1
    )


def test_arrays_without_times():
    table = read_table((np.ones((3, 1)).cumsum(axis=0), None, ("a",)), targets=["a"])
    assert table.times is None
    assert table.time_column is None
    assert table.values[:, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ((np.ones((3, 2)), None), "expected (values, times, columns), found 2 parts"),
        ((np.ones(3), None, ["a"]), "expected values of shape (rows, 1) for the columns a, found (3,)"),
        ((np.ones((3, 2)), None, ["a"]), "expected values of shape (rows, 1) for the columns a, found (3, 2)"),
        ((np.ones((3, 1)), None, None), "expected (values, times, columns), found parts that are none"),
        (([[1.0], [1.0, 2.0]], None, ["a"]), "expected (values, times, columns), found parts that are none"),
        ((np.ones((3, 1)), [1, 2], ["a"]), "expected 3 times, one for each row, found (2,)"),
        ((np.ones((3, 1)), [1, 2, 3], ["time"]), "expected each column once, found 'time' more than once"),
        ((np.ones((3, 1)), [3, 2, 1], ["a"]), "times in column 'time' are unsorted: row 2 (2) follows row 1 (3)"),
        ((np.array([[1], ["x"], [3]], object), None, ["a"]), "column 'a', row 2: expected a number, found 'x'"),
    ],
)
def test_arrays_that_do_not_fit(arrays: Any, expected: str):
    with pytest.raises(DataError) as caught:
        read_table(arrays, targets=["a"])
    assert str(caught.value).startswith(f"arrays: {expected}")


# ---------------------------------------------------------------------------------------------------------------------
# Sorting


@given(order=st.permutations(range(12)))
@settings(max_examples=40, deadline=None)
def test_sorting_gives_the_sorted_table_and_says_how_many_rows_moved(order: list[int]):
    times = pd.date_range("2024-01-01", periods=12, freq="h")[order]
    if order == list(range(12)):
        assert read(times, sort=True).repairs == {}
        return
    table = read(times, sort=True)
    assert table.repairs == {"sort": {"rows_moved": sum(place != row for row, place in enumerate(order))}}
    assert table.times.tolist() == sorted(times)
    assert table.values[:, 0].tolist() == [2.0 * order.index(row) for row in range(12)]
    assert [table.row_name(row) for row in range(12)] == [
        f"row {order.index(row) + 1} ({time})" for row, time in enumerate(sorted(times))
    ]
    with pytest.raises(DataError, match=r"are unsorted: .*; ask for `sort`, or sort the rows"):
        read(times)


def test_sorting_brings_labels_along_and_does_not_mend_doubles():
    frame = pd.DataFrame({"time": [3, 1, 2], "y": [3.0, 1.0, 2.0], "state": ["c", "a", "b"]})
    table = read_table(frame, targets=["state"], roles=Roles(classes=True), reading=Reading(time="time", sort=True))
    assert [table.classes[label] for label in table.labels] == ["a", "b", "c"]
    with pytest.raises(DataError, match=r"are duplicated: row 3 \(1\) follows row 2 \(1\)"):
        read([5, 1, 1], time="time", sort=True)


# ---------------------------------------------------------------------------------------------------------------------
# Gaps and steps

FREQUENCIES = {
    "7min": "7min",
    "h": "h",
    "D": "D",
    "B": "B",
    "W-TUE": "W-TUE",
    "MS": "MS",
    "ME": "ME",
    "BME": "BME",
    "QS": "QS-JAN",
    "YS": "YS-JAN",
}


def even(frequency: str, rows: int = 40, zone: str | None = None) -> pd.DatetimeIndex:
    """Times that do not know their frequency."""
    return pd.DatetimeIndex(list(pd.date_range("2023-01-02", periods=rows, freq=frequency, tz=zone)))


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize(("frequency", "name"), FREQUENCIES.items())
def test_an_even_step_is_found_and_has_no_gap(frequency: str, name: str, zone: str | None):
    found = find_frequency(times := even(frequency, 120, zone), ONE)
    assert str(found) == name
    assert found.uneven.tolist() == []
    assert read(times).frequency is not None


@given(frequency=st.sampled_from(list(FREQUENCIES)), gaps=st.sets(st.integers(3, 56), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_gaps_are_found_where_they_are(frequency: str, gaps: set[int]):
    times = even(frequency, 60)
    kept = [row for row in range(60) if row not in gaps]
    expected = [row for row in range(1, len(kept)) if kept[row] != kept[row - 1] + 1]
    found = find_frequency(times[kept], ONE)
    assert str(found) == FREQUENCIES[frequency]
    assert found.uneven.tolist() == expected


@given(step=st.integers(1, 9), gaps=st.sets(st.integers(1, 38), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_gaps_in_whole_numbers(step: int, gaps: set[int]):
    kept = [row for row in range(40) if row not in gaps]
    found = find_frequency(pd.Index(np.array(kept) * step), ONE)
    assert found.step == step
    assert found.uneven.tolist() == [row for row in range(1, len(kept)) if kept[row] != kept[row - 1] + 1]


def test_gaps_are_told_with_the_first_three():
    times = even("h", 40).delete([5, 6, 10, 20, 30])
    with pytest.raises(DataError, match=r"have gaps: row 6 .* row 5 .*row 9 \(.*row 18 \(.*steps of h \(4 uneven"):
        read(times)


def test_rows_between_the_steps_are_uneven_too():
    times = even("D", 20).insert(7, pd.Timestamp("2023-01-08 12:00"))
    found = find_frequency(times, ONE)
    assert str(found) == "D"
    assert found.uneven.tolist() == [7, 8]


def test_rows_without_a_step():
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(12) ** 2, "min")
    for gaps in ("error", "break"):
        with pytest.raises(DataError, match=r"keep no step: row 2 \(.*00:01:00\) follows row 1 .* or say"):
            read(times, gaps=gaps)
    table = read(times, gaps="ignore")
    assert str(table.frequency) == "none"
    assert table.stretches.tolist() == [[0, 12]]
    step = table.step
    with pytest.raises(DataError, match="keep no step: row 10"):
        read_last_windows(pd.DataFrame({"time": times, "y": np.arange(12.0)}), features=["y"], window=4, step=step)


@given(
    gaps=st.sets(st.integers(2, 77), min_size=1, max_size=3),
    window=st.integers(1, 4),
    horizon=st.integers(1, 3),
    gap=st.integers(0, 2),
    frequency=st.sampled_from(["h", "B", "MS"]),
)
@settings(max_examples=40, deadline=None)
def test_breaks_have_no_window_over_them_and_ignoring_has_all(gaps, window, horizon, gap, frequency):
    kept = np.array([row for row in range(80) if row not in gaps])
    frame = pd.DataFrame({"time": even(frequency, 80)[kept], "y": kept.astype(float)})
    layout = {"window": window, "horizon": horizon, "gap": gap, "scaler": "none", "split": (0.4, 0.3, 0.3)}
    broken, whole = (prepare(DataConfig(target="y", gaps=how, **layout), frame) for how in ("break", "ignore"))
    for part, rows in broken.splits[""].items():
        expected = []
        for start in range(len(kept)):
            targets = range(start + window + gap, start + window + gap + horizon)
            if targets[0] in rows and targets[-1] in rows and kept[targets[-1]] - kept[start] == targets[-1] - start:
                expected.append(start)
        assert broken.parts[part].starts().tolist() == expected
        assert len(whole.parts[part]) == len(rows) - horizon + 1 - (window + gap if part == "train" else 0)
        assert whole.parts[part].inputs().shape == (len(whole.parts[part]), window, 1)


@pytest.mark.parametrize("first", [7, 8, 9, 10])
def test_eight_hours_of_business_days(first: int):
    days = pd.date_range("2024-01-01", periods=20, freq="B")
    times = pd.DatetimeIndex([day + pd.Timedelta(hours=hour) for day in days for hour in range(first, first + 8)])
    found = find_frequency(times, ONE)
    nights = list(range(8, 160, 8))
    assert (str(found), found.uneven.tolist()) == (("bh", []) if first == 9 else ("h", nights))


@pytest.mark.parametrize(
    ("frequency", "without"),
    [("B", [30, 35]), ("ME", [30]), ("BME", [28, 33]), ("W-TUE", [33]), ("h", [33]), ("QS", [35])],
)
def test_the_next_times_after_a_gap_keep_the_usual_step(labelled, frequency: str, without: list[int]):
    times = even(frequency, 60)
    known = times[:40].delete(without)
    usual = find_frequency(known, ONE).step
    assert next_times(known, 8, usual).tolist() == times[40:48].tolist()
    frame = pd.DataFrame({"time": known, "y": np.arange(len(known)) * 1.0})
    last = read_last_windows(frame, features=["y"], window=3, reading=Reading(gaps="ignore"))
    assert labelled(last, np.zeros((1, 5, 1)), ["y"], gap=3).index.tolist() == times[43:48].tolist()


def test_the_next_times_after_a_row_beside_the_calendar():
    saturday = pd.date_range("2024-01-01", periods=20, freq="B").append(pd.DatetimeIndex(["2024-01-27"]))
    assert next_times(saturday, 2, pd.offsets.BDay()).tolist() == [
        pd.Timestamp("2024-01-29"),
        pd.Timestamp("2024-01-30"),
    ]


def test_another_step_than_the_trainings_is_refused():
    frame = pd.DataFrame({"time": even("h", 20), "y": np.arange(20.0)})
    quarter = Step(name="15min", size=900.0)
    expected = (
        "expected rows 15min apart as in the training, found them 4 times as far apart; resample them with `resample`"
    )
    with pytest.raises(DataError, match=expected):
        read_last_windows(frame, features=["y"], window=3, step=quarter)
    fives = Step(name="5", size=5.0)
    counts = pd.DataFrame({"time": np.arange(0, 40, 2), "y": np.arange(20.0)})
    with pytest.raises(DataError, match=r"expected rows 5 apart as in the training, found them 0.4 times"):
        read_last_windows(counts, features=["y"], window=3, step=fives, reading=Reading(time="time"))
    with pytest.raises(
        DataError, match="column 'time' holds whole numbers, expected times 15min apart as in the train"
    ):
        read_last_windows(counts, features=["y"], window=3, step=quarter, reading=Reading(time="time"))
    with pytest.raises(DataError, match="column 'time' holds times, expected whole numbers as in the training; give"):
        read_last_windows(frame, features=["y"], window=3, step=fives)
    months = pd.DataFrame({"time": even("MS", 3), "y": np.arange(3.0)})  # of 28 to 31 days
    step = read_table(months, targets=["y"]).step
    for first in range(12):
        later = months.assign(time=even("MS", 20)[first : first + 3])
        assert read_last_windows(later, features=["y"], window=3, step=step).values.shape == (1, 3, 1)
