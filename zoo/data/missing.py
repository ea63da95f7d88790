"""Repairs of missing values: asked for, recorded, and blind to everything after a part's last row."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.split import Split
from zoo.data.table import Table
from zoo.options import Missing
from zoo_registry.errors import DataError


def repair_missing(table: Table, split: Split, method: Missing) -> tuple[NDArray[np.float64], dict[str, int]]:
    """Return values without gaps, and how many values were filled in each column.

    ``ffill`` repeats the last value; ``interpolate`` draws a line between the neighbours by row, and repeats the last
    value at a part's end. Train rows are filled from train rows alone, validation rows from rows up to the end of
    validation, and so on. Rows after the test part are left out.

    Raises DataError where a value is missing and no repair was asked for, or where none stands before it.
    """
    values = table.values[: split.test.stop].copy()
    missing = np.isnan(values)
    filled = {name: int(n) for name, n in zip(table.columns, missing.sum(axis=0), strict=True) if n}
    if not filled:
        return values, {}
    if method == "error":
        row, column = map(int, np.argwhere(missing)[0])
        raise DataError(
            f"{table.source}: column '{table.columns[column]}', {table.row_name(row)}: the value is missing"
            f" ({sum(filled.values())} in all); ask for --missing interpolate or --missing ffill, or fill them yourself"
        )
    for rows in (split.train, split.validation, split.test):
        frame = pd.DataFrame(values[: rows.stop])  # earlier parts are whole by now
        repaired = frame.ffill() if method == "ffill" else frame.interpolate("linear", limit_direction="forward")
        values[rows.start : rows.stop] = repaired.to_numpy()[rows.start :]
    if (left := np.isnan(values)).any():
        row, column = map(int, np.argwhere(left)[0])
        raise DataError(
            f"{table.source}: column '{table.columns[column]}', {table.row_name(row)}: the value is missing and none"
            " stands before it; remove the rows before the first value"
        )
    return values, filled
