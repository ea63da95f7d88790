"""Each column's range, mean and deviation, over rows that come in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Blocks = Callable[[], Iterable[NDArray[np.float64]]]  # gives the same blocks of rows, (rows, n_columns), at each call


class ColumnStatistics:
    """Minimum, maximum, mean and standard deviation of each column's known values, in one pass; NaN is not known.

    Blocks are merged as in Chan, Golub & LeVeque, Updating formulae and a pairwise algorithm for computing sample
    variances, 1979: no cancellation, however large the offset.
    """

    def __init__(self, n_columns: int) -> None:
        self.counts = np.zeros(n_columns, np.int64)
        self.minimum, self.maximum = np.full(n_columns, np.inf), np.full(n_columns, -np.inf)
        self.mean, self._squares = np.zeros(n_columns), np.zeros(n_columns)

    @property
    def rows(self) -> int:
        """How many values are known, of the column that has most of them."""
        return int(self.counts.max(initial=0))

    def add(self, block: NDArray[np.float64]) -> None:
        """Take rows in."""
        if not len(block):
            return
        unknown = np.isnan(block)
        if unknown.any():
            for column in range(block.shape[1]):
                self._add(block[~unknown[:, column], column][:, None], slice(column, column + 1))
        else:
            self._add(block, slice(None))

    def _add(self, block: NDArray[np.float64], columns: slice) -> None:
        if not (count := len(block)):
            return
        rows = self.counts[columns] + count
        self.minimum[columns] = np.minimum(self.minimum[columns], block.min(axis=0))
        self.maximum[columns] = np.maximum(self.maximum[columns], block.max(axis=0))
        mean = block.mean(axis=0)
        step = mean - self.mean[columns]
        self._squares[columns] += count * block.var(axis=0) + step**2 * (self.counts[columns] * count / rows)
        self.mean[columns] += step * (count / rows)
        self.counts[columns] = rows

    @property
    def deviation(self) -> NDArray[np.float64]:
        """Standard deviations, as NumPy's ``std`` gives them."""
        squares = np.where(np.isnan(self._squares), np.inf, self._squares)  # infinity less infinity
        deviation: NDArray[np.float64] = np.sqrt(squares / np.maximum(self.counts, 1))
        return deviation

    def take(self, columns: Sequence[int]) -> ColumnStatistics:
        """The statistics of some columns."""
        part = ColumnStatistics(len(columns))
        for name in ("counts", "minimum", "maximum", "mean", "_squares"):
            setattr(part, name, getattr(self, name)[list(columns)])
        return part
