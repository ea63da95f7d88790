"""Folds: which rows train, stop and test, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import KFold, TimeSeriesSplit

from zoo.data.splits import Split
from zoo.training.preparation import read_data
from zoo.tuning.folds import time_folds
from zoo_registry.errors import ConfigError, DataError

ROWS = 240  # of the series, of which 204 come before the run's test rows


def panel(series: pd.DataFrame, lengths: dict[str, int]) -> pd.DataFrame:
    return pd.concat([series.iloc[:length].assign(site=name) for name, length in lengths.items()], ignore_index=True)


def only(folds: list[dict[str, Split]]) -> list[Split]:
    return [fold[""] for fold in folds]


def test_expanding_folds_are_those_of_scikit_learn(make_config, series):
    found = only(time_folds(make_config(), series, folds=3))
    expected = list(TimeSeriesSplit(3).split(np.zeros(204)))
    for split, (train, test) in zip(found, expected, strict=True):
        assert [*split.train, *split.validation] == train.tolist()
        assert list(split.test) == test.tolist()
    assert [split.train.start for split in found] == [0, 0, 0]
    assert found[-1].test.stop == 204


def test_validation_has_the_share_that_it_has_in_the_run(make_config, series):
    for split in only(time_folds(make_config(split=(0.5, 0.25, 0.25)), series)):
        assert len(split.validation) / (len(split.train) + len(split.validation)) == pytest.approx(1 / 3, abs=0.02)


def test_validation_has_as_many_rows_as_in_a_run_whose_last_rows_are_counted(make_config, series):
    table = panel(series, {"a": 240, "b": 120})
    folds = time_folds(make_config(split_last=(12, 24), series="site"), table, horizon_rows=10)
    assert {len(split.validation) for fold in folds for split in fold.values()} == {12}
    assert [fold["b"].test.stop for fold in folds] == [240 + 120 - 24 - rest for rest in (20, 10, 0)]


def test_sliding_folds_train_on_as_many_rows_as_the_first(make_config, series):
    found = only(time_folds(make_config(), series, kind="sliding", folds=4, horizon_rows=20))
    assert {len(split.train) + len(split.validation) for split in found} == {204 - 4 * 20}
    assert [len(split.test) for split in found] == [20] * 4
    shorter = only(time_folds(make_config(), series, kind="sliding", folds=4, horizon_rows=20, train_rows=60))
    assert {len(split.train) + len(split.validation) for split in shorter} == {60}
    assert [split.test for split in shorter] == [split.test for split in found]


def test_a_gap_is_left_out_before_validation_and_before_test(make_config, series):
    for folds in (
        time_folds(make_config(), series, gap=5),
        time_folds(make_config(embargo=5), series),
        time_folds(make_config(), series, gap=5, splitter=TimeSeriesSplit(3)),
    ):
        for split in only(folds):
            assert split.validation.start - split.train.stop == 5
            assert split.test.start - split.validation.stop == 5


def test_any_splitter_in_the_order_of_time_works(make_config, series):
    class Months:
        def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[list[int], list[int]]]:
            for start in (0, 60):
                yield list(range(start, start + 90)), list(range(start + 95, start + 120))

    first, second = only(time_folds(make_config(), series, splitter=Months()))
    assert (first.train.start, first.validation.stop, first.test) == (0, 90, range(95, 120))
    assert (second.train.start, second.validation.stop, second.test) == (60, 150, range(155, 180))


def test_a_splitter_that_mixes_times_is_refused(make_config, series):
    with pytest.raises(ConfigError, match=r"^fold 1 of KFold.* all before consecutive test rows"):
        time_folds(make_config(), series, splitter=KFold(3))
    with pytest.raises(ConfigError, match="cannot split 204 rows"):
        time_folds(make_config(), series, splitter=TimeSeriesSplit(300))


def test_each_series_is_cut_by_its_own_rows(make_config, series):
    config = make_config(series="site")
    table = read_data(config.data, panel(series, {"a": 240, "b": 160}))
    for fold, alone_a, alone_b in zip(
        time_folds(config, table),
        only(time_folds(make_config(), series)),
        only(time_folds(make_config(), series.iloc[:160])),
        strict=True,
    ):
        assert fold == {"a": alone_a, "b": alone_b.shifted(240)}


def test_series_that_are_too_short_for_folds_are_refused_or_left_out(make_config, series):
    source = panel(series, {"a": 240, "b": 40})
    with pytest.raises(DataError, match=r"series 'b': the \w+ part of fold 1 has \d+ rows, but a window needs"):
        time_folds(make_config(series="site"), source)
    folds = time_folds(make_config(series="site", short_series="drop"), source)
    assert [list(fold) for fold in folds] == [["a"]] * 3


def test_splitters_have_to_make_as_many_folds_of_each_series(make_config, series):
    class Blocks:
        def split(self, X: Any) -> Iterator[tuple[range, range]]:
            for start in range(0, len(X) - 99, 100):
                yield range(start, start + 60), range(start + 60, start + 100)

    with pytest.raises(ConfigError, match="expected as many folds of each series, found 2 of series 'a', 1 of series"):
        time_folds(make_config(series="site"), panel(series, {"a": 240, "b": 160}), splitter=Blocks())


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"kind": "random"}, "folds are expanding or sliding, found 'random'"),
        ({"folds": 1}, "folds: expected 2 or more, found 1"),
        ({"horizon_rows": 0}, "horizon rows: expected 1 or more, found 0"),
        ({"gap": -1}, "gap: expected 0 or more, found -1"),
        ({"train_rows": 50}, "train rows are for sliding folds"),
        ({"folds": 3, "horizon_rows": 68}, "3 folds of 68 test rows and a gap of 0 need more than 204 rows"),
        ({"horizon_rows": 65}, "the train part of fold 1 has 7 rows, but a window needs 11"),
    ],
)
def test_settings_that_make_no_folds(make_config, series, settings, sentence):
    with pytest.raises((ConfigError, DataError), match=sentence):
        time_folds(make_config(), series, **settings)


@given(
    folds=st.integers(2, 5),
    kind=st.sampled_from(["expanding", "sliding"]),
    gap=st.integers(0, 6),
    parts=st.sampled_from([(0.7, 0.15, 0.15), (0.6, 0.2, 0.2), (120, 40, 40)]),
    horizon_rows=st.none() | st.integers(3, 20),
)
@settings(max_examples=60, deadline=None)
def test_parts_follow_each_other_and_end_before_the_runs_test_rows(
    make_config, shared_series, folds, kind, gap, parts, horizon_rows
):
    config = make_config(split=parts, embargo=2)
    found = only(time_folds(config, shared_series, folds=folds, kind=kind, gap=gap, horizon_rows=horizon_rows))
    own_test = sum(parts[:2]) if parts[0] > 1 else round(ROWS * (parts[0] + parts[1]))
    assert len(found) == folds
    for split in found:
        assert 0 <= split.train.start < split.train.stop <= split.validation.start - gap
        assert split.validation.start < split.validation.stop <= split.test.start - gap
        assert split.test.start < split.test.stop <= own_test
    for one, other in pairwise(found):
        assert one.test.stop == other.test.start


@pytest.fixture(scope="module")
def shared_series() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {"time": pd.date_range("2024-01-01", periods=ROWS, freq="h"), "load": random.normal(size=ROWS).cumsum()}
    )
