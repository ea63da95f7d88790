"""One column of a table at a time: numbers, classes, series."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo_registry.errors import DataError

MAX_CLASSES = 1000
MISSING_CLASS = -1


def parse_numbers(column: pd.Series, where: str, *, named: bool, first_row: int = 0) -> NDArray[np.float64] | None:
    """Return the column as float64, or None for a column of text or times that nobody named.

    ``first_row`` is the column's place in its file. Raises DataError, naming column and row, for text among numbers
    and for what is not finite; NaN marks a missing value.
    """
    remedy = "mend it" if named else "mend it, or leave the column out with --features"
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        if pd.api.types.is_complex_dtype(column):
            raise DataError(f"{where}: column '{column.name}' holds complex numbers, expected real ones; {remedy}")
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        try:
            parsed = pd.to_numeric(column.astype(object), errors="coerce")  # as objects: times would become counts
        except OverflowError:  # whole numbers beyond any float
            parsed = pd.to_numeric(column.astype(str), errors="coerce")
        bad = np.flatnonzero(parsed.isna() & column.notna())
        if len(bad) == int(column.notna().sum()) and len(bad) and not named:
            return None
        if len(bad):
            raise DataError(
                f"{where}: column '{column.name}', row {first_row + bad[0] + 1}: expected a number,"
                f" found {column.iloc[bad[0]]!r}; {remedy}"
            )
        numbers = parsed.to_numpy(dtype=np.float64, na_value=np.nan)
    if len(bad := np.flatnonzero(np.isinf(numbers))):
        raise DataError(
            f"{where}: column '{column.name}', row {first_row + bad[0] + 1}: expected a finite number,"
            f" found {numbers[bad[0]]}; {remedy}"
        )
    return numbers


class Codes:
    """Numbers a column's values in the order of their appearance, over any number of pieces of the column."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}

    def encode(self, column: pd.Series) -> NDArray[np.int32]:
        """Return each row's number, ``MISSING_CLASS`` where it has no value."""
        codes, values = pd.factorize(column)
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


def check_classes(column: pd.Series, where: str, first_row: int) -> None:
    """Raise DataError where a column holds fractions or times, which are no classes."""
    if pd.api.types.is_float_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        if len(bad := np.flatnonzero(~np.isnan(values) & (values != np.round(values)))):
            raise DataError(
                f"{where}: column '{column.name}', row {first_row + bad[0] + 1}: expected a class (text or a whole"
                f" number), found {values[bad[0]]:g}; name a column of classes, or take --task regress"
            )
    elif pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
        raise DataError(f"{where}: column '{column.name}' holds times, expected classes; name another column")


def _name(value: object) -> str:
    """A class or series as text: whole numbers without a fraction, so that 1 and 1.0 are one."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)
