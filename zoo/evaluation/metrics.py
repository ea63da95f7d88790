"""Errors of forecasts, in original units and scaled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def naive_scales(train_targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """MASE's denominators: the mean absolute one-step change of the train targets, (rows, n_targets) -> (n_targets,).

    Hyndman & Koehler, Another look at measures of forecast accuracy, Int. J. Forecasting 22(4), 2006, equation 2.
    """
    scales: NDArray[np.float64] = np.abs(np.diff(train_targets, axis=0)).mean(axis=0)
    return scales


def forecast_metrics(
    truth: NDArray[np.float64],
    forecast: NDArray[np.float64],
    *,
    names: Sequence[str],
    naive: NDArray[np.float64],
    scale: NDArray[np.float64],
) -> dict[str, Any]:
    """Measure forecasts of shape (n_windows, horizon, n_targets) in original units.

    ``naive`` holds MASE's denominators and ``scale`` the targets' scales, both (n_targets,) in original units.
    Returns ``targets``: for each name MAE and RMSE in original units and MASE, and ``scaled``: MAE and MSE over all
    targets after division by their scales.
    """
    error = forecast - truth
    absolute, square = np.abs(error).mean(axis=(0, 1)), np.square(error).mean(axis=(0, 1))
    return {
        "targets": {
            name: {
                "mae": float(absolute[index]),
                "rmse": float(np.sqrt(square[index])),
                "mase": float(absolute[index] / naive[index]),
            }
            for index, name in enumerate(names)
        },
        "scaled": {"mae": float((absolute / scale).mean()), "mse": float((square / scale**2).mean())},
    }
