"""What each series' train rows are like: level, deviation, change over a season, zeros; block by block, no loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from zoo.data.storage import row_blocks

Values = NDArray[np.float64]


@dataclass(frozen=True)
class SeriesStatistics:
    """Statistics of each series, all float64 of shape (n_series, n_columns), scaled as the values are.

    ``mean``, ``deviation`` (standard), ``change`` (mean absolute change from one season to the next, or from row to row
    of a series that is no longer than a season), ``size`` (mean distance from ``zero``) and ``zeros`` (the share of
    values that are zero); of values that are there, and 0 where none is.
    """

    mean: Values
    deviation: Values
    change: Values
    size: Values
    zeros: Values

    @classmethod
    def of(cls, values: Any, parts: Sequence[range], season: int, zero: Sequence[float]) -> Self:
        """Measure the rows ``parts`` of values (rows, n_columns), one for each series, in their order.

        ``zero`` is 0 in original units, for each column.
        """
        bounds = np.array([(rows.start, rows.stop) for rows in parts], dtype=np.int64).reshape(-1, 2)
        origin = np.asarray(zero, dtype=np.float64)
        lags = np.where(bounds[:, 1] - bounds[:, 0] > season, season, 1)
        sums = {name: np.zeros((len(bounds), values.shape[1])) for name in ("count", "mean", "size", "zeros")}
        for inside, series, _ in _blocks(values, bounds):
            known = np.isfinite(inside)
            found = np.where(known, inside, 0.0)
            _add(sums["count"], series, known)
            _add(sums["mean"], series, found)
            away = np.where(known, inside - origin, 0.0)
            _add(sums["size"], series, np.abs(away))
            _add(sums["zeros"], series, known & (away == 0))
        count = np.maximum(sums.pop("count"), 1)
        means = {name: total / count for name, total in sums.items()}
        squares, changes, pairs = (np.zeros_like(count) for _ in range(3))
        for inside, series, rows in _blocks(values, bounds):
            known = np.isfinite(inside)
            _add(squares, series, np.where(known, inside - means["mean"][series], 0.0) ** 2)
            back = rows - lags[series]
            later = back >= bounds[series, 0]
            step = inside[later] - values[back[later]]
            known = np.isfinite(step)
            _add(changes, series[later], np.where(known, np.abs(step), 0.0))
            _add(pairs, series[later], known)
        return cls(
            mean=means["mean"],
            deviation=np.sqrt(squares / count),
            change=changes / np.maximum(pairs, 1),
            size=means["size"],
            zeros=means["zeros"],
        )


def _blocks(values: Any, bounds: NDArray[np.int64]) -> Iterator[tuple[Values, NDArray[np.int64], Any]]:
    """The rows inside the bounds, as float64, with the numbers of their series and of themselves."""
    for block in row_blocks(0, len(values)):
        rows = np.arange(block.start, block.stop)
        series = np.searchsorted(bounds[:, 0], rows, side="right") - 1
        inside = (series >= 0) & (rows < bounds[np.maximum(series, 0), 1])
        if inside.any():
            yield np.asarray(values[rows[inside]], dtype=np.float64), series[inside], rows[inside]


def _add(totals: Values, series: NDArray[np.int64], values: NDArray[Any]) -> None:
    """Add to each series' total the sum of its rows, which lie one after the other."""
    if len(series):
        firsts = np.flatnonzero(np.r_[True, series[1:] != series[:-1]])
        totals[series[firsts]] += np.add.reduceat(values, firsts, axis=0, dtype=np.float64)
