"""Errors of forecasts, in original units and scaled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.storage import row_blocks


def naive_scales(train_targets: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    """MASE's denominators: the mean absolute one-step change of the train targets of all series, of (n_targets,).

    Each series has the shape (rows, n_targets), in original units. Hyndman & Koehler, Another look at measures of
    forecast accuracy, Int. J. Forecasting 22(4), 2006, equation 2.
    """
    changes = sum(
        np.abs(np.diff(series[rows.start : rows.stop + 1].astype(np.float64), axis=0)).sum(axis=0)
        for series in train_targets
        for rows in row_blocks(0, len(series) - 1)
    )
    scales: NDArray[np.float64] = np.asarray(changes) / sum(len(series) - 1 for series in train_targets)
    return scales


class ForecastErrors:
    """Sums up the errors of forecasts that come batch by batch, in original units."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names, self.windows, self._count = tuple(names), 0, 0
        self._absolute = np.zeros((1, len(self.names)))  # (horizon, n_targets) from the first batch on
        self._square = np.zeros(len(self.names))

    def add(self, truth: NDArray[Any], forecast: NDArray[Any]) -> None:
        """Take in forecasts of shape (n_windows, horizon, n_targets)."""
        error = np.asarray(forecast, dtype=np.float64) - truth
        self.windows += len(error)
        self._count += error.shape[0] * error.shape[1]
        self._absolute = self._absolute + np.abs(error).sum(axis=0)
        self._square += np.square(error).sum(axis=(0, 1))

    @property
    def mae(self) -> NDArray[np.float64]:
        """Each target's mean absolute error, (n_targets,), in original units."""
        mean: NDArray[np.float64] = self._absolute.sum(axis=0) / self._count
        return mean

    def measured(self, *, naive: NDArray[np.float64], scale: NDArray[np.float64]) -> dict[str, Any]:
        """Return ``targets``: for each name MAE and RMSE in original units and MASE, and ``scaled``: MAE and MSE.

        ``naive`` holds MASE's denominators and ``scale`` the targets' scales, both (n_targets,) in original units;
        the scaled errors are means over all targets after division by their scales.
        """
        absolute, square = self.mae, self._square / self._count
        return {
            "targets": {
                name: {
                    "mae": float(absolute[index]),
                    "rmse": float(np.sqrt(square[index])),
                    "mase": float(absolute[index] / naive[index]),
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

    def add(self, truth: NDArray[Any], quantiles: NDArray[Any]) -> None:
        """Take in quantiles (n_windows, horizon, n_targets, n_quantiles) in original units."""
        error = truth[..., None] - quantiles
        self._count += error[..., 0].size
        self._below += (error <= 0).sum(axis=(0, 1, 2))
        self._inside += int(((error[..., 0] >= 0) & (error[..., -1] <= 0)).sum())
        self._pinball += np.maximum(self.levels * error, (self.levels - 1) * error).sum(axis=(0, 1))

    def measured(self, scale: NDArray[np.float64]) -> dict[str, Any]:
        """Return, by level, ``below`` (the share of truths at or below it: at best the level itself) and ``pinball``.

        Pinball loss (Koenker & Bassett, Regression Quantiles, 1978) is in units of ``scale``, (n_targets,).
        ``interval`` compares the share ``inside`` the outermost two with the ``nominal`` one.
        """
        pinball = (self._pinball / scale[:, None]).sum(axis=0) / self._count
        return {
            "levels": self.levels.tolist(),
            "below": (self._below / self._count).tolist(),
            "pinball": pinball.tolist(),
            "interval": {"nominal": float(self.levels[-1] - self.levels[0]), "inside": self._inside / self._count},
        }
