"""Patterns stand for columns of numbers that have no other role; a name of a column is never one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.api import plan
from zoo.data.column_patterns import matching_columns
from zoo.settings.schema import DataConfig
from zoo.training.preparation import read_data
from zoo_registry.errors import DataError

ROWS = 60


@pytest.fixture
def table():
    """Three loads, a price, a column whose name is a pattern, text, times, and the series."""
    random = np.random.default_rng(0)
    numbers = {name: random.normal(size=ROWS) for name in ("load_b", "load_a", "load_c", "price", "load_*")}
    text = {"load_name": ["north"] * ROWS, "site": ["x"] * 30 + ["y"] * 30}
    return pd.DataFrame({"date": [*pd.date_range("2024-01-01", periods=30)] * 2, **numbers, **text})


def read(table, **settings):
    return read_data(DataConfig(source="table", series="site", window=4, horizon=2, **settings), table)


@pytest.mark.parametrize(
    ("target", "targets"),
    [
        ("*", ("load_b", "load_a", "load_c", "price", "load_*")),
        ("load_?", ("load_b", "load_a", "load_c", "load_*")),
        ("load_[ab]", ("load_b", "load_a")),
        ("load_*", ("load_*",)),
        ('"load_*",price', ("load_*", "price")),
        ("price,load_[ab]", ("price", "load_b", "load_a")),
        ("load_[ab],load_[bc]", ("load_b", "load_a", "load_c")),
        ("load_a,load_?", ("load_a", "load_b", "load_c", "load_*")),
        (("pr*", "load_c"), ("price", "load_c")),
    ],
)
def test_what_they_stand_for(table, target, targets):
    assert read(table, target=target).targets == targets


def test_features_by_a_pattern(table):
    found = read(table, target="price", features="*_[ab]")
    assert (found.features, found.targets) == (("load_b", "load_a"), ("price",))


def test_text_is_left_out_and_told(table):
    assert read(table, target="*").ignored == ("load_name",)
    assert read(table, target="price", features="load_[an]*").ignored == ("load_name",)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": "laod_?"}, r"DataFrame: no column matches 'laod_\?'; did you mean 'load_"),
        ({"target": "load_n*"}, "'load_n.' matches column 'load_name' and no column of numbers; name other columns"),
        ({"target": "si*"}, "'si.' matches column 'site' alone, which has another role"),
        ({"target": "price", "features": "date*"}, "'date.' matches column 'date' alone, which has another role"),
        ({"target": "price,price"}, "target 'price' was named more than once"),
        ({"target": "price", "features": "load_a,zz*"}, r"no column matches 'zz\*'"),
    ],
)
def test_what_stands_for_nothing_is_told(table, settings, message):
    with pytest.raises(DataError, match=message):
        read(table, **settings)


def test_targets_that_are_no_features_are_left_out_of_a_pattern_for_features(table):
    found = read(table, task="regress", target="price", features="*")
    assert found.features == ("load_b", "load_a", "load_c", "load_*")


def test_a_column_of_classes_is_named_by_its_own_name(table):
    with pytest.raises(DataError, match=r"there is no column 'load_n\*'; did you mean 'load_"):
        read(table, task="classify", target="load_n*")


def test_a_record_has_the_names(table):
    settings = {"series": "site", "window": 4, "horizon": 2, "split": (0.5, 0.25, 0.25)}
    config, prepared = plan("basic", table, target="load_[abc]", features="*", **settings)
    assert config.data.target == prepared.problem.targets == ("load_b", "load_a", "load_c")
    assert config.data.features == prepared.problem.features == ("load_b", "load_a", "load_c", "price", "load_*")
    config, _ = plan("basic", table, target="load_a", calendar="weekday", **settings)
    assert (config.data.target, config.data.features) == (("load_a",), ())


@given(st.lists(st.text("ab*?[]", min_size=1, max_size=3), min_size=1, max_size=6, unique=True))
def test_a_columns_own_name_is_no_pattern(columns):
    for name in columns:
        assert matching_columns([name], columns, (), lambda _: True, "table") == (name,)
