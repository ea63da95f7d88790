"""The chronological split by fractions and by counts."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import TimeSeriesSplit

from zoo.data.splits import Minimum, Split, fold_splits, split_dates, split_rows
from zoo.data.windows import Layout, split_windows
from zoo_registry.errors import ConfigError, DataError


def least(rows: int) -> Minimum:
    return Minimum(rows, rows)


def test_fractions():
    split = split_rows(1000, (0.7, 0.15, 0.15), minimum=least(60), where="t")
    assert split == Split(range(700), range(700, 850), range(850, 1000))
    assert [name for name, _ in split.items()] == ["train", "validation", "test"]


def test_counts_leave_the_rows_after_them_unused():
    assert split_rows(1000, (500, 100, 90), minimum=least(60), where="t") == Split(
        range(500), range(500, 600), range(600, 690)
    )


@given(rows=st.integers(30, 5000), train=st.integers(20, 70), validation=st.integers(1, 20))
@settings(max_examples=50, deadline=None)
def test_fractions_use_every_row_once_and_in_order(rows: int, train: int, validation: int):
    parts = (train / 100, validation / 100, (100 - train - validation) / 100)
    split = split_rows(rows, parts, minimum=least(0), where="t")
    assert [*split.train, *split.validation, *split.test] == list(range(rows))
    for part, fraction in zip((split.train, split.validation, split.test), parts, strict=True):
        assert abs(len(part) - rows * fraction) <= 1


def test_the_usual_split_of_ett_has_the_usual_number_of_test_windows():
    split = split_rows(17420, (8640, 2880, 2880), minimum=least(192), where="ETTh1")
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
        split_rows(200, parts, minimum=least(60), where="t")
    assert split_rows(200, (60, 60, 60), minimum=least(60), where="t").test == range(120, 180)


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
        split_rows(1000, parts, minimum=least(10), where="t")


@given(st.integers(90, 500), st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_an_embargo_takes_the_last_rows_of_train_and_validation(rows: int, embargo: int):
    plain = split_rows(rows, (0.5, 0.25, 0.25), minimum=least(1), where="t")
    split = split_rows(rows, (0.5, 0.25, 0.25), minimum=least(1), where="t", embargo=embargo)
    assert split.train == plain.train[: len(plain.train) - embargo]
    assert split.validation == plain.validation[: len(plain.validation) - embargo]
    assert split.test == plain.test
    assert [row for block in split.blocks() for row in block] == list(range(rows))


def test_an_embargo_that_leaves_too_little():
    with pytest.raises(DataError, match=r"the validation part has 10 of 200 rows, but window \+ horizon need"):
        split_rows(200, (100, 50, 50), minimum=least(20), where="t", embargo=40)
    with pytest.raises(DataError, match="the train part has 0 of 200 rows"):
        split_rows(200, (100, 50, 50), minimum=least(20), where="t", embargo=1000)


HOURS = pd.date_range("2024-01-01", periods=240, freq="h")


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_a_split_by_dates(zone):
    times = HOURS.tz_localize(zone)
    split = split_dates(times, ("2024-01-06", "2024-01-08 12:00"), minimum=least(1), where="t")
    assert split == Split(range(120), range(120, 180), range(180, 240))
    assert times[split.validation.start] == pd.Timestamp("2024-01-06", tz=zone)
    split = split_dates(times, ("2024-01-06", "2024-01-08", "2024-01-09"), minimum=least(1), where="t", embargo=5)
    assert split == Split(range(115), range(120, 163), range(168, 192))


def test_a_date_between_rows_belongs_to_the_row_after_it():
    assert split_dates(HOURS, ("2024-01-05 23:30", "2024-01-08"), minimum=least(1), where="t").validation.start == 120


def test_a_date_with_a_zone_is_brought_to_the_times_zone():
    split = split_dates(HOURS.tz_localize("UTC"), ("2024-01-06T02:00+02:00", "2024-01-08"), minimum=least(1), where="t")
    assert split.validation.start == 120
    with pytest.raises(ConfigError, match="names a zone, but the times have none; write it without"):
        split_dates(HOURS, ("2024-01-06T02:00+02:00", "2024-01-08"), minimum=least(1), where="t")


@pytest.mark.parametrize("dates", [("2024-01-06",), ("2024-01-08", "2024-01-06"), ("2024-01-06",) * 2, ("NaT", "NaT")])
def test_dates_that_make_no_split(dates):
    with pytest.raises(ConfigError, match="two or three, each later than the one before"):
        split_dates(HOURS, dates, minimum=least(1), where="t")


def test_dates_that_do_not_fit_the_table():
    with pytest.raises(ConfigError, match="a split's dates are such as 2020-01-31, found soon,later"):
        split_dates(HOURS, ("soon", "later"), minimum=least(1), where="t")


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
