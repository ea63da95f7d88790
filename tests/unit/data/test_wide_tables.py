"""Tables with a series a line: what is read of them, and which tables are taken for them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.readers.csv_files import CsvFormat
from zoo.data.readers.reading import Reading, read_frame, read_frames
from zoo.data.readers.recognition import is_wide, recognise
from zoo.data.readers.wide_tables import is_m4
from zoo.data.table import read_table
from zoo_registry.errors import DataError

M4 = Path(os.environ.get("ZOO_DATA", Path(__file__).parents[4] / "shared" / "data")) / "m4" / "Hourly-train.csv"
SMALL = '"V1","V2","V3","V4"\n"H1","5","6","7"\n"H2","1.5",,\n"H3","8","9",\n'


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "m4.csv"
    path.write_text(SMALL)
    return path


def test_each_line_is_a_series_up_to_its_last_value(small: Path):
    frame = read_frame(small, layout="wide")
    assert list(frame.columns) == ["unique_id", "ds", "y"]
    assert frame["unique_id"].tolist() == ["H1", "H1", "H1", "H2", "H3", "H3"]
    assert frame["ds"].tolist() == [1, 2, 3, 1, 1, 2]
    assert frame["y"].tolist() == [5, 6, 7, 1.5, 8, 9]


def test_it_is_read_in_pieces_too(small: Path):
    whole = pd.concat([frame.astype({"unique_id": str}) for frame in read_frames(small, None, 1, layout="wide")])
    expected = read_frame(small, layout="wide").astype({"unique_id": str})
    pd.testing.assert_frame_equal(whole.reset_index(drop=True), expected)


@pytest.mark.parametrize("spooled", [False, True])
def test_it_becomes_a_table_of_many_series(small: Path, tmp_path: Path, spooled: bool):
    reading = Reading(layout="wide", spool=tmp_path if spooled else None)
    table = read_table(small, targets=["y"], reading=reading)
    assert (table.series_column, table.time_column, table.features) == ("unique_id", "ds", ("y",))
    assert {name: len(rows) for name, rows in table.series.items()} == {"H1": 3, "H2": 1, "H3": 2}
    assert table.step.size == 1


def test_what_is_empty_before_the_last_value_is_missing(tmp_path: Path):
    path = tmp_path / "holes.csv"
    path.write_text("id,a,b,c\n007,,2,\nNA,1,,3\n")
    frame = read_frame(path, layout="wide")
    assert frame["unique_id"].tolist() == ["007", "007", "NA", "NA", "NA"]
    np.testing.assert_array_equal(frame["y"], [np.nan, 2, 1, np.nan, 3])


def test_dates_of_the_header_are_the_times():
    heads = ["page", "2015-07-01", "2015-07-02", "2015-07-03"]
    frame = read_frame(pd.DataFrame([["a", 1, 2, 3], ["b", 4, 5, np.nan]], columns=heads), layout="wide")
    assert frame["ds"].tolist() == [pd.Timestamp(2015, 7, day) for day in (1, 2, 3, 1, 2)]


def test_numbers_are_written_as_the_settings_say(tmp_path: Path):
    path = tmp_path / "german.csv"
    path.write_text("id;1;2\na;1.000,5;2,5\n")
    csv = CsvFormat(delimiter=";", decimal=",", thousands=".")
    assert read_frame(path, csv, layout="wide")["y"].tolist() == [1000.5, 2.5]


@given(
    st.lists(
        st.lists(st.none() | st.floats(-1e9, 1e9, allow_nan=False), min_size=1, max_size=6).filter(
            lambda values: values[-1] is not None
        ),
        min_size=1,
        max_size=5,
    )
)
def test_nothing_is_lost_and_nothing_invented(series: list[list[float | None]]):
    width = max(map(len, series))
    lines = [[f"s{n}", *values, *[None] * (width - len(values))] for n, values in enumerate(series)]
    wide = pd.DataFrame(lines, columns=["id", *map(str, range(width))]).astype({str(n): float for n in range(width)})
    frame = read_frame(wide, layout="wide")
    for number, values in enumerate(series):
        own = frame[frame["unique_id"] == f"s{number}"]
        assert own["ds"].tolist() == [*range(1, len(values) + 1)]
        np.testing.assert_array_equal(own["y"], np.array(values, dtype=np.float64))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,a,b\nx,1,2\ny,1,oops\n", "column 'b', row 2: expected a number, found 'oops'"),
        ("id,a,b\nx,1,2\ny,inf,2\n", "column 'a', row 2: expected a finite number, found inf"),
        (
            'id,a,b\nx,1,2\ny,"1,5",2\n',
            "column 'a', row 2: expected a number, found '1,5'; write it with a decimal point",
        ),
        ("id,a,b\nx,1,2\n,3,4\n", "column 'id', row 2: expected the name of a series, found none; fill it in"),
        (
            "id,a,b\nx,1,2\ny,3,4\nx,5,6\n",
            "column 'id', row 3: expected another series in each row, found 'x', as in row 1; rename one",
        ),
        ("id,a,b\nx,1,2\ny,,\n", "row 2: series 'y' has no value; remove that line"),
        ("id\nx\n", "expected a column of names and columns of values, found 1 column; leave `layout` out"),
        ("id,a,b\nx,1,2\ny,1,2,3\n", "line 3: expected 3 fields as in the header, found 4"),
        ("id,a,b\n", "expected a table with rows, found none"),
        ("", "the file is empty"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, told: str):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_frame(path, layout="wide")
    assert str(caught.value).startswith(f"{path}: {told}")


def test_a_series_may_not_come_again_in_a_later_piece(tmp_path: Path):
    path = tmp_path / "twice.csv"
    path.write_text("id,a,b\nx,1,2\ny,3,4\nx,5,6\n")
    with pytest.raises(DataError, match="row 3: expected another series in each row, found 'x', as in row 1"):
        list(read_frames(path, None, 1, layout="wide"))


ORDINARY = {
    "as R writes a table": "V1,V2,V3\n2020-01-01,1,2\n2020-01-02,3,4\n",
    "numbers of rows": "V1,V2,V3\n1,5,6\n2,7,8\n",
    "stations": "V1,V2,V3\nH1,5,6\nH1,7,8\n",
    "holes": "V1,V2,V3\nH1,,6\nH2,7,8\n",
    "text": "V1,V2,V3\nH1,x,6\nH2,7,8\n",
    "another header": "id,V2,V3\nH1,5,6\nH2,7,8\n",
    "a name left out": "V1,V2,V4\nH1,5,6\nH2,7,8\n",
    "other names": "V1,V2,V3\nHouse1,5,6\nHouse2,7,8\n",
    "two columns": "V1,V2\nH1,5\nH2,7\n",
}


@pytest.mark.parametrize("kind", ORDINARY)
def test_an_ordinary_table_is_never_taken_for_one(tmp_path: Path, kind: str):
    path = tmp_path / "table.csv"
    path.write_text(ORDINARY[kind])
    assert recognise(path, {}).settings == {}


@pytest.mark.parametrize("named", [{"target": "V2"}, {"target": ["V3", "V2"]}, {"features": "V2,V3"}, {"series": "V1"}])
def test_a_table_one_of_whose_columns_is_named_is_none_either(small: Path, named: dict[str, object]):
    assert recognise(small, named).settings == {}
    assert not is_wide(small, CsvFormat(), ["V2"])


def test_m4s_form_is_recognised_and_told(small: Path):
    form = recognise(small, {"target": "y"})
    assert form.settings == {"layout": "wide", "series": "unique_id", "time": "ds"}
    assert form.told == (
        f"{small}: a series a line, read as the columns unique_id, ds, y, as M4's files; `layout='long'` leaves it as"
        " it stands"
    )
    assert recognise(small, {"layout": "long"}).settings == {}
    assert is_m4(pd.read_csv(small))
    assert recognise(pd.read_csv(small), {}).settings["layout"] == "wide"


@pytest.mark.skipif(not M4.is_file(), reason="M4 is not here; set ZOO_DATA to the folder of data")
def test_m4_hourly_is_read_whole():
    assert recognise(M4, {}).settings["layout"] == "wide"
    table = read_table(M4, targets=["y"], reading=Reading(layout="wide"))
    lengths = [len(rows) for rows in table.series.values()]
    assert (len(lengths), min(lengths), max(lengths), sum(lengths)) == (414, 700, 960, 353_500)
    lines = M4.read_text().splitlines()
    name, *values = (field.strip('"') for field in lines[170].split(","))
    rows = table.series[name]
    np.testing.assert_array_equal(table.values[rows.start : rows.stop, 0], [float(v) for v in values if v])
