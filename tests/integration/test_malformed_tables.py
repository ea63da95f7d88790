"""Malformed tables through `zoo inspect`: each is refused with a sentence that says what, where and what to do next.

Sound tables that look odd are accepted.
"""

from __future__ import annotations

import datetime
import decimal
import gzip
import json
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

ROWS = 240
STEPS = np.arange(ROWS)

Change = Callable[[pd.DataFrame], pd.DataFrame]
Write = Callable[[Path, pd.DataFrame], object]  # takes the folder and the sound table: time, load, temperature

FORECAST = "--target load --window 8 --horizon 3"
CLASSIFY = "--task classify --target state --window 8"
ANOMALY = "--task anomaly --window 8"
LABEL = f"{ANOMALY} --label alarm"
REGRESS = "--task regress --target load --window 8"
SERIES = f"{FORECAST} --series site"
COUNT = f"{FORECAST} --time time"

FORMULA = "=cmd|' /C calc'!A0"

JARGON = ("C error", "dtype", "NaT", "nan", "Timestamp(", "array(", "DatetimeIndex", " object", "Error", "Exception")

MEND = "; mend it"
LEAVE_OUT = "or leave the column out with --features"
FILL_GAPS = "fill them up with --resample RULE and --missing, or say --gaps break"
IN_UTC = "where clocks were changed for daylight saving time, write the times in UTC"
SIGNS = "write it with a decimal point and no separators of thousands, or give the CSV file's"
COMMA = f"{SIGNS} --decimal ','"
MORE_ROWS = "give more rows, another --split, or a smaller --window or --horizon"
OTHER_TARGET = "name others with --target and --features, or take another --split"


@dataclass(frozen=True)
class Case:
    """A table, how its sentence begins after the file's name, words that are in it too, and the options."""

    write: Write
    beginning: str
    words: tuple[str, ...]
    options: str


def case(write: Write, beginning: str, *words: str, options: str = FORECAST, more: str = "") -> Case:
    return Case(write, beginning, words, f"{options} {more}")


classified = partial(case, options=CLASSIFY)
labelled = partial(case, options=LABEL)
in_series = partial(case, options=SERIES)
counted = partial(case, options=COUNT)


def raw(content: str | bytes, name: str = "bad.csv") -> Write:
    """Write a file as it is, whatever the sound table."""
    data = content if isinstance(content, bytes) else content.encode()
    return lambda folder, frame: (folder / name).write_bytes(data)


def lines(change: Callable[[list[str]], Iterable[str]], encoding: str = "utf-8") -> Write:
    """Write the sound table's CSV file with its lines changed; the header is the first of them."""

    def write(folder: Path, frame: pd.DataFrame) -> None:
        changed = change(frame.to_csv(index=False).splitlines())
        (folder / "bad.csv").write_bytes(("\n".join(changed) + "\n").encode(encoding))

    return write


def line(number: int, change: Callable[[str], str], encoding: str = "utf-8") -> Write:
    """Change one line, counted from 1."""
    return lines(lambda rows: [*rows[: number - 1], change(rows[number - 1]), *rows[number:]], encoding)


def csv(change: Change = lambda frame: frame, **how: Any) -> Write:
    """Write the table as CSV."""
    return lambda folder, frame: change(frame).to_csv(folder / "bad.csv", index=False, **how)


def columns(**changed: Any) -> Write:
    """Write the table as CSV with columns added or replaced."""
    return csv(lambda frame: frame.assign(**changed))


def put(frame: pd.DataFrame, column: str, row: int, value: object) -> pd.DataFrame:
    """Put a value into a row, counted from 1 as in the messages."""
    frame = frame.astype({column: object})
    frame.loc[row - 1, column] = value
    return frame


def cell(column: str, row: int, value: object, **changed: Any) -> Write:
    """Write the table as CSV with a value put in, after columns are added or replaced."""
    return csv(lambda frame: put(frame.assign(**changed), column, row, value))


def named(name: str, **how: Any) -> Write:
    """Write the table as CSV with another name for the temperature."""
    return csv(lambda frame: frame.rename(columns={"temperature": name}), **how)


def parquet(change: Change = lambda frame: frame) -> Write:
    """Write the table as Parquet."""
    return lambda folder, frame: change(frame).to_parquet(folder / "bad.parquet")


def arrow(**changed: Any) -> Write:
    """Write the table as Parquet with columns of Arrow's types, in which a DataFrame would not be written."""

    def write(folder: Path, frame: pd.DataFrame) -> None:
        names = [*frame.columns, *(name for name in changed if name not in frame.columns)]
        table = {name: pa.array(changed.get(name, frame.get(name))) for name in names}
        pa.parquet.write_table(pa.table(table), folder / "bad.parquet")

    return write


def twice_in_parquet(folder: Path, frame: pd.DataFrame) -> None:
    arrays = [pa.array(frame[name]) for name in ("time", "load", "load")]
    pa.parquet.write_table(pa.Table.from_arrays(arrays, names=["time", "load", "load"]), folder / "bad.parquet")


def half_of_parquet(folder: Path, frame: pd.DataFrame) -> None:
    path = folder / "bad.parquet"
    frame.to_parquet(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def half_of_gzip(folder: Path, frame: pd.DataFrame) -> None:
    packed = gzip.compress(frame.to_csv(index=False).encode())
    (folder / "bad.csv.gz").write_bytes(packed[: len(packed) // 2])


def hours(start: str = "2024-01-01", freq: str = "h", zone: str | None = None) -> pd.DatetimeIndex:
    return pd.date_range(start, periods=ROWS, freq=freq, tz=zone)


def clock(start: str, zone: str, freq: str = "h") -> pd.DatetimeIndex:
    """What a clock on the wall shows, without its zone."""
    return hours(start, freq, zone).tz_localize(None)


def offsets(first: str, then: str) -> list[str]:
    """The first 100 times end with one offset, the others with another."""
    return [f"{time}{first if row < 100 else then}" for row, time in enumerate(hours())]


def without(row: int, **changed: Any) -> Write:
    """Leave a row out, counted from 1."""
    return csv(lambda frame: frame.assign(**changed).drop(index=row - 1))


IRREGULAR = np.cumsum(np.random.default_rng(0).integers(1, 10**6, ROWS))


def wild(size: float) -> np.ndarray:
    """Values up to plus and minus a size."""
    return size * np.linspace(0.5, 1, ROWS) * np.where(STEPS % 2, 1, -1)


FILES = {
    "empty": case(raw(b""), "the file is empty; expected a header line and rows"),
    "empty Parquet": case(raw(b"", "bad.parquet"), "the file is empty; expected a header line and rows"),
    "blank lines alone": case(raw("\n\n  \n"), "the file is empty; expected a header line and rows"),
    "header only": case(raw("time,load\n"), "expected a table with rows, found none; check"),
    "Parquet without rows": case(parquet(lambda frame: frame[:0]), "expected a table with rows, found none; check"),
    "Parquet without rows, spooled": case(
        parquet(lambda frame: frame[:0]), "expected a table with rows, found none; check", more="--spool ."
    ),
    "folder": case(lambda folder, frame: (folder / "bad.csv").mkdir(), "expected a folder of CSV or Parquet files"),
    "truncated Parquet": case(half_of_parquet, "not a readable Parquet file, as its end is missing; copy it again"),
    "truncated Parquet, spooled": case(
        half_of_parquet, "not a readable Parquet file, as its end is missing; copy it again", more="--spool ."
    ),
    "CSV named as Parquet": case(
        raw("time,load\n1,2\n", "bad.parquet"), "not a readable Parquet file, as it begins with b'time'"
    ),
    "damaged Parquet": case(raw(b"PAR1" + b"\xff" * 40 + b"PAR1", "bad.parquet"), "not a readable Parquet file ("),
    "Parquet named as CSV": case(
        lambda folder, frame: frame.to_parquet(folder / "bad.csv"), "expected the text of a CSV file, found a Parquet"
    ),
    "workbook": case(raw(b"PK\x03\x04\x14\0\x06\0", "bad.xlsx"), "expected the text of a CSV file, found a zip"),
    "no gzip": case(raw("load\n1\n", "bad.csv.gz"), "not a readable CSV file, as its .gz archive is broken ("),
    "truncated gzip": case(half_of_gzip, "not a readable CSV file, as its .gz archive is broken (", "pack it anew"),
    "no zip": case(raw("load\n1\n", "bad.csv.zip"), "not a readable CSV file, as its .zip archive is broken ("),
    "page of the web": case(
        raw("<html>\n<head><title>404</title></head>\n<body>Sorry, no</body></html>\n"),
        "line 3: expected 1 field as in the header, found 2; mend that line",
    ),
}

TEXT = {
    "UTF-16 without a mark": case(lines(lambda rows: rows, "utf-16-le"), "expected UTF-8 text, found NUL bytes"),
    "UTF-16 without a mark, the other way": case(
        lines(lambda rows: rows, "utf-16-be"), "expected UTF-8 text, found NUL bytes; give its --encoding,", "utf-16-be"
    ),
    "Latin-1": case(line(5, lambda text: f"{text}é", "latin-1"), "line 5: expected UTF-8 text, found the byte 0xe9;"),
    "Latin-1 far below": case(
        lines(lambda rows: [*rows * 40, "é"], "latin-1"),
        f"line {40 * (ROWS + 1) + 1}: expected UTF-8 text, found the byte 0xe9",
    ),
    "another encoding than said": case(
        line(1, lambda text: f"{text}é"), "expected ASCII text, found the byte 0xc3", more="--encoding ascii"
    ),
    "no UTF-16": case(csv(), "expected UTF-16 text, found other bytes; give another", more="--encoding utf-16"),
    "UTF-32 without its mark": case(
        lines(lambda rows: rows, "utf-32-le"), "expected UTF-32 text, found other bytes", more="--encoding utf-32"
    ),
    "NUL bytes": case(line(5, lambda text: f"{text}\0"), "line 5: expected UTF-8 text, found a NUL byte; mend"),
    "NUL bytes far below": case(
        line(200, lambda text: f"{text}\0"),
        "column 'temperature', row 199: expected a number, found '",
        r"\x00'; mend it, or leave the column out with --features",
    ),
    "semicolons": case(
        csv(sep=";"), "expected ',' between columns, found one column 'time;load;temperature'", "--delimiter ';'"
    ),
    "tabs": case(csv(sep="\t"), "expected ',' between columns, found one column ", r"; give --delimiter '\t'"),
    "commas, but semicolons said": case(csv(), "expected ';' between", "--delimiter ','", more="--delimiter ';'"),
    "decimal commas": case(
        csv(sep=";", decimal=",", float_format="%.2f"), "column 'load', row 1: expected", COMMA, more="--delimiter ';'"
    ),
    "decimal commas in a feature that nobody named": case(
        csv(lambda frame: frame.assign(temperature=[f"{STEPS[row] % 9},5" for row in STEPS])),
        "column 'temperature', row 1: expected a number, found '0,5'; ",
        f"{COMMA}, {LEAVE_OUT}",
    ),
    "thousands": case(
        cell("load", 3, "1,234.5"), "column 'load', row 3: expected a number, found '1,234", f"{SIGNS} --thousands ','"
    ),
    "a longer row": case(line(8, lambda text: f"{text},9"), "line 8: expected 3 fields as in the header, found 4;"),
    "longer rows": case(
        lines(lambda rows: [rows[0], *(f"{row},9" for row in rows[1:])]), "expected 3 fields in each row"
    ),
    "a shorter row": case(
        line(8, lambda text: text.rpartition(",")[0]), "column 'temperature', row 7 (", "the value is missing"
    ),
    "a remark above the header": case(
        lines(lambda rows: ["# logger 3", *rows]), "expected the header in the first line, found '# logger 3'"
    ),
    "a remark without a sign above the header": case(
        lines(lambda rows: ["logger 3", *rows]), "expected 1 field in each row as in the header"
    ),
    "a blank line above the header of one column": case(
        raw("\nload\n1\n2\n"), "expected the header in the first line, found a blank line; remove"
    ),
    "units below the header": case(
        lines(lambda rows: [rows[0], "h,kW,C", *rows[1:]]), "column 'load', row 1: expected a number, found 'kW'"
    ),
    "a sum below the rows": case(
        lines(lambda rows: [*rows, "Total,1,2"]), "column 'time', row 241: expected a time such as 2020-01-31 13"
    ),
    "no header": case(lines(lambda rows: rows[1:]), "there is no column 'load'; known are: 100.0628651105467,"),
    "a quote without an end": case(
        line(8, lambda text: text.replace(",", ',"', 1)), "line 8: expected the quote that begins here to end"
    ),
}

NAMES = {
    "a blank name": case(line(1, lambda text: "time,load,"), "expected a name for each column, found none for column"),
    "a name of spaces": case(line(1, lambda text: "time,load,  "), "expected a name for each column, found none"),
    "an index without a name": case(
        lambda folder, frame: frame.set_axis(frame.index / 2).to_csv(folder / "bad.csv"),
        "expected a name for each column, found none for column 1; name",
    ),
    "two columns of one name": case(
        line(1, lambda text: "time,load,load"), "expected each column once, found 'load' more than once"
    ),
    "two columns of one name in Parquet": case(twice_in_parquet, "expected each column once, found 'load'"),
    "an index named like a column": case(
        parquet(lambda frame: frame.set_index("time", drop=False)), "expected each column once, found 'time'"
    ),
    "a line break in a name": case(named("outer\ntemperature"), "expected names without line breaks and control"),
    "an escape sequence in a name": case(
        named("\x1b[31mred"), "expected names without", r"'\x1b[31mred' for column 3; rename it"
    ),
    "a formula as a name": case(
        csv(lambda frame: put(frame.rename(columns={"temperature": FORMULA}), FORMULA, 7, "warm")),
        "column '=cmd|' /C calc'!A0', row 7: expected a number, found 'warm'; mend it, or leave the column out",
    ),
    "a space before a name": case(
        line(1, lambda text: "time, load,temperature"), "there is no column 'load'; did you mean ' load'?"
    ),
    "no such target": case(
        csv(lambda frame: frame.drop(columns="load")), "there is no column 'load'; known are: temperature, time"
    ),
}

VALUES = {
    "text among numbers": case(
        cell("temperature", 7, "warm"), "column 'temperature', row 7: expected a number, found 'warm'; mend"
    ),
    "a line break in a value": case(cell("load", 7, "a\nb"), r"column 'load', row 7: expected a number, found 'a\nb';"),
    "a very long value": case(
        cell("load", 7, "x" * 5000), f"column 'load', row 7: expected a number, found '{'x' * 59}…"
    ),
    "a unit": case(cell("load", 7, "12 kW"), "column 'load', row 7: expected a number, found '12 kW'; mend"),
    "a target of text": case(
        columns(load=["high", "low"] * 120), "column 'load', row 1: expected a number, found 'high'; mend"
    ),
    "no numbers at all": case(
        csv(lambda frame: frame[["time"]].assign(place="north")), "expected at least one column", options=ANOMALY
    ),
    "complex numbers": case(cell("load", 7, "1+2j"), "column 'load', row 7: expected a number, found '1+2j'; mend"),
    "infinite": case(cell("load", 7, np.inf), "column 'load', row 7: expected a finite number, found inf; mend"),
    "infinitely low": case(
        cell("temperature", 7, -np.inf), "column 'temperature', row 7: expected a finite number, found -inf; mend"
    ),
    "1e400": case(cell("load", 7, "1e400"), "column 'load', row 7: expected a finite number, found inf; mend"),
    "a whole number beyond any float": case(
        cell("load", 7, "9" * 400), "column 'load', row 7: expected a finite number, found ", MEND
    ),
    "1e308": case(
        columns(load=wild(1e308)),
        "column 'load' cannot be scaled by 'standard': its standard deviation comes out as inf",
    ),
    "1e308 in a feature, as it is": case(
        columns(temperature=wild(1e308)),
        "column 'temperature' cannot be scaled by 'none':",
        "comes out as inf",
        more="--scaler none",
    ),
    "1e308 once in test": case(
        cell("load", 239, 1e308),
        "column 'load', row 239 (2024-01-10 22:00:00): expected a number that float32 holds",
        "found 1e+308",
    ),
    "1e100 as it is": case(
        columns(load=wild(1e100)),
        "column 'load', row 1 (2024-01-01 00:00:00):",
        "found -5e+99; mend it, or take another --scaler",
        more="--scaler none",
    ),
    "sums of 1e307": case(
        columns(load=1e307 + 1e305 * STEPS),
        "the sum of the rows from 2024-01-01 00:00:00 on (--resample 1D) is beyond any float",
        "take another --aggregate or unit",
        options="--target load --window 2 --horizon 1 --resample 1D --aggregate sum",
    ),
    "denormal": case(
        columns(load=5e-324 * (STEPS % 7)),
        "column 'load' cannot be scaled by 'standard': its standard deviation comes",
        "out as 0",
    ),
    "missing": case(
        cell("temperature", 7, None),
        "column 'temperature', row 7 (2024-01-01 06:00:00): the value is missing (1",
        "--missing drop",
    ),
    "missing at the beginning": case(
        cell("load", 1, None),
        "column 'load', row 1 (2024-01-01 00:00:00): the value is missing and none stands before it to fill",
        "remove the rows before the column's first value, or leave the column out",
        more="--missing ffill",
    ),
    "all missing": case(columns(wind=np.nan), "column 'wind' has no value at all, expected numbers"),
    "all missing, but named": case(columns(load=np.nan), "column 'load' has no value at all, expected numbers; fill"),
    "all missing in train": case(
        columns(load=np.where(STEPS < 180, np.nan, STEPS)),
        "no train row is left without a",
        "column 'load' has the most (180)",
        more="--missing drop",
    ),
    "no window without missing values": case(
        columns(load=np.where(STEPS % 9, STEPS, np.nan)), "the train part has no window of 11", more="--missing drop"
    ),
    "constant": case(columns(wind=3.5), "column 'wind' is constant in the train rows (3.5), expected values"),
    "a constant target": case(columns(load=7), "column 'load' is constant in the train rows (7)", OTHER_TARGET),
    "constant in train": case(
        columns(load=np.r_[np.ones(200), np.arange(40.0)]), "column 'load' is constant in the train rows (1)"
    ),
    "tied, robust": case(
        columns(rain=np.where(STEPS % 5, 0, 1.0 + STEPS)),
        "column 'rain' cannot be scaled by",
        "at least half of its train rows hold one value",
        more="--scaler robust",
    ),
    "tied, Huber": case(
        columns(rain=np.where(STEPS % 5, 0, 1.0 + STEPS)),
        "column 'rain' cannot be scaled by",
        "Huber's scale is 0",
        more="--scaler huber",
    ),
    "tiny, logarithmic": case(
        csv(lambda frame: frame.assign(load=frame["load"] * 1e-12)),
        "column 'load' cannot be scaled by 'log': its deviation is under 1e-06",
        "take another unit",
        more="--scaler log",
    ),
    "a regression on its target": case(
        csv(), "target 'load' is a feature too", options=f"{REGRESS} --features load,temperature"
    ),
    "a regression on nothing": case(
        csv(lambda frame: frame[["time", "load"]]), "expected at least one column of numbers", options=REGRESS
    ),
}

PARQUET = {
    "texts and a word among them": case(
        arrow(load=[*map(str, range(ROWS - 1)), "warm"]), "column 'load', row 240: expected a number, found 'warm';"
    ),
    "lists": case(arrow(load=[[1.0, 2.0]] * ROWS), "column 'load', row 1: expected a number, found [1. 2.]; mend"),
    "complex numbers in parts": case(
        arrow(load=[{"re": 1.0, "im": 2.0}] * ROWS), "column 'load', row 1: expected a number, found {'re': 1.0"
    ),
    "bytes": case(arrow(load=[b"\0\1"] * ROWS), r"column 'load', row 1: expected a number, found b'\x00\x01'; mend"),
    "dates": case(
        arrow(load=[datetime.date(2024, 1, 1)] * ROWS), "column 'load', row 1: expected a number, found 2024-01-01;"
    ),
    "lists as classes": classified(
        arrow(state=[["a"], ["b"]] * 120), "column 'state', row 1: expected text or a whole number,"
    ),
    "structs as series": in_series(
        arrow(site=[{"a": 1}] * ROWS), "column 'site', row 1: expected text or a whole number"
    ),
    "lists as times": case(
        arrow(time=[["a"]] * ROWS), "column 'time', row 1: expected a time such as 2020-01-31 13:00, found ['a'"
    ),
    "durations as times": case(
        arrow(time=[datetime.timedelta(hours=row) for row in range(ROWS)]), "column 'time', row 1: expected a time"
    ),
    "a missing time": case(
        arrow(time=[None if row == 4 else time for row, time in enumerate(hours())]),
        "column 'time', row 5: expected",
        "found none",
    ),
    "times of two offsets": case(
        arrow(time=offsets("+01:00", "+02:00")), "column 'time' mixes time zones, expected one for all rows: row"
    ),
}

TIMES = {
    "a word": case(
        cell("time", 5, "noon"), "column 'time', row 5: expected a time such as 2020-01-31 13:00, found 'noon'; mend"
    ),
    "day before month": case(
        csv(date_format="%d/%m/%Y"), "column 'time', row 1: expected a time such as 2020-01-31 13:00, found '01/", MEND
    ),
    "30 February": case(cell("time", 5, "2024-02-30"), "column 'time', row 5: expected a time", "'2024-02-30'"),
    "beyond the year 9999": case(
        cell("time", 240, "10000-01-01"), "column 'time', row 240: expected a time", "'10000-01-01'; mend"
    ),
    "before nanoseconds begin, spooled": case(
        cell("time", 1, "1500-01-01"), "column 'time', row 1: expected a time in the years 1678", more="--spool ."
    ),
    "before clocks": case(cell("time", 1, "0000-01-01"), "times in column 'time' have gaps: row 2 (2024-01-01"),
    "missing": case(
        cell("time", 5, None), "column 'time', row 5: expected a time such as 2020-01-31 13:00, found none; mend"
    ),
    "all missing": case(columns(time=None), "column 'time' has no value at all, expected times or numbers"),
    "all missing, but named": counted(columns(time=None), "column 'time' has no value at all"),
    "two offsets": case(
        columns(time=offsets("+01:00", "+02:00")),
        "column 'time' mixes time zones, expected one",
        "row 101 (2024-01-05 04:00:00+02:00) has +02:00",
    ),
    "an offset in some rows": case(
        columns(time=offsets("", "Z")),
        "column 'time' mixes time zones, expected one",
        "has +00:00, the rows before none",
    ),
    "two offsets and a missing time": case(
        cell("time", 9, None, time=offsets("Z", "+01:00")), "column 'time' mixes time zones", "row 101 ", "in UTC"
    ),
    "offsets that follow the summer": case(
        columns(time=[str(time) for time in hours("2024-03-30", zone="Europe/Berlin")]),
        "column 'time' mixes time zones, expected one for all rows: row 27 (2024-03-31 03:00:00+02:00) has +02:00",
    ),
    "an hour that the clock shows twice": case(
        columns(time=clock("2024-10-26", "Europe/Berlin")),
        "times in column 'time' are duplicated: row 28 (2024-10-27 02:00:00) follows row 27 (2024-10-27 02:00:00)",
        "remove one of them",
        IN_UTC,
    ),
    "half hours that the clock shows twice": case(
        columns(time=clock("2024-11-02", "America/New_York", "30min")),
        "times in column 'time' are unsorted: row 53",
        IN_UTC,
    ),
    "an hour that the clock leaves out": case(
        columns(time=clock("2024-03-30", "Europe/Berlin")),
        "times in column 'time' have gaps: row 27 (2024-03-31",
        IN_UTC,
    ),
    "unsorted": case(
        csv(lambda frame: frame.iloc[[*range(9), 10, 9, *range(11, ROWS)]]),
        "times in column 'time' are unsorted: row",
        "row 11 (2024-01-01 09:00:00) follows row 10",
        "ask for --sort",
    ),
    "newest first": case(
        csv(lambda frame: frame[::-1]), "times in column 'time' are unsorted: row 2 ", "(239 such rows); ask for"
    ),
    "duplicated": case(
        cell("time", 5, "2024-01-01 03:00:00"),
        "times in column 'time' are duplicated: row 5 (2024-01-01 03:00:00) follows row 4 (2024-01-01 03:00:00)",
        "remove one of them, or name the column of several series with --series",
    ),
    "several series that nobody named": case(
        columns(site=["a", "b"] * 120, time=hours()[STEPS // 2]),
        "times in column 'time' are duplicated: row 2 ",
        "or name the column of several series with --series",
        more="--sort",
    ),
    "a missing hour": case(
        without(101), "times in column 'time' have gaps: row 101 (2024-01-05 05:00:00) follows row", FILL_GAPS
    ),
    "a missing month": case(without(101, time=hours(freq="MS")), "times in column 'time' have gaps: ", "steps of MS"),
    "a missing business day": case(without(101, time=hours(freq="B")), "times in column 'time' have gaps", "of B ("),
    "a missing number": counted(
        without(101, time=STEPS), "times in column 'time' have gaps: row 101 (101) follows row 100 (99),"
    ),
    "gaps in every window": case(
        csv(lambda frame: frame[STEPS % 9 > 0]), "the train part has no window of 11 rows", more="--gaps break"
    ),
    "irregular": case(
        columns(time=pd.Timestamp("2024-01-01") + pd.to_timedelta(IRREGULAR, "s")),
        "times in column 'time' keep no step: row 2 (",
        "expected an even one; fill them up with --resample RULE and --missing, or say --gaps ignore",
    ),
    "irregular numbers, cut at gaps": counted(
        columns(time=IRREGULAR),
        "times in column 'time' keep no step: row 2 (",
        "expected an even one; fill in the rows, or say --gaps ignore",
        more="--gaps break",
    ),
    "a fraction among whole numbers": counted(
        columns(time=np.where(STEPS == 9, 9.5, STEPS)), "column 'time', row 10: expected a whole number,", "found 9.5"
    ),
    "a word among whole numbers": counted(
        cell("time", 9, "x", time=STEPS), "column 'time', row 9: expected a whole number", "found 'x'"
    ),
    "a missing whole number": counted(
        columns(time=np.where(STEPS == 9, np.nan, STEPS)),
        "column 'time', row 10: expected a whole number",
        "found none; mend it",
    ),
    "fractions": counted(columns(time=STEPS / 4 + 0.1), "time column 'time' holds numbers, expected times"),
    "true and false": counted(columns(time=STEPS % 2 == 0), "time column 'time' holds true and false, expected times"),
    "counting down": counted(columns(time=-STEPS), "times in column 'time' are unsorted: row 2 (-1)"),
    "numbers beyond an int64": counted(
        columns(time=np.uint64(2**63) + STEPS.astype(np.uint64)),
        f"column 'time', row 1: expected a whole number below 2 to the power 63, found {2**63}; mend it",
    ),
}

LABELS = {
    "one class": classified(columns(state="on"), "column 'state' holds one class, 'on', expected two"),
    "a class absent from train": classified(
        columns(state=np.where(STEPS < 220, np.where(STEPS % 2, "a", "b"), "c")),
        "column 'state': no train window ends in class 'c' (0 in validation, 20 in test), expected some of each class;",
    ),
    "a missing label": classified(
        cell("state", 7, None, state=["a", "b"] * 120),
        "column 'state', row 7 (2024-01-01 06:00:00): the label is missing (1 in all), and labels are never filled",
        more="--missing ffill",
    ),
    "no label at all": classified(
        columns(state=None),
        "no train row is left without a missing value",
        "column 'state' has the most (240)",
        more="--missing drop",
    ),
    "fractions": classified(
        columns(state=STEPS % 3 / 2),
        "column 'state', row 2: expected a class (text or a whole",
        "found 0.5; name another column",
    ),
    "infinite": classified(
        columns(state=[1, np.inf] * 120), "column 'state', row 2: expected a class (text or a whole", "found inf"
    ),
    "times": classified(
        parquet(lambda frame: frame.assign(state=frame["time"])),
        "column 'state' holds times, expected classes; name another column, or take --task regress",
    ),
    "dates": classified(arrow(state=[datetime.date(2024, 1, 1)] * ROWS), "column 'state' holds times"),
    "too many classes": classified(
        lambda folder, frame: pd.DataFrame({"load": range(1500), "state": [f"c{row}" for row in range(1500)]}).to_csv(
            folder / "bad.csv", index=False
        ),
        "column 'state' has more than 1000 classes, expected a few; name another column, or take --task regress",
    ),
    "the time column": case(
        csv(), "column 'time' is the time column, so it cannot", options="--task classify --target time --window 8"
    ),
    "a feature": case(
        csv(), "column 'load' is the label, so it can be neither", options=f"{ANOMALY} --label load --features load"
    ),
    "anomalies by number": labelled(
        columns(alarm=STEPS % 3), "column 'alarm', row 3 (2024-01-01 02:00:00): expected labels 0", "found '2'"
    ),
    "anomalies by word": labelled(
        columns(alarm=["no", "yes"] * 120), "column 'alarm', row 1 (", "found 'no'; mend them"
    ),
    "anomalies by degree": labelled(
        columns(alarm=[0.2, 0.7] * 120), "column 'alarm', row 1: expected a class (text or a whole", "found 0.2"
    ),
    "another column": case(csv(), "there is no column 'alram'; known are: load,", options=f"{ANOMALY} --label alram"),
}

MANY = {
    "a series of one row": in_series(
        columns(site=["a"] * 239 + ["b"]),
        "1 of 2 series are too short: 'b' (1 rows); the first: the train part has 1 of 1 rows, but window + horizon"
        f" need 11; {MORE_ROWS}, or leave such series out with --short-series drop",
    ),
    "every series of one row": in_series(
        columns(site=[f"s{row}" for row in STEPS]),
        "240 of 240 series are too short: 's0' (1 rows), 's1' (1 rows), 's2' (1 rows) and 237 more; the first: ",
        f"the train part has 1 of 1 rows, but window + horizon need 11; {MORE_ROWS}",
        more="--short-series drop",
    ),
    "a short series with a strange name": in_series(
        columns(site=["a"] * 239 + ["b:\n c"]), r"1 of 2 series are too short: 'b:\n c' (1 rows)"
    ),
    "a missing name of a series": in_series(
        cell("site", 7, None, site="a"), "column 'site', row 7: expected the name of a series"
    ),
    "duplicated in one of the series": in_series(
        cell("time", 130, "2024-01-01 08:00:00", site=["a"] * 120 + ["b"] * 120, time=hours()[STEPS % 120].astype(str)),
        "times in column 'time' are duplicated: row 130 (2024-01-01 08:00:00, series 'b') follows row 129",
        "expected each row to be later than the one before (1 such rows); remove one of them",
    ),
    "a missing hour of one of the series": in_series(
        without(150, site=["a"] * 120 + ["b"] * 120, time=hours()[STEPS % 120]),
        "times in column 'time' have gaps: row 150 (2024-01-02 06:00:00, series 'b') follows row 149",
        FILL_GAPS,
    ),
    "series in turns, spooled": in_series(
        columns(site=["a", "b"] * 120),
        "row 3 (2024-01-01 02:00:00) goes back",
        "sort the file by 'site'",
        more="--spool .",
    ),
}

ASKED = {
    "a calendar without times": case(
        csv(lambda frame: frame.drop(columns="time")), "--calendar needs a column of times,", more="--calendar hour"
    ),
    "a calendar of whole numbers": counted(
        columns(time=STEPS), "--calendar needs a column of times, found whole", more="--calendar hour"
    ),
    "a calendar's column that is there": case(
        columns(hour_sin=STEPS), "--calendar would make the column 'hour_sin', which is there", more="--calendar hour"
    ),
    "a calendar field that does not change": case(
        csv(), "the calendar feature 'month' is the same in all train rows", more="--calendar hour,month"
    ),
    "a calendar field twice": case(
        csv(), "calendar field 'hour' was named more than once; name it once", more="--calendar hour,hour"
    ),
    "resampled without times": case(
        csv(lambda frame: frame.drop(columns="time")), "--resample needs a column of times", more="--resample 1h"
    ),
    "resampled by whole numbers": counted(
        columns(time=STEPS), "--resample needs a column of times, found whole", more="--resample 1h"
    ),
    "resampled by an unknown step": case(
        csv(), "--resample: expected a step such as 15min, 1h, 1D or MS, found 'hourly'; ", more="--resample hourly"
    ),
    "resampled backwards": case(csv(), "--resample: expected a step", "'-1h'; give another", more="--resample=-1h"),
    "resampled by nothing": case(csv(), "--resample: expected a step", "'0h'; give another", more="--resample 0h"),
    "resampled too finely": case(csv(), "--resample 1ns would make 8.6e+14 of the 240 rows,", more="--resample 1ns"),
    "sorted without times": case(
        csv(lambda frame: frame.drop(columns="time")), "--sort needs a column of times, found none; name", more="--sort"
    ),
    "too few rows": case(
        csv(lambda frame: frame[:30]),
        f"the validation part has 5 of 30 rows, but window + horizon need 11; {MORE_ROWS}",
    ),
    "one row": case(csv(lambda frame: frame[:1]), "the train part has 1 of 1 rows, but window + horizon need 11; "),
    "fewer rows than the parts": case(
        csv(), "the split 200,50,50 needs 300 rows, found 240; give a smaller --split", more="--split 200,50,50"
    ),
    "dates after the rows": case(
        csv(), "the validation part has 0 of 240 rows, but window + horizon", more="--split-dates 2030-01-01,2031-01-01"
    ),
    "dates without times": case(
        csv(lambda frame: frame.drop(columns="time")),
        "a split by dates needs a column of times, found none; name it with --time, or give --split",
        more="--split-dates 2024-01-05,2024-01-08",
    ),
    "dates with a zone": case(
        csv(), "--split-dates: 2024-01-05 00:00:00+00:00", more="--split-dates 2024-01-05T00:00Z,2024-01-08T00:00Z"
    ),
}

GROUPS = {
    "file": FILES,
    "text": TEXT,
    "names": NAMES,
    "values": VALUES,
    "Parquet": PARQUET,
    "times": TIMES,
    "labels": LABELS,
    "series": MANY,
    "asked": ASKED,
}
CASES = {f"{group}: {name}": case for group, cases in GROUPS.items() for name, case in cases.items()}


@pytest.mark.parametrize("name", CASES)
def test_a_malformed_table_is_refused(refused, tmp_path: Path, series: pd.DataFrame, name: str):
    bad = CASES[name]
    bad.write(tmp_path, series)
    (path,) = tmp_path.iterdir()
    sentence = refused(f"inspect --data {path.name} {bad.options}", *bad.words)
    assert sentence.startswith(f"error: {path.name}: {bad.beginning}") or (
        sentence.startswith(f"error: {bad.beginning}") and bad.beginning.startswith("--")
    )
    assert "; " in sentence  # then what to do next
    assert sentence.isprintable()
    assert not [word for word in JARGON if word in sentence]


def sound(
    write: Write, *, options: str = FORECAST, more: str = "", **found: object
) -> tuple[Write, str, dict[str, Any]]:
    """A table, the options, and some of what is said of it."""
    return write, f"{options} {more}", found


SOUND = {
    "a byte-order mark": sound(lines(lambda rows: rows, "utf-8-sig"), step="h"),
    "UTF-16 with a mark": sound(lines(lambda rows: rows, "utf-16"), step="h"),
    "line ends of old": sound(csv(lineterminator="\r"), step="h"),
    "a blank line above the header and below": sound(
        lines(lambda rows: ["", *rows[:9], "", *rows[9:], ""]), step="h", features=["load", "temperature"]
    ),
    "quoted names": sound(named('outer, "b"', quoting=1), features=["load", 'outer, "b"']),
    "a formula as a name": sound(named(FORMULA), features=["load", FORMULA]),
    "tabs": sound(csv(sep="\t"), step="h", more=r"--delimiter '\t'"),
    "decimal commas": sound(
        csv(sep=";", decimal=","), features=["load", "temperature"], more="--delimiter ';' --decimal ','"
    ),
    "texts with commas": sound(columns(place="1,2,3"), features=["load", "temperature"]),
    "times with a zone": sound(columns(time=hours(zone="UTC")), zone="UTC", step="h"),
    "a zone's clock changes in Parquet": sound(
        parquet(lambda frame: frame.assign(time=hours("2024-10-26", zone="Europe/Berlin"))),
        zone="Europe/Berlin",
        step="h",
    ),
    "business days": sound(columns(time=hours(freq="B")), step="B", uneven_steps=0),
    "business days without a holiday": sound(
        without(100, time=hours(freq="B")), step="B", uneven_steps=1, more="--gaps ignore"
    ),
    "months": sound(columns(time=hours(freq="MS").strftime("%Y-%m")), step="MS"),
    "years to come": sound(columns(time=hours("3000-01-01")), step="h"),
    "whole numbers": sound(columns(time=5 * STEPS - 100), step="5", options=COUNT),
    "nanoseconds as whole numbers": sound(columns(time=1_700_000_000_000_000_000 + STEPS), step="1", options=COUNT),
    "an index of times in Parquet": sound(parquet(lambda frame: frame.set_index("time")), step="h"),
    "periods in Parquet": sound(
        parquet(lambda frame: frame.assign(time=pd.period_range("2024-01", periods=ROWS, freq="M"))), step="MS"
    ),
    "dates in Parquet": sound(
        arrow(time=[datetime.date(2024, 1, 1) + datetime.timedelta(days=row) for row in range(ROWS)]), step="D"
    ),
    "decimals and lists in Parquet": sound(
        arrow(load=[decimal.Decimal(row % 7) / 4 for row in range(ROWS)], x=[[1.0]] * ROWS),
        features=["load", "temperature"],
        ignored=["x"],
    ),
    "days of the week": sound(
        columns(time=hours(freq="D")),
        features=["load", "temperature", "weekday_sin", "weekday_cos"],
        more="--calendar weekday",
    ),
    "missing labels, left out": sound(
        cell("state", 7, None, state=["a", "b"] * 120), label="state", more="--missing drop", options=CLASSIFY
    ),
    "a short series, left out": sound(
        columns(site=["a"] * 239 + ["b"]), used=1, left_out=1, more="--short-series drop", options=SERIES
    ),
    "times spooled": sound(csv(), step="h", more="--spool ."),
}


@pytest.mark.parametrize("case", SOUND)
def test_a_sound_table_is_accepted_however_odd(zoo_command, tmp_path: Path, series: pd.DataFrame, case: str):
    write, options, expected = SOUND[case]
    write(tmp_path, series)
    (path,) = tmp_path.iterdir()
    result = zoo_command("inspect", "--data", path.name, *shlex.split(options), "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    found = json.loads(result.stdout)
    found |= found["time"] | found["series"]
    assert {name: found[name] for name in expected} == expected
