"""Steps of months on a fixed day, and dates that nothing tells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.frequency import Frequency, find_frequency, next_times
from zoo.data.last_window import read_last_windows
from zoo.data.readers.reading import Reading
from zoo.data.table import read_table
from zoo.inference.frames import UnknownTimesWarning
from zoo_registry import Step
from zoo_registry.errors import DataError


def on_day(start: str, day: int, count: int, months: int = 1) -> pd.DatetimeIndex:
    """Dates by plain arithmetic: each so many months on, on a day, or on the month's last."""
    first = pd.Period(start, "M")
    periods = [first + months * number for number in range(count)]
    return pd.DatetimeIndex([f"{period}-{min(day, period.days_in_month):02}" for period in periods])


def found(times: pd.DatetimeIndex) -> Frequency:
    return find_frequency(times, np.zeros(1, np.int64))


@given(
    start=st.dates(pd.Timestamp("1995-01-01").date(), pd.Timestamp("2020-12-01").date()),
    day=st.integers(2, 30),
    months=st.sampled_from([1, 2, 3, 6, 12]),
    zone=st.sampled_from([None, "Europe/Berlin"]),
)
@settings(max_examples=60, deadline=None)
def test_repair_12_months_on_a_fixed_day(start, day: int, months: int, zone: str | None):
    if months == 12 and start.month == 2 and day >= 28:
        day = 27  # which of them it is, three or four years do not tell
    if months > 1 and day == 30 and start.month not in (1, 3, 5, 7, 8, 10, 12):
        day = 29  # else it may be the end of the month
    times = on_day(str(start)[:7], day, 40, months).tz_localize(zone)
    frequency = found(times[:30])
    assert str(frequency) == f"{months} month{'s' if months > 1 else ''} on day {day}"
    assert not len(frequency.uneven)
    assert next_times(times[:30], 10, frequency.step).tolist() == times[30:].tolist()


def test_repair_12_a_missing_month_is_a_gap():
    times = on_day("2010-01", 15, 40).delete([7, 20])
    assert found(times).uneven.tolist() == [7, 19]
    with pytest.raises(DataError, match=r"have gaps: row 8 .* follows row 7 .*, expected steps of 1 month on day 15"):
        read_table(pd.DataFrame({"date": times, "y": range(38)}), targets=["y"])


def test_repair_12_a_row_beside_the_day_and_the_hour_is_uneven():
    times = on_day("2010-01", 15, 40).to_series()
    times.iloc[5] += pd.Timedelta(days=1)
    times.iloc[9] += pd.Timedelta(hours=1)
    assert found(pd.DatetimeIndex(times)).uneven.tolist() == [5, 6, 9, 10]


def test_repair_12_each_of_several_series_has_its_own_months():
    times = on_day("2010-01", 20, 12).append(on_day("2012-05", 20, 12))
    frequency = find_frequency(times, np.array([0, 12]))
    assert str(frequency) == "1 month on day 20"
    assert not len(frequency.uneven)


@pytest.mark.parametrize(
    ("known", "later"),
    [
        (["2021-07-15", "2021-08-15", "2021-09-15"], ["2021-10-15", "2021-11-15"]),  # not 31 days
        (["2021-05-15", "2022-05-15", "2023-05-15"], ["2024-05-15", "2025-05-15"]),  # not 365 days
        (["2021-01-30", "2021-02-28", "2021-03-30"], ["2021-04-30", "2021-05-30"]),
        (["2021-01-31", "2021-02-28", "2021-03-31"], ["2021-04-30", "2021-05-31"]),
        (["2020-02-29", "2021-02-28", "2022-02-28"], ["2023-02-28", "2024-02-29"]),
        (["2021-04-30", "2022-04-30", "2023-04-30"], ["2024-04-30", "2025-04-30"]),
        (["2021-02-28", "2022-02-28", "2023-02-28"], None),  # the 28th, or the end of the month?
        (["2021-01-15", "2021-02-15"], None),  # a month, or 31 days?
        (["2021-01-01", "2021-01-05", "2021-01-20"], None),
    ],
)
def test_repair_12_dates_that_cannot_be_known_are_not_invented(known: list[str], later: list[str] | None):
    times = pd.DatetimeIndex(known)
    answer = next_times(times, 2, found(times).step)
    assert (None if answer is None else answer.strftime("%Y-%m-%d").tolist()) == later


def test_repair_12_counts_that_cannot_be_known_are_not_invented():
    assert next_times(pd.Index([1, 2, 4, 7, 11, 16]), 2) is None
    assert next_times(pd.Index([1, 2, 3, 7, 8, 9]), 2).tolist() == [10, 11]


def test_repair_12_a_forecast_without_dates_says_so(labelled):
    days = [1, 2, 5, 6, 11, 19, 20, 28]
    frame = pd.DataFrame({"time": [f"2024-01-{day:02}" for day in days], "y": np.arange(8.0)})
    last = read_last_windows(frame, features=["y"], window=4, reading=Reading(gaps="ignore"))
    with pytest.warns(UnknownTimesWarning, match="the times to come cannot be known"):
        answer = labelled(last, np.zeros((1, 2, 1)), ["y"])
    assert answer.index.name == "step"


def test_repair_12_the_month_of_the_15th_is_forecast_on_the_15th_over_gaps(labelled):
    times = on_day("2010-01", 15, 40).delete([7])
    frame = pd.DataFrame({"date": times, "y": np.arange(39.0)})
    last = read_last_windows(frame, features=["y"], window=4, reading=Reading(gaps="ignore"))
    answer = labelled(last, np.zeros((1, 3, 1)), ["y"])
    assert answer.index.strftime("%Y-%m-%d").tolist() == ["2013-05-15", "2013-06-15", "2013-07-15"]
    assert read_table(frame, targets=["y"], reading=Reading(gaps="break")).stretches.tolist() == [[0, 7], [7, 39]]


def test_repair_12_another_step_than_the_months_is_told_without_a_rule_that_is_none():
    frame = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=9), "y": np.arange(9.0)})
    step = Step(name="1 month on day 15", size=2_678_400.0)
    with pytest.raises(DataError, match=r"expected rows 1 month on day 15 apart as in the training, .*; mend them$"):
        read_last_windows(frame, features=["y"], window=4, step=step)
