"""Ridge regression of each target on its own window, one for all targets, as a network of shared channels forecasts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.windows import Layout, Windows
from zoo.evaluation.baselines import RIDGE_MAX_INPUTS, RidgeBaseline
from zoo.preprocessing.normalized_truth import NormalizedTruth
from zoo.preprocessing.target_scale import TargetScale

_MOST_WINDOWS = 2**20  # of all targets together, that it is fitted on; of more there are it takes every so many


class SharedRidge:
    """A :class:`RidgeBaseline` of one column, to which each target is a series of its own.

    ``target_columns`` gives each target's column among the features, all of which are some.
    """

    def __init__(self, target_columns: tuple[int | None, ...]) -> None:
        self._columns = [column for column in target_columns if column is not None]
        self._ridge = RidgeBaseline((0,))
        self._zero = np.zeros(len(self._columns), np.float32)  # 0 in original units, scaled, where windows tell it

    def fit(self, train: Windows, validation: Windows, alone: Windows | None = None) -> SharedRidge:
        """Fit on scaled windows, as :meth:`RidgeBaseline.fit` does."""
        if isinstance(train.judged, NormalizedTruth):
            self._zero = np.array(train.judged.target.scale.zero, train.features.dtype)[self._columns]
        features = _below_each_other(train.features[:, self._columns] - self._zero)
        targets = _below_each_other(train.targets - self._zero)

        def apart(windows: Windows) -> Windows:
            return _apart(windows, features, targets, len(self._columns))

        self._ridge.fit(apart(train), apart(validation), None if alone is None else apart(alone))
        return self

    def predict(self, windows: Windows, numbers: slice = slice(None)) -> NDArray[np.float64]:
        """Forecast scaled targets of the windows with these numbers, (n, horizon, n_targets)."""
        own = np.moveaxis(windows.inputs(numbers)[:, :, self._columns] - self._zero, 2, 1)  # (n, n_targets, window)
        flat, count = own.reshape(-1, 1), own.shape[0] * own.shape[1]
        layout = Layout(windows.window, windows.horizon, windows.window)
        starts = np.arange(count) * windows.window
        found = self._ridge.predict(Windows(flat, flat[:0], starts, np.arange(count + 1), layout))
        return np.moveaxis(found.reshape(*own.shape[:2], windows.horizon), 1, 2) + self._zero


def fitting_ridge(
    train: Windows, target_columns: tuple[int | None, ...], *, shared: bool
) -> tuple[RidgeBaseline | SharedRidge | None, str]:
    """The ridge regression for such windows, not fitted yet, or why there is none.

    It is shared where the network's channels are, and where there are too many columns for one of all of them.
    """
    inputs = train.window * train.features.shape[1]
    if inputs <= RIDGE_MAX_INPUTS and not (shared and None not in target_columns):
        return RidgeBaseline(target_columns), ""
    too_many = f"window times features is {inputs}, more than {RIDGE_MAX_INPUTS}"
    if None in target_columns:
        return None, too_many
    if train.window > RIDGE_MAX_INPUTS:
        return None, f"the window is {train.window}, more than {RIDGE_MAX_INPUTS}"
    if isinstance(train.features, np.memmap):
        return None, f"{too_many}, and the table is too large to be held once more"
    return SharedRidge(target_columns), ""


def _below_each_other(columns: NDArray[Any]) -> NDArray[Any]:
    """(rows, n) -> (n * rows, 1)."""
    return np.ascontiguousarray(columns.T).reshape(-1, 1)


def _apart(windows: Windows, features: NDArray[Any], targets: NDArray[Any], count: int) -> Windows:
    """The windows of each of ``count`` columns one after the other, on columns that lie below each other."""
    rows, counts = len(features) // count, np.diff(windows.offsets)
    every = max(1, -(-len(windows) * count // _MOST_WINDOWS))
    kept = np.tile(-(-counts // every), count)
    firsts = (np.arange(count)[:, None] * rows + windows.firsts).reshape(-1)
    layout, begins = replace(windows.layout, stride=windows.layout.stride * every), None
    if windows.begins is not None:
        begins = (np.arange(count)[:, None] * rows + windows.begins).reshape(-1)
    judged = _of_one_column(windows.judged) if isinstance(windows.judged, NormalizedTruth) else None
    return Windows(features, targets, firsts, np.r_[0, np.cumsum(kept)], layout, begins, judged)


def _of_one_column(judged: NormalizedTruth) -> NormalizedTruth:
    """How each column's windows are judged where they lie below each other, less the column's zero."""
    target = TargetScale(replace(judged.target.scale, zero=(0.0,), positions=()), (0,))
    return replace(judged, target=target, floors=judged.floors.T.reshape(-1, 1))
