"""One column of a table at a time: numbers, classes, series."""

from __future__ import annotations

import csv
import re
from collections.abc import Container, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo_registry.errors import ConfigError, DataError

MAX_CLASSES = 1000
MISSING_CLASS = -1
_SHOWN = 60  # characters of a value in a message
_DECIMAL_COMMA, _THOUSANDS = r"(\d+|\d{1,3}(\.\d{3})+),\d+", r"\d{1,3}(,\d{3})+(\.\d*)?"
_WITH_COMMA = re.compile(rf"[-+]?({_DECIMAL_COMMA}|{_THOUSANDS})([eE][-+]?\d+)?")
_COMMA = "write it with a decimal point and no separators of thousands, or give the CSV file's --decimal ','"
_OF_TIME = {"date", "datetime", "datetime64", "time", "timedelta", "timedelta64", "period"}


def shown(value: object) -> str:
    """A value in a message: on one line, and not too long of one."""
    text = repr(value) if isinstance(value, (str, bytes)) else " ".join(str(value).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def listed_names(given: Sequence[str], columns: Container[str]) -> tuple[str, ...]:
    """The names that are meant: a text that is no column's is a list by commas, with CSV's quotes around such a name.

    Raises ConfigError for quotes that do not end.
    """
    names: list[str] = []
    for text in given:
        if text in columns or not {",", '"'} & set(text):
            names.append(text)
            continue
        try:
            parts = next(csv.reader([text], skipinitialspace=True, strict=True))
        except csv.Error as error:
            raise ConfigError(
                f"expected names of columns by commas, such as load or '\"a,b\",c', found {text!r} ({error}); mend it"
            ) from error
        names.extend(part.strip() for part in parts)
    return tuple(names)


def one_target(targets: Sequence[str]) -> str:
    """The column of classes; raises ConfigError for none or several."""
    if len(targets) != 1:
        raise ConfigError(f"--task classify has one target, the column of classes, found {len(targets)}; name one")
    return targets[0]


def parse_numbers(column: pd.Series, where: str, *, named: bool, first_row: int = 0) -> NDArray[np.float64] | None:
    """Return the column as float64, or None for a column of text or times that nobody named.

    ``first_row`` is the column's place in its file. Raises DataError, naming column and row, for text among numbers
    and for what is not finite; NaN marks a missing value. A column of numbers with commas is not taken for text.
    """
    way_out = "" if named else ", or leave the column out with --features"
    remedy = f"mend it{way_out}"
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        if pd.api.types.is_complex_dtype(column):
            raise DataError(f"{where}: column '{column.name}' holds complex numbers, expected real ones; {remedy}")
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        parsed = to_numbers(column)
        bad = np.flatnonzero(parsed.isna() & column.notna())
        textual = len(bad) and len(bad) == int(column.notna().sum())
        if textual and not named and not all(map(_has_comma, column.dropna())):
            return None
        if len(bad):
            value = column.iloc[bad[0]]
            remedy = f"{_COMMA}{way_out}" if _has_comma(value) else remedy
            raise DataError(
                f"{where}: column '{column.name}', row {first_row + bad[0] + 1}: expected a number,"
                f" found {shown(value)}; {remedy}"
            )
        numbers = parsed.to_numpy(dtype=np.float64, na_value=np.nan)
    if len(bad := np.flatnonzero(np.isinf(numbers))):
        raise DataError(
            f"{where}: column '{column.name}', row {first_row + bad[0] + 1}: expected a finite number,"
            f" found {shown(column.iloc[bad[0]])}; {remedy}"
        )
    return numbers


def to_numbers(column: pd.Series) -> pd.Series:
    """The numbers that are written as text in a column, NaN for everything else."""
    try:
        return pd.to_numeric(column.astype(object), errors="coerce")  # as objects: times would become counts
    except OverflowError:  # whole numbers beyond any float
        return pd.to_numeric(column.astype(str), errors="coerce")


class Codes:
    """Numbers a column's values in the order of their appearance, over any number of pieces of the column."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}

    def encode(self, column: pd.Series, where: str, first_row: int = 0) -> NDArray[np.int32]:
        """Return each row's number, ``MISSING_CLASS`` where it has no value. Raises DataError for lists and structs."""
        try:
            codes, values = pd.factorize(column)
        except TypeError as error:
            row, value = next((row, value) for row, value in enumerate(column) if not pd.api.types.is_hashable(value))
            raise DataError(
                f"{where}: column '{column.name}', row {first_row + row + 1}: expected text or a whole number, found"
                f" {shown(value)}; name another column"
            ) from error
        numbers = [self.names.setdefault(_name(value), len(self.names)) for value in values]
        return np.array([*numbers, MISSING_CLASS], dtype=np.int32)[codes]


def sorted_classes(names: dict[str, int]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Order classes by number where all are numbers, else by text; returns them and the new number of each old one.

    The new numbers end with ``MISSING_CLASS``, so that it stays what it is.
    """
    try:
        ordered = sorted(names, key=float)
    except ValueError:
        ordered = sorted(names)
    places = {name: place for place, name in enumerate(ordered)}
    return tuple(ordered), np.array([*(places[name] for name in names), MISSING_CLASS], dtype=np.int32)


def check_classes(column: pd.Series, where: str, first_row: int, remedy: str) -> None:
    """Raise DataError where a column holds fractions or times, which are no classes."""
    if pd.api.types.is_float_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        if len(bad := np.flatnonzero(np.isinf(values) | (~np.isnan(values) & (values != np.round(values))))):
            raise DataError(
                f"{where}: column '{column.name}', row {first_row + bad[0] + 1}: expected a class (text or a whole"
                f" number), found {values[bad[0]]:g}; {remedy}"
            )
    elif pd.api.types.infer_dtype(column) in _OF_TIME:
        raise DataError(f"{where}: column '{column.name}' holds times, expected classes; {remedy}")


def _has_comma(value: object) -> bool:
    """Whether a text would be a number but for a comma, that of decimals or of thousands."""
    return isinstance(value, str) and _WITH_COMMA.fullmatch(value.strip()) is not None


def _name(value: object) -> str:
    """A class or series as text: whole numbers without a fraction, so that 1 and 1.0 are one."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)
