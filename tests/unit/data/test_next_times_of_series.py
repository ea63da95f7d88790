"""The next times of many series are those of each one, and so are the rows that leave the step."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.frequency import find_frequency, next_times
from zoo.data.next_times_of_series import next_times_of_series
from zoo.data.times import from_ticks, ticks

RULES = (
    "s",
    "15min",
    "h",
    "7h",
    "D",
    "3D",
    "W-MON",
    "2W-SAT",
    "B",
    "bh",
    "MS",
    "ME",
    "2MS",
    "BME",
    "QS",
    "YS",
    "WOM-2TUE",
)
ZONES = (None, "UTC", "Europe/Berlin", "America/Sao_Paulo")
FIRSTS = st.datetimes(pd.Timestamp("2016-01-01"), pd.Timestamp("2020-12-31")).map(
    lambda time: pd.Timestamp(time).floor("h")
)


@st.composite
def calendars(draw, rules=RULES):
    """Times of one to six series, (times, starts): even ones, with gaps and with rows beside the step."""
    rule, zone = draw(st.sampled_from(rules)), draw(st.sampled_from(ZONES))
    unit = draw(st.sampled_from(["s", "us", "ns"]))
    alike = draw(st.booleans())  # whether all series begin at one time
    first, pieces = draw(FIRSTS), []
    for _ in range(draw(st.integers(1, 6))):
        first = first if alike else draw(FIRSTS)
        whole = pd.date_range(first, periods=draw(st.integers(1, 45)), freq=rule, unit=unit)
        if gaps := draw(st.sets(st.integers(0, len(whole) - 1), max_size=3)):
            whole = whole.delete(sorted(gaps)) if len(gaps) < len(whole) else whole
        moved = np.asarray(whole.asi8).copy()
        if draw(st.booleans()):
            moved[draw(st.integers(0, len(moved) - 1))] += ticks(pd.DatetimeIndex(["1970-01-01 01:00"]).as_unit(unit))[
                0
            ]
        piece = pd.DatetimeIndex(np.unique(moved).view(f"M8[{unit}]"))
        if zone is not None:
            piece = piece.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").dropna().unique().sort_values()
        pieces += [piece] if len(piece) else []
    if not pieces:
        pieces = [pd.DatetimeIndex([first], tz=zone)]
    return together(pieces)


def together(pieces):
    """The times of all series, one after the other, and the first row of each."""
    numbers = np.concatenate([ticks(piece) for piece in pieces])
    starts = np.cumsum([0, *(len(piece) for piece in pieces[:-1])])
    return from_ticks(numbers, pieces[0]), starts


def check_as_each(times, starts, count, usual):
    stops = np.r_[starts[1:], len(times)]
    later, known = next_times_of_series(times, starts, stops, count, usual)
    for number, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        alone = next_times(times[start:stop], count, usual)
        assert known[number] == (alone is not None)
        if alone is not None:
            assert from_ticks(later[number], times).tolist() == alone.tolist()


@settings(deadline=None)
@given(calendars(), st.integers(1, 40))
def test_the_next_times_of_series_are_those_of_each_one(made, count):
    times, starts = made
    check_as_each(times, starts, count, find_frequency(times, starts).step)
    check_as_each(times, starts, count, None)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(1, 3), max_size=40), min_size=1, max_size=6), st.sampled_from([None, 1, 5]))
def test_whole_numbers_count_on_in_each_series(steps, usual):
    times, starts = together([pd.Index(np.cumsum([number, *own])) for number, own in enumerate(steps)])
    check_as_each(times, starts, 3, usual)


@pytest.mark.parametrize("step", ["h", "7D"])
def test_rows_of_the_last_day_of_february_tell_no_later_day(step):
    days = pd.DatetimeIndex([f"{year}-02-28" for year in (2021, 2022, 2023)])
    hours = pd.date_range("2023-02-28 03:00", periods=3, freq=step)
    times, starts = together([days, hours, days])
    check_as_each(times, starts, 800, None)


@settings(deadline=None)
@given(calendars(RULES[4:]))
def test_rows_that_leave_the_step_are_found_as_in_each_series(made):
    times, starts = made
    found = find_frequency(times, starts)
    if found.step is None or isinstance(found.step, pd.offsets.Tick) or type(found.step) is pd.DateOffset:
        return
    stops, expected = np.r_[starts[1:], len(times)], []
    for start, stop in zip(starts, stops, strict=True):
        piece = times[start:stop].tz_localize(None)
        places = pd.date_range(piece[0], piece[-1], freq=found.step).get_indexer(piece)
        follows = (np.diff(places) == 1) & (places[1:] >= 0) & (places[:-1] >= 0)
        expected += (start + 1 + np.flatnonzero(~follows)).tolist()
    assert found.uneven.tolist() == expected
