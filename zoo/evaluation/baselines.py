"""Forecasts that need no network: the last value, the last season, and ridge regression on the window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve

from zoo.data.windows import Windows

RIDGE_PENALTIES = (1.0, 10.0, 100.0, 1e3, 1e4)
RIDGE_MAX_INPUTS = 8192  # the normal equations hold the square of this many numbers
_BATCH = 512


def last_value(history: NDArray[Any], last_rows: NDArray[np.int64], horizon: int) -> NDArray[Any]:
    """Repeat the window's last row: (rows, n_targets) -> (n_windows, horizon, n_targets), units as given."""
    return np.repeat(history[last_rows][:, None, :], horizon, axis=1)


def seasonal_rows(
    origins: NDArray[np.int64], last_rows: NDArray[np.int64], horizon: int, season: int
) -> NDArray[np.int64]:
    """For each step of the horizon the row that lies as few whole seasons before it as the window's last row allows.

    ``origins`` are the rows of the first steps; (n_windows,) -> (n_windows, horizon).
    """
    rows = origins[:, None] + np.arange(horizon)
    seasons: NDArray[np.int64] = -((last_rows[:, None] - rows) // season)  # rounded up
    return rows - seasons * season


def seasonal_naive(
    history: NDArray[Any],
    origins: NDArray[np.int64],
    last_rows: NDArray[np.int64],
    begins: NDArray[np.int64],
    horizon: int,
    season: int,
) -> NDArray[np.float64]:
    """Repeat the last season that is known, (n_windows, horizon, n_targets); NaN where it is not in the series.

    ``begins`` (n_windows,) are the first rows of the windows' series; the rest is as in :func:`seasonal_rows`.
    """
    rows = seasonal_rows(origins, last_rows, horizon, season)
    lacking = rows < begins[:, None]
    found = history[np.where(lacking, 0, rows)].astype(np.float64)
    found[lacking] = np.nan
    return found


class RidgeBaseline:
    """Linear regression with an L2 penalty from the window, less its last row, to the horizon, less the last value.

    Fitted through normal equations summed up batch by batch on scaled train windows; the penalty is the one of
    ``RIDGE_PENALTIES`` with the least squared error on the validation windows. Hoerl & Kennard, Ridge regression,
    Technometrics 12(1), 1970; subtracting the last value follows NLinear (Zeng et al., AAAI 2023).

    ``target_columns`` gives each target's column among the features; a target that is none of them is forecast as is.
    Where there is one, windows are taken as they are too, as it may hang on their level.
    """

    penalty_: float

    def __init__(self, target_columns: tuple[int | None, ...]) -> None:
        self.target_columns = target_columns

    def fit(self, train: Windows, validation: Windows, alone: Windows | None = None) -> RidgeBaseline:
        """Fit on scaled windows; sets ``penalty_``, ``coefficients_`` and ``intercept_``.

        Where ``train`` holds the validation windows too, the penalty is chosen by a fit on those of train ``alone``.
        """
        penalties: tuple[float, ...] = RIDGE_PENALTIES
        if alone is not None:
            penalties = (RidgeBaseline(self.target_columns).fit(alone, validation).penalty_,)
        width, outputs = train.window * train.features.shape[1], train.horizon * train.targets.shape[1]
        sum_x, sum_y = np.zeros(width), np.zeros(outputs)
        gram, cross = np.zeros((width, width)), np.zeros((width, outputs))
        for rows in train.batches(_BATCH):
            x, level = self._inputs(train, rows)
            y = train.outputs(rows).reshape(len(x), -1) - level
            sum_x += x.sum(axis=0)
            sum_y += y.sum(axis=0)
            gram += x.T @ x
            cross += x.T @ y
        mean_x, mean_y = sum_x / len(train), sum_y / len(train)
        gram -= len(train) * np.outer(mean_x, mean_x)
        cross -= len(train) * np.outer(mean_x, mean_y)

        least = np.inf
        rounding = 10 * np.finfo(np.float64).eps * np.trace(gram)  # keeps extreme outliers from a singular matrix
        for penalty in penalties:
            coefficients = solve(gram + (penalty + rounding) * np.eye(width), cross, assume_a="pos")
            intercept = mean_y - mean_x @ coefficients
            error = sum(
                float(np.square(self._forecast(validation, r, coefficients, intercept) - validation.outputs(r)).sum())
                for r in validation.batches(_BATCH)
            )
            if error < least:
                least, self.penalty_, self.coefficients_, self.intercept_ = error, penalty, coefficients, intercept
        return self

    def predict(self, windows: Windows, numbers: slice = slice(None)) -> NDArray[np.float64]:
        """Forecast scaled targets of the windows with these numbers, (n, horizon, n_targets)."""
        return self._forecast(windows, numbers, self.coefficients_, self.intercept_)

    def _inputs(self, windows: Windows, rows: slice) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Flattened windows, less their last row or as they are, and that row's targets repeated over the horizon."""
        x = windows.inputs(rows).astype(np.float64)  # (batch, window, n_features)
        last = x[:, -1, :]
        level = np.stack([np.zeros(len(x)) if c is None else last[:, c] for c in self.target_columns], axis=-1)
        if None not in self.target_columns:
            x = x - last[:, None, :]
        return x.reshape(len(x), -1), np.tile(level, windows.horizon)

    def _forecast(
        self, windows: Windows, rows: slice, coefficients: NDArray[np.float64], intercept: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        x, level = self._inputs(windows, rows)
        return (x @ coefficients + intercept + level).reshape(len(x), windows.horizon, -1)
