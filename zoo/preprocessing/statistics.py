"""Each column's range, mean and deviation, over rows that come in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Blocks = Callable[[], Iterable[NDArray[np.float64]]]  # gives the same blocks of rows, (rows, n_columns), at each call


class ColumnStatistics:
    """Minimum, maximum, mean and standard deviation of each column, in one pass.

    Blocks are merged as in Chan, Golub & LeVeque, Updating formulae and a pairwise algorithm for computing sample
    variances, 1979: no cancellation, however large the offset.
    """

    def __init__(self, n_columns: int) -> None:
        self.rows = 0
        self.minimum, self.maximum = np.full(n_columns, np.inf), np.full(n_columns, -np.inf)
        self.mean, self._squares = np.zeros(n_columns), np.zeros(n_columns)

    def add(self, block: NDArray[np.float64]) -> None:
        """Take rows in."""
        count, rows = len(block), self.rows + len(block)
        if not count:
            return
        self.minimum = np.minimum(self.minimum, block.min(axis=0))
        self.maximum = np.maximum(self.maximum, block.max(axis=0))
        mean = block.mean(axis=0)
        step = mean - self.mean
        self._squares += count * block.var(axis=0) + step**2 * (self.rows * count / rows)
        self.mean, self.rows = self.mean + step * (count / rows), rows

    @property
    def deviation(self) -> NDArray[np.float64]:
        """Standard deviations, as NumPy's ``std`` gives them."""
        squares = np.where(np.isnan(self._squares), np.inf, self._squares)  # infinity less infinity
        deviation: NDArray[np.float64] = np.sqrt(squares / max(self.rows, 1))
        return deviation

    def take(self, columns: Sequence[int]) -> ColumnStatistics:
        """The statistics of some columns."""
        part = ColumnStatistics(len(columns))
        part.rows = self.rows
        for name in ("minimum", "maximum", "mean", "_squares"):
            setattr(part, name, getattr(self, name)[list(columns)])
        return part
