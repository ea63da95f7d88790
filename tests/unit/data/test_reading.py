"""Reading files and DataFrames: the same table whatever it comes from, and one sentence for what cannot be read."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from zoo.data.readers.reading import describe, read_frame


@pytest.fixture
def write(tmp_path: Path):
    """Write text or bytes to a file of that name and return its path."""

    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


def test_csv_keeps_columns_rows_and_doubles(write):
    frame = read_frame(write("a.csv", "time,y,name\n2024-01-01,0.30000000000000004,a\n2024-01-02,5e-324,b\n"))
    assert list(frame.columns) == ["time", "y", "name"]
    assert frame["y"].tolist() == [0.1 + 0.2, 5e-324]
    assert frame["name"].tolist() == ["a", "b"]


def test_csv_doubles_survive_writing_and_reading(tmp_path: Path):
    values = np.random.default_rng(0).normal(size=5000) * 10.0 ** np.random.default_rng(1).integers(-200, 200, 5000)
    pd.DataFrame({"y": values}).to_csv(tmp_path / "y.csv", index=False)
    np.testing.assert_array_equal(read_frame(tmp_path / "y.csv")["y"], values)


def test_windows_line_ends(write):
    assert read_frame(write("a.csv", "y,z\r\n1,2\r\n3,4\r\n"))["z"].tolist() == [2, 4]


@pytest.mark.parametrize("suffix", [".parquet", ".PQ"])
def test_parquet_gives_what_was_written(tmp_path: Path, series: pd.DataFrame, suffix: str):
    path = tmp_path / f"a{suffix}"
    series.to_parquet(path, index=False)
    pd.testing.assert_frame_equal(read_frame(path), series)


def test_parquet_keeps_its_index_of_times(tmp_path: Path, series: pd.DataFrame):
    series.set_index("time").to_parquet(tmp_path / "a.parquet")
    frame = read_frame(str(tmp_path / "a.parquet"))
    assert list(frame.columns) == list(series.columns)
    assert (frame["time"] == series["time"]).all()


@pytest.mark.parametrize(("name", "expected"), [("when", "when"), (None, "time")])
def test_index_of_times_becomes_the_first_column(series: pd.DataFrame, name: str | None, expected: str):
    frame = read_frame(series.set_index("time").rename_axis(name))
    assert list(frame.columns) == [expected, "load", "temperature"]
    assert (frame[expected] == series["time"]).all()


def test_index_of_periods_becomes_times():
    frame = read_frame(pd.DataFrame({"y": [1.0, 2.0]}, index=pd.period_range("2024-01", periods=2, freq="M")))
    assert frame["time"].tolist() == [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-02-01")]


def test_index_without_a_name_is_left_out(series: pd.DataFrame):
    assert list(read_frame(series[100:]).columns) == list(series.columns)


def test_a_dataframe_of_the_caller_is_left_as_it_was(series: pd.DataFrame):
    given = series.set_index("time")
    before = given.copy()
    frame = read_frame(given)
    frame["load"] = 0.0
    pd.testing.assert_frame_equal(given, before)


def test_names_that_are_no_text_become_text():
    assert list(read_frame(pd.DataFrame({0: [1.0], 1: [2.0]})).columns) == ["0", "1"]


def test_a_column_may_be_called_na(write):
    assert list(read_frame(write("b.csv", "NA,y\n1,2\n")).columns) == ["NA", "y"]


def test_a_blank_line_is_a_missing_value_only_where_there_is_one_column(write):
    one = read_frame(write("one.csv", "y\n1\n\n3\n"))["y"]
    assert one.isna().tolist() == [False, True, False]
    assert read_frame(write("two.csv", "y,z\n1,2\n\n3,4\n\n"))["y"].tolist() == [1, 3]


def test_the_example_is_the_real_series():
    frame = read_frame("example:co2")
    assert len(frame) == 2284
    assert frame["co2"].isna().sum() == 59
    assert frame["date"].iloc[0] == pd.Timestamp("1958-03-29")


def test_describe_names_the_source(series: pd.DataFrame):
    assert [describe(source) for source in (series, Path("a.csv"), "example:co2")] == [
        "DataFrame",
        "a.csv",
        "example:co2",
    ]
