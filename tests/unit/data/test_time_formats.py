"""Times that are counted, or written by a pattern; zones that are named; columns that look like times."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.last_window import read_last_windows
from zoo.data.readers.reading import Reading
from zoo.data.table import Table, read_table
from zoo_registry.errors import ConfigError, DataError

HOURS = pd.date_range("2024-01-01", periods=48, freq="h")
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def read(times: Any, name: str = "timestamp", **reading: Any) -> Table:
    frame = pd.DataFrame({name: times, "y": np.arange(float(len(times)))})
    return read_table(frame, targets=["y"], reading=Reading(**reading))


def epochs(unit: str, times: pd.DatetimeIndex = HOURS) -> Any:
    return times.as_unit("s").asi8 * PER_SECOND[unit]


@pytest.mark.parametrize("unit", PER_SECOND)
def test_repair_12_epochs_are_told_and_never_a_feature(unit: str):
    with pytest.raises(DataError, match=rf"would be 2024-01-01 00:00:00\); read .* `time_format='{unit}'`, or name"):
        read(epochs(unit))
    table = read_table(  # named as a feature it is one
        pd.DataFrame({"timestamp": epochs(unit), "y": np.arange(48.0)}), targets=["y"], features=["timestamp", "y"]
    )
    assert table.features == ("timestamp", "y")


@pytest.mark.parametrize("unit", PER_SECOND)
@pytest.mark.parametrize("written", ["numbers", "text", "floats"])
def test_repair_12_epochs_are_read_on_request(unit: str, written: str):
    values = epochs(unit)
    if written != "numbers":
        values = [str(value) for value in values] if written == "text" else values.astype(np.float64)
    table = read(values, time_format=unit)
    assert table.features == ("y",)
    assert table.zone == "UTC"
    assert table.times.tolist() == HOURS.tz_localize("UTC").tolist()


def test_repair_12_fractions_of_seconds_are_read():
    table = read([1704067200.0, 1704067200.25, 1704067200.5], time_format="s")
    assert [str(time) for time in table.times] == [
        "2024-01-01 00:00:00+00:00",
        "2024-01-01 00:00:00.250000+00:00",
        "2024-01-01 00:00:00.500000+00:00",
    ]


@given(times=st.lists(st.integers(-(10**9), 4 * 10**9), min_size=2, max_size=20, unique=True))
@settings(max_examples=25, deadline=None)
def test_repair_12_epochs_are_exact(times: list[int]):
    table = read(sorted(times), time_format="s", gaps="ignore")
    start = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    assert [time.to_pydatetime() for time in table.times] == [
        start + datetime.timedelta(seconds=seconds) for seconds in sorted(times)
    ]


@pytest.mark.parametrize(
    ("form", "pattern"),
    [("yyyymmdd", "%Y%m%d"), ("yyyymmddhh", "%Y%m%d%H"), ("yyyymmddhhmm", "%Y%m%d%H%M")],
)
def test_repair_12_digits_are_told_and_read_on_request(form: str, pattern: str):
    days = pd.date_range("2023-12-20", periods=30, freq="D")
    numbers = days.strftime(pattern).astype(np.int64)
    with pytest.raises(DataError, match=f"'Date' has a time's name and numbers, which look like {form} "):
        read(numbers, "Date")
    for way in (form, pattern):
        table = read(numbers, "Date", time_format=way)
        assert table.times.tolist() == days.tolist()


def test_repair_12_a_pattern_reads_text_and_numbers_that_lost_a_zero():
    days = pd.date_range("2024-02-05", periods=10, freq="D")
    for written in (days.strftime("%d.%m.%Y"), days.strftime("%d%m%Y").astype(np.int64)):
        table = read(written, "day", time="day", time_format="%d.%m.%Y" if "." in str(written[0]) else "%d%m%Y")
        assert table.times.tolist() == days.tolist()


@pytest.mark.parametrize(
    ("times", "reading", "expected"),
    [
        ([1704067200, 1704070800], {"time_format": "yyyymmdd"}, "row 1: expected yyyymmdd, as `time_format` yyyymmdd"),
        ([1704067200000] * 2, {"time_format": "s"}, "row 1: expected seconds since 1970, as `time_format` s says"),
        ([1704067200.5] * 2, {"time_format": "ns"}, "row 1: expected nanoseconds .*, found 1704067200.5; mend it"),
        (["31.01.2024"] * 2, {}, "row 1: expected a time .* or say how all times are written with `time_format`"),
        (["2024-01-01", "x"], {"time_format": "%Y-%m-%d"}, "row 2: expected %Y-%m-%d, .* found 'x'"),
        ([1.0, np.nan], {"time_format": "s"}, "row 2: expected a time .*, found none"),
        ([1, 2, 3], {"time": "timestamp", "zone": "UTC"}, "holds numbers, expected times for `zone` UTC"),
        (["2024-03-31 01:30", "2024-03-31 02:30"], {"zone": "Europe/Berlin"}, "row 2: .* clock of Europe/Berlin shows"),
    ],
)
def test_repair_12_what_is_not_written_so_is_told(times: Any, reading: dict[str, Any], expected: str):
    with pytest.raises(DataError, match=f"column 'timestamp'.*{expected}"):
        read(times, **reading)


def test_repair_12_ways_and_zones_that_there_are_not():
    for form in ("seconds", "%Q", ""):
        with pytest.raises(ConfigError, match="`time_format` is one of iso, s, ms, us, ns, yyyymmdd"):
            Reading(time_format=form)
    with pytest.raises(ConfigError, match="there is no zone 'Berlin'"):
        Reading(zone="Berlin")


def test_repair_12_a_way_needs_a_column():
    frame = pd.DataFrame({"stamp": [1, 2, 3], "y": [1.0, 2.0, 3.0]})
    for reading in ({"time_format": "s"}, {"zone": "UTC"}):
        with pytest.raises(DataError, match="needs a column of times, found none; name it with `time`"):
            read_table(frame, targets=["y"], reading=Reading(**reading))


@pytest.mark.parametrize("order", ["by series", "by time"])
def test_repair_12_counts_under_the_usual_name_are_times(labelled, order: str):
    frame = pd.DataFrame(
        [(name, row, row * scale) for name, scale in (("H1", 1.0), ("H2", 2.0)) for row in range(1, 31)],
        columns=["unique_id", "ds", "y"],
    )
    frame = frame.sort_values("ds", kind="stable", ignore_index=True) if order == "by time" else frame
    table = read_table(frame, targets=["y"], reading=Reading(series="unique_id"))
    assert (table.time_column, table.features) == ("ds", ("y",))
    assert str(table.frequency) == "1"
    last = read_last_windows(frame, features=["y"], window=5, reading=Reading(series="unique_id"))
    answer = labelled(last, np.zeros((2, 2, 1)), ["y"])
    assert answer.index.tolist() == [31, 32, 31, 32]


def test_repair_12_counts_that_do_not_count_up_are_told():
    frame = pd.DataFrame({"ds": [1, 2, 3, 1, 2, 3], "y": np.arange(6.0)})
    with pytest.raises(DataError, match="expected them to count up, found 1 in row 4; name the column of several"):
        read_table(frame, targets=["y"])
    assert read_table(frame, targets=["y"], features=["ds", "y"]).time_column is None
    assert read_table(frame, targets=["y"], features=["y"]).time_column is None


def test_repair_12_fractions_with_a_times_name_are_told_and_never_a_feature():
    with pytest.raises(DataError, match=r"look like seconds since 1970 \(1704067200.5 would be 2024-01-01 00:00:00.5"):
        read(epochs("s") + 0.5)
    with pytest.raises(DataError, match=r"has a time's name and fractions, .* read them as seconds with `time='time'`"):
        read(np.arange(48) / 10, "time")
    with pytest.raises(DataError, match="has a time's name and fractions"):
        read(20230101.5 + np.arange(20), "date")


@pytest.mark.parametrize("written", ["0", "1.000"])
def test_repair_12_counts_as_text_are_told(written: str):
    with pytest.raises(DataError, match=f"row 1: expected a time .*, found '{written}'; mend it, or say how all"):
        read([written] * 5)


def test_repair_12_unsorted_counts_are_times_where_they_will_be_sorted():
    frame = pd.DataFrame({"ds": [3, 1, 2], "y": [3.0, 1.0, 2.0]})
    table = read_table(frame, targets=["y"], reading=Reading(sort=True))
    assert table.time_column == "ds"
    assert table.values[:, 0].tolist() == [1, 2, 3]


def test_repair_12_whole_numbers_beside_a_column_of_times_stay_a_feature():
    frame = pd.DataFrame({"day": HOURS, "time": HOURS.hour, "y": np.arange(48.0)})
    assert read_table(frame, targets=["y"]).features == ("time", "y")


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([datetime.date(2024, 1, day) for day in range(1, 10)]),
        pd.Series(pa.array([datetime.date(2024, 1, day) for day in range(1, 10)]), dtype=pd.ArrowDtype(pa.date32())),
        pd.Series(pd.period_range("2024-01-01", periods=9, freq="D")),
    ],
    ids=["objects", "Arrow", "periods"],
)
def test_repair_12_dates_of_every_type_are_found(column: pd.Series):
    table = read_table(pd.DataFrame({"x": 1.0, "day": column, "y": np.arange(9.0)}), targets=["y"])
    assert table.time_column == "day"
    assert table.times.tolist() == pd.date_range("2024-01-01", periods=9).tolist()


def test_repair_12_mixed_offsets_are_read_where_the_zone_is_named(tmp_path: Path):
    times = pd.date_range("2024-10-26 22:00", periods=10, freq="h", tz="Europe/Berlin")
    (tmp_path / "a.csv").write_text("time,y\n" + "".join(f"{time.isoformat()},1\n" for time in times), encoding="utf-8")
    with pytest.raises(DataError, match=r"mixes time zones, .* or name the zone whose clock they show with `zone`"):
        read_table(tmp_path / "a.csv", targets=["y"])
    for spool in (None, tmp_path):
        reading = Reading(zone="Europe/Berlin", spool=spool)
        table = read_table(tmp_path / "a.csv", targets=["y"], reading=reading)
        assert table.times.tolist() == times.tolist()
        assert table.zone == "Europe/Berlin"


def test_repair_12_a_time_without_an_offset_among_others_is_told_also_with_a_zone():
    texts = ["2024-10-27T01:00+02:00", "2024-10-27T02:00", "2024-10-27T02:00+01:00"]
    with pytest.raises(DataError, match=r"row 2 .* has none, the rows before \+02:00; write all times in UTC$"):
        read(texts, zone="Europe/Berlin")


def test_repair_12_the_clock_of_a_zone_is_read_over_its_change():
    times = pd.date_range("2024-10-26 22:00", periods=10, freq="h", tz="Europe/Berlin")
    table = read(times.tz_localize(None).strftime("%Y-%m-%d %H:%M"), zone="Europe/Berlin")
    assert table.times.tolist() == times.tolist()


def test_repair_12_the_clock_of_a_zone_shows_an_hour_twice_where_the_order_of_the_rows_does_not_tell():
    times = pd.date_range("2024-10-26 22:00", periods=10, freq="h", tz="Europe/Berlin")
    texts = times.tz_localize(None).strftime("%Y-%m-%d %H:%M")
    with pytest.raises(DataError, match="row 5: expected a time that the clock of Europe/Berlin shows once"):
        read(texts[::-1], zone="Europe/Berlin", sort=True)


def test_repair_12_a_pattern_with_offsets_keeps_their_clock():
    times = pd.date_range("2024-10-26 22:00", periods=10, freq="h", tz="Europe/Berlin")
    texts, form = times.strftime("%Y-%m-%d %H:%M %z"), "%Y-%m-%d %H:%M %z"
    table = read(texts[:4], time_format=form)
    assert [str(time) for time in table.times[:2]] == ["2024-10-26 22:00:00+02:00", "2024-10-26 23:00:00+02:00"]
    with pytest.raises(DataError, match=r"mixes time zones, .* name the zone whose clock they show with `zone`"):
        read(texts, time_format=form)
    table = read(texts, time_format=form, zone="Europe/Berlin")
    assert table.times.tolist() == times.tolist()


def test_repair_12_a_prediction_reads_times_as_the_training_did(labelled, read_as_trained):
    trained = {"time_column": "timestamp", "time_format": "s", "named_zone": "Europe/Berlin"}
    frame = pd.DataFrame({"timestamp": epochs("s"), "y": np.arange(48.0)})
    last = read_as_trained(frame, ["y"], 4, **trained)
    assert str(labelled(last, np.zeros((1, 1, 1)), ["y"]).index[0]) == "2024-01-03 01:00:00+01:00"
    proper = frame.assign(timestamp=HOURS.tz_localize("UTC"))  # times by their type need no way of writing
    assert str(read_as_trained(proper, ["y"], 4, **trained).times[-1]).endswith("+01:00")
    with pytest.raises(DataError, match="timestamp"):  # what is given beats what the training did
        read_as_trained(frame, ["y"], 4, given={"time_format": "%d.%m.%Y"}, **trained)
