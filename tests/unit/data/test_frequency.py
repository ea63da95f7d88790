"""The usual season, and the times that come next."""

import pandas as pd
import pytest

from zoo.data.frequency import next_times, usual_season


def times(frequency: str, count: int = 60) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.date_range("2023-01-01", periods=count, freq=frequency).to_numpy())


@pytest.mark.parametrize(
    ("frequency", "season"),
    [
        ("15min", 96),
        ("30min", 48),
        ("h", 24),
        ("6h", 4),
        ("D", 7),
        ("B", 5),
        ("W-SAT", 52),
        ("MS", 12),
        ("ME", 12),
        ("QS", 4),
        ("YS", None),
        ("s", 86400),
    ],
)
def test_usual_season(frequency: str, season: int | None):
    assert usual_season(times(frequency)) == season


def test_a_few_gaps_do_not_change_the_season():
    hourly = times("h", 100)
    assert usual_season(hourly.delete([5, 6, 7, 40, 80])) == 24


def test_the_season_of_many_series_is_that_of_their_rows():
    hourly, alone = times("h", 50), times("h", 1)
    assert usual_season(hourly.append([hourly, *[alone] * 200])) == 24
    assert usual_season(alone.append([alone] * 5)) is None


def test_no_season_without_enough_times():
    assert usual_season(None) is None
    assert usual_season(times("h", 2)) is None


@pytest.mark.parametrize("frequency", ["15min", "h", "D", "W-SAT", "B", "MS", "ME", "QS", "YS"])
def test_next_times_go_on_as_before(frequency: str):
    known = times(frequency, 50)
    assert next_times(known[:40], 10).tolist() == known[40:].tolist()


def test_next_times_of_two_rows_and_of_uneven_rows_go_on_by_the_usual_step():
    start = pd.Timestamp("2024-01-01")
    two = pd.DatetimeIndex([start, start + pd.Timedelta(hours=3)])
    assert next_times(two, 2).tolist() == [start + pd.Timedelta(hours=6), start + pd.Timedelta(hours=9)]
    uneven = start + pd.to_timedelta([0, 1, 2, 4, 5, 6], "h")
    assert next_times(uneven, 1).tolist() == [start + pd.Timedelta(hours=7)]


def test_next_times_keep_the_time_zone():
    known = pd.date_range("2024-03-30", periods=40, freq="h", tz="Europe/Berlin")  # over the change of clocks
    assert next_times(known[:30], 3).tolist() == known[30:33].tolist()


def test_one_row_says_nothing_of_the_next():
    assert next_times(times("h", 1), 3) is None


@pytest.mark.parametrize("first", ["2024-03-20 02:30", "2024-10-20 02:30"])
def test_repair_12_times_that_the_clock_shows_never_or_twice_cannot_be_known(first: str):
    known = pd.date_range(first, periods=6, freq="D", tz="Europe/Berlin")
    assert next_times(known, 1) is not None
    assert next_times(known, 10) is None
