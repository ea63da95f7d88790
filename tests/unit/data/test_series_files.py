"""A folder of files, one a series: one table, whose series have the files' names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from zoo.data.readers.csv_files import CsvFormat
from zoo.data.readers.reading import Reading, is_csv, read_frame, read_frames
from zoo.data.readers.recognition import recognise
from zoo.data.table import read_table
from zoo_registry.errors import ConfigError, DataError

DAYS = pd.date_range("2024-01-01", periods=4, freq="D", unit="us")


def meter(rows: int = 4, first: float = 0.0) -> pd.DataFrame:
    return pd.DataFrame({"date": DAYS[:rows], "load": first + np.arange(rows) / 2})


@pytest.fixture(params=["csv", "parquet"])
def meters(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Three meters, the last with its columns in another order, and things that are no tables."""
    folder = tmp_path / "meters"
    (folder / "below").mkdir(parents=True)
    tables = {"b": meter(3, 10), "007": meter(4), "c": meter(2, 20)[["load", "date"]]}
    for name, table in tables.items():
        path = folder / f"{name}.{request.param}"
        table.to_csv(path, index=False) if request.param == "csv" else table.to_parquet(path, index=False)
    (folder / "README.txt").write_text("meters")
    (folder / ".hidden.csv").write_text("x\n1\n")
    return folder


def test_the_files_are_series_in_the_order_of_their_names(meters: Path):
    frame = read_frame(meters)
    assert list(frame.columns) == ["series", "date", "load"]
    assert frame["series"].tolist() == ["007"] * 4 + ["b"] * 3 + ["c"] * 2
    assert frame["load"].tolist() == [0, 0.5, 1, 1.5, 10, 10.5, 11, 20, 20.5]


@pytest.mark.parametrize("spooled", [False, True])
def test_a_folder_needs_no_word_to_become_a_table(meters: Path, tmp_path: Path, spooled: bool):
    table = read_table(meters, targets=["load"], reading=Reading(spool=tmp_path if spooled else None))
    assert (table.series_column, table.time_column, table.features) == ("series", "date", ("load",))
    assert {name: len(rows) for name, rows in table.series.items()} == {"007": 4, "b": 3, "c": 2}
    assert str(table.frequency) == "D"


def test_it_is_read_in_pieces_too(meters: Path):
    pieces = list(read_frames(meters, None, 2))
    assert max(map(len, pieces)) == 2
    whole = pd.concat([piece.astype({"series": str}) for piece in pieces], ignore_index=True)
    pd.testing.assert_frame_equal(whole, read_frame(meters).astype({"series": str}))


def test_it_is_told_with_what_is_left_out(meters: Path):
    form = recognise(meters, {"target": "load"})
    assert form.settings == {"layout": "files", "series": "series"}
    assert form.told == (
        f"{meters}: 3 files, each a series, which the column 'series' names; left out, as no table: 2 more in that"
        " folder"
    )


def test_one_file_is_a_series_where_that_is_asked_for(meters: Path):
    (path,) = meters.glob("b.*")
    table = read_table(path, targets=["load"], reading=Reading(layout="files"))
    assert {name: len(rows) for name, rows in table.series.items()} == {"b": 3}
    assert read_table(path, targets=["load"]).series_column is None


def test_files_in_the_long_format_name_their_times_and_values(tmp_path: Path):
    for name in "ab":
        meter().rename(columns={"date": "ds", "load": "y"}).to_csv(tmp_path / f"{name}.csv", index=False)
    assert recognise(tmp_path, {}).settings == {"layout": "files", "series": "series", "time": "ds", "target": "y"}


def test_files_may_be_parts_of_one_table_whose_series_have_a_column(tmp_path: Path):
    whole = pd.concat([meter().assign(site="x"), meter().assign(site="y")])
    whole[:6].to_csv(tmp_path / "1.csv", index=False)
    whole[6:].to_csv(tmp_path / "2.csv", index=False)
    table = read_table(tmp_path, targets=["load"], reading=Reading(series="site"))
    assert {name: len(rows) for name, rows in table.series.items()} == {"x": 4, "y": 4}
    assert (table.features, table.ignored) == (("load",), ())
    form = recognise(tmp_path, {"series": "site"})
    assert (form.settings, form.told) == ({"layout": "long"}, f"{tmp_path}: 2 files, parts of one table")


def test_files_in_the_long_format_with_a_column_of_series_are_parts_too(tmp_path: Path):
    for name in "ab":
        own = meter().rename(columns={"date": "ds", "load": "y"}).assign(unique_id=name.upper())
        own.to_csv(tmp_path / f"{name}.csv", index=False)
    form = recognise(tmp_path, {})
    assert form.settings == {"layout": "long", "series": "unique_id", "time": "ds", "target": "y"}
    table = read_table(tmp_path, targets=["y"], reading=Reading(layout="long", series="unique_id"))
    assert list(table.series) == ["A", "B"]


def test_numbers_of_rows_begin_anew_in_each_file(tmp_path: Path):
    for name in "ab":
        meter().to_csv(tmp_path / f"{name}.csv")
    table = read_table(tmp_path, targets=["load"], reading=Reading())
    assert (table.features, table.ignored) == (("load",), ("Unnamed: 0",))


def test_ids_in_the_files_are_text_as_they_stand(tmp_path: Path):
    meter().assign(site=["007", "007", "7", "7"]).to_csv(tmp_path / "1.csv", index=False)
    table = read_table(tmp_path, targets=["load"], reading=Reading(series="site"))
    assert list(table.series) == ["007", "7"]


def test_the_kind_of_a_folder_is_that_of_its_files(meters: Path):
    assert is_csv(meters) == any(path.suffix == ".csv" for path in meters.glob("b.*"))


def files(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


GOOD = "date,load\n2024-01-01,1\n2024-01-02,2\n"


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("date,load\n2024-01-01,1\n2024-01-02,oops\n", "column 'load', row 2: expected a number, found 'oops'"),
        ("date,load\n2024-01-01,1\nsoon,2\n", "column 'date', row 2: expected a time such as"),
        ("date,load\n2024-01-02,1\n2024-01-01,2\n", "times in column 'date' are unsorted: row 2 (2024-01-01"),
        ("date,load\n2024-01-01,1\n2024-01-01,2\n", "times in column 'date' are duplicated: row 2 (2024-01-01"),
        ("date,load\n2024-01-01,1,5\n", "expected 2 fields in each row as in the header, found more in the first one"),
        ("date,load\n", "expected a table with rows, found none"),
        ("", "the file is empty"),
        (
            "date,power\n2024-01-01,1\n",
            "expected the columns of a.csv, date, load; column 'load' is in a.csv and not in b.csv; mend the file",
        ),
        (
            "date,load,more\n2024-01-01,1,2\n",
            "expected the columns of a.csv, date, load; column 'more' is in b.csv and not in a.csv; mend the file",
        ),
    ],
)
def test_the_file_to_blame_is_named_with_its_own_row(tmp_path: Path, bad: str, told: str):
    files(tmp_path, a=GOOD, b=bad, c=GOOD)
    with pytest.raises(DataError) as caught:
        read_table(tmp_path, targets=["load"], reading=Reading())
    assert str(caught.value).startswith(f"{tmp_path / 'b.csv'}: {told}")


def test_what_no_file_is_to_blame_for_is_told_of_the_folder(tmp_path: Path):
    files(tmp_path, a=GOOD, b=GOOD.replace("01-01", "03-01").replace("01-02", "03-11"))
    with pytest.raises(DataError, match=r"^[^:]*: times in column 'date' (have gaps|keep no step)"):
        read_table(tmp_path, targets=["load"], reading=Reading())


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"a.txt": GOOD}, r"expected a folder of CSV or Parquet files \(\.csv, \.parquet, \.pq\), found none"),
        ({"a.csv": GOOD, "b.parquet": ""}, "expected files of one kind, found a.csv and b.parquet"),
        ({"a.csv": GOOD, "a.CSV": GOOD}, "a.CSV and a.csv would be one series 'a'; rename one"),
        ({"a.csv": "series,load\nx,1\n"}, "a.csv: column 'series' is what the files' names are put into; rename it"),
    ],
)
def test_folders_that_are_no_table_are_told(tmp_path: Path, names: dict[str, str], told: str):
    for name, text in names.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=told):
        read_table(tmp_path, targets=["load"], reading=Reading())


def test_other_layouts_of_a_folder_are_refused(meters: Path):
    with pytest.raises(ConfigError, match="`layout='wide'` is for one table, found a folder; leave it out"):
        read_table(meters, targets=["load"], reading=Reading(layout="wide"))
    with pytest.raises(ConfigError, match="`layout='files'` is for a folder or a file, found DataFrame"):
        read_table(meter(), targets=["load"], reading=Reading(layout="files"))


def test_signs_hold_for_each_file(tmp_path: Path):
    files(tmp_path, a="date;load\n2024-01-01;1,5\n", b="date;load\n2024-01-01;2,5\n")
    frame = read_frame(tmp_path, CsvFormat(delimiter=";", decimal=","))
    assert frame["load"].tolist() == [1.5, 2.5]
