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
    if method != "error":
        for rows in split.blocks():  # earlier blocks are whole by now
            values[rows.start : rows.stop] = fill_forward(values[: rows.stop], method)[rows.start :]
    refuse_missing(table, values, method)
    return values, filled


def fill_forward(values: NDArray[np.float64], method: Missing) -> NDArray[np.float64]:
    """Fill gaps in values of shape (rows, columns); those with no value before them stay NaN."""
    frame = pd.DataFrame(values)
    filled = frame.ffill() if method == "ffill" else frame.interpolate("linear", limit_direction="forward")
    return filled.to_numpy()


def refuse_missing(table: Table, values: NDArray[np.float64], method: Missing, first: int = 0) -> None:
    """Raise DataError where ``method`` left a value missing; ``values`` are the table's rows from ``first`` on."""
    if not len(missing := np.argwhere(np.isnan(values))):
        return
    row, column = map(int, missing[0])
    where = f"{table.source}: column '{table.columns[column]}', {table.row_name(first + row)}"
    if method == "error":
        raise DataError(
            f"{where}: the value is missing ({len(missing)} in all), expected a number; ask for --missing interpolate"
            " or --missing ffill, or fill them yourself"
        )
    raise DataError(
        f"{where}: the value is missing and none stands before it to fill it from; remove the rows before the column's"
        " first value, or leave the column out"
    )
