"""One column of a table at a time: numbers, classes, series."""

from __future__ import annotations

import csv as plain_csv
import math
from collections.abc import Callable, Collection, Container, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.readers.csv_comments import COMMENT_REMEDY, COMMENT_SIGN
from zoo.data.readers.csv_files import CsvFormat
from zoo.data.readers.written_numbers import PLAIN, misread, to_numbers
from zoo_registry.errors import ConfigError, DataError

MAX_CLASSES = 1000
MISSING_CLASS = -1
_SHOWN = 60  # characters of a value in a message
_DECIMALS = {".": "a decimal point", ",": "a decimal comma"}
_OF_TIME = {"date", "datetime", "datetime64", "time", "timedelta", "timedelta64", "period"}


def shown(value: object) -> str:
    """A value in a message: on one line, and not too long of one."""
    text = repr(value) if isinstance(value, (str, bytes)) else " ".join(str(value).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def wrong_cell(where: str, column: object, row: int, expected: str, found: object, remedy: str) -> DataError:
    """What to raise for a value of a column, whose row in the file counts from 0 here."""
    return DataError(f"{where}: column '{column}', row {row + 1}: expected {expected}, found {found}; {remedy}")


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
            parts = next(plain_csv.reader([text], skipinitialspace=True, strict=True))
        except plain_csv.Error as error:
            raise ConfigError(
                f"expected names of columns by commas, such as load or '\"a,b\",c', found {text!r} ({error}); mend it"
            ) from error
        names.extend(part.rstrip() for part in parts)  # blanks that a name begins with hold inside quotes
    return tuple(names)


def one_target(targets: Sequence[str]) -> str:
    """The column of classes; raises ConfigError for none or several."""
    if len(targets) != 1:
        raise ConfigError(f"`task='classify'` has one target, the column of classes, found {len(targets)}; name one")
    return targets[0]


# Is told of wrong cells of a column by their rows in it, with what makes of one what to raise
Spare = Callable[[NDArray[np.intp], Callable[[int], DataError]], None]


def parse_numbers(
    column: pd.Series,
    where: str,
    *,
    named: bool,
    first_row: int = 0,
    csv: CsvFormat = PLAIN,
    spare: Spare | None = None,
) -> NDArray[np.float64] | None:
    """Return the column as float64, or None for a column of text or times that nobody named.

    ``first_row`` is the column's place in its file, and ``csv`` has the signs that numbers are written with. Raises
    DataError, naming column and row, for text among numbers and for what is not finite, unless ``spare`` is told of
    these cells, which become NaN; that marks a missing value. A column of numbers with other signs is not taken for
    text.
    """
    way_out = "" if named else ", or leave the column out with `features`"
    remedy = f"mend it{way_out}"

    def no_number(row: int) -> DataError:
        value, own = column.iloc[row], remedy
        if (options := misread(value, csv)) is not None:
            sign = _DECIMALS.get(csv.decimal, f"the decimal sign {csv.decimal!r}")
            own = f"write it with {sign} and no separators of thousands, or give the CSV file's {options}{way_out}"
        elif isinstance(value, str) and value.startswith(COMMENT_SIGN):
            own = f"{remedy}, {COMMENT_REMEDY}"
        return wrong_cell(where, column.name, first_row + row, "a number", shown(value), own)

    def infinite(row: int) -> DataError:
        return wrong_cell(where, column.name, first_row + row, "a finite number", shown(column.iloc[row]), remedy)

    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        if pd.api.types.is_complex_dtype(column):
            raise DataError(f"{where}: column '{column.name}' holds complex numbers, expected real ones; {remedy}")
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        parsed = to_numbers(column, csv)
        bad = np.flatnonzero(parsed.isna() & column.notna())
        textual = len(bad) and len(bad) == int(column.notna().sum())
        if textual and not named and not all(misread(value, csv) for value in column.dropna()):
            return None
        if len(bad):
            if spare is None:
                raise no_number(int(bad[0]))
            spare(bad, no_number)
        numbers = parsed.to_numpy(dtype=np.float64, na_value=np.nan)
    if len(bad := np.flatnonzero(np.isinf(numbers))):
        if spare is None:
            raise infinite(int(bad[0]))
        spare(bad, infinite)
        numbers = np.where(np.isinf(numbers), np.nan, numbers)
    return numbers


class Codes:
    """Numbers a column's values in the order of their appearance, over any number of pieces of the column."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}

    def encode(self, column: pd.Series, where: str, first_row: int = 0) -> NDArray[np.int32]:
        """Return each row's number, ``MISSING_CLASS`` where it has no value.

        Raises DataError for lists and structs, and for floats so large that they may stand for several whole numbers,
        as of a column of these in which one is missing.
        """
        if (
            pd.api.types.is_float_dtype(column)
            and (large := column.abs().ge(2.0**53).to_numpy(bool, na_value=False)).any()
        ):
            row = int(np.argmax(large))
            expected = "whole numbers below 2 to the power 53, as the column holds floats"
            found = f"{column.iloc[row]:.17g}"
            raise wrong_cell(where, column.name, first_row + row, expected, found, "write them as text")
        try:
            codes, values = pd.factorize(column)
        except TypeError as error:
            row, value = next((row, value) for row, value in enumerate(column) if not pd.api.types.is_hashable(value))
            expected, remedy = "text or a whole number", "name another column"
            raise wrong_cell(where, column.name, first_row + row, expected, shown(value), remedy) from error
        numbers = [self.names.setdefault(_name(value), len(self.names)) for value in values]
        return np.array([*numbers, MISSING_CLASS], dtype=np.int32)[codes]


def sorted_classes(names: dict[str, int]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Order classes by number where all are numbers, else by text; returns them and the new number of each old one.

    The new numbers end with ``MISSING_CLASS``, so that it stays what it is.
    """
    ordered = sorted(names)
    try:
        numbers = {name: float(name) for name in names}
    except ValueError:
        pass
    else:
        if not any(map(math.isnan, numbers.values())):
            ordered.sort(key=numbers.__getitem__)
    places = {name: place for place, name in enumerate(ordered)}
    return tuple(ordered), np.array([*(places[name] for name in names), MISSING_CLASS], dtype=np.int32)


def check_classes(column: pd.Series, where: str, first_row: int, remedy: str, *, written: bool = False) -> None:
    """Raise DataError where a column holds fractions or times, which are no classes.

    ``written``: the column is the text of a file, in which fractions are told by all of it being numbers.
    """
    numbers = column
    if written and (parsed := to_numbers(column)).isna().equals(column.isna()):
        numbers = parsed.astype(np.float64)
    if pd.api.types.is_float_dtype(numbers):
        values = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
        if len(bad := np.flatnonzero(np.isinf(values) | (~np.isnan(values) & (values != np.round(values))))):
            expected, found = "a class (text or a whole number)", f"{values[bad[0]]:g}"
            raise wrong_cell(where, column.name, first_row + bad[0], expected, found, remedy)
    elif pd.api.types.infer_dtype(column) in _OF_TIME:
        raise DataError(f"{where}: column '{column.name}' holds times, expected classes; {remedy}")


def known_class(name: str, classes: Collection[str]) -> str:
    """The one of the known ``classes`` that a class of a table is, else its own name.

    Classes were numbers once: ``1.0`` and ``TRUE`` of a CSV file were called ``1`` and ``True``.
    """
    if name in classes:
        return name
    try:
        number = float(name)
    except ValueError:
        known = name.capitalize()
    else:
        known = _name(number)
    return known if known in classes else name


def _name(value: object) -> str:
    """A class or series as text: whole numbers without a fraction, so that 1 and 1.0 are one."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)
