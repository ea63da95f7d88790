"""Tables with a series a line, as the files of the M4 competition: turned into the long format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.columns import MISSING_CLASS, Codes, parse_numbers, shown, wrong_cell
from zoo.data.readers.csv_files import CsvFormat
from zoo.data.readers.long_format import LongRows
from zoo_registry.errors import DataError

CELLS = 2**22  # read at a time, most of them empty where lengths differ
_M4_SERIES = re.compile(r"[YQMWDH][1-9]\d*")  # the letter of the frequency, and a number
_DATE = re.compile(r"\d{4}-\d\d(-\d\d.*)?")


def is_m4(frame: pd.DataFrame) -> bool:
    """Whether the first rows of a table are as M4's: columns V1, V2, …, names such as H1, then numbers and no gap."""
    if frame.shape[1] < 3 or frame.empty or [*frame.columns] != [f"V{n}" for n in range(1, frame.shape[1] + 1)]:
        return False
    names = [str(name) for name in frame.iloc[:, 0]]
    if len(set(names)) < len(names) or not all(map(_M4_SERIES.fullmatch, names)):
        return False
    if not all(pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes.iloc[1:]):
        return False
    known = frame.iloc[:, 1:].notna().to_numpy()
    return bool(known[:, 0].all() and (known[:, :-1] >= known[:, 1:]).all())


def unpivot(frames: Iterable[pd.DataFrame], where: str, csv: CsvFormat) -> Iterator[LongRows]:
    """Turn tables whose first column names series and whose others are their values in order into rows.

    A series ends with its last value; what is empty before that is missing. Times are the header's dates where all of
    it is such as 2020-01-31, else 1, 2, …. Raises DataError, naming column and row, for what is no number, and for
    series without a name, without a value or of one name.
    """
    codes, first_row = Codes(), 0
    for frame in frames:
        if frame.shape[1] < 2:
            raise DataError(
                f"{where}: expected a column of names and columns of values, found {frame.shape[1]} column; leave"
                " `layout` out where a row is a time, or mend the file"
            )
        names = _names(frame.iloc[:, 0], codes, where, first_row)
        values = np.empty((len(frame), frame.shape[1] - 1))
        for number in range(values.shape[1]):
            numbers = parse_numbers(frame.iloc[:, number + 1], where, named=True, first_row=first_row, csv=csv)
            values[:, number] = numbers
        known = ~np.isnan(values)
        lengths = np.where(known.any(axis=1), values.shape[1] - known[:, ::-1].argmax(axis=1), 0)
        if len(empty := np.flatnonzero(lengths == 0)):
            raise DataError(
                f"{where}: row {first_row + empty[0] + 1}: series {shown(names[empty[0]])} has no value; remove that"
                " line"
            )
        inside = np.arange(values.shape[1]) < lengths[:, None]
        times = np.broadcast_to(_times([str(name) for name in frame.columns[1:]]), values.shape)
        yield LongRows(names, lengths, times[inside], values[inside])
        first_row += len(frame)


def _names(column: pd.Series, codes: Codes, where: str, first_row: int) -> list[str]:
    """The series of some lines, which have to be others than those of the lines before."""
    before = len(codes.names)
    numbers = codes.encode(column, where, first_row)
    if len(bad := np.flatnonzero(numbers == MISSING_CLASS)):
        raise wrong_cell(where, column.name, first_row + bad[0], "the name of a series", "none", "fill it in")
    if len(bad := np.flatnonzero(numbers != before + np.arange(len(numbers)))):
        found = f"{shown(str(column.iloc[bad[0]]))}, as in row {numbers[bad[0]] + 1}"
        raise wrong_cell(where, column.name, first_row + bad[0], "another series in each row", found, "rename one")
    return [*codes.names][before:]


def _times(heads: list[str]) -> NDArray[Any]:
    """The time of each column."""
    if all(map(_DATE.fullmatch, heads)):
        dates = pd.to_datetime(pd.Series(heads, dtype=object), format="ISO8601", errors="coerce", utc=True)
        if dates.notna().all():
            return dates.dt.tz_localize(None).to_numpy()
    return np.arange(1, len(heads) + 1)
