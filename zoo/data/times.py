"""The column of times, or of whole numbers that count up: read and checked for zones, order and doubles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.storage import row_blocks
from zoo_registry.errors import DataError

Times = pd.DatetimeIndex | pd.Index  # the latter of int64

_OFFSET = r"\d:\d{2}(?::\d{2})?(?:[.,]\d+)?\s*(Z|[+-]\d{2}:?\d{2})$"
_CLOCK_CHANGE_MONTHS = {3, 4, 9, 10, 11}


def parse_times(column: pd.Series, where: str, first_row: int = 0) -> Times:
    """Read a column as times, or as int64 where it holds whole numbers; ``first_row`` is its place in the file.

    Raises DataError, naming column and row, for anything else and for times of more than one zone.
    """
    if pd.api.types.is_numeric_dtype(column):
        return _parse_counts(column, where, first_row)
    try:
        times = pd.DatetimeIndex(
            pd.to_datetime(column, errors="coerce", format=None if column.dtype.kind == "M" else "ISO8601")
        )
    except (ValueError, TypeError) as error:
        raise _mixed_zones(column, where, first_row) from error
    if len(bad := np.flatnonzero(times.isna())):
        raise DataError(
            f"{where}: column '{column.name}', row {first_row + bad[0] + 1}: expected a time such as 2020-01-31 13:00,"
            f" found {'none' if pd.isna(column.iloc[bad[0]]) else repr(column.iloc[bad[0]])}; mend it"
        )
    return times


def _parse_counts(column: pd.Series, where: str, first_row: int) -> Times:
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if pd.api.types.is_bool_dtype(column) or not (numbers == np.round(numbers)).any():
        raise DataError(
            f"{where}: time column '{column.name}' holds numbers, expected times such as 2020-01-31 13:00, or whole"
            " numbers that count up; leave out --time or name another"
        )
    if len(bad := np.flatnonzero((numbers != np.round(numbers)) | ~(np.abs(numbers) < 2**53))):
        raise DataError(
            f"{where}: column '{column.name}', row {first_row + bad[0] + 1}: expected a whole number, as in the rows"
            f" before, found {column.iloc[bad[0]]}; mend it"
        )
    return pd.Index(numbers.astype(np.int64), name=column.name)


def _mixed_zones(column: pd.Series, where: str, first_row: int) -> DataError:
    """Name the first row whose zone is not the first row's."""
    texts = column.astype(str)
    zones = texts.str.extract(_OFFSET, expand=False).replace("Z", "+00:00").fillna("none")
    if not len(other := np.flatnonzero(zones != zones.iloc[0])):
        return DataError(f"{where}: column '{column.name}' cannot be read as times of one zone; write them in UTC")
    row = int(other[0])
    return DataError(
        f"{where}: column '{column.name}' mixes time zones, expected one for all rows: row {first_row + row + 1}"
        f" ({texts.iloc[row]}) has {zones.iloc[row]}, the rows before {zones.iloc[0]}; write all times in UTC"
    )


def ticks(times: Times) -> NDArray[np.int64]:
    """Times as numbers that order and subtract."""
    numbers: NDArray[np.int64] = np.asarray(times.asi8 if isinstance(times, pd.DatetimeIndex) else times.to_numpy())
    return numbers


def check_order(
    times: Times, series_starts: NDArray[np.int64], where: str, column: str, row_name: Callable[[int], str]
) -> None:
    """Raise DataError unless each row of a series is later than the one before; names the first that is not."""
    numbers, first, count = ticks(times), -1, 0
    for rows in row_blocks(1, len(numbers)):
        steps = numbers[rows] - numbers[rows.start - 1 : rows.stop - 1]
        bad = rows.start + np.flatnonzero(steps <= 0)
        bad = bad[~np.isin(bad, series_starts)]
        if len(bad) and first < 0:
            first = int(bad[0])
        count += len(bad)
    if first < 0:
        return
    doubled = numbers[first] == numbers[first - 1]
    remedy = "remove one of them" if doubled else "ask for --sort, or sort the rows"
    raise DataError(
        f"{where}: times in column '{column}' are {'duplicated' if doubled else 'unsorted'}: {row_name(first)} follows"
        f" {row_name(first - 1)}, expected each row to be later than the one before ({count} such rows);"
        f" {remedy}{clock_change_hint(times[first])}"
    )


def clock_change_hint(time: object) -> str:
    """What to think of where a time without a zone lies where clocks are usually changed."""
    if not isinstance(time, pd.Timestamp) or time.tzinfo is not None:
        return ""
    if time.weekday() != 6 or time.month not in _CLOCK_CHANGE_MONTHS or time.hour > 3:
        return ""
    return "; where clocks were changed for daylight saving time, write the times in UTC"
