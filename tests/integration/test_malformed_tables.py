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
Case = tuple[Any, ...]  # a Write, the options, how the sentence begins after the file's name, and words in it

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
FILL = "ask for --missing interpolate, --missing ffill or --missing drop, or fill them yourself"
FILL_GAPS = "fill them up with --resample RULE and --missing, or say --gaps break"
IN_UTC = "where clocks were changed for daylight saving time, write the times in UTC"
SIGNS = "write it with a decimal point and no separators of thousands, or give the CSV file's"
COMMA = f"{SIGNS} --decimal ','"
MORE_ROWS = "give more rows, another --split, or a smaller --window or --horizon"
OTHER_TARGET = "name others with --target and --features, or take another --split"
OTHER_SPLIT = "leave it out with --features, or take another --split"
OTHER_SCALER = "or take another --scaler or --split"


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


FILES: dict[str, Case] = {
    "empty": (raw(b""), FORECAST, "the file is empty; expected a header line and rows"),
    "empty Parquet": (raw(b"", "bad.parquet"), FORECAST, "the file is empty; expected a header line and rows"),
    "blank lines alone": (raw("\n\n  \n"), FORECAST, "the file is empty; expected a header line and rows"),
    "header only": (raw("time,load\n"), FORECAST, "expected a table with rows, found none; check that this is the"),
    "Parquet without rows": (
        parquet(lambda frame: frame[:0]),
        FORECAST,
        "expected a table with rows, found none; check that this is the right file",
    ),
    "Parquet without rows, spooled": (
        parquet(lambda frame: frame[:0]),
        f"{FORECAST} --spool .",
        "expected a table with rows, found none; check that this is the right file",
    ),
    "folder": (
        lambda folder, frame: (folder / "bad.csv").mkdir(),
        FORECAST,
        "expected a file, found a folder; give one CSV or Parquet file",
    ),
    "truncated Parquet": (
        half_of_parquet,
        FORECAST,
        "not a readable Parquet file, as its end is missing; copy it again",
    ),
    "truncated Parquet, spooled": (
        half_of_parquet,
        f"{FORECAST} --spool .",
        "not a readable Parquet file, as its end is missing; copy it again",
    ),
    "CSV named as Parquet": (
        raw("time,load\n1,2\n", "bad.parquet"),
        FORECAST,
        "not a readable Parquet file, as it begins with b'time'; name a CSV file .csv",
    ),
    "damaged Parquet": (
        raw(b"PAR1" + b"\xff" * 40 + b"PAR1", "bad.parquet"),
        FORECAST,
        "not a readable Parquet file (",
    ),
    "Parquet named as CSV": (
        lambda folder, frame: frame.to_parquet(folder / "bad.csv"),
        FORECAST,
        "expected the text of a CSV file, found a Parquet file; name it .parquet",
    ),
    "workbook": (
        raw(b"PK\x03\x04\x14\0\x06\0", "bad.xlsx"),
        FORECAST,
        "expected the text of a CSV file, found a zip archive, as Excel's workbooks are; save its sheet as CSV",
    ),
    "no gzip": (
        raw("load\n1\n", "bad.csv.gz"),
        FORECAST,
        "not a readable CSV file, as its .gz archive is broken (",
        "pack it anew",
    ),
    "truncated gzip": (
        half_of_gzip,
        FORECAST,
        "not a readable CSV file, as its .gz archive is broken (",
        "pack it anew",
    ),
    "no zip": (raw("load\n1\n", "bad.csv.zip"), FORECAST, "not a readable CSV file, as its .zip archive is broken ("),
    "page of the web": (
        raw("<html>\n<head><title>404</title></head>\n<body>Sorry, no</body></html>\n"),
        FORECAST,
        "line 3: expected 1 field as in the header, found 2; mend that line",
    ),
}

TEXT: dict[str, Case] = {
    "UTF-16 without a mark": (
        lines(lambda rows: rows, "utf-16-le"),
        FORECAST,
        "expected UTF-8 text, found NUL bytes; give its --encoding, such as utf-16-le",
    ),
    "UTF-16 without a mark, the other way": (
        lines(lambda rows: rows, "utf-16-be"),
        FORECAST,
        "expected UTF-8 text, found NUL bytes; give its --encoding, ",
        "utf-16-be",
    ),
    "Latin-1": (
        line(5, lambda text: f"{text}é", "latin-1"),
        FORECAST,
        "line 5: expected UTF-8 text, found the byte 0xe9; save it as UTF-8, or give its --encoding, such as latin-1",
    ),
    "Latin-1 far below": (
        lines(lambda rows: [*rows * 40, "é"], "latin-1"),
        FORECAST,
        f"line {40 * (ROWS + 1) + 1}: expected UTF-8 text, found the byte 0xe9",
    ),
    "another encoding than said": (
        line(1, lambda text: f"{text}é"),
        f"{FORECAST} --encoding ascii",
        "expected ASCII text, found the byte 0xc3; give another --encoding, or leave it out where the file is UTF-8",
    ),
    "no UTF-16": (
        csv(),
        f"{FORECAST} --encoding utf-16",
        "expected UTF-16 text, found other bytes; give another --encoding",
    ),
    "UTF-32 without its mark": (
        lines(lambda rows: rows, "utf-32-le"),
        f"{FORECAST} --encoding utf-32",
        "expected UTF-32 text, found other bytes; give another --encoding",
    ),
    "NUL bytes": (
        line(5, lambda text: f"{text}\0"),
        FORECAST,
        "line 5: expected UTF-8 text, found a NUL byte; mend that line",
    ),
    "NUL bytes far below": (
        line(200, lambda text: f"{text}\0"),
        FORECAST,
        "column 'temperature', row 199: expected a number, found '",
        r"\x00'; mend it, or leave the column out with --features",
    ),
    "semicolons": (
        csv(sep=";"),
        FORECAST,
        "expected ',' between columns, found one column 'time;load;temperature'; give --delimiter ';'",
    ),
    "tabs": (csv(sep="\t"), FORECAST, "expected ',' between columns, found one column ", r"; give --delimiter '\t'"),
    "commas, but semicolons said": (csv(), f"{FORECAST} --delimiter ';'", "expected ';' between", "--delimiter ','"),
    "decimal commas": (
        csv(sep=";", decimal=",", float_format="%.2f"),
        f"{FORECAST} --delimiter ';'",
        "column 'load', row 1: expected a number, found '100,06'; ",
        COMMA,
    ),
    "decimal commas in a feature that nobody named": (
        csv(lambda frame: frame.assign(temperature=[f"{STEPS[row] % 9},5" for row in STEPS])),
        FORECAST,
        "column 'temperature', row 1: expected a number, found '0,5'; ",
        f"{COMMA}, {LEAVE_OUT}",
    ),
    "thousands": (
        cell("load", 3, "1,234.5"),
        FORECAST,
        "column 'load', row 3: expected a number, found '1,234",
        f"{SIGNS} --thousands ','",
    ),
    "a longer row": (
        line(8, lambda text: f"{text},9"),
        FORECAST,
        "line 8: expected 3 fields as in the header, found 4; mend that line",
    ),
    "longer rows": (
        lines(lambda rows: [rows[0], *(f"{row},9" for row in rows[1:])]),
        FORECAST,
        "expected 3 fields in each row as in the header, found more in the first one; mend either",
    ),
    "a shorter row": (
        line(8, lambda text: text.rpartition(",")[0]),
        FORECAST,
        "column 'temperature', row 7 (2024-01-01 06:00:00): the value is missing (1 in all), expected a number; ",
        FILL,
    ),
    "a remark above the header": (
        lines(lambda rows: ["# logger 3", *rows]),
        FORECAST,
        "expected the header in the first line, found '# logger 3', which looks like a comment; give --comment '#',"
        " which skips such lines, or remove it",
    ),
    "a remark without a sign above the header": (
        lines(lambda rows: ["logger 3", *rows]),
        FORECAST,
        "expected 1 field in each row as in the header, found more in the first one; mend either, or remove what stands"
        " above the header",
    ),
    "a blank line above the header of one column": (
        raw("\nload\n1\n2\n"),
        FORECAST,
        "expected the header in the first line, found a blank line; remove it",
    ),
    "units below the header": (
        lines(lambda rows: [rows[0], "h,kW,C", *rows[1:]]),
        FORECAST,
        "column 'load', row 1: expected a number, found 'kW'",
    ),
    "a sum below the rows": (
        lines(lambda rows: [*rows, "Total,1,2"]),
        FORECAST,
        "column 'time', row 241: expected a time such as 2020-01-31 13",
        f"found 'Total'{MEND}",
    ),
    "no header": (
        lines(lambda rows: rows[1:]),
        FORECAST,
        "there is no column 'load'; known are: 100.0628651105467, 2024-01-01 00:00:00",
    ),
    "a quote without an end": (
        line(8, lambda text: text.replace(",", ',"', 1)),
        FORECAST,
        "line 8: expected the quote that begins here to end, found the file's end; close it",
    ),
}

NAMES: dict[str, Case] = {
    "a blank name": (
        line(1, lambda text: "time,load,"),
        FORECAST,
        "expected a name for each column, found none for column 3; name it",
    ),
    "a name of spaces": (
        line(1, lambda text: "time,load,  "),
        FORECAST,
        "expected a name for each column, found none for column 3; name it",
    ),
    "an index without a name": (
        lambda folder, frame: frame.set_axis(frame.index / 2).to_csv(folder / "bad.csv"),
        FORECAST,
        "expected a name for each column, found none for column 1; name it",
    ),
    "two columns of one name": (
        line(1, lambda text: "time,load,load"),
        FORECAST,
        "expected each column once, found 'load' more than once; rename one of them",
    ),
    "two columns of one name in Parquet": (
        twice_in_parquet,
        FORECAST,
        "expected each column once, found 'load' more than once; rename one of them",
    ),
    "an index named like a column": (
        parquet(lambda frame: frame.set_index("time", drop=False)),
        FORECAST,
        "expected each column once, found 'time' more than once; rename one of them",
    ),
    "a line break in a name": (
        named("outer\ntemperature"),
        FORECAST,
        r"expected names without line breaks and control characters, found 'outer\ntemperature' for column 3; rename",
    ),
    "an escape sequence in a name": (
        named("\x1b[31mred"),
        FORECAST,
        "expected names without",
        r"'\x1b[31mred' for column 3; rename it",
    ),
    "a formula as a name": (
        csv(lambda frame: put(frame.rename(columns={"temperature": FORMULA}), FORMULA, 7, "warm")),
        FORECAST,
        "column '=cmd|' /C calc'!A0', row 7: expected a number, found 'warm'; mend it, or leave the column out",
    ),
    "a space before a name": (
        line(1, lambda text: "time, load,temperature"),
        FORECAST,
        "there is no column 'load'; did you mean ' load'?",
    ),
    "no such target": (
        csv(lambda frame: frame.drop(columns="load")),
        FORECAST,
        "there is no column 'load'; known are: temperature, time",
    ),
}

VALUES: dict[str, Case] = {
    "text among numbers": (
        cell("temperature", 7, "warm"),
        FORECAST,
        "column 'temperature', row 7: expected a number, found 'warm'; mend it",
        LEAVE_OUT,
    ),
    "a line break in a value": (
        cell("load", 7, "a\nb"),
        FORECAST,
        r"column 'load', row 7: expected a number, found 'a\nb'; mend it",
    ),
    "a very long value": (
        cell("load", 7, "x" * 5000),
        FORECAST,
        f"column 'load', row 7: expected a number, found '{'x' * 59}…",
    ),
    "a unit": (cell("load", 7, "12 kW"), FORECAST, "column 'load', row 7: expected a number, found '12 kW'; mend it"),
    "a target of text": (
        columns(load=["high", "low"] * 120),
        FORECAST,
        "column 'load', row 1: expected a number, found 'high'; mend it",
    ),
    "no numbers at all": (
        csv(lambda frame: frame[["time"]].assign(place="north")),
        ANOMALY,
        "expected at least one column of numbers for the input, found none; add one",
    ),
    "complex numbers": (
        cell("load", 7, "1+2j"),
        FORECAST,
        "column 'load', row 7: expected a number, found '1+2j'; mend it",
    ),
    "infinite": (
        cell("load", 7, np.inf),
        FORECAST,
        "column 'load', row 7: expected a finite number, found inf; mend it",
    ),
    "infinitely low": (
        cell("temperature", 7, -np.inf),
        FORECAST,
        "column 'temperature', row 7: expected a finite number, found -inf; mend it",
        LEAVE_OUT,
    ),
    "1e400": (cell("load", 7, "1e400"), FORECAST, "column 'load', row 7: expected a finite number, found inf; mend it"),
    "a whole number beyond any float": (
        cell("load", 7, "9" * 400),
        FORECAST,
        "column 'load', row 7: expected a finite number, found ",
        MEND,
    ),
    "1e308": (
        columns(load=wild(1e308)),
        FORECAST,
        "column 'load' cannot be scaled by 'standard': its standard deviation comes out as inf, as its values go from",
        f"take another unit; name others with --target and --features, {OTHER_SCALER}",
    ),
    "1e308 in a feature, as it is": (
        columns(temperature=wild(1e308)),
        f"{FORECAST} --scaler none",
        "column 'temperature' cannot be scaled by 'none': its standard deviation comes out as inf",
        f"take another unit; leave it out with --features, {OTHER_SCALER}",
    ),
    "1e308 once in test": (
        cell("load", 239, 1e308),
        FORECAST,
        "column 'load', row 239 (2024-01-10 22:00:00): expected a number that float32 holds once it is scaled by the"
        " train rows, found 1e+308; mend it, or take another --scaler",
    ),
    "1e100 as it is": (
        columns(load=wild(1e100)),
        f"{FORECAST} --scaler none",
        "column 'load', row 1 (2024-01-01 00:00:00): expected a",
        "found -5e+99; mend it, or take another --scaler",
    ),
    "sums of 1e307": (
        columns(load=1e307 + 1e305 * STEPS),
        "--target load --window 2 --horizon 1 --resample 1D --aggregate sum",
        "the sum of the rows from 2024-01-01 00:00:00 on (--resample 1D) is beyond any float, expected a",
        "take another --aggregate or unit",
    ),
    "denormal": (
        columns(load=5e-324 * (STEPS % 7)),
        FORECAST,
        "column 'load' cannot be scaled by 'standard': its standard deviation comes out as 0",
    ),
    "missing": (
        cell("temperature", 7, None),
        FORECAST,
        "column 'temperature', row 7 (2024-01-01 06:00:00): the value is missing (1 in all), expected a number; ",
        FILL,
    ),
    "missing at the beginning": (
        cell("load", 1, None),
        f"{FORECAST} --missing ffill",
        "column 'load', row 1 (2024-01-01 00:00:00): the value is missing and none stands before it to fill it from;",
        "remove the rows before the column's first value, or leave the column out",
    ),
    "all missing": (
        columns(wind=np.nan),
        FORECAST,
        "column 'wind' has no value at all, expected numbers; leave it out with --features",
    ),
    "all missing, but named": (
        columns(load=np.nan),
        FORECAST,
        "column 'load' has no value at all, expected numbers; fill",
    ),
    "all missing in train": (
        columns(load=np.where(STEPS < 180, np.nan, STEPS)),
        f"{FORECAST} --missing drop",
        "no train row is left without a missing value, of which column 'load' has the most (180); fill it, leave it"
        " out, or take another --missing or --split",
    ),
    "no window without missing values": (
        columns(load=np.where(STEPS % 9, STEPS, np.nan)),
        f"{FORECAST} --missing drop",
        "the train part has no window of 11 rows that is free of gaps and missing values; take a smaller --window",
    ),
    "constant": (
        columns(wind=3.5),
        FORECAST,
        "column 'wind' is constant in the train rows (3.5), expected values that change; ",
        OTHER_SPLIT,
    ),
    "a constant target": (columns(load=7), FORECAST, "column 'load' is constant in the train rows (7)", OTHER_TARGET),
    "constant in train": (
        columns(load=np.r_[np.ones(200), np.arange(40.0)]),
        FORECAST,
        "column 'load' is constant in the train rows (1)",
        OTHER_TARGET,
    ),
    "tied, robust": (
        columns(rain=np.where(STEPS % 5, 0, 1.0 + STEPS)),
        f"{FORECAST} --scaler robust",
        "column 'rain' cannot be scaled by 'robust': at least half of its train rows hold one value; leave it out",
        OTHER_SCALER,
    ),
    "tied, Huber": (
        columns(rain=np.where(STEPS % 5, 0, 1.0 + STEPS)),
        f"{FORECAST} --scaler huber",
        "column 'rain' cannot be scaled by 'huber': Huber's scale is 0, as too many of its values are equal; leave it",
        OTHER_SCALER,
    ),
    "tiny, logarithmic": (
        csv(lambda frame: frame.assign(load=frame["load"] * 1e-12)),
        f"{FORECAST} --scaler log",
        "column 'load' cannot be scaled by 'log': its deviation is under 1e-06",
        "take another unit",
    ),
    "a regression on its target": (
        csv(),
        f"{REGRESS} --features load,temperature",
        "target 'load' is a feature too, from which the network would read it off; leave it out of --features",
    ),
    "a regression on nothing": (
        csv(lambda frame: frame[["time", "load"]]),
        REGRESS,
        "expected at least one column of numbers for the input, found none; add one",
    ),
}

PARQUET: dict[str, Case] = {
    "texts and a word among them": (
        arrow(load=[*map(str, range(ROWS - 1)), "warm"]),
        FORECAST,
        "column 'load', row 240: expected a number, found 'warm'; mend it",
    ),
    "lists": (
        arrow(load=[[1.0, 2.0]] * ROWS),
        FORECAST,
        "column 'load', row 1: expected a number, found [1. 2.]; mend it",
    ),
    "complex numbers in parts": (
        arrow(load=[{"re": 1.0, "im": 2.0}] * ROWS),
        FORECAST,
        "column 'load', row 1: expected a number, found {'re': 1.0, 'im': 2.0}; mend it",
    ),
    "bytes": (
        arrow(load=[b"\0\1"] * ROWS),
        FORECAST,
        r"column 'load', row 1: expected a number, found b'\x00\x01'; mend",
    ),
    "dates": (
        arrow(load=[datetime.date(2024, 1, 1)] * ROWS),
        FORECAST,
        "column 'load', row 1: expected a number, found 2024-01-01; mend it",
    ),
    "lists as classes": (
        arrow(state=[["a"], ["b"]] * 120),
        CLASSIFY,
        "column 'state', row 1: expected text or a whole number, found ['a']; name another column",
    ),
    "structs as series": (
        arrow(site=[{"a": 1}] * ROWS),
        SERIES,
        "column 'site', row 1: expected text or a whole number, found {'a': 1}; name another column",
    ),
    "lists as times": (
        arrow(time=[["a"]] * ROWS),
        FORECAST,
        "column 'time', row 1: expected a time such as 2020-01-31 13:00, found ['a'",
    ),
    "durations as times": (
        arrow(time=[datetime.timedelta(hours=row) for row in range(ROWS)]),
        FORECAST,
        "column 'time', row 1: expected a time such as 2020-01-31 13:00, found 0 days 00:00:00; mend it",
    ),
    "a missing time": (
        arrow(time=[None if row == 4 else time for row, time in enumerate(hours())]),
        FORECAST,
        "column 'time', row 5: expected a time such as 2020-01-31 13:00, found none; mend it",
    ),
    "times of two offsets": (
        arrow(time=offsets("+01:00", "+02:00")),
        FORECAST,
        "column 'time' mixes time zones, expected one for all rows: row",
        "write all times in UTC",
    ),
}

TIMES: dict[str, Case] = {
    "a word": (
        cell("time", 5, "noon"),
        FORECAST,
        "column 'time', row 5: expected a time such as 2020-01-31 13:00, found 'noon'; mend it",
    ),
    "day before month": (
        csv(date_format="%d/%m/%Y"),
        FORECAST,
        "column 'time', row 1: expected a time such as 2020-01-31 13:00, found '01/",
        MEND,
    ),
    "30 February": (
        cell("time", 5, "2024-02-30"),
        FORECAST,
        "column 'time', row 5: expected a time such as",
        "'2024-02-30'",
    ),
    "beyond the year 9999": (
        cell("time", 240, "10000-01-01"),
        FORECAST,
        "column 'time', row 240: expected a time such as",
        "'10000-01-01'; mend",
    ),
    "before nanoseconds begin, spooled": (
        cell("time", 1, "1500-01-01"),
        f"{FORECAST} --spool .",
        "column 'time', row 1: expected a time in the years 1678 to 2261, as --spool is given, found 1500-01-01",
        "mend it, or leave --spool out",
    ),
    "before clocks": (
        cell("time", 1, "0000-01-01"),
        FORECAST,
        "times in column 'time' have gaps: row 2 (2024-01-01 01:00:00) follows row 1",
    ),
    "missing": (
        cell("time", 5, None),
        FORECAST,
        "column 'time', row 5: expected a time such as 2020-01-31 13:00, found none; mend it",
    ),
    "all missing": (
        columns(time=None),
        FORECAST,
        "column 'time' has no value at all, expected times or numbers; leave it out with --features",
    ),
    "all missing, but named": (
        columns(time=None),
        COUNT,
        "column 'time' has no value at all, expected times such as 2020-01-31 13:00; fill it in",
    ),
    "two offsets": (
        columns(time=offsets("+01:00", "+02:00")),
        FORECAST,
        "column 'time' mixes time zones, expected one for all rows: row 101 (2024-01-05 04:00:00+02:00) has +02:00, the"
        " rows before +01:00; write all times in UTC",
    ),
    "an offset in some rows": (
        columns(time=offsets("", "Z")),
        FORECAST,
        "column 'time' mixes time zones, expected one for all rows: row 101 (2024-01-05 04:00:00Z) has +00:00, the rows"
        " before none; write all times in UTC",
    ),
    "two offsets and a missing time": (
        cell("time", 9, None, time=offsets("Z", "+01:00")),
        FORECAST,
        "column 'time' mixes time zones",
        "row 101 ",
        "in UTC",
    ),
    "offsets that follow the summer": (
        columns(time=[str(time) for time in hours("2024-03-30", zone="Europe/Berlin")]),
        FORECAST,
        "column 'time' mixes time zones, expected one for all rows: row 27 (2024-03-31 03:00:00+02:00) has +02:00",
    ),
    "an hour that the clock shows twice": (
        columns(time=clock("2024-10-26", "Europe/Berlin")),
        FORECAST,
        "times in column 'time' are duplicated: row 28 (2024-10-27 02:00:00) follows row 27 (2024-10-27 02:00:00)",
        "remove one of them",
        IN_UTC,
    ),
    "half hours that the clock shows twice": (
        columns(time=clock("2024-11-02", "America/New_York", "30min")),
        FORECAST,
        "times in column 'time' are unsorted: row 53 (2024-11-03 01:00:00) follows row 52 (2024-11-03 01:30:00)",
        IN_UTC,
    ),
    "an hour that the clock leaves out": (
        columns(time=clock("2024-03-30", "Europe/Berlin")),
        FORECAST,
        "times in column 'time' have gaps: row 27 (2024-03-31 03:00:00) follows row 26 (2024-03-31 01:00:00)",
        IN_UTC,
    ),
    "unsorted": (
        csv(lambda frame: frame.iloc[[*range(9), 10, 9, *range(11, ROWS)]]),
        FORECAST,
        "times in column 'time' are unsorted: row 11 (2024-01-01 09:00:00) follows row 10 (2024-01-01 10:00:00)",
        "ask for --sort, or sort the rows, or name the column of several series with --series",
    ),
    "newest first": (
        csv(lambda frame: frame[::-1]),
        FORECAST,
        "times in column 'time' are unsorted: row 2 ",
        "(239 such rows); ask for",
    ),
    "duplicated": (
        cell("time", 5, "2024-01-01 03:00:00"),
        FORECAST,
        "times in column 'time' are duplicated: row 5 (2024-01-01 03:00:00) follows row 4 (2024-01-01 03:00:00)",
        "remove one of them, or name the column of several series with --series",
    ),
    "several series that nobody named": (
        columns(site=["a", "b"] * 120, time=hours()[STEPS // 2]),
        f"{FORECAST} --sort",
        "times in column 'time' are duplicated: row 2 ",
        "or name the column of several series with --series",
    ),
    "a missing hour": (
        without(101),
        FORECAST,
        "times in column 'time' have gaps: row 101 (2024-01-05 05:00:00) follows row 100 (2024-01-05 03:00:00),"
        " expected steps of h (1 uneven steps in all); ",
        FILL_GAPS,
    ),
    "a missing month": (
        without(101, time=hours(freq="MS")),
        FORECAST,
        "times in column 'time' have gaps: ",
        "steps of MS",
    ),
    "a missing business day": (
        without(101, time=hours(freq="B")),
        FORECAST,
        "times in column 'time' have gaps",
        "of B (",
    ),
    "a missing number": (
        without(101, time=STEPS),
        COUNT,
        "times in column 'time' have gaps: row 101 (101) follows row 100 (99), expected steps of 1 (1 uneven steps in"
        " all); fill in the rows, or say --gaps break",
    ),
    "gaps in every window": (
        csv(lambda frame: frame[STEPS % 9 > 0]),
        f"{FORECAST} --gaps break",
        "the train part has no window of 11 rows that is free of gaps and missing values; take a smaller --window",
    ),
    "irregular": (
        columns(time=pd.Timestamp("2024-01-01") + pd.to_timedelta(IRREGULAR, "s")),
        FORECAST,
        "times in column 'time' keep no step: row 2 (",
        "expected an even one; fill them up with --resample RULE and --missing, or say --gaps ignore",
    ),
    "irregular numbers, cut at gaps": (
        columns(time=IRREGULAR),
        f"{COUNT} --gaps break",
        "times in column 'time' keep no step: row 2 (",
        "expected an even one; fill in the rows, or say --gaps ignore",
    ),
    "a fraction among whole numbers": (
        columns(time=np.where(STEPS == 9, 9.5, STEPS)),
        COUNT,
        "column 'time', row 10: expected a whole number, as in the other rows, found 9.5; mend it",
    ),
    "a word among whole numbers": (
        cell("time", 9, "x", time=STEPS),
        COUNT,
        "column 'time', row 9: expected a whole number, as in the other rows, found 'x'; mend it",
    ),
    "a missing whole number": (
        columns(time=np.where(STEPS == 9, np.nan, STEPS)),
        COUNT,
        "column 'time', row 10: expected a whole number, as in",
        "found none; mend it",
    ),
    "fractions": (
        columns(time=STEPS / 4 + 0.1),
        COUNT,
        "time column 'time' holds numbers, expected times such as 2020-01-31 13:00, or whole numbers that count up;",
        "; leave out --time or name another",
    ),
    "true and false": (
        columns(time=STEPS % 2 == 0),
        COUNT,
        "time column 'time' holds true and false, expected times such as 2020-01-31 13:00, or whole numbers",
    ),
    "counting down": (
        columns(time=-STEPS),
        COUNT,
        "times in column 'time' are unsorted: row 2 (-1) follows row 1 (0)",
        "ask for --sort",
    ),
    "numbers beyond an int64": (
        columns(time=np.uint64(2**63) + STEPS.astype(np.uint64)),
        COUNT,
        f"column 'time', row 1: expected a whole number below 2 to the power 63, found {2**63}; mend it",
    ),
}

LABELS: dict[str, Case] = {
    "one class": (
        columns(state="on"),
        CLASSIFY,
        "column 'state' holds one class, 'on', expected two or more; give other",
    ),
    "a class absent from train": (
        columns(state=np.where(STEPS < 220, np.where(STEPS % 2, "a", "b"), "c")),
        CLASSIFY,
        "column 'state': no train window ends in class 'c' (0 in validation, 20 in test), expected some of each class;"
        " take another --split, or leave its rows out",
    ),
    "a missing label": (
        cell("state", 7, None, state=["a", "b"] * 120),
        f"{CLASSIFY} --missing ffill",
        "column 'state', row 7 (2024-01-01 06:00:00): the label is missing (1 in all), and labels are never filled in;"
        " ask for --missing drop, or fill them yourself",
    ),
    "no label at all": (
        columns(state=None),
        f"{CLASSIFY} --missing drop",
        "no train row is left without a missing value, of which column 'state' has the most (240); fill it",
    ),
    "fractions": (
        columns(state=STEPS % 3 / 2),
        CLASSIFY,
        "column 'state', row 2: expected a class (text or a whole number), found 0.5; name another column, or take"
        " --task regress",
    ),
    "infinite": (
        columns(state=[1, np.inf] * 120),
        CLASSIFY,
        "column 'state', row 2: expected a class (text or a whole",
    ),
    "times": (
        parquet(lambda frame: frame.assign(state=frame["time"])),
        CLASSIFY,
        "column 'state' holds times, expected classes; name another column, or take --task regress",
    ),
    "dates": (
        arrow(state=[datetime.date(2024, 1, 1)] * ROWS),
        CLASSIFY,
        "column 'state' holds times, expected classes; name another column",
    ),
    "too many classes": (
        lambda folder, frame: pd.DataFrame({"load": range(1500), "state": [f"c{row}" for row in range(1500)]}).to_csv(
            folder / "bad.csv", index=False
        ),
        CLASSIFY,
        "column 'state' has more than 1000 classes, expected a few; name another column, or take --task regress",
    ),
    "the time column": (
        csv(),
        "--task classify --target time --window 8",
        "column 'time' is the time column, so it cannot be the label too; name another for one of them",
    ),
    "a feature": (
        csv(),
        f"{ANOMALY} --label load --features load",
        "column 'load' is the label, so it can be neither target nor feature; name another",
    ),
    "anomalies by number": (
        columns(alarm=STEPS % 3),
        LABEL,
        "column 'alarm', row 3 (2024-01-01 02:00:00): expected labels 0 (usual) and 1 (anomaly), found '2'; mend them",
    ),
    "anomalies by word": (
        columns(alarm=["no", "yes"] * 120),
        LABEL,
        "column 'alarm', row 1 (",
        "found 'no'; mend them",
    ),
    "anomalies by degree": (
        columns(alarm=[0.2, 0.7] * 120),
        LABEL,
        "column 'alarm', row 1: expected a class (text or a whole number), found 0.2; name a column of 0 (usual) and 1"
        " (anomaly) with --label",
    ),
    "another column": (
        csv(),
        f"{ANOMALY} --label alram",
        "there is no column 'alram'; known are: load, temperature, time",
    ),
}

MANY: dict[str, Case] = {
    "a series of one row": (
        columns(site=["a"] * 239 + ["b"]),
        SERIES,
        "1 of 2 series are too short: 'b' (1 rows); the first: the train part has 1 of 1 rows, but window + horizon"
        f" need 11; {MORE_ROWS}, or leave such series out with --short-series drop",
    ),
    "every series of one row": (
        columns(site=[f"s{row}" for row in STEPS]),
        f"{SERIES} --short-series drop",
        "240 of 240 series are too short: 's0' (1 rows), 's1' (1 rows), 's2' (1 rows) and 237 more; the first: ",
        f"the train part has 1 of 1 rows, but window + horizon need 11; {MORE_ROWS}",
    ),
    "a short series with a strange name": (
        columns(site=["a"] * 239 + ["b:\n c"]),
        SERIES,
        r"1 of 2 series are too short: 'b:\n c' (1 rows); the first: the train part has 1 of 1 rows",
    ),
    "a missing name of a series": (
        cell("site", 7, None, site="a"),
        SERIES,
        "column 'site', row 7: expected the name of a series, found none; fill it in",
    ),
    "duplicated in one of the series": (
        cell("time", 130, "2024-01-01 08:00:00", site=["a"] * 120 + ["b"] * 120, time=hours()[STEPS % 120].astype(str)),
        SERIES,
        "times in column 'time' are duplicated: row 130 (2024-01-01 08:00:00, series 'b') follows row 129",
        "expected each row to be later than the one before (1 such rows); remove one of them",
    ),
    "a missing hour of one of the series": (
        without(150, site=["a"] * 120 + ["b"] * 120, time=hours()[STEPS % 120]),
        SERIES,
        "times in column 'time' have gaps: row 150 (2024-01-02 06:00:00, series 'b') follows row 149",
        FILL_GAPS,
    ),
    "series in turns, spooled": (
        columns(site=["a", "b"] * 120),
        f"{SERIES} --spool .",
        "row 3 (2024-01-01 02:00:00) goes back to a series that ended before; with --spool the rows of each series have"
        " to stand together: sort the file by 'site'",
    ),
}

ASKED: dict[str, Case] = {
    "a calendar without times": (
        csv(lambda frame: frame.drop(columns="time")),
        f"{FORECAST} --calendar hour",
        "--calendar needs a column of times, found none; name it with --time, or leave --calendar out",
    ),
    "a calendar of whole numbers": (
        columns(time=STEPS),
        f"{COUNT} --calendar hour",
        "--calendar needs a column of times, found whole numbers; name it",
    ),
    "a calendar's column that is there": (
        columns(hour_sin=STEPS),
        f"{FORECAST} --calendar hour",
        "--calendar would make the column 'hour_sin', which is there already; rename it",
    ),
    "a calendar field that does not change": (
        csv(),
        f"{FORECAST} --calendar hour,month",
        "the calendar feature 'month' is the same in all train rows, expected one that changes; leave it out of"
        " --calendar, or take another --split",
    ),
    "a calendar field twice": (
        csv(),
        f"{FORECAST} --calendar hour,hour",
        "calendar field 'hour' was named more than once; name it once",
    ),
    "resampled without times": (
        csv(lambda frame: frame.drop(columns="time")),
        f"{FORECAST} --resample 1h",
        "--resample needs a column of times, found none; name it with --time, or leave --resample out",
    ),
    "resampled by whole numbers": (
        columns(time=STEPS),
        f"{COUNT} --resample 1h",
        "--resample needs a column of times, found whole numbers; name it",
    ),
    "resampled by an unknown step": (
        csv(),
        f"{FORECAST} --resample hourly",
        "--resample: expected a step such as 15min, 1h, 1D or MS, found 'hourly'; ",
    ),
    "resampled backwards": (
        csv(),
        f"{FORECAST} --resample=-1h",
        "--resample: expected a step such as",
        "'-1h'; give another",
    ),
    "resampled by nothing": (
        csv(),
        f"{FORECAST} --resample 0h",
        "--resample: expected a step such as",
        "'0h'; give another",
    ),
    "resampled too finely": (
        csv(),
        f"{FORECAST} --resample 1ns",
        "--resample 1ns would make 8.6e+14 of the 240 rows, expected 1e+08 at most; give a longer step",
    ),
    "sorted without times": (
        csv(lambda frame: frame.drop(columns="time")),
        f"{FORECAST} --sort",
        "--sort needs a column of times, found none; name it with --time, or leave --sort out",
    ),
    "too few rows": (
        csv(lambda frame: frame[:30]),
        FORECAST,
        f"the validation part has 5 of 30 rows, but window + horizon need 11; {MORE_ROWS}",
    ),
    "one row": (
        csv(lambda frame: frame[:1]),
        FORECAST,
        "the train part has 1 of 1 rows, but window + horizon need 11; ",
    ),
    "fewer rows than the parts": (
        csv(),
        f"{FORECAST} --split 200,50,50",
        "the split 200,50,50 needs 300 rows, found 240; give a smaller --split",
    ),
    "dates after the rows": (
        csv(),
        f"{FORECAST} --split-dates 2030-01-01,2031-01-01",
        "the validation part has 0 of 240 rows, but window + horizon need 11; give more rows, or other --split-dates"
        " between 2024-01-01 00:00:00 and 2024-01-10 23:00:00",
    ),
    "dates without times": (
        csv(lambda frame: frame.drop(columns="time")),
        f"{FORECAST} --split-dates 2024-01-05,2024-01-08",
        "a split by dates needs a column of times, found none; name it with --time, or give --split",
    ),
    "dates with a zone": (
        csv(),
        f"{FORECAST} --split-dates 2024-01-05T00:00Z,2024-01-08T00:00Z",
        "--split-dates: 2024-01-05 00:00:00+00:00 names a zone, but the times have none; write it without",
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


@pytest.mark.parametrize("case", CASES)
def test_a_malformed_table_is_refused(refused, tmp_path: Path, series: pd.DataFrame, case: str):
    write, options, beginning, *words = CASES[case]
    write(tmp_path, series)
    (path,) = tmp_path.iterdir()
    sentence = refused(f"inspect --data {path.name} {options}", *words)
    assert sentence.startswith(f"error: {path.name}: {beginning}") or (
        sentence.startswith(f"error: {beginning}") and beginning.startswith("--")
    )
    assert "; " in sentence  # then what to do next
    assert sentence.isprintable()
    assert not [word for word in JARGON if word in sentence]


SOUND: dict[str, tuple[Write, str, dict[str, object]]] = {
    "a byte-order mark": (lines(lambda rows: rows, "utf-8-sig"), FORECAST, {"step": "h"}),
    "UTF-16 with a mark": (lines(lambda rows: rows, "utf-16"), FORECAST, {"step": "h"}),
    "line ends of old": (csv(lineterminator="\r"), FORECAST, {"step": "h"}),
    "a blank line above the header and below": (
        lines(lambda rows: ["", *rows[:9], "", *rows[9:], ""]),
        FORECAST,
        {"step": "h", "features": ["load", "temperature"]},
    ),
    "quoted names": (named('outer, "b"', quoting=1), FORECAST, {"features": ["load", 'outer, "b"']}),
    "a formula as a name": (named(FORMULA), FORECAST, {"features": ["load", FORMULA]}),
    "tabs": (csv(sep="\t"), rf"{FORECAST} --delimiter '\t'", {"step": "h"}),
    "decimal commas": (
        csv(sep=";", decimal=","),
        f"{FORECAST} --delimiter ';' --decimal ','",
        {"features": ["load", "temperature"]},
    ),
    "texts with commas": (columns(place="1,2,3"), FORECAST, {"features": ["load", "temperature"]}),
    "times with a zone": (columns(time=hours(zone="UTC")), FORECAST, {"zone": "UTC", "step": "h"}),
    "a zone's clock changes in Parquet": (
        parquet(lambda frame: frame.assign(time=hours("2024-10-26", zone="Europe/Berlin"))),
        FORECAST,
        {"zone": "Europe/Berlin", "step": "h"},
    ),
    "business days": (columns(time=hours(freq="B")), FORECAST, {"step": "B", "uneven_steps": 0}),
    "business days without a holiday": (
        without(100, time=hours(freq="B")),
        f"{FORECAST} --gaps ignore",
        {"step": "B", "uneven_steps": 1},
    ),
    "months": (columns(time=hours(freq="MS").strftime("%Y-%m")), FORECAST, {"step": "MS"}),
    "years to come": (columns(time=hours("3000-01-01")), FORECAST, {"step": "h"}),
    "whole numbers": (columns(time=5 * STEPS - 100), COUNT, {"step": "5"}),
    "nanoseconds as whole numbers": (columns(time=1_700_000_000_000_000_000 + STEPS), COUNT, {"step": "1"}),
    "an index of times in Parquet": (parquet(lambda frame: frame.set_index("time")), FORECAST, {"step": "h"}),
    "periods in Parquet": (
        parquet(lambda frame: frame.assign(time=pd.period_range("2024-01", periods=ROWS, freq="M"))),
        FORECAST,
        {"step": "MS"},
    ),
    "dates in Parquet": (
        arrow(time=[datetime.date(2024, 1, 1) + datetime.timedelta(days=row) for row in range(ROWS)]),
        FORECAST,
        {"step": "D"},
    ),
    "decimals and lists in Parquet": (
        arrow(load=[decimal.Decimal(row % 7) / 4 for row in range(ROWS)], x=[[1.0]] * ROWS),
        FORECAST,
        {"features": ["load", "temperature"], "ignored": ["x"]},
    ),
    "days of the week": (
        columns(time=hours(freq="D")),
        f"{FORECAST} --calendar weekday",
        {"features": ["load", "temperature", "weekday_sin", "weekday_cos"]},
    ),
    "missing labels, left out": (
        cell("state", 7, None, state=["a", "b"] * 120),
        f"{CLASSIFY} --missing drop",
        {"label": "state"},
    ),
    "a short series, left out": (
        columns(site=["a"] * 239 + ["b"]),
        f"{SERIES} --short-series drop",
        {"used": 1, "left_out": 1},
    ),
    "times spooled": (csv(), f"{FORECAST} --spool .", {"step": "h"}),
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
