"""Normalize the windows of prepared data: each by its own statistics, and judged on its own scale."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zoo.data.windows import Windows
from zoo.preprocessing.normalization_choice import choose_normalization
from zoo.preprocessing.normalized_truth import NormalizedTruth
from zoo.preprocessing.series_statistics import SeriesStatistics
from zoo.preprocessing.target_scale import TargetScale
from zoo.preprocessing.window_scale import WindowScale
from zoo.settings.choices import NormalizeWindow

if TYPE_CHECKING:
    from zoo.preprocessing.prepared import Prepared

# Of its series' own scale, the least that an error is divided by, or a window that is calmer than its horizon would
# decide alone
LEAST_SHARE = 0.5


def normalize_windows(prepared: Prepared, kind: NormalizeWindow) -> Prepared:
    """Return the same data with windows that are normalized by ``kind``; ``auto`` is chosen by the train rows."""
    shape, season = prepared.shape, prepared.season or 1
    if kind == "none" or (kind == "auto" and None in shape.target_columns):
        return prepared
    features, _ = prepared.table.cut(np.zeros((1, len(prepared.table.columns))))
    zero = prepared.preprocessor.features_.scale(features)[0]
    targets = prepared.parts["train"].targets
    own = [0.0 if column is None else float(zero[column]) for column in shape.target_columns]
    by = WindowScale(kind, season, tuple(zero.tolist()), prepared.positions)
    if not (target := TargetScale(by, shape.target_columns)).active:
        return replace(prepared, window_scale=by)
    statistics = SeriesStatistics.of(targets, prepared.rows("train"), season, own)
    reason = None
    if kind == "auto":
        kind, reason = choose_normalization(prepared, statistics)
        by = replace(by, kind=kind)
        target = replace(target, scale=by)
    if kind == "none":
        return replace(prepared, reason=reason)
    floors = (LEAST_SHARE * _scale_of(statistics, by.base) * target.known).astype(targets.dtype)
    starts = np.array([prepared.table.series[name].start for name in prepared.splits])
    return replace(
        prepared,
        window_scale=by,
        reason=reason,
        parts={
            name: replace(windows, judged=NormalizedTruth(target, floors[_series_of(windows, starts)]))
            for name, windows in prepared.parts.items()
        },
    )


def _scale_of(statistics: SeriesStatistics, base: str) -> NDArray[np.float64]:
    """Each series' scale by what its windows' is, (n_series, n_targets)."""
    if base == "mean":
        return statistics.size
    if base == "seasonal":
        return np.where(statistics.change > 0, statistics.change, statistics.deviation)
    return statistics.deviation


def _series_of(windows: Windows, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of the series that each stretch of windows lies in."""
    found: NDArray[np.int64] = np.searchsorted(starts, windows.firsts, side="right") - 1
    return found
