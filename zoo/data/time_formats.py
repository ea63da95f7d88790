"""How times are written where they are no text such as 2020-01-31 13:00: counted since 1970, or by a pattern."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.columns import shown, wrong_cell
from zoo.data.readers.written_numbers import to_numbers
from zoo_registry.errors import ConfigError, DataError

UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
ISO = "iso"  # the usual way, also where another was remembered
DAYS = "yyyymmdd"
_PATTERNS = {DAYS: "%Y%m%d", "yyyymmddhh": "%Y%m%d%H", "yyyymmddhhmm": "%Y%m%d%H%M", "yyyymmddhhmmss": "%Y%m%d%H%M%S"}
_MICROSECONDS = {"s": 10**6, "ms": 10**3, "us": 1}
_YEARS_1_TO_9999 = (-62_135_596_800e6, 253_402_300_800e6)  # in microseconds from 1970
# Whole numbers that are no times would have to be as large by chance: from 1973 to 2099, and from 1900 on
_LIKELY = {"s": (1e8, 4.1e9), "ms": (1e11, 4.1e12), "us": (1e14, 4.1e15), "ns": (1e17, 4.1e18)}
_YEARS = (1900, 2100)


def check_time_format(form: str | None) -> None:
    """Raise ConfigError for a way of writing times that there is not."""
    if form is None or form in (ISO, *UNITS, *_PATTERNS):
        return
    try:
        if "%" not in form:
            raise ValueError(form)
        pd.to_datetime(pd.Series(["x"]), format=form, errors="coerce")
    except ValueError as error:
        raise ConfigError(
            f"`time_format` is one of {ISO}, {', '.join((*UNITS, *_PATTERNS))}, or a pattern such as '%d.%m.%Y %H:%M',"
            f" found {form!r}; give one of them"
        ) from error


@functools.lru_cache(maxsize=16)
def check_zone(zone: str | None) -> None:
    """Raise ConfigError for a zone that is not known."""
    if zone is None:
        return
    try:
        pd.DatetimeTZDtype("ns", zone)
    except Exception as error:  # of each library of zones another
        raise ConfigError(f"`zone`: there is no zone {zone!r}; give one such as Europe/Berlin or UTC") from error


def likely_format(numbers: NDArray[np.int64]) -> str | None:
    """The way in which whole numbers are times, where they all look like it: ``s``, ``yyyymmdd`` and so on."""
    if not len(numbers):
        return None
    for name, pattern in _PATTERNS.items():
        if (numbers >= 10 ** (len(name) - 1)).all() and (numbers < 10 ** len(name)).all():
            years = numbers // 10 ** (len(name) - 4)
            if ((years < _YEARS[0]) | (years > _YEARS[1])).any():
                continue
            if pd.to_datetime(pd.Series(numbers.astype(str)), format=pattern, errors="coerce").notna().all():
                return name
    return next((unit for unit, (low, high) in _LIKELY.items() if ((numbers >= low) & (numbers < high)).all()), None)


def described(form: str) -> str:
    """A way of writing times in words."""
    return f"{UNITS[form]} since 1970" if form in UNITS else form


def read_times(column: pd.Series, form: str, where: str, first_row: int, zone: str | None = None) -> pd.DatetimeIndex:
    """Read a column that is written in another way than usual; times since 1970 have the zone UTC.

    Raises DataError for a value that is not written so, and for several offsets where no ``zone`` will be the clock.
    What is missing is NaT.
    """
    times = _since_1970(column, form) if form in UNITS else _by_pattern(column, _PATTERNS.get(form, form), where, zone)
    if len(bad := np.flatnonzero(times.isna() & column.notna().to_numpy())):
        expected, remedy = f"{described(form)}, as `time_format` {form} says", "mend it, or give another `time_format`"
        raise wrong_cell(where, column.name, first_row + bad[0], expected, shown(column.iloc[bad[0]]), remedy)
    return times


def _since_1970(column: pd.Series, unit: str) -> pd.DatetimeIndex:
    """Times by their number, NaT for what is no number or beyond the years 1 to 9999.

    They are exact to the microsecond, to which a fraction is rounded; nanoseconds have none.
    """
    numbers = column if pd.api.types.is_numeric_dtype(column) else to_numbers(column)
    factor, resolution = (1, "ns") if unit == "ns" else (_MICROSECONDS[unit], "us")
    first, last = (-(2.0**63), 2.0**63) if unit == "ns" else _YEARS_1_TO_9999
    floats = numbers.to_numpy(np.float64, na_value=np.nan)
    known = (floats * factor > first) & (floats * factor < last)
    if pd.api.types.is_integer_dtype(numbers):
        stamps = numbers.where(known, 0).to_numpy(np.int64) * factor
    else:
        known &= (unit != "ns") | (floats == np.round(floats))
        stamps = np.round(np.where(known, floats, 0) * factor).astype(np.int64)
    stamps = np.where(known, stamps, np.iinfo(np.int64).min)  # NaT
    return pd.DatetimeIndex(stamps.view(f"M8[{resolution}]"), tz="UTC")


def _by_pattern(column: pd.Series, pattern: str, where: str, zone: str | None) -> pd.DatetimeIndex:
    """Times by a pattern, NaT for what is not written so; a whole number has lost the zeros that it began with."""
    texts = column.astype(object)
    if pd.api.types.is_numeric_dtype(column):
        width = len(pd.Timestamp("2000-01-01").strftime(pattern))
        whole = column.where(column == np.round(column)).astype("Int64")
        texts = whole.astype("string").str.zfill(width).astype(object).where(whole.notna(), None)
    try:
        return pd.DatetimeIndex(pd.to_datetime(texts, format=pattern, errors="coerce"))
    except ValueError as error:  # of several offsets
        if zone is None:
            raise DataError(
                f"{where}: column '{column.name}' mixes time zones, expected one for all rows; name the zone whose"
                " clock they show with `zone`, such as Europe/Berlin"
            ) from error
    return pd.DatetimeIndex(pd.to_datetime(texts, format=pattern, errors="coerce", utc=True))


def to_zone(
    times: pd.DatetimeIndex, zone: str, where: str, column: str, first_row: int, *, in_order: bool
) -> pd.DatetimeIndex:
    """Bring times to the clock of a zone; those without any are on that clock already.

    Raises DataError for one that the clock does not show, or shows twice where the order of the rows does not tell, as
    where they are not ``in_order``.
    """
    if times.tz is not None:
        return times.tz_convert(zone)
    try:
        return times.tz_localize(zone, ambiguous="infer" if in_order else "raise")
    except ValueError as error:
        shown_once = times.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").notna()
        row = int(np.flatnonzero(shown_once != times.notna())[0])
        expected, found = f"a time that the clock of {zone} shows once", f"{times[row]}, when clocks are changed"
        remedy = "write the times in UTC, or with their offsets"
        raise wrong_cell(where, column, first_row + row, expected, found, remedy) from error
