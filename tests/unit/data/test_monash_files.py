"""Files of the Monash archive: names, times and values as the header says, and what is wrong by its line."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.readers.csv_files import CsvFormat
from zoo.data.readers.monash_files import parse_frequency, times_after
from zoo.data.readers.reading import Reading, read_frame
from zoo.data.readers.recognition import recognise
from zoo.data.table import read_table
from zoo_registry.errors import ConfigError, DataError

HEADER = """# Dataset Information
# of shops

@relation shops
@attribute series_name string
@attribute state string
@attribute start_timestamp date
@frequency daily
@horizon 2
@missing true
@equallength false
@data
"""
SERIES = "T1:NSW:2020-01-30 00-00-00:1.5,2,?\nT2:VIC:2021-12-31 12-00-00:4,5e3\n"


def written(folder: Path, text: str | bytes, name: str = "shops.tsf") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_names_times_values_and_attributes_are_read(tmp_path: Path):
    frame = read_frame(written(tmp_path, HEADER + SERIES))
    assert list(frame.columns) == ["unique_id", "ds", "y", "state"]
    assert frame["unique_id"].tolist() == ["T1"] * 3 + ["T2"] * 2
    assert frame["state"].tolist() == ["NSW"] * 3 + ["VIC"] * 2
    days = ["2020-01-30", "2020-01-31", "2020-02-01", "2021-12-31 12:00", "2022-01-01 12:00"]
    assert frame["ds"].tolist() == [*map(pd.Timestamp, days)]
    np.testing.assert_array_equal(frame["y"], [1.5, 2, np.nan, 4, 5000])


@pytest.mark.parametrize("lacking", ["@frequency daily\n", "@attribute start_timestamp date\n"])
def test_without_a_start_or_a_frequency_times_are_counted(tmp_path: Path, lacking: str):
    text = (HEADER + SERIES).replace(lacking, "")
    if "start" in lacking:
        text = text.replace(":2020-01-30 00-00-00", "").replace(":2021-12-31 12-00-00", "")
    assert read_frame(written(tmp_path, text))["ds"].tolist() == [1, 2, 3, 1, 2]


def test_it_needs_no_setting_to_become_a_table(tmp_path: Path):
    path = written(tmp_path, (HEADER + SERIES).replace("?", "3"))
    table = read_table(path, targets=["y"], features=["y"], reading=Reading())
    assert (table.series_column, table.time_column, str(table.frequency)) == ("unique_id", "ds", "D")
    assert {name: len(rows) for name, rows in table.series.items()} == {"T1": 3, "T2": 2}
    form = recognise(path, {})
    assert form.settings == {
        "series": "unique_id",
        "time": "ds",
        "target": "y",
        "features": "y",
        "season": 7,
        "horizon": 2,
    }
    assert form.told == (
        f"{path}: series unique_id, time ds, target y, features y, season 7, horizon 2, as its header says; unused"
        " unless `features` names them: state"
    )
    assert recognise(path, {"horizon": 5, "season": 3, "features": ["y"]}).settings.keys() == {
        *("series", "time", "target")
    }
    assert "horizon" not in recognise(path, {}, ahead=False).settings


@pytest.mark.parametrize(
    ("frequency", "season"),
    [
        *[("4_seconds", 21_600), ("minutely", 1440), ("10_minutes", 144), ("half_hourly", 48), ("hourly", 24)],
        *[("daily", 7), ("weekly", 52), ("monthly", 12), ("quarterly", 4), ("yearly", None)],
    ],
)
def test_the_frequency_suggests_the_season(tmp_path: Path, frequency: str, season: int | None):
    path = written(tmp_path, (HEADER + SERIES).replace("daily", frequency))
    assert recognise(path, {}).settings.get("season") == season
    assert parse_frequency(frequency) is not None


@pytest.mark.parametrize(
    ("frequency", "start", "expected"),
    [
        ("half_hourly", "2020-02-28 23-30-00", ["2020-02-28 23:30", "2020-02-29 00:00"]),
        ("weekly", "2020-02-28 06-00-00", ["2020-02-28 06:00", "2020-03-06 06:00"]),
        ("monthly", "2020-01-31 12-00-00", ["2020-01-31 12:00", "2020-02-29 12:00", "2020-03-31 12:00"]),
        ("quarterly", "2019-11-30 00-00-00", ["2019-11-30", "2020-02-29", "2020-05-30"]),
        ("yearly", "1500-01-01 12-00-00", ["1500-01-01 12:00", "1501-01-01 12:00"]),
        ("4_seconds", "2020-01-01 00-00-00", ["2020-01-01 00:00:00", "2020-01-01 00:00:04"]),
    ],
)
def test_times_go_on_by_the_frequency(tmp_path: Path, frequency: str, start: str, expected: list[str]):
    values = ",".join("1" for _ in expected)
    text = HEADER.replace("daily", frequency) + f"a:b:{start}:{values}\n"
    assert read_frame(written(tmp_path, text))["ds"].tolist() == [*map(pd.Timestamp, expected)]


@given(st.datetimes(pd.Timestamp(1900, 1, 1), pd.Timestamp(2100, 1, 1)), st.integers(0, 500), st.integers(1, 12))
def test_months_go_on_as_calendars_do(start: object, place: int, months: int):
    start = pd.Timestamp(start).floor("s")
    found = times_after(np.array([start], "M8[s]"), np.array([place]), (0, months))
    assert pd.Timestamp(found[0]) == start + pd.DateOffset(months=place * months)


def test_latin_1_is_read_unasked_and_an_encoding_that_is_given_holds(tmp_path: Path):
    text = (HEADER + SERIES).replace("NSW", "São")
    for encoding, given_encoding in (("latin-1", None), ("utf-8", None), ("utf-8-sig", None), ("utf-16", None)):
        path = written(tmp_path, text.encode(encoding))
        assert read_frame(path, CsvFormat(encoding=given_encoding))["state"].iloc[0] == "São"
    path = written(tmp_path, text.encode("latin-1"))
    with pytest.raises(DataError, match="expected utf-8 text, found other bytes; give another `encoding`"):
        read_frame(path, CsvFormat(encoding="utf-8"))


def test_windows_line_ends_and_blank_lines_are_read(tmp_path: Path):
    text = (HEADER + SERIES + "\n\n").replace("\n", "\r\n")
    assert len(read_frame(written(tmp_path, text))) == 5


BAD = {
    "no values": ("T2:VIC:2021-12-31 12-00-00:4,5e3", "T2:VIC:2021-12-31 12-00-00:", "line 14, series 'T2': expected"),
    "text": ("2,?", "2,x", "line 13, series 'T1': expected a number, or ? where it is missing, as value 3, found 'x'"),
    "nothing": ("2,?", "2,,?", "line 13, series 'T1': expected a number, or ? where it is missing, as value 3, found"),
    "infinite": ("2,?", "inf,?", "line 13, series 'T1': expected a number"),
    "underscore": ("2,?", "1_0,?", "line 13, series 'T1': expected a number"),
    "attributes": ("T2:VIC:", "T2:", "line 14: expected 3 attributes (series_name, state, start_timestamp) and the"),
    "time": ("2021-12-31 12", "2021-13-31 12", "line 14: expected start_timestamp such as 2020-01-31 13-00-00, found"),
    "no name": ("T2:VIC", ":VIC", "line 14: expected the series' name, found none; fill it in"),
    "name twice": ("T2:VIC", "T1:VIC", "line 14: series 'T1' stands in line 13 already; rename one of them"),
    "frequency": ("daily", "sometimes", "line 8: expected a frequency such as hourly, half_hourly, daily"),
    "horizon": ("@horizon 2", "@horizon x", "line 9: expected a whole number of steps, found 'x'; mend it"),
    "misspelt": ("@frequency", "@frequncy", "line 8: expected one of @relation, @attribute, @frequency"),
    "no tag": ("@relation", "relation", "line 4: expected a line such as @frequency daily before @data, found"),
    "kind": ("state string", "state text", "line 6: expected @attribute, a name and one of string, numeric, date"),
    "attribute twice": ("state string", "series_name string", "line 6: attribute 'series_name' is there already"),
    "attribute as column": ("state string", "y string", "line 6: attribute 'y' is there already; rename it"),
    "no series name": ("series_name string", "id string", "expected a line @attribute series_name string before @data"),
    "two dates": ("state string", "state date", "expected one attribute of the kind date, each series' first time"),
    "no data": ("@data\n", "", "line 12: expected a line such as @frequency daily before @data"),
    "cut off": (f"@data\n{SERIES}", "", "expected @data and a series in each line after it, found none"),
    "no series": (SERIES, "", "expected a series in each line after @data, found none; copy the file again"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, kind: str):
    before, after, told = BAD[kind]
    assert before in HEADER + SERIES
    path = written(tmp_path, (HEADER + SERIES).replace(before, after, 1))
    with pytest.raises(DataError) as caught:
        read_frame(path)
    assert str(caught.value).startswith(f"{path}: {told}")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty"),
        (b"PK\x03\x04 zipped", "expected the text of a .tsf file, found a zip archive"),
        (b"@relation \0\0", "line 1: expected UTF-8 text, found a NUL byte"),
        (b"time,y\n2020-01-01,3\n", "line 1: expected a line such as @frequency daily before @data, found 'time,y'"),
    ],
)
def test_what_is_no_such_file_is_told(tmp_path: Path, content: bytes, told: str):
    with pytest.raises(DataError, match=told):
        read_frame(written(tmp_path, content))


def test_another_layout_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"a \.tsf file has a layout of its own, found `layout='wide'`"):
        read_table(written(tmp_path, HEADER + SERIES), targets=["y"], reading=Reading(layout="wide"))


def zipped(folder: Path, members: dict[str, str | bytes], name: str = "shops.zip") -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path


@pytest.mark.parametrize("name", ["shops.zip", "shops.tsf.zip", "SHOPS.ZIP"])
@pytest.mark.parametrize("encoding", [None, "utf-16"])
def test_a_file_that_is_published_as_a_zip(tmp_path: Path, name: str, encoding: str | None):
    text = HEADER + SERIES.replace("NSW", "Nürnberg")
    packed = zipped(
        tmp_path, {"folder/shops.tsf": text.encode(encoding or "utf-8"), "__MACOSX/x": b"", "a/": b""}, name
    )
    plain = written(tmp_path, text)
    pd.testing.assert_frame_equal(read_frame(packed), read_frame(plain))
    found, expected = recognise(packed, {}), recognise(plain, {})
    assert found.settings == expected.settings
    assert found.told.removeprefix(str(packed)) == expected.told.removeprefix(str(plain))
    given = {**found.settings, "layout": "auto"}
    reading = Reading(series=given["series"], time=given["time"])
    assert read_table(packed, targets=["y"], reading=reading).fingerprint() == (
        read_table(plain, targets=["y"], reading=reading).fingerprint()
    )


@pytest.mark.parametrize(
    ("members", "found"),
    [
        (["a.tsf", "b.tsf"], "'a.tsf', 'b.tsf'"),
        (["a.tsf", "b.csv", "c", "d"], "'a.tsf', 'b.csv', 'c', …"),
        ([], "none"),
        (["a.csv"], "'a.csv'"),
    ],
)
def test_an_archive_of_other_files_is_refused(tmp_path: Path, members: list[str], found: str):
    path = zipped(tmp_path, dict.fromkeys(members, "x"), "shops.tsf.zip")
    with pytest.raises(
        DataError, match=rf"^{path}: expected one \.tsf file in the archive .*, found {found}; unpack it"
    ):
        read_frame(path)


def test_a_zip_of_a_csv_file_is_read_as_ever(tmp_path: Path):
    assert read_frame(zipped(tmp_path, {"a.csv": "x\n1\n"}))["x"].tolist() == [1]


def test_an_archive_that_would_unpack_to_more_than_the_memory_holds(tmp_path: Path, monkeypatch):
    path = zipped(tmp_path, {"shops.tsf": HEADER + "a:b:2020-01-30 00-00-00:" + "0," * 10**6 + "0"})
    assert path.stat().st_size < 10**4
    monkeypatch.setattr("zoo.data.readers.monash_archives.memory_bytes", lambda: 10**6)
    with pytest.raises(
        DataError, match=r"'shops\.tsf' in it would be 0\.0 GB, too much with 0\.0 GB of memory; unpack"
    ):
        read_frame(path)
    assert recognise(path, {}).settings == {}, "nor is it looked into"


def test_an_archive_that_announces_less_than_it_holds_or_is_broken(tmp_path: Path):
    path = zipped(tmp_path, {"shops.tsf": HEADER + SERIES * 1})
    whole = path.read_bytes()
    size = len((HEADER + SERIES).encode())
    directory = whole.rindex(b"PK\x01\x02")
    field = whole.index(size.to_bytes(4, "little"), directory)
    path.write_bytes(whole[:field] + (size - 3).to_bytes(4, "little") + whole[field + 4 :])
    with pytest.raises(DataError, match=r"as its \.zip archive is broken or locked"):
        read_frame(path)
    path = path.rename(tmp_path / "shops.tsf.zip")
    for content in (whole[:100], b"PK", whole[: len(whole) // 2] + b"xxxx" + whole[len(whole) // 2 + 4 :]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"not a readable \.tsf file, as its \.zip archive is broken or locked"):
            read_frame(path)
