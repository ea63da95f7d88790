"""Series whose rows are out of order, each of them told by itself, so that the others can be used without them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zoo.data.resampling import Naming, Rows
from zoo.data.times import out_of_order, rows_out_of_order
from zoo_registry.errors import DataError


def find_refused(rows: Rows, naming: Naming) -> dict[str, DataError]:
    """By the name of a series what to raise for its rows that are not later than the row before."""
    if rows.times is None or not len(bad := rows_out_of_order(rows.times, starts := rows.starts)):
        return {}
    of_series = np.searchsorted(starts, bad, side="right") - 1
    numbers, firsts = np.unique(of_series, return_index=True)
    names = naming.series_names
    settings = {"where": naming.where, "column": str(naming.time), "row_name": rows.name, "one_series": False}
    return {
        names[_codes(rows, starts)[number]]: out_of_order(own, rows.times, **settings)  # type: ignore[arg-type]
        for number, own in zip(numbers, np.split(bad, firsts[1:]), strict=True)
    }


def rows_by_series(rows: Rows, naming: Naming) -> dict[str, range]:
    """The rows of each series, which stand together; none of one that was left out."""
    starts, names = rows.starts, naming.series_names
    lengths = np.zeros(len(names), np.int64)
    lengths[_codes(rows, starts)] = np.diff(np.r_[starts, len(rows.values)])
    stops = np.cumsum(lengths)
    return dict(zip(names, map(range, (stops - lengths).tolist(), stops.tolist()), strict=True))


def without_series(rows: Rows, series: dict[str, range], refused: dict[str, DataError]) -> Rows:
    """The rows of all series but some."""
    if not refused:
        return rows
    kept = np.setdiff1d(np.arange(len(rows.values)), _rows_of(series, refused))
    taken = rows.take(kept)
    return replace(taken, file_rows=kept if rows.file_rows is None else rows.file_rows[kept])


def starts_without(
    starts: NDArray[np.int64], series: dict[str, range], refused: dict[str, DataError]
) -> NDArray[np.int64]:
    """The first rows of series, among which each row of a refused one is a series of its own: it follows none."""
    return np.union1d(starts, _rows_of(series, refused))


def _codes(rows: Rows, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.zeros(len(starts), np.int64) if rows.series is None else rows.series[starts].astype(np.int64)


def _rows_of(series: dict[str, range], refused: dict[str, DataError]) -> NDArray[np.int64]:
    return np.concatenate(
        [np.empty(0, np.int64), *(np.arange(series[name].start, series[name].stop) for name in refused)]
    )
