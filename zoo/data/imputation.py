"""Repairs of missing values: asked for, recorded, and blind to everything after a part's last row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.columns import MISSING_CLASS
from zoo.data.intervals import Intervals, contains, intersect, intervals, outside
from zoo.data.splits import Split
from zoo.data.storage import collect, row_blocks, rows_where
from zoo.data.table import Table
from zoo.settings.choices import Missing
from zoo_registry.errors import DataError

WAYS: tuple[Missing, ...] = ("interpolate", "ffill", "mask", "drop")
_LEFT_OUT = ("drop", "mask")  # windows whose targets are missing


@dataclass(frozen=True)
class Repaired:
    """Values without gaps, (rows, columns), and how many were ``missing`` in each column.

    A window reads features from the intervals ``features`` and targets from ``targets``; these are the table's
    stretches, less, where rows with missing values were dropped, those rows. ``hidden`` has for each column the rows of
    values that stay missing in windows, where that was asked for, whatever stands in ``values``.
    """

    values: NDArray[Any]
    missing: dict[str, int]
    features: Intervals
    targets: Intervals
    hidden: tuple[NDArray[np.int64], ...] = ()

    def shown(self, features: Collection[int]) -> Intervals:
        """The rows in which these features are not hidden, of those that windows may read features from."""
        rows = [self.hidden[column] for column in features] if self.hidden else []
        return intersect(self.features, outside(_union(rows), len(self.values)))


def repair_missing(table: Table, splits: Sequence[Split], method: Missing, spool: Path | None = None) -> Repaired:
    """Fill missing values, or keep windows off their rows; ``splits`` are those of the series that are used.

    ``ffill`` repeats the last value; ``interpolate`` draws a line between the neighbours by row, and repeats the last
    value at a part's end. Train rows are filled from train rows alone, validation rows from rows up to the end of
    validation, and so on. ``drop`` leaves out every window that would read a missing value.

    Raises DataError where a value is missing and no repair was asked for, or where none stands before it.
    """
    stop = max(split.test.stop for split in splits)
    in_use = intervals([range(split.train.start, split.test.stop) for split in splits])
    used = intersect(table.stretches, in_use)
    raw = table.values[:stop]
    holes = [find_holes(raw[:, column]) for column in range(raw.shape[1])]
    missing = {
        name: count
        for name, rows in zip(table.columns, holes, strict=True)
        if (count := int(contains(in_use, rows).sum()))
    }
    unlabelled = _unlabelled(table, in_use, stop, method)
    if len(unlabelled):
        missing[str(table.label_column)] = len(unlabelled)
    values = raw
    if any(len(rows) for rows in holes):
        values = collect((raw[rows] for rows in row_blocks(0, stop)), raw.shape, raw.dtype, spool)
    way = "ffill" if method == "mask" else method
    if missing and way != "error":
        for column, rows in enumerate(holes):
            for split in splits:
                for block in split.blocks():  # earlier blocks are whole by now
                    fill_forward(values[:, column], rows, split.train.start, block, way)
    if missing and method not in _LEFT_OUT:
        _refuse(table, values, holes, in_use, method)
    for column, rows in enumerate(holes):
        _fill_rest(values[:, column], rows, list(table.series.values()))
    if not missing or method not in _LEFT_OUT:
        return Repaired(values, missing, used, used)
    hidden = tuple(holes) if method == "mask" else ()
    targets = [holes[table.columns.index(name)] for name in table.targets]
    return Repaired(
        values,
        missing,
        used if hidden else intersect(used, outside(_union(holes[: len(table.features)]), stop)),
        intersect(used, outside(_union([*targets, unlabelled]), stop)),
        hidden,
    )


def fill_forward(column: NDArray[Any], holes: NDArray[np.int64], first: int, rows: range, method: Missing) -> None:
    """Fill a column's missing values in ``rows``, in place, from the rows from ``first`` up to the end of ``rows``.

    ``holes`` are the rows of missing values, sorted. Those with no value before them stay NaN.
    """
    if not len(holes := _inside(holes, rows)):
        return
    new = np.r_[True, np.diff(holes) > 1]  # where one hole follows the other they have the same neighbours
    lengths = np.diff(np.r_[np.flatnonzero(new), len(holes)])
    before = np.repeat(holes[new] - 1, lengths)
    after = before + np.repeat(lengths, lengths) + 1
    low = np.where(before >= first, column[np.maximum(before, 0)], np.nan)
    if method != "interpolate":
        column[holes] = low
        return
    high = np.where(after < rows.stop, column[np.minimum(after, len(column) - 1)], low)
    column[holes] = low + (high - low) * ((holes - before) / (after - before))


def refuse_missing(
    table: Table, values: NDArray[Any], method: Missing, first: int = 0, ways: Sequence[Missing] = WAYS
) -> None:
    """Raise DataError where ``method`` left a value missing; ``values`` are the table's rows from ``first`` on.

    ``ways`` are as for :func:`missing_value`.
    """
    if len(missing := np.argwhere(np.isnan(values))):
        row, column = map(int, missing[0])
        raise missing_value(table, first + row, column, len(missing), method, ways)


def _refuse(
    table: Table, values: NDArray[Any], holes: Sequence[NDArray[np.int64]], in_use: Intervals, method: Missing
) -> None:
    """Refuse what is still missing in the rows that are used; counted over all series."""
    left = [rows[contains(in_use, rows) & np.isnan(values[rows, column])] for column, rows in enumerate(holes)]
    if total := sum(map(len, left)):
        row, column = min((int(rows[0]), column) for column, rows in enumerate(left) if len(rows))
        raise missing_value(table, row, column, total, method)


def missing_value(
    table: Table, row: int, column: int, total: int, method: Missing, ways: Sequence[Missing] = WAYS
) -> DataError:
    """What to raise for a value that ``method`` left missing, the first of ``total``; ``ways`` might be asked for."""
    where = f"{table.source}: column '{table.columns[column]}', {table.row_name(row)}"
    if method == "mask":
        return DataError(
            f"{where}: the value is missing ({total} in all), but in the training none of this column was, so that the"
            " network knows no mask of it; take `missing='ffill'`, or train on rows that miss some"
        )
    if method == "error":
        named = [f"`missing='{way}'`" for way in ways]
        return DataError(
            f"{where}: the value is missing ({total} in all), expected a number; ask for {', '.join(named[:-1])} or"
            f" {named[-1]}, or fill them yourself"
        )
    return DataError(
        f"{where}: the value is missing and none stands before it to fill it from; remove the rows before the column's"
        " first value, or leave the column out"
    )


def find_holes(column: NDArray[Any]) -> NDArray[np.int64]:
    """The rows in which a column has no value."""
    return rows_where(lambda rows: np.isnan(column[rows]), 0, len(column))


def _unlabelled(table: Table, in_use: Intervals, stop: int, method: Missing) -> NDArray[np.int64]:
    """The rows in use whose class is missing; raises DataError where windows that end there are not left out.

    Labels of anomalies, which stand beside targets, are no matter: nothing is trained on them.
    """
    if table.labels is None or table.targets:
        return np.empty(0, np.int64)
    labels = table.labels
    rows = rows_where(lambda rows: labels[rows] == MISSING_CLASS, 0, stop)
    rows = rows[contains(in_use, rows)]
    if len(rows) and method not in _LEFT_OUT:
        raise DataError(
            f"{table.source}: column '{table.label_column}', {table.row_name(int(rows[0]))}: the label is missing"
            f" ({len(rows)} in all), and labels are never filled in; ask for `missing='drop'`, or fill them yourself"
        )
    return rows


def _union(rows: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.unique(np.concatenate([np.empty(0, np.int64), *rows]))


def _inside(rows: NDArray[np.int64], stretch: range) -> NDArray[np.int64]:
    """Those of the rows, which are sorted, that lie in a stretch."""
    first, last = np.searchsorted(rows, [stretch.start, stretch.stop])
    return rows[first:last]


def _fill_rest(column: NDArray[Any], holes: NDArray[np.int64], series: Sequence[range]) -> None:
    """Give a number to rows that no window reads, as scalers take no NaN: their series' first one, else any."""
    if not len(rest := holes[np.isnan(column[holes])]):
        return
    for rows in (*series, range(len(column))):
        left = _inside(rest, rows)
        if len(left := left[np.isnan(column[left])]):
            known = column[rows.start : min(rows.start + len(left) + 1, rows.stop)]
            known = known[~np.isnan(known)]
            column[left] = known[0] if len(known) else np.nan
    column[rest[np.isnan(column[rest])]] = 0.0  # a column without any value, which is refused when scalers are fitted
