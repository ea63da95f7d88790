"""The column of times, or of whole numbers that count up: read and checked for zones, order and doubles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.columns import shown, wrong_cell
from zoo.data.readers.csv_comments import COMMENT_REMEDY, COMMENT_SIGN
from zoo.data.readers.reading import Reading
from zoo.data.readers.written_numbers import to_numbers
from zoo.data.storage import steps_where
from zoo.data.time_formats import ISO, read_times, to_zone
from zoo_registry.errors import DataError

Times = pd.DatetimeIndex | pd.Index  # the latter of int64

_OFFSET = r"\d:\d{2}(?::\d{2})?(?:[.,]\d+)?\s*(Z|[+-]\d{2}(?::?\d{2})?)$"
_NO_ZONE = "none"
_CLOCK_CHANGE_MONTHS = {3, 4, 9, 10, 11}


def is_times(column: pd.Series) -> bool:
    """Whether a column holds dates or times by its type, also as objects of Python and as Arrow's."""
    if pd.api.types.is_datetime64_any_dtype(column) or isinstance(column.dtype, pd.PeriodDtype):
        return True
    return column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) in {"date", "datetime"}


def parse_times(column: pd.Series, where: str, first_row: int, reading: Reading) -> Times:
    """Read a column as times, or as int64 where it holds whole numbers; ``first_row`` is its place in the file.

    Raises DataError, naming column and row, for anything else, and for times of more than one zone where ``reading``
    names none.
    """
    form, zone = reading.time_format, reading.zone
    if not first_row and len(column) and column.isna().all():
        raise DataError(
            f"{where}: column '{column.name}' has no value at all, expected times such as 2020-01-31 13:00; fill it in,"
            " or name another with `time`"
        )
    if form not in (None, ISO) and not is_times(column):
        times = read_times(column, str(form), where, first_row, zone)
    elif pd.api.types.is_numeric_dtype(column):
        if zone is not None:
            raise DataError(
                f"{where}: column '{column.name}' holds numbers, expected times for `zone` {zone}; say how they are"
                " times with `time_format`, or leave `zone` out"
            )
        return _parse_counts(column, where, first_row)
    else:
        times = _parse_texts(column, where, first_row, zone)
    if len(bad := np.flatnonzero(times.isna())):
        row, expected = int(bad[0]), "a time such as 2020-01-31 13:00"
        others = to_numbers(column).isna()
        if form in (None, ISO) and 0 < others.sum() < len(column) / 2:  # whole numbers with a text among them
            row, expected = int(np.argmax(others)), "a whole number, as in the other rows"
        raise _wrong_time(column, row, where, first_row, expected)
    if zone is None:
        return times
    return to_zone(times, zone, where, str(column.name), first_row, in_order=not reading.sort)


def _parse_texts(column: pd.Series, where: str, first_row: int, zone: str | None) -> pd.DatetimeIndex:
    """Read a column of times proper, or of text; NaT for what is neither."""
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    form = None if column.dtype.kind == "M" else "ISO8601"
    try:
        return pd.DatetimeIndex(pd.to_datetime(column, errors="coerce", format=form))
    except (ValueError, TypeError) as error:
        zones = _zones(column)
        if (zones[column.notna()] == _NO_ZONE).any() or zone is None:
            raise _mixed_zones(column, zones, where, first_row) from error
    return pd.DatetimeIndex(pd.to_datetime(column, errors="coerce", format=form, utc=True))


def _parse_counts(column: pd.Series, where: str, first_row: int) -> Times:
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if pd.api.types.is_bool_dtype(column) or not (numbers == np.round(numbers)).any():
        found = "true and false" if pd.api.types.is_bool_dtype(column) else "numbers"
        raise DataError(
            f"{where}: time column '{column.name}' holds {found}, expected times such as 2020-01-31 13:00, or whole"
            " numbers that count up; leave out `time` or name another"
        )
    if len(bad := np.flatnonzero(numbers != np.round(numbers))):  # NaN is not equal to itself
        raise _wrong_time(column, int(bad[0]), where, first_row, "a whole number, as in the other rows")
    whole = pd.api.types.is_integer_dtype(column)
    digits = 63 if whole else 53  # that count on in steps of one, in int64 and in float64
    if len(bad := np.flatnonzero(np.abs(numbers) >= 2.0**digits)):
        raise _wrong_time(column, int(bad[0]), where, first_row, f"a whole number below 2 to the power {digits}")
    counts: NDArray[np.int64] = column.to_numpy(np.int64) if whole else numbers.astype(np.int64)
    return pd.Index(counts, name=column.name)


def _wrong_time(column: pd.Series, row: int, where: str, first_row: int, expected: str) -> DataError:
    value = column.iloc[row]
    found = "none" if column.isna().iloc[row] else shown(value)
    remedy = "mend it"
    if isinstance(value, str) and value.startswith(COMMENT_SIGN):
        remedy += f", {COMMENT_REMEDY}"
    elif isinstance(value, str) and first_row + row == 0:  # then all are, most likely
        remedy += ", or say how all times are written with `time_format`, such as '%d.%m.%Y %H:%M'"
    return wrong_cell(where, column.name, first_row + row, expected, found, remedy)


def kind_of(times: Times | None) -> str:
    """What stands where a column of times is needed."""
    return "none" if times is None else "whole numbers"


def _zones(column: pd.Series) -> pd.Series:
    """The offset that each text ends with."""
    return column.astype(str).str.extract(_OFFSET, expand=False).replace("Z", "+00:00").fillna(_NO_ZONE)


def _mixed_zones(column: pd.Series, zones: pd.Series, where: str, first_row: int) -> DataError:
    """Name the first row whose zone is not the first row's."""
    if not len(other := np.flatnonzero((zones != zones[column.notna()].iloc[0]) & column.notna())):
        return DataError(f"{where}: column '{column.name}' cannot be read as times of one zone; write them in UTC")
    row = int(other[0])
    remedy = "write all times in UTC"
    if not (zones[column.notna()] == _NO_ZONE).any():
        remedy += ", or name the zone whose clock they show with `zone`, such as Europe/Berlin"
    return DataError(
        f"{where}: column '{column.name}' mixes time zones, expected one for all rows: row {first_row + row + 1}"
        f" ({column.iloc[row]}) has {zones.iloc[row]}, the rows before {zones.iloc[0]}; {remedy}"
    )


def ticks(times: Times) -> NDArray[np.int64]:
    """Times as numbers that order and subtract."""
    numbers: NDArray[np.int64] = np.asarray(times.asi8 if isinstance(times, pd.DatetimeIndex) else times.to_numpy())
    return numbers


def in_unit_of(found: Times, times: Times) -> Times:
    """Times in the unit of others."""
    if isinstance(found, pd.DatetimeIndex) and isinstance(times, pd.DatetimeIndex):
        return found.as_unit(times.unit)
    return found


def from_ticks(numbers: NDArray[np.int64], times: Times) -> Times:
    """Times of the same kind, unit and zone as others."""
    if not isinstance(times, pd.DatetimeIndex):
        return pd.Index(numbers)
    plain = pd.DatetimeIndex(numbers.view(f"M8[{times.unit}]"))
    return plain if times.tz is None else plain.tz_localize("UTC").tz_convert(times.tz)


def comparable_ticks(times: Times, first: Times, where: str, column: str, first_row: int) -> NDArray[np.int64]:
    """A frame's times as numbers of the same unit in all frames, for which pandas may choose one each.

    Raises DataError where they are of another kind or zone than the ``first`` frame's.
    """
    if isinstance(times, pd.DatetimeIndex) != isinstance(first, pd.DatetimeIndex):
        expected, found = ("a time", "the number") if isinstance(first, pd.DatetimeIndex) else ("a number", "the time")
        expected, found = f"{expected}, as in the rows before", f"{found} {times[0]}"
        raise wrong_cell(where, column, first_row, expected, found, "write all rows alike")
    if not isinstance(times, pd.DatetimeIndex) or not isinstance(first, pd.DatetimeIndex):
        return ticks(times)
    if times.tz != first.tz:
        raise DataError(
            f"{where}: column '{column}' mixes time zones: row {first_row + 1} ({times[0]}) has another"
            " than the rows before; write all times in UTC"
        )
    try:
        return np.asarray(times.as_unit("ns").asi8)
    except pd.errors.OutOfBoundsDatetime as error:
        row = int(np.flatnonzero((times.year < 1678) | (times.year > 2261))[0])
        expected, remedy = "a time in the years 1678 to 2261, as `spool` is given", "mend it, or leave `spool` out"
        raise wrong_cell(where, column, first_row + row, expected, times[row], remedy) from error


def check_order(
    times: Times,
    series_starts: NDArray[np.int64],
    where: str,
    column: str,
    row_name: Callable[[int], str],
    *,
    one_series: bool,
) -> None:
    """Raise DataError unless each row of a series is later than the one before; names the first that is not.

    ``one_series`` says that nobody told series apart, so that there may be several after all.
    """
    if len(bad := rows_out_of_order(times, series_starts)):
        raise out_of_order(bad, times, where, column, row_name, one_series=one_series)


def rows_out_of_order(times: Times, series_starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows that are not later than the row before of their series."""
    return steps_where(lambda steps: steps <= 0, ticks(times), series_starts)


def out_of_order(
    bad: NDArray[np.int64], times: Times, where: str, column: str, row_name: Callable[[int], str], *, one_series: bool
) -> DataError:
    """What to raise for rows that are not later than the row before."""
    first = int(bad[0])
    doubled = ticks(times[first : first + 1]) == ticks(times[first - 1 : first])
    remedy = "remove one of them" if doubled else "ask for `sort`, or sort the rows"
    if one_series:
        remedy += ", or name the column of several series with `series`"
    return DataError(
        f"{where}: times in column '{column}' are {'duplicated' if doubled else 'unsorted'}: {row_name(first)} follows"
        f" {row_name(first - 1)}, expected each row to be later than the one before ({len(bad)} such rows);"
        f" {remedy}{clock_change_hint(times[first])}"
    )


def clock_change_hint(time: object) -> str:
    """What to think of where a time without a zone lies where clocks are usually changed."""
    if not isinstance(time, pd.Timestamp) or time.tzinfo is not None:
        return ""
    if time.weekday() != 6 or time.month not in _CLOCK_CHANGE_MONTHS or time.hour > 3:
        return ""
    return "; where clocks were changed for daylight saving time, write the times in UTC"
