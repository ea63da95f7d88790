"""The window of each series in which the network errs the most, kept while forecasts come batch by batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class WorstWindows:
    """Keeps for each series the number of its worst window, by its first target, and what was forecast there.

    ``numbers`` (n_series,) is -1, and ``forecasts`` (n_series, horizon) NaN, where no window was taken in. Memory grows
    with the series, not with the windows.
    """

    def __init__(self, n_series: int, horizon: int) -> None:
        self.numbers = np.full(n_series, -1)
        self.forecasts = np.full((n_series, horizon), np.nan)
        self._errors = np.full(n_series, -1.0)

    def add(
        self, numbers: NDArray[np.int64], owners: NDArray[np.int64], truth: NDArray[Any], forecast: NDArray[Any]
    ) -> None:
        """Take in forecasts (n, horizon, n_targets) of the windows with these numbers, of series with these, (n,)."""
        first = np.asarray(forecast[:, :, 0], dtype=np.float64)
        errors = np.abs(first - truth[:, :, 0]).mean(axis=1)
        order = np.lexsort((errors, owners))
        worst = order[np.flatnonzero(np.diff(owners[order], append=-1))]  # the last of each series
        worse = worst[errors[worst] > self._errors[owners[worst]]]
        places = owners[worse]
        self.numbers[places], self.forecasts[places], self._errors[places] = numbers[worse], first[worse], errors[worse]
