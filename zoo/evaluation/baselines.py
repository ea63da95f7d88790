"""Forecasts that need no network: the last value, the last season, and ridge regression on the window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve

from zoo.data.windows import Windows, seasonal_rows
from zoo.preprocessing.normalized_truth import NormalizedTruth, apart
from zoo.preprocessing.observed_values import observed_part
from zoo.preprocessing.window_scale import last_value_of

RIDGE_PENALTIES = (1.0, 10.0, 100.0, 1e3, 1e4)
RIDGE_MAX_INPUTS = 8192  # the normal equations hold the square of this many numbers
_BATCH = 512


def last_value(history: NDArray[Any], last_rows: NDArray[np.int64], horizon: int) -> NDArray[Any]:
    """Repeat the window's last row: (rows, n_targets) -> (n_windows, horizon, n_targets), units as given."""
    return np.repeat(history[last_rows][:, None, :], horizon, axis=1)


def seasonal_naive(
    history: NDArray[Any],
    origins: NDArray[np.int64],
    last_rows: NDArray[np.int64],
    begins: NDArray[np.int64],
    horizon: int,
    season: int,
) -> NDArray[np.float64]:
    """Repeat the last season that is known, (n_windows, horizon, n_targets); NaN where it is not in the series.

    ``begins`` (n_windows,) are the first rows of the windows' series; the rest is as in
    :func:`zoo.data.windows.seasonal_rows`.
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
    Where there is one, windows are taken as they are too, as it may hang on their level. Where windows are normalized
    for the network they are so here: divided by the same scale, and errors judged by the same. Of missing values the
    last row is the last one that was observed, and in the window 0 stands for them: that level, or the train rows'
    mean.
    """

    penalty_: float
    normalized_: NormalizedTruth | None

    def __init__(self, target_columns: tuple[int | None, ...]) -> None:
        self.target_columns = target_columns

    def fit(self, train: Windows, validation: Windows, alone: Windows | None = None) -> RidgeBaseline:
        """Fit on scaled windows; sets ``penalty_``, ``coefficients_`` and ``intercept_``.

        Where ``train`` holds the validation windows too, the penalty is chosen by a fit on those of train ``alone``.
        """
        penalties: tuple[float, ...] = RIDGE_PENALTIES
        if alone is not None:
            penalties = (RidgeBaseline(self.target_columns).fit(alone, validation).penalty_,)
        self.normalized_ = judged if isinstance(judged := train.judged, NormalizedTruth) else None
        width, outputs = train.window * train.features.shape[1], train.horizon * train.targets.shape[1]
        sum_x, sum_y, sum_weights = np.zeros(width), np.zeros(outputs), 0.0
        gram, cross = np.zeros((width, width)), np.zeros((width, outputs))
        for rows in train.batches(_BATCH):
            x, level, scale = self._inputs(train, rows)
            share = self._judging(train, rows, scale)[1].mean(axis=1, keepdims=True)  # of each window
            y = _divided(train.outputs(rows).reshape(len(x), -1) - level, scale)
            weighted = x * share**2
            sum_weights += float(np.sum(share**2))
            sum_x += weighted.sum(axis=0)
            sum_y += (y * share**2).sum(axis=0)
            gram += weighted.T @ x
            cross += weighted.T @ y
        mean_x, mean_y = sum_x / max(sum_weights, 1.0), sum_y / max(sum_weights, 1.0)
        gram -= sum_weights * np.outer(mean_x, mean_x)
        cross -= sum_weights * np.outer(mean_x, mean_y)

        least = np.inf
        rounding = 10 * np.finfo(np.float64).eps * np.trace(gram)  # keeps extreme outliers from a singular matrix
        for penalty in penalties:
            coefficients = solve(gram + (penalty + rounding) * np.eye(width), cross, assume_a="pos")
            intercept = mean_y - mean_x @ coefficients
            error = sum(self._error(validation, rows, coefficients, intercept) for rows in validation.batches(_BATCH))
            if error < least:
                least, self.penalty_, self.coefficients_, self.intercept_ = error, penalty, coefficients, intercept
        return self

    def predict(self, windows: Windows, numbers: slice = slice(None)) -> NDArray[np.float64]:
        """Forecast scaled targets of the windows with these numbers, (n, horizon, n_targets)."""
        return self._forecast(windows, numbers, self.coefficients_, self.intercept_)

    def _inputs(
        self, windows: Windows, rows: slice
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Flattened windows, less their level or as they are, and the targets' level and scale over the horizon.

        The level is the last row, or where windows are divided by their mean size, zero.
        """
        x = windows.inputs(rows).astype(np.float64)  # (batch, window, n_features)
        observed = None
        if np.isnan(x).any():
            x, observed = observed_part(np, x)
        last, scale = last_value_of(np, x, observed), np.ones((len(x), 1, x.shape[2]))
        if self.normalized_ is not None:
            by = self.normalized_.target.scale
            level, scale = by.statistics(np, x, observed)
            last = level if by.base == "mean" else last
        known = [(0 if c is None else c, c is not None) for c in self.target_columns]
        level = np.stack([last[:, 0, c] * is_known for c, is_known in known], axis=-1)
        own = np.stack([scale[:, 0, c] if is_known else np.ones(len(x)) for c, is_known in known], axis=-1)
        if None not in self.target_columns:
            x = x - last if observed is None else (x - last) * observed
        x = _divided(x, scale).reshape(len(x), -1)
        return x, np.tile(level, windows.horizon), np.tile(own, windows.horizon)

    def _judging(
        self, windows: Windows, rows: slice, scale: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What errors are divided by, over the horizon, and what share of that the windows' own scale is."""
        if self.normalized_ is None:
            return scale, np.ones_like(scale)
        inputs, outputs = windows.inputs(rows), windows.outputs(rows)
        behind = apart(self.normalized_(np, inputs, outputs, windows.stretches(rows)))[1]
        judging, share = (np.tile(values[:, 0].astype(np.float64), windows.horizon) for values in behind[1:])
        return judging, share

    def _error(
        self, windows: Windows, rows: slice, coefficients: NDArray[np.float64], intercept: NDArray[np.float64]
    ) -> float:
        forecast = self._forecast(windows, rows, coefficients, intercept).reshape(rows.stop - rows.start, -1)
        judging, share = self._judging(windows, rows, np.ones_like(forecast))
        errors = (forecast - windows.outputs(rows).reshape(len(forecast), -1)) / judging
        return float(np.square(errors * (share > 0)).sum())

    def _forecast(
        self, windows: Windows, rows: slice, coefficients: NDArray[np.float64], intercept: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        x, level, scale = self._inputs(windows, rows)
        return ((x @ coefficients + intercept) * scale + level).reshape(len(x), windows.horizon, -1)


def _divided(values: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values by their scale, 0 where that is 0."""
    return np.divide(values, scale, out=np.zeros_like(values), where=np.broadcast_to(scale > 0, values.shape))
