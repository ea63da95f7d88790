"""The checked table: which columns are used, what identifies it, and where each fault is said to be."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.readers.reading import Reading
from zoo.data.table import read_table
from zoo_registry.errors import DataError

ROWS = 30


def make_frame(rows: int = ROWS) -> pd.DataFrame:
    times = pd.date_range("2024-01-01", periods=rows, freq="h")
    steps = np.arange(rows)
    return pd.DataFrame({"time": times, "a": steps * 1.5, "b": steps % 7, "site": ["north"] * rows, "c": -1.0 * steps})


def test_all_numeric_columns_are_features_by_default():
    table = read_table(make_frame(), targets=["b"])
    assert table.features == ("a", "b", "c")
    assert table.targets == ("b",)
    assert table.target_columns == (1,)
    assert table.time_column == "time"
    assert table.ignored == ("site",)
    np.testing.assert_array_equal(table.values, make_frame()[["a", "b", "c"]].to_numpy(dtype=float))
    assert table.values.dtype == np.float64
    assert table.values.flags.c_contiguous
    assert table.times[3] == pd.Timestamp("2024-01-01 03:00")


def test_features_are_taken_in_the_order_in_which_they_are_named():
    table = read_table(make_frame(), targets=["a", "c"], features=["c", "b"])
    assert table.features == ("c", "b")
    assert table.columns == ("c", "b", "a")
    assert table.target_columns == (None, 0)
    features, targets = table.cut(table.values)
    np.testing.assert_array_equal(features, make_frame()[["c", "b"]].to_numpy(dtype=float))
    np.testing.assert_array_equal(targets, make_frame()[["a", "c"]].to_numpy(dtype=float))


def test_booleans_and_numbers_written_as_text_are_numbers():
    frame = make_frame(3).assign(flag=[True, False, True], text=["1", " 2.5", "3e2"], some=pd.array([1, None, 3]))
    table = read_table(frame, targets=["a"])
    np.testing.assert_array_equal(table.values[:, table.columns.index("flag")], [1, 0, 1])
    np.testing.assert_array_equal(table.values[:, table.columns.index("text")], [1, 2.5, 300])
    np.testing.assert_array_equal(table.values[:, table.columns.index("some")], [1, np.nan, 3])


def test_further_columns_of_times_are_no_features():
    frame = make_frame(3).assign(until=pd.date_range("2025", periods=3), took=pd.to_timedelta([1, 2, 3], "h"))
    table = read_table(frame, targets=["a"])
    assert table.features == ("a", "b", "c")
    assert table.ignored == ("site", "until", "took")


@pytest.mark.parametrize("name", ["Date", "TIMESTAMP", "ds"])
def test_times_of_text_are_found_under_a_usual_name(name: str):
    frame = make_frame(3).rename(columns={"time": name})
    frame[name] = frame[name].astype(str)
    assert read_table(frame, targets=["a"]).time_column == name


def test_times_are_found_by_type_and_by_what_was_usual():
    frame = make_frame(3).assign(made=["2020-01-01", "2020-01-02", "2020-01-03"])
    assert read_table(frame, targets=["a"], reading=Reading(usual_time="made")).time_column == "made"
    assert read_table(frame, targets=["a"], reading=Reading(usual_time="gone")).time_column == "time"
    assert read_table(frame, targets=["a"], reading=Reading(time="made")).time_column == "made"
    assert read_table(frame[["a", "b"]], targets=["a"]).times is None


def test_rows_are_named_by_number_and_time():
    assert read_table(make_frame(), targets=["a"]).row_name(2) == "row 3 (2024-01-01 02:00:00)"
    assert read_table(make_frame()[["a"]], targets=["a"]).row_name(2) == "row 3"


@given(row=st.integers(0, ROWS - 1), column=st.sampled_from(["a", "b", "c"]), up=st.booleans())
@settings(max_examples=25, deadline=None)
def test_the_fingerprint_changes_with_the_last_bit_of_any_value(row: int, column: str, up: bool):
    changed = make_frame().astype({"b": float})
    changed.loc[row, column] = np.nextafter(changed.loc[row, column], np.inf if up else -np.inf)
    assert read_table(changed, targets=["a"]).fingerprint() != read_table(make_frame(), targets=["a"]).fingerprint()


def test_the_fingerprint_changes_with_times_names_and_roles():
    frame = make_frame()
    base = read_table(frame, targets=["a"]).fingerprint()
    later = frame.assign(time=frame["time"] + pd.Timedelta(1, "ns"))
    assert read_table(later, targets=["a"]).fingerprint() != base
    assert read_table(frame.drop(columns="time"), targets=["a"]).fingerprint() != base
    assert read_table(frame.rename(columns={"c": "d"}), targets=["a"]).fingerprint() != base
    assert read_table(frame, targets=["b"]).fingerprint() != base
    assert read_table(frame, targets=["a"], features=["c", "b", "a"]).fingerprint() != base


def test_the_fingerprint_does_not_change_with_where_the_values_come_from(tmp_path: Path):
    frame = make_frame()
    frame["a"] = np.random.default_rng(0).normal(size=ROWS)
    base = read_table(frame, targets=["a"]).fingerprint()
    frame.to_csv(tmp_path / "x.csv", index=False)
    frame.to_parquet(tmp_path / "y.parquet")
    renamed = frame.rename(columns={"time": "date", "site": "place"}).assign(site="south")
    for source in (
        tmp_path / "x.csv",
        tmp_path / "y.parquet",
        frame.set_index("time"),
        renamed,
        frame.astype({"b": float}),
    ):
        assert read_table(source, targets=["a"]).fingerprint() == base


def test_the_fingerprint_of_times_before_nanoseconds_begin():
    early = pd.DataFrame({"date": ["1500-01-01", "1501-01-01"], "y": [1.0, 2.0]})
    later = pd.DataFrame({"date": ["1500-01-02", "1501-01-01"], "y": [1.0, 2.0]})
    assert read_table(early, targets=["y"]).fingerprint() != read_table(later, targets=["y"]).fingerprint()


@given(row=st.integers(0, ROWS - 1), fault=st.sampled_from(["oops", "1,5", "inf", "-inf"]))
@settings(max_examples=25, deadline=None)
def test_a_value_that_is_no_finite_number_is_named_by_file_column_and_row(tmp_path_factory, row: int, fault: str):
    frame = make_frame().astype({"a": object})
    frame.loc[row, "a"] = fault
    path = tmp_path_factory.getbasetemp() / "faulty.csv"
    frame.to_csv(path, index=False)
    with pytest.raises(DataError) as caught:
        read_table(path, targets=["b"])
    kind = "finite number" if "inf" in fault else "number"
    message = str(caught.value)
    assert message.startswith(f"{path}: column 'a', row {row + 1}: expected a {kind}, found ")
    assert fault in message
    assert message.endswith(", or leave the column out with `features`")


@given(row=st.integers(1, ROWS - 1), back=st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_times_that_do_not_increase_are_named_by_row(row: int, back: int):
    frame = make_frame()
    frame.loc[row, "time"] = frame.loc[row - 1, "time"] - pd.Timedelta(hours=back)
    with pytest.raises(DataError) as caught:
        read_table(frame, targets=["a"])
    fault = "unsorted" if back else "duplicated"
    assert (
        f"times in column 'time' are {fault}: row {row + 1} ({frame['time'][row]}) follows row {row}"
        f" ({frame['time'][row - 1]})"
    ) in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"targets": ["aa"]}, "there is no column 'aa'; did you mean 'a'?"),
        ({"targets": ["a"], "features": ["tmie"]}, "there is no column 'tmie'; did you mean 'time'?"),
        ({"targets": ["a"], "reading": Reading(time="tim")}, "there is no column 'tim'; did you mean 'time'?"),
        ({"targets": ["x"]}, "there is no column 'x'; known are: a, b, c, site, time"),
        ({"targets": ["a", "a"]}, "target 'a' was named more than once; name it once"),
        ({"targets": ["a"], "features": ["b", "b"]}, "feature 'b' was named more than once; name it once"),
        ({"targets": ["time"]}, "column 'time' is the time column, so it can be neither target nor feature"),
        ({"targets": ["a"], "features": ["time"]}, "column 'time' is the time column"),
    ],
)
def test_columns_that_cannot_be_chosen(arguments: dict[str, object], expected: str):
    with pytest.raises(DataError) as caught:
        read_table(make_frame(), **arguments)
    assert str(caught.value).startswith(f"DataFrame: {expected}")
