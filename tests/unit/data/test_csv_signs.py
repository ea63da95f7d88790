"""Comments, thousands and columns without a name in CSV files: read on request, left out and told, or told rightly."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from zoo.data.readers.csv_files import CsvFormat
from zoo.data.readers.reading import Reading, read_frame, read_frames
from zoo.data.table import Table, read_table
from zoo_registry.errors import ConfigError, DataError

Write = Callable[..., Path]
HASH = CsvFormat(comment="#")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to(text: str, name: str = "a.csv", encoding: str = "utf-8") -> Path:
        (tmp_path / name).write_text(text, encoding=encoding, newline="")
        return tmp_path / name

    return to


def numbers(path: Path, csv: CsvFormat) -> list[float]:
    return read_table(path, targets=["y"], features=["y"], reading=Reading(csv=csv)).values[:, 0].tolist()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_repair_26_comments_are_skipped_on_request(write: Write, end: str, encoding: str):
    lines = ["# logger, of 2024", "#", "name,y", "a#1,1", "# a pause", '"b', '# no comment",2', "#", ""]
    frame = read_frame(write(end.join(lines), encoding=encoding), HASH)
    assert frame["y"].tolist() == [1, 2]
    assert [" ".join(name.split()) for name in frame["name"]] == ["a#1", "b # no comment"]


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)])
def test_repair_26_comments_in_archives(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]):
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(pack(b"# logger\ntime,y\n1,2\n"))
    assert read_frame(path, HASH)["y"].tolist() == [2]
    (tmp_path / "a.csv.zip").write_bytes(b"PK")
    with pytest.raises(ConfigError, match=r"`comment` does not read inside a \.zip archive; unpack it first"):
        read_frame(tmp_path / "a.csv.zip", HASH)


def test_repair_26_comments_over_many_reads(write: Write):
    rows = [f"{row},{row / 7!r}" for row in range(60_000)]
    text = "\n".join(["x,y", *(line for row in rows for line in ("# before", row))])
    frames = list(read_frames(write(text), HASH, 25_000))
    assert [len(frame) for frame in frames] == [25_000, 25_000, 10_000]
    assert pd.concat(frames)["y"].tolist() == [row / 7 for row in range(60_000)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# a\n# b\ntime,y\n1,2\n", "found '# a', which looks like a comment; give `comment='#'`"),
        ("# a\ntime,y\n1,2\n", "found '# a', which looks like a comment; give `comment='#'`"),
        ("# a, b\ntime,y\n1,2\n", "found '# a', which looks like a comment; give `comment='#'`"),
        ("time,y\n1,2\n# a, b, c\n", "line 3: .* mend that line, or give `comment='#'` where that line is a comment"),
    ],
)
def test_repair_26_comments_are_told_where_nobody_asked(write: Write, text: str, said: str):
    with pytest.raises(DataError, match=said):
        read_frame(write(text), CsvFormat())


def test_repair_26_a_comment_among_the_rows_is_told(write: Write):
    for text, column in (("time,y\n2024-01-01,2\n# pause\n", "time"), ("y,x\n1,2\n# pause\n", "y")):
        with pytest.raises(DataError, match=f"column '{column}', row 2: .* or give `comment='#'` where"):
            read_table(write(text), targets=["y"])


def test_repair_26_a_header_may_begin_with_the_sign(write: Write):
    assert list(read_frame(write("#time,y\n1,2\n"), CsvFormat()).columns) == ["#time", "y"]


def test_repair_26_lines_are_told_as_they_are_in_the_file(write: Write):
    with pytest.raises(DataError, match="line 6: expected 2 fields as in the header, found 3"):
        read_frame(write("#\ntime,y\n#\n1,2\n#\n3,4,5\n"), HASH)
    with pytest.raises(DataError, match="line 4: expected the quote that begins here to end"):
        read_frame(write('#\ntime,y\n#\n"1,2\n5,6\n'), HASH)


def test_repair_26_what_is_no_text_is_told_behind_comments_too(write: Write):
    path = write("#\ntime,y\n1,2\n")
    path.write_bytes(path.read_bytes() + b"\xff,1\n")
    with pytest.raises(DataError, match="line 4: expected UTF-8 text, found the byte 0xff"):
        read_frame(path, HASH)


@pytest.mark.parametrize(
    ("csv", "written", "value"),
    [
        (CsvFormat(";", ",", thousands="."), "51.057,00", 51057.0),
        (CsvFormat(";", ",", thousands="."), "1.234.567", 1234567.0),
        (CsvFormat(";", ",", thousands="."), "-950,5", -950.5),
        (CsvFormat(thousands=","), '"1,234.5"', 1234.5),
        (CsvFormat(thousands=","), '"1,234"', 1234.0),
        (CsvFormat(";", thousands="'"), "1'234.5", 1234.5),
        (CsvFormat(";", ",", thousands=" "), "1 234,5e3", 1234500.0),
        (CsvFormat(";", ",", thousands="\u202f"), "1\u202f234,5", 1234.5),
    ],
)
def test_repair_26_thousands_are_read_on_request(write: Write, csv: CsvFormat, written: str, value: float):
    text = f"x{csv.delimiter}y\n1{csv.delimiter}{written}\n2{csv.delimiter}7\n"
    assert numbers(write(text), csv) == [value, 7.0]


@pytest.mark.parametrize(
    ("csv", "written", "advice"),
    [
        (CsvFormat(";"), "51.057,00", "a decimal point .* give the CSV file's `decimal=','` `thousands='.'`"),
        (CsvFormat(";", ","), "51.057,00", "a decimal comma .* give the CSV file's `thousands='.'`"),
        (CsvFormat(";", ","), "51.057", "give the CSV file's `decimal='.'` or `thousands='.'`"),
        (CsvFormat(), '"1,234"', "give the CSV file's `decimal=','` or `thousands=','`"),
        (CsvFormat(), "1 234.5", "give the CSV file's `thousands=' '`"),
        (CsvFormat(), "1\u00a0234.5", r"give the CSV file's `thousands='\\xa0'`"),
        (CsvFormat(";", ",", thousands="."), "51.05", "give the CSV file's `decimal='.'`"),
        (CsvFormat(thousands=","), '"12,34"', "give the CSV file's `decimal=','`"),
    ],
)
def test_repair_26_the_sentence_names_what_is_not_given_yet(write: Write, csv: CsvFormat, written: str, advice: str):
    text = f"x{csv.delimiter}y\n1{csv.delimiter}{written}\n2{csv.delimiter}{written}\n"
    with pytest.raises(DataError, match=f"column 'y', row 1: expected a number, found .*{advice}"):
        numbers(write(text), csv)


def test_repair_26_a_point_is_never_read_as_a_decimal_one_where_that_is_the_comma(write: Write):
    with pytest.raises(DataError, match=r"row 2: expected a number, found '51\.057'"):
        numbers(write("x;y\n1;1,5\n2;51.057\n"), CsvFormat(";", ","))


@pytest.mark.parametrize(
    ("signs", "complaint"),
    [
        ({"thousands": "."}, "`decimal` and `thousands` are both '.'"),
        ({"comment": ","}, "`delimiter` and `comment` are both ','"),
        ({"comment": "//"}, "`comment` is one character, found '//'"),
        ({"thousands": ""}, "`thousands` is one character, found ''"),
    ],
)
def test_repair_26_signs_that_clash(signs: dict[str, str], complaint: str):
    with pytest.raises(ConfigError, match=complaint):
        CsvFormat(**signs)


def left_out(path: Path, **reading: object) -> Table:
    return read_table(path, targets=["y"], reading=Reading(**reading))  # type: ignore[arg-type]


@pytest.mark.parametrize("spool", [False, True])
@pytest.mark.parametrize(
    ("text", "ignored"),
    [
        ("time,y,\n2024-01-01,1,\n2024-01-02,2,\n", ("Unnamed: 2",)),
        (",time,y\n0,2024-01-01,1\n1,2024-01-02,2\n", ("Unnamed: 0",)),
        ('"",time,y\n"1",2024-01-01,1\n"2",2024-01-02,2\n', ("Unnamed: 0",)),
        (",time,y,\n5,2024-01-01,1,\n9,2024-01-02,2,\n", ("Unnamed: 0", "Unnamed: 3")),
        ("Unnamed: 0,time,y\n0,2024-01-01,1\n1,2024-01-02,2\n", ("Unnamed: 0",)),
    ],
)
def test_repair_26_columns_without_name_and_data_are_left_out(
    write: Write, tmp_path: Path, text: str, ignored: tuple[str, ...], spool: bool
):
    table = left_out(write(text), spool=tmp_path if spool else None)
    assert table.ignored == ignored
    assert table.features == ("y",)
    assert table.values[:, 0].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("time,y,\n2024-01-01,1,\n2024-01-02,2,3\n", 3),
        ("time,,y\n2024-01-01,,1\n", 2),
        (",time,y\n0,2024-01-01,1\n0,2024-01-02,2\n", 1),
        (",y\n2024-01-01,1\n2024-01-02,2\n", 1),
    ],
)
def test_repair_26_columns_with_data_need_a_name(write: Write, text: str, column: int):
    with pytest.raises(DataError, match=f"expected a name for each column, found none for column {column}; name it"):
        read_frame(write(text))


def test_repair_26_a_column_without_a_name_is_watched_to_the_end(write: Write):
    text = ",y\n0,1\n1,2\n2,3\n0,4\n"
    with pytest.raises(DataError, match="found none for column 1"):
        list(read_frames(write(text), None, 2))


def test_repair_26_an_index_that_is_named_as_a_feature_is_one():
    frame = pd.DataFrame({"Unnamed: 0": np.arange(4), "y": np.arange(4.0)})
    assert read_table(frame, targets=["y"], features=["Unnamed: 0", "y"]).features == ("Unnamed: 0", "y")
