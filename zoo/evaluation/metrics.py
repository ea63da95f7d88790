"""Errors of forecasts, in original units and scaled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.intervals import Intervals, intersect, intervals, rows_of
from zoo.data.storage import row_blocks


def seasonal_changes(
    values: NDArray[Any], stretches: Intervals, starts: NDArray[np.int64], lag: int
) -> NDArray[np.float64]:
    """MASE's denominators: the mean absolute change of each series over ``lag`` rows, (n_series, n_targets).

    ``values`` (rows, n_targets) are the targets of all rows in original units, NaN where one is missing; a change is
    taken where both ends are known and lie in one of ``stretches``, of which none reaches from one series, whose first
    rows are ``starts``, into the next. NaN where no change is known. Hyndman & Koehler, Another look at measures of
    forecast accuracy, Int. J. Forecasting 22(4), 2006; with the season as ``lag`` it is that of the M4 competition
    (Makridakis, Spiliotis & Assimakopoulos, Int. J. Forecasting 36(1), 2020).
    """
    shape = (len(starts), values.shape[1])
    sums, counts = np.zeros(shape), np.zeros(shape)
    later = intervals(stretches + np.array([lag, 0]))
    for block in row_blocks(0, len(values)):
        rows = rows_of(intersect(later, intervals([(block.start, block.stop)])))
        change = np.abs(values[rows].astype(np.float64) - values[rows - lag])
        known = ~np.isnan(change)
        owners = np.searchsorted(starts, rows, side="right") - 1
        add_by_series(sums, owners, np.where(known, change, 0.0))
        add_by_series(counts, owners, known.astype(np.float64))
    means: NDArray[np.float64] = np.divide(sums, counts, out=np.full(shape, np.nan), where=counts > 0)
    return means


def add_by_series(sums: NDArray[np.float64], owners: NDArray[np.int64], values: NDArray[np.float64]) -> None:
    """Add each row of ``values`` (n, width) to the row of ``sums`` (n_series, width) that ``owners`` (n,) numbers."""
    if not len(owners):
        return
    order = np.argsort(owners, kind="stable")
    owners = owners[order]
    firsts = np.flatnonzero(np.diff(owners, prepend=-1))
    sums[owners[firsts]] += np.add.reduceat(values[order], firsts, axis=0)


def symmetric_errors(truth: NDArray[Any], forecast: NDArray[Any]) -> NDArray[np.float64]:
    """The terms of sMAPE in percent, 200 |y - f| / (|y| + |f|), of the same shape; 0 where both are 0.

    Makridakis, Accuracy measures, Int. J. Forecasting 9(4), 1993, as the M4 competition has it: 0 to 200.
    """
    forecast = np.asarray(forecast, dtype=np.float64)
    error, size = np.abs(forecast - truth), np.abs(truth) + np.abs(forecast)
    finite = np.isfinite(size)
    shares: NDArray[np.float64] = np.divide(error, size, out=np.where(finite, 0.0, 1.0), where=finite & (size > 0))
    return 200.0 * shares


def mean_or_none(values: NDArray[np.floating]) -> float | None:
    """The mean of those that are known; None where none is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


class ForecastErrors:
    """Sums up the errors of forecasts that come batch by batch, in original units."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names, self.windows, self._count = tuple(names), 0, 0
        self._absolute = np.zeros((1, len(self.names)))  # (horizon, n_targets) from the first batch on
        self._square, self._symmetric = (np.zeros(len(self.names)) for _ in range(2))

    def add(self, truth: NDArray[Any], forecast: NDArray[Any]) -> None:
        """Take in forecasts of shape (n_windows, horizon, n_targets)."""
        error = np.asarray(forecast, dtype=np.float64) - truth
        self.windows += len(error)
        self._count += error.shape[0] * error.shape[1]
        self._absolute = self._absolute + np.abs(error).sum(axis=0)
        self._square += np.square(error).sum(axis=(0, 1))
        self._symmetric += symmetric_errors(truth, forecast).sum(axis=(0, 1))

    @property
    def mae(self) -> NDArray[np.float64]:
        """Each target's mean absolute error, (n_targets,), in original units."""
        mean: NDArray[np.float64] = self._absolute.sum(axis=0) / self._count
        return mean

    def measured(self, *, naive: NDArray[np.float64], scale: NDArray[np.float64]) -> dict[str, Any]:
        """Return ``targets``: for each name MAE and RMSE in original units, MASE and sMAPE; ``scaled``: MAE and MSE.

        ``naive`` holds MASE's denominators and ``scale`` the targets' scales, both (n_targets,) in original units; MASE
        is None where the former is 0 or NaN. sMAPE is in percent, and the scaled errors are means over all targets
        after division by their scales.
        """
        absolute, square, symmetric = self.mae, self._square / self._count, self._symmetric / self._count
        return {
            "targets": {
                name: {
                    "mae": float(absolute[index]),
                    "rmse": float(np.sqrt(square[index])),
                    "mase": float(absolute[index] / naive[index]) if naive[index] > 0 else None,
                    "smape": float(symmetric[index]),
                }
                for index, name in enumerate(self.names)
            },
            "scaled": {"mae": float((absolute / scale).mean()), "mse": float((square / scale**2).mean())},
        }

    def by_step(self, scale: NDArray[np.float64]) -> list[float]:
        """The scaled MAE of each step of the horizon, the mean over all targets."""
        steps: list[float] = (self._absolute / self.windows / scale).mean(axis=1).tolist()
        return steps


class QuantileErrors:
    """Sums up how often the truth lies below quantiles that come batch by batch, and their pinball loss."""

    def __init__(self, levels: Sequence[float], n_targets: int) -> None:
        self.levels = np.asarray(levels)
        self._count, self._inside = 0, 0
        self._below, self._pinball = np.zeros(len(levels)), np.zeros((n_targets, len(levels)))
        self._size = np.zeros(n_targets)

    def add(self, truth: NDArray[Any], quantiles: NDArray[Any]) -> None:
        """Take in quantiles (n_windows, horizon, n_targets, n_quantiles) in original units."""
        error = truth[..., None] - quantiles
        self._count += error[..., 0].size
        self._size += np.abs(truth).sum(axis=(0, 1))
        self._below += (error <= 0).sum(axis=(0, 1, 2))
        self._inside += int(((error[..., 0] >= 0) & (error[..., -1] <= 0)).sum())
        self._pinball += np.maximum(self.levels * error, (self.levels - 1) * error).sum(axis=(0, 1))

    def measured(self, scale: NDArray[np.float64]) -> dict[str, Any]:
        """Return, by level, ``below`` (the share of truths at or below it: at best the level itself) and ``pinball``.

        Pinball loss (Koenker & Bassett, Regression Quantiles, 1978) is in units of ``scale``, (n_targets,).
        ``interval`` compares the share ``inside`` the outermost two with the ``nominal`` one. ``weighted`` is the
        weighted quantile loss, twice the pinball loss of all truths over the sum of their sizes, the mean over levels
        and targets (Salinas et al., DeepAR, Int. J. Forecasting 36(3), 2020); None where all truths are 0.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            weighted = (2 * self._pinball / self._size[:, None]).mean(axis=1)
        pinball = (self._pinball / scale[:, None]).sum(axis=0) / self._count
        return {
            "levels": self.levels.tolist(),
            "below": (self._below / self._count).tolist(),
            "pinball": pinball.tolist(),
            "weighted": mean_or_none(weighted),
            "interval": {"nominal": float(self.levels[-1] - self.levels[0]), "inside": self._inside / self._count},
        }
