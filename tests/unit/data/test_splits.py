"""The chronological split by fractions and by counts."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import TimeSeriesSplit

from zoo.data.series_splits import split_series
from zoo.data.splits import Split, first_from, fold_splits, train_and_validation
from zoo.data.table import Table
from zoo.data.windows import Layout, split_windows
from zoo.settings.schema import DataConfig
from zoo_registry.errors import ConfigError, DataError


def cut(lengths: int | Sequence[int], *, least: int = 1, later: int | None = None, times=None, **settings) -> Any:
    """The split of one series, or those of several by name; ``least`` rows are a window with what it forecasts."""
    several = not isinstance(lengths, int)
    ends = np.cumsum(lengths if several else [lengths]).tolist()
    names = [f"s{number}" for number in range(len(ends))] if several else [""]
    table = Table(
        source="t",
        values=np.zeros((ends[-1], 1)),
        features=("y",),
        targets=("y",),
        times=times,
        time_column=None if times is None else "ds",
        ignored=(),
        series_column="site" if several else None,
        series={name: range(start, end) for name, start, end in zip(names, [0, *ends], ends, strict=False)},
    )
    config = DataConfig.model_construct(**(DataConfig().model_dump() | {"context": False} | settings))
    later = least if later is None else later
    splits, _ = split_series(table, config, Layout(least, later, least - later), "window + horizon")
    return splits if several else splits[""]


def test_fractions():
    split = cut(1000, split=(0.7, 0.15, 0.15), least=60)
    assert split == Split(range(700), range(700, 850), range(850, 1000))
    assert [name for name, _ in split.items()] == ["train", "validation", "test"]


def test_counts_leave_the_rows_after_them_unused():
    assert cut(1000, split=(500, 100, 90), least=60) == Split(range(500), range(500, 600), range(600, 690))


@given(rows=st.integers(100, 5000), train=st.integers(20, 70), validation=st.integers(1, 20))
@settings(max_examples=50, deadline=None)
def test_fractions_use_every_row_once_and_in_order(rows: int, train: int, validation: int):
    parts = (train / 100, validation / 100, (100 - train - validation) / 100)
    split = cut(rows, split=parts, least=1)
    assert [*split.train, *split.validation, *split.test] == list(range(rows))
    for part, fraction in zip((split.train, split.validation, split.test), parts, strict=True):
        assert abs(len(part) - rows * fraction) <= 1


def test_the_usual_split_of_ett_has_the_usual_number_of_test_windows():
    split = cut(17420, split=(8640, 2880, 2880), least=192)
    values = np.zeros((17420, 1), dtype=np.float32)
    parts = split_windows(values, values, [split], Layout(96, 96, 96))
    assert {name: len(windows) for name, windows in parts.items()} == {
        "train": 8640 - 96 - 96 + 1,
        "validation": 2880 - 96 + 1,
        "test": 2880 - 96 + 1,
    }


@pytest.mark.parametrize(
    ("parts", "short"),
    [((59, 60, 60), "train"), ((60, 59, 60), "validation"), ((60, 60, 59), "test")],
)
def test_each_part_holds_window_and_horizon(parts: tuple[int, int, int], short: str):
    with pytest.raises(DataError, match=f"t: the {short} part has 59 of 200 rows, but window \\+ horizon need 60;"):
        cut(200, split=parts, least=60)
    assert cut(200, split=(60, 60, 60), least=60).test == range(120, 180)


@pytest.mark.parametrize(
    "parts",
    [
        (0.7, 0.3),
        (0.7, 0.1, 0.1, 0.1),
        (0.7, 0.3, 0.0),
        (0.9, 0.2, -0.1),
        (0.7, 0.2, 0.2),
        (100, 50, 0.5),
        (math.nan, 0.5, 0.5),
        (math.inf, 0.5, 0.5),
        (10, 10, math.nan),
    ],
)
def test_parts_that_are_no_split(parts: tuple[float, ...]):
    with pytest.raises(
        ConfigError, match=r"^(a split has three parts|the parts of a split are).*`split='0.7,0.15,0.15'`$"
    ):
        cut(1000, split=parts, least=10)


@given(st.integers(90, 500), st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_an_embargo_takes_the_last_rows_of_train_and_validation(rows: int, embargo: int):
    plain = cut(rows, split=(0.5, 0.25, 0.25), least=1)
    split = cut(rows, split=(0.5, 0.25, 0.25), least=1, embargo=embargo)
    assert split.train == plain.train[: len(plain.train) - embargo]
    assert split.validation == plain.validation[: len(plain.validation) - embargo]
    assert split.test == plain.test
    assert [row for block in split.blocks() for row in block] == list(range(rows))


def test_an_embargo_that_leaves_too_little():
    with pytest.raises(DataError, match=r"the validation part has 10 of 200 rows, but window \+ horizon need"):
        cut(200, split=(100, 50, 50), least=20, embargo=40)
    with pytest.raises(DataError, match="the train part has 0 of 200 rows"):
        cut(200, split=(100, 50, 50), least=20, embargo=1000)


@given(
    lengths=st.lists(st.integers(1, 80), min_size=1, max_size=8),
    last=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    embargo=st.integers(0, 3),
    window=st.integers(1, 12),
)
@settings(max_examples=80, deadline=None)
def test_the_last_rows_of_each_series_whatever_its_length(
    lengths: list[int], last: tuple[int, int], embargo: int, window: int
):
    validation, test = last
    options = {"split_last": last, "embargo": embargo, "least": window + 1, "later": 1, "context": True}
    fitting = [rows for rows in lengths if rows - sum(last) - embargo > window and validation > embargo]
    if not fitting:
        with pytest.raises(DataError, match=rf"{len(lengths)} of {len(lengths)} series are too short"):
            cut(lengths, short_series="drop", **options)
        return
    found = cut(lengths, short_series="drop", **options)
    assert len(found) == len(fitting)
    starts = np.cumsum([0, *lengths])
    for name, split in found.items():
        start, end = int(starts[int(name[1:])]), int(starts[int(name[1:]) + 1])
        assert split.test == range(end - test, end)
        assert split.validation == range(end - test - validation, end - test - embargo)
        assert split.train == range(start, end - test - validation - embargo)
    if len(fitting) < len(lengths):
        first = next(rows for rows in lengths if rows - sum(last) - embargo <= window or validation <= embargo)
        remedy = "more rows, a smaller" if first - sum(last) - embargo <= window else "a larger"
        with pytest.raises(
            DataError, match=rf"has -?\d+ of {first} rows, but .* need .*; give {remedy} `split_last`, or a smaller"
        ):
            cut(lengths, **options)


def test_the_windows_behind_a_split_by_last_rows_reach_back_in_one_series_too():
    options = {"split_last": (2, 3), "least": 11, "later": 1}
    assert cut(20, context=True, **options) == Split(range(15), range(15, 17), range(17, 20))
    with pytest.raises(DataError, match=r"t: the validation part has 2 of 20 rows, but window \+ horizon need 11"):
        cut(20, context=False, **options)
    with pytest.raises(
        DataError, match=r"t: the train part has 0 of 4 rows, but .* need 11; give more rows, a smaller"
    ):
        cut(4, context=True, **options)


def test_all_rows_are_train_rows():
    assert cut([12, 7, 5], all_rows=True, least=6, short_series="drop") == {
        "s0": Split(range(12), range(12, 12), range(12, 12)),
        "s1": Split(range(12, 19), range(19, 19), range(19, 19)),
    }
    with pytest.raises(DataError, match=r"the train part has 5 of 5 rows, .* need 6; give more rows, or a smaller"):
        cut(5, all_rows=True, least=6)


def test_validation_is_a_share_or_a_number_of_rows():
    assert train_and_validation(range(10, 30), validation=0.25, embargo=2) == (range(10, 23), range(25, 30))
    assert train_and_validation(range(10, 30), validation=7) == (range(10, 23), range(23, 30))
    assert train_and_validation(range(10, 30), validation=70, embargo=1) == (range(10, 10), range(10, 30))


HOURS = pd.date_range("2024-01-01", periods=240, freq="h")


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_a_split_by_dates(zone):
    times = HOURS.tz_localize(zone)
    split = cut(len(HOURS), times=times, split_dates=("2024-01-06", "2024-01-08 12:00"), least=1)
    assert split == Split(range(120), range(120, 180), range(180, 240))
    assert times[split.validation.start] == pd.Timestamp("2024-01-06", tz=zone)
    split = cut(len(HOURS), times=times, split_dates=("2024-01-06", "2024-01-08", "2024-01-09"), least=1, embargo=5)
    assert split == Split(range(115), range(120, 163), range(168, 192))


def test_a_date_between_rows_belongs_to_the_row_after_it():
    assert cut(len(HOURS), times=HOURS, split_dates=("2024-01-05 23:30", "2024-01-08"), least=1).validation.start == 120


def test_a_date_with_a_zone_is_brought_to_the_times_zone():
    split = cut(
        len(HOURS), times=HOURS.tz_localize("UTC"), split_dates=("2024-01-06T02:00+02:00", "2024-01-08"), least=1
    )
    assert split.validation.start == 120
    with pytest.raises(ConfigError, match="names a zone, but the times have none; write it without"):
        cut(len(HOURS), times=HOURS, split_dates=("2024-01-06T02:00+02:00", "2024-01-08"), least=1)


@pytest.mark.parametrize("dates", [("2024-01-06",), ("2024-01-08", "2024-01-06"), ("2024-01-06",) * 2, ("NaT", "NaT")])
def test_dates_that_make_no_split(dates):
    with pytest.raises(ConfigError, match="two or three, each later than the one before"):
        cut(len(HOURS), times=HOURS, split_dates=dates, least=1)


def test_dates_that_do_not_fit_the_table():
    with pytest.raises(ConfigError, match="a split's dates are such as 2020-01-31, found soon,later"):
        cut(len(HOURS), times=HOURS, split_dates=("soon", "later"), least=1)


@given(
    steps=st.lists(st.lists(st.integers(1, 5), max_size=30), min_size=1, max_size=5),
    moment=st.integers(-3, 90),
    dates=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_all_series_are_searched_as_each_of_them(steps: list[list[int]], moment: int, dates: bool):
    series = [np.cumsum(own) for own in steps]
    ends = np.cumsum([len(own) for own in series])
    starts = np.r_[0, ends[:-1]]
    counts = np.concatenate(series)
    times = pd.DatetimeIndex(counts.astype("M8[s]")) if dates else pd.Index(counts)
    found = first_from(times, starts, ends, pd.Timestamp(moment, unit="s") if dates else moment)
    assert (found - starts).tolist() == [int(np.searchsorted(own, moment)) for own in series]


def test_times_that_are_counts():
    times = pd.Index(np.arange(10, 250))
    split = cut(240, times=times, split_dates=("100", "150"))
    assert split == Split(range(90), range(90, 140), range(140, 240))
    of_each = pd.Index(np.r_[np.arange(10, 250), np.arange(90, 210, 2)])
    assert cut([240, 60], times=of_each, split_dates=("100", "150", "200")) == {
        "s0": Split(range(90), range(90, 140), range(140, 190)),
        "s1": Split(range(240, 245), range(245, 270), range(270, 295)),
    }


@pytest.mark.parametrize(
    ("times", "texts", "words"),
    [
        (HOURS, ("100", "150"), "^`split_dates`: column 'ds' holds times, expected such as .*the whole number 100; "),
        (HOURS, ("2024-01-06", "150"), "^`split_dates`: column 'ds' holds times, expected .*the whole number 150; "),
        (
            pd.Index(np.arange(240)),
            ("100", "2024-01-06"),
            "^`split_dates`: the times in column 'ds' are whole numbers, expected such as 100, found 2024-01-06; ",
        ),
        (pd.Index(np.arange(240)), ("100.5", "120"), "are whole numbers, expected such as 100, found 100.5; "),
        (pd.Index(np.arange(240)), ("150", "100"), "two or three, each later .* `split_dates='100,150'`$"),
    ],
)
def test_times_and_whole_numbers_are_not_mixed(times: pd.Index, texts: tuple[str, ...], words: str):
    with pytest.raises(ConfigError, match=words):
        cut(240, times=times, split_dates=texts)


def test_a_year_or_a_day_may_be_digits_alone():
    assert cut(240, times=HOURS, split_dates=("20240106", "2024-01-08")).validation.start == 120
    with pytest.raises(DataError, match="a split by dates needs a column of times, found none"):
        cut(240, split_dates=("20240106", "2024-01-08"))


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (range(30, 60), range(30)),
        (range(30), range(29, 50)),
        ([*range(20), *range(30, 40)], range(40, 60)),
        (range(30), [31, 33, 32]),
        (range(0), range(10)),
        (range(10), range(0)),
    ],
)
def test_folds_keep_the_order_of_time(train, test):
    class Splitter:
        def split(self, rows):
            yield np.arange(20), np.arange(20, 40)
            yield np.array(train, int), np.array(test, int)

        def __repr__(self) -> str:
            return "Mine()"

    with pytest.raises(ConfigError, match=r"^fold 2 of Mine\(\): expected consecutive train rows"):
        fold_splits(Splitter(), 60)


@given(rows=st.integers(20, 90), share=st.floats(0.05, 0.5))
@settings(max_examples=20, deadline=None)
def test_a_fold_gives_the_end_of_its_train_rows_to_validation(rows: int, share: float):
    for split, (train, test) in zip(
        fold_splits(TimeSeriesSplit(3), rows, validation=share), TimeSeriesSplit(3).split(np.zeros(rows)), strict=True
    ):
        assert [*split.train, *split.validation] == train.tolist()
        assert list(split.test) == test.tolist()
        assert abs(len(split.validation) - share * len(train)) <= 0.5
