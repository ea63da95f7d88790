"""Numbers as people write them: with other signs for decimals and thousands than a program's."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from zoo.data.readers.csv_files import CsvFormat

PLAIN = CsvFormat()
_GROUPING = {
    ".": ",'\u2019 \u00a0\u202f",
    ",": ".'\u2019 \u00a0\u202f",
}  # by the decimal sign, what people part thousands with


def to_numbers(column: pd.Series, csv: CsvFormat = PLAIN) -> pd.Series:
    """The numbers that are written as text in a column, NaN for everything else.

    With other signs than a program's, thousands have to stand in threes, so that ``1.5`` never becomes 15.
    """
    values = column.astype(object)  # as objects: times would become counts
    if csv.decimal == "." and csv.thousands is None:
        try:
            return pd.to_numeric(values, errors="coerce")
        except OverflowError:  # whole numbers beyond any float
            return pd.to_numeric(column.astype(str), errors="coerce")
    pattern = _pattern(csv.decimal, csv.thousands)

    def read(value: object) -> object:
        if not isinstance(value, str):
            return value
        if pattern.fullmatch(text := value.strip()) is None:
            return np.nan
        return float(text.replace(csv.thousands or "", "").replace(csv.decimal, "."))

    return to_numbers(values.map(read))


def misread(value: object, csv: CsvFormat = PLAIN) -> str | None:
    """For a text that would be a number if it were read with other signs, the options that would; else None."""
    if not isinstance(value, str):
        return None
    ways: list[list[str]] = []
    for decimal, signs in _GROUPING.items():
        for thousands in (csv.thousands, None, *signs):
            if thousands == decimal or _pattern(decimal, thousands).fullmatch(value.strip()) is None:
                continue
            way = [f"`decimal={decimal!r}`"] if decimal != csv.decimal else []
            if thousands not in (None, csv.thousands):
                way.append(f"`thousands={thousands!r}`")
            if way and not any(known <= set(way) for known in map(set, ways)):
                ways.append(way)
    if not ways:
        return None
    return " or ".join(" ".join(way) for way in sorted(ways, key=lambda way: (len(way), way)))


def _pattern(decimal: str, thousands: str | None) -> re.Pattern[str]:
    """What a number looks like; Python keeps the compiled patterns."""
    point = re.escape(decimal)
    whole = r"\d+" if thousands is None else rf"(?:\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+|\d+)"
    return re.compile(rf"[-+]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][-+]?\d+)?")
