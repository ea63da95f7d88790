"""Names of columns as lists: repeated, by commas, in CSV's quotes, and as they stand where there is such a column."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from zoo.data.columns import listed_names
from zoo.data.readers.reading import Reading
from zoo.data.table import read_table
from zoo.settings.schema import DataConfig
from zoo.training.preparation import read_data
from zoo_registry import Task
from zoo_registry.errors import ConfigError, DataError

COLUMNS = ["a", "b", "a,b", "flow, north", 'said "x"', "a b"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ([], ()),
        (["a"], ("a",)),
        (["b", "a"], ("b", "a")),
        (["b,a"], ("b", "a")),
        (["b, a"], ("b", "a")),
        (['" c", a ,b'], (" c", "a", "b")),
        (["b,a", "a b"], ("b", "a", "a b")),
        (["a,b"], ("a,b",)),  # there is such a column
        (["a,b", "b"], ("a,b", "b")),
        (['"a,b",b'], ("a,b", "b")),
        (['a b, "flow, north"'], ("a b", "flow, north")),
        (['"a,b"'], ("a,b",)),
        (['said "x"'], ('said "x"',)),
        (['"said ""x""",a'], ('said "x"', "a")),
        (["a,"], ("a", "")),  # which is told to be no column
        ([""], ("",)),
        (["a,c"], ("a", "c")),
    ],
)
def test_repair_26_names_of_columns(given, meant):
    assert listed_names(given, COLUMNS) == meant


def test_repair_26_quotes_that_do_not_end():
    with pytest.raises(ConfigError, match=r"expected names of columns by commas, .* found '.a,b'"):
        listed_names(['"a,b'], COLUMNS)


@pytest.fixture
def frame():
    times = pd.date_range("2024-01-01", periods=40, freq="h")
    random = np.random.default_rng(0)
    columns = {name: random.normal(size=40) for name in ("a", "b", "c", "in, out")}
    return pd.DataFrame({"time": times, **columns, "level": ["low", "high"] * 20})


@pytest.mark.parametrize(
    ("target", "features"),
    [
        ("b,a", 'a,b,"in, out"'),
        (["b", "a"], ["a", "b", "in, out"]),
        (["b", "a"], ("a,b", "in, out")),
        (["b,a"], ["a", "b", '"in, out"']),
    ],
)
def test_repair_26_texts_and_lists_in_python(frame, target, features):
    table = read_data(DataConfig(target=target, features=features), frame)
    assert (table.targets, table.features) == (("b", "a"), ("a", "b", "in, out"))


def test_repair_26_the_target_in_out_is_one_column(frame):
    assert read_data(DataConfig(target="in, out"), frame).targets == ("in, out",)


def test_repair_26_what_is_wrong_in_a_list_is_told_by_its_name(frame):
    with pytest.raises(DataError, match="there is no column 'd'"):
        read_data(DataConfig(target="a", features="b,d"), frame)
    with pytest.raises(DataError, match="feature 'b' was named more than once"):
        read_data(DataConfig(target="a", features=["b", "a,b"]), frame)
    with pytest.raises(ConfigError, match="`task='classify'` has one target, the column of classes, found 2"):
        read_data(DataConfig(target="level,a", task=Task.CLASSIFY), frame)


def test_the_columns_of_a_bundle_are_those_of_its_training(frame):
    """A name that is not there is missing, though its parts are there."""
    with pytest.raises(DataError, match="there is no column 'a,b'"):
        read_table(frame, targets=["c"], features=["a,b"], reading=Reading())


@pytest.fixture
def inspected(frame, tmp_path, zoo_command):
    """What ``zoo inspect`` says of the frame's columns."""
    frame.to_csv(tmp_path / "table.csv", index=False)

    def inspect(*arguments):
        done = zoo_command("inspect", "--data", "table.csv", "--window", 4, "--horizon", 1, "--json", *arguments)
        assert done.exit_code == 0, done.stderr
        found = json.loads(done.stdout)
        return found["targets"], found["features"]

    return inspect


@pytest.mark.parametrize(
    "arguments",
    [
        ("--target", "b", "--target", "a", "--features", "a", "--features", "b", "--features", "in, out"),
        ("--target", "b,a", "--features", 'a,b,"in, out"'),
        ("--target", "b,a", "--features", "a,b", "--features", "in, out"),
    ],
)
def test_repair_26_options_are_repeated_or_lists(inspected, arguments):
    assert inspected(*arguments) == (["b", "a"], ["a", "b", "in, out"])


def test_repair_26_the_calendar_is_repeated_or_a_list(inspected):
    of_columns = ("--target", "a", "--features", "a")
    by_commas = inspected(*of_columns, "--calendar", "hour,weekday")
    assert inspected(*of_columns, "--calendar", "hour", "--calendar", "weekday") == by_commas
    assert by_commas[1] == ["a", "hour_sin", "hour_cos", "weekday_sin", "weekday_cos"]


def test_repair_26_lists_in_a_file_of_settings(frame, tmp_path, zoo_command):
    frame.to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "settings.toml").write_text(
        'architecture = "linear"\n[data]\nsource = "table.csv"\ntarget = ["b", "a"]\nfeatures = ["a,b", "in, out"]\n'
    )
    done = zoo_command("train", "--config", "settings.toml", "--print-config")
    assert done.exit_code == 0, done.stderr
    assert 'target = [\n    "b",\n    "a",\n]' in done.stdout
    (tmp_path / "again.toml").write_text(done.stdout)
    assert zoo_command("train", "--config", "again.toml", "--print-config").stdout == done.stdout
