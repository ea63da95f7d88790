"""A checked table: the columns that a run uses, as numbers, in the order of time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.csv_files import CsvFormat
from zoo.data.reading import Source, describe, read_frame
from zoo_registry.errors import DataError, close_match_hint

TIME_NAMES = {"date", "datetime", "ds", "time", "timestamp"}


@dataclass(frozen=True)
class Table:
    """The columns of one series, in original units, checked.

    ``values`` is float64 of shape (rows, columns): the features in their order, then targets that are no features.
    NaN marks a missing value; nothing else is not finite. ``times`` is strictly increasing, or None.
    ``ignored`` names columns of text that were left out.
    """

    source: str
    values: NDArray[np.float64]
    features: tuple[str, ...]
    targets: tuple[str, ...]
    times: pd.DatetimeIndex | None
    time_column: str | None
    ignored: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns of ``values``."""
        return (*self.features, *(name for name in self.targets if name not in self.features))

    @property
    def target_columns(self) -> tuple[int | None, ...]:
        """For each target its column among the features, or None."""
        return tuple(self.features.index(name) if name in self.features else None for name in self.targets)

    def cut(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Cut values of shape (rows, columns) into features (rows, n_features) and targets (rows, n_targets)."""
        return values[:, : len(self.features)], values[:, [self.columns.index(name) for name in self.targets]]

    def fingerprint(self) -> str:
        """SHA-256 over column names, roles, times and values, before any repair."""
        digest = hashlib.sha256(repr((self.features, self.targets, self.values.shape)).encode())
        digest.update(np.ascontiguousarray(self.values).tobytes())
        if self.times is not None:  # in microseconds, which reach beyond the years 1677 to 2262, and the rest
            digest.update(self.times.as_unit("us").asi8.tobytes())
            digest.update(np.asarray(self.times.nanosecond, dtype=np.int64).tobytes())
        return digest.hexdigest()

    def row_name(self, row: int) -> str:
        """Name a row for people: its number from 1 (the header not counted), and its time where there is one."""
        return f"row {row + 1}" + ("" if self.times is None else f" ({self.times[row]})")


def read_table(
    source: Source,
    *,
    targets: Sequence[str],
    features: Sequence[str] = (),
    time: str | None = None,
    usual_time: str | None = None,
    csv: CsvFormat | None = None,
) -> Table:
    """Read and check a table; features default to all numeric columns.

    ``time`` names the time column; without it that is ``usual_time`` where there is such a column, else the first
    column of dates, or of text under a usual name (``TIME_NAMES``). ``csv`` as for ``read_frame``.

    Raises DataError for missing or textual columns, values that are not finite, and times that are unreadable,
    unsorted or duplicated; the message names file, column and row.
    """
    frame, where = read_frame(source, csv), describe(source)
    time_column = time
    if time is None:
        time_column = usual_time if usual_time in frame.columns else _find_time_column(frame)
    for name in (*targets, *features, *([] if time is None else [time])):
        if name not in frame.columns:
            raise DataError(f"{where}: there is no column '{name}'{close_match_hint(name, map(str, frame.columns))}")
    for role, names in (("target", targets), ("feature", features)):
        if twice := sorted({name for name in names if list(names).count(name) > 1}):
            raise DataError(f"{where}: {role} '{twice[0]}' was named more than once; name it once")
    times = None if time_column is None else _read_times(frame[time_column], where)

    numbers: dict[str, NDArray[np.float64]] = {}
    ignored: list[str] = []
    for name in frame.columns if not features else [*features, *targets]:
        if name == time_column:
            if name in (*targets, *features):
                raise DataError(f"{where}: column '{name}' is the time column, so it can be neither target nor feature")
            continue
        if (parsed := _read_numbers(frame[name], where, named=name in (*targets, *features))) is None:
            ignored.append(name)
        else:
            numbers[name] = parsed
    used = tuple(features) if features else tuple(numbers)
    columns = [*used, *(name for name in targets if name not in used)]
    values = np.ascontiguousarray(np.column_stack([numbers[name] for name in columns]))
    return Table(where, values, used, tuple(targets), times, time_column, tuple(ignored))


def _find_time_column(frame: pd.DataFrame) -> str | None:
    """The first column of dates, or of text with a usual name for times."""
    for name in frame.columns:
        column = frame[name]
        textual = not pd.api.types.is_numeric_dtype(column)
        if pd.api.types.is_datetime64_any_dtype(column) or (textual and name.lower() in TIME_NAMES):
            return str(name)
    return None


def _read_times(column: pd.Series, where: str) -> pd.DatetimeIndex:
    if pd.api.types.is_numeric_dtype(column):
        raise DataError(
            f"{where}: time column '{column.name}' holds numbers, expected times such as 2020-01-31 13:00;"
            " leave out --time or name another"
        )
    try:
        times = pd.DatetimeIndex(
            pd.to_datetime(column, errors="coerce", format=None if column.dtype.kind == "M" else "ISO8601")
        )
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{where}: column '{column.name}' mixes time zones, expected one for all rows; write all times in UTC"
        ) from error
    if len(bad := np.flatnonzero(times.isna())):
        raise DataError(
            f"{where}: column '{column.name}', row {bad[0] + 1}: expected a time such as 2020-01-31 13:00,"
            f" found {'none' if pd.isna(column.iloc[bad[0]]) else repr(column.iloc[bad[0]])}; mend it"
        )
    steps = np.diff(times.asi8)
    if len(bad := np.flatnonzero(steps <= 0)):
        row = int(bad[0]) + 1
        fault = "duplicated" if steps[row - 1] == 0 else "unsorted"
        raise DataError(
            f"{where}: times in column '{column.name}' are {fault}: row {row + 1} ({times[row]}) follows row {row}"
            f" ({times[row - 1]}), expected each row to be later than the one before; sort the rows or remove doubles"
        )
    return times


def _read_numbers(column: pd.Series, where: str, *, named: bool) -> NDArray[np.float64] | None:
    """Return the column as float64, or None for a column of text or times that nobody named."""
    remedy = "mend it" if named else "mend it, or leave the column out with --features"
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
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
                f"{where}: column '{column.name}', row {bad[0] + 1}: expected a number, found {column.iloc[bad[0]]!r};"
                f" {remedy}"
            )
        numbers = parsed.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isnan(numbers).all():
        raise DataError(
            f"{where}: column '{column.name}' has no value at all, expected numbers;"
            f" {'fill it' if named else 'leave it out with --features'}"
        )
    if len(bad := np.flatnonzero(np.isinf(numbers))):
        raise DataError(
            f"{where}: column '{column.name}', row {bad[0] + 1}: expected a finite number, found {numbers[bad[0]]};"
            f" {remedy}"
        )
    return numbers
