"""Which column holds the times: by its type, its name, or what its whole numbers say."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from zoo.data.readers.reading import Reading
from zoo.data.time_formats import UNITS, described, likely_format, read_times
from zoo.data.times import is_times
from zoo_registry.errors import DataError

TIME_NAMES = {"date", "datetime", "ds", "time", "timestamp"}


def find_time_column(
    frame: pd.DataFrame, where: str, reading: Reading, taken: Collection[str], *, all_numeric: bool
) -> str | None:
    """The column of times: the named one, else the usual one, else the first of dates or of text with a time's name.

    Else the first with a time's name whose whole numbers count up, in each series. ``taken`` are the columns with
    another role; with ``all_numeric`` those of numbers will become features, which numbers with a time's name never do
    without a word: raises DataError.
    """
    if reading.time is not None:
        return reading.time
    if reading.usual_time in frame.columns:
        return reading.usual_time
    free = [str(name) for name in frame.columns if name not in taken]
    usual = [name for name in free if name.lower() in TIME_NAMES]
    numeric = [name for name in usual if _is_numeric(frame[name])]
    if usual and reading.time_format is not None:
        return usual[0]
    found = next((name for name in frame.columns if is_times(frame[name]) or _is_text(name, frame[name])), None)
    if found is None:
        found = next((name for name in numeric if _counts_up(frame, name, reading)), None)
    if all_numeric:
        for name in numeric:
            if (form := _form(frame[name])) is not None:
                _refuse_unread(frame[name], form, where)
            elif found is None and not _is_whole(frame[name]):
                raise DataError(
                    f"{where}: column '{name}' has a time's name and fractions, expected times, or whole numbers that"
                    f" count up; read them as seconds with `time={name!r}` and `time_format='s'`, or name the columns"
                    " to use, with this one or without it, with `features`"
                )
            elif found is None and (row := _back(frame, name, reading)) is not None:
                counting = "count up in each series" if reading.series else "count up"
                raise DataError(
                    f"{where}: column '{name}' has a time's name and whole numbers, expected them to {counting}, found"
                    f" {frame[name].iloc[row]} in row {row + 1}; name the column of several series with `series`, or"
                    " the columns to use, with this one or without it, with `features`"
                )
    if found is None and reading.usual_time is None and (reading.time_format or reading.zone):
        option = "`zone`" if reading.time_format is None else "`time_format`"
        raise DataError(f"{where}: {option} needs a column of times, found none; name it with `time`")
    return None if found is None else str(found)


def _is_text(name: object, column: pd.Series) -> bool:
    return str(name).lower() in TIME_NAMES and not pd.api.types.is_numeric_dtype(column)


def _is_numeric(column: pd.Series) -> bool:
    """Whether a column holds numbers that may be times."""
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return False
    return bool(np.isfinite(column.to_numpy(dtype=np.float64, na_value=np.nan)).any())


def _is_whole(column: pd.Series) -> bool:
    """Whether numbers are whole, also where they became fractions as one is missing."""
    known = column.dropna().to_numpy(np.float64)
    return bool((known == np.round(known)).all())


def _form(column: pd.Series) -> str | None:
    known = column.dropna()
    numbers = known.to_numpy(np.float64)
    if (np.abs(numbers) >= 2.0**63).any():
        return None
    form = likely_format(known.to_numpy(np.int64) if known.dtype.kind in "iu" else numbers.astype(np.int64))
    return form if form in UNITS or _is_whole(column) else None  # 20240101.5 is no date


def _refuse_unread(column: pd.Series, form: str, where: str) -> None:
    known = column.dropna().iloc[:1]
    number = int(known.iloc[0]) if _is_whole(known) else known.iloc[0]
    time = read_times(known, form, where, 0)[0].tz_localize(None)
    raise DataError(
        f"{where}: column '{column.name}' has a time's name and numbers, which look like {described(form)} ({number}"
        f" would be {time}); read them as times with `time={column.name!r}` and `time_format={form!r}`, or name the"
        " columns to use, with this one or without it, with `features`"
    )


def _counts_up(frame: pd.DataFrame, name: str, reading: Reading) -> bool:
    column = frame[name]
    return _is_whole(column) and _form(column) is None and _back(frame, name, reading) is None


def _back(frame: pd.DataFrame, name: str, reading: Reading) -> int | None:
    """The first row whose number does not count up from the row before of its series, None where all do.

    Rows that will be sorted need not be in order, but each has to have its own number.
    """
    column = frame[name]
    if column.hasnans:
        return int(np.flatnonzero(column.isna())[0]) or 1
    series = frame[reading.series] if reading.series in frame.columns else pd.Series(0, index=frame.index)
    if reading.sort:
        bad = pd.DataFrame({"series": series, "number": column}).duplicated()
    else:
        bad = column.groupby(series, sort=False).diff() <= 0
    rows = np.flatnonzero(bad)
    return int(rows[0]) if len(rows) else None
