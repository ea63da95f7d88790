"""Normalize the windows of prepared data: each by its own statistics, and judged on its own scale."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zoo.data.roles import Roles
from zoo.data.windows import Layout, Windows, seasonal_rows
from zoo.preprocessing.normalization_choice import choose_normalization
from zoo.preprocessing.normalized_truth import NormalizedTruth
from zoo.preprocessing.scaled_columns import FLOAT32_LOSS_LIMIT, ScaledColumns
from zoo.preprocessing.series_statistics import SeriesStatistics
from zoo.preprocessing.table_scaling import scale_rows, scaled_rows
from zoo.preprocessing.target_scale import TargetScale
from zoo.preprocessing.window_scale import WindowScale, changing
from zoo.settings.choices import NormalizeWindow
from zoo_registry.errors import ConfigError

if TYPE_CHECKING:
    from zoo.preprocessing.prepared import Prepared

# Of its series' own scale, the least that an error is divided by, or a window that is calmer than its horizon would
# decide alone
LEAST_SHARE = 0.5

# Of a series' deviation, the most that may lie between two neighbouring float32 numbers once all series are scaled by
# one scaler; beyond, scaled values are float64 up to where each window has its own scale
FLOAT32_SERIES_LIMIT = 1e-3


def normalize_windows(prepared: Prepared, kind: NormalizeWindow, roles: Roles, spool: Path | None = None) -> Prepared:
    """Return the same data with windows that are normalized by ``kind``; ``auto`` is chosen by the train rows."""
    shape, season, preprocessor = prepared.shape, prepared.season or 1, prepared.preprocessor
    if kind == "none":
        return prepared
    if kind == "auto" and (reason := _why_none(prepared)) is not None:
        return replace(prepared, reason=reason)
    zero = _scaled_zero(prepared, kind)
    by = WindowScale(
        kind,
        season,
        tuple(zero.tolist()),
        prepared.positions,
        rows=_rows_a_season_before(prepared.parts["train"].layout, season),
    )
    if not (target := TargetScale(by, shape.target_columns)).active:
        return replace(prepared, window_scale=by)
    own = [0.0 if column is None else float(zero[column]) for column in shape.target_columns]
    statistics = SeriesStatistics.of(_ScaledTargets(prepared), prepared.rows("train"), season, own)
    reason = None
    if kind == "auto":
        kind, reason = choose_normalization(prepared, statistics, replace(by, kind="seasonal"))
    if kind == "none":
        return replace(prepared, reason=reason)
    if preprocessor.units == "raw" and (_loses_digits(statistics) or _rounds_answers(preprocessor.targets_)):
        preprocessor.network_dtype = "float64"
    by = replace(by, kind=kind, dtype=preprocessor.network_dtype)
    parts = prepared.parts
    if by.dtype != parts["train"].features.dtype:
        rows = scale_rows(preprocessor, prepared.table, prepared.values, roles, spool, prepared.hidden)
        parts = {name: replace(windows, features=rows[0], targets=rows[1]) for name, windows in parts.items()}
    target = replace(target, scale=by)
    floors = (LEAST_SHARE * _judging_scale(statistics, by.base) * target.known).astype(by.dtype)
    masked = bool(shape.masked)
    starts = np.array([prepared.table.series[name].start for name in prepared.splits])
    return replace(
        prepared,
        window_scale=by,
        reason=reason,
        problem=prepared.problem.served(preprocessor.serving_dtype, preprocessor.units),
        parts={
            name: replace(windows, judged=NormalizedTruth(target, floors[_series_of(windows, starts)], masked))
            for name, windows in parts.items()
        },
    )


def _why_none(prepared: Prepared) -> str | None:
    """Why no normalization is chosen, whatever the train rows are: a window's level would not be its answer's."""
    preprocessor, shape = prepared.preprocessor, prepared.shape
    if preprocessor.by_series is not None:
        return "each series has a scaler of its own"
    features, targets = preprocessor.features_.scalers, preprocessor.targets_
    for name, column, scaler in zip(targets.names, shape.target_columns, targets.scalers, strict=True):
        if column is None:
            return f"target '{name}' is no feature"
        if features[column] != scaler:
            return f"target '{name}' has the scaler {scaler}, as a feature {features[column]}"
    return None


@dataclass(frozen=True)
class _ScaledTargets:
    """The scaled targets of all rows as float64, of which some are computed at a time; NaN where they stay missing."""

    prepared: Prepared

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.prepared.values), self.prepared.shape.n_targets

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        table = self.prepared.table
        _, targets = table.cut((table.values if self.prepared.hidden else self.prepared.values)[rows])
        return scaled_rows(self.prepared.preprocessor, table, 1, targets, rows)


def _scaled_zero(prepared: Prepared, kind: NormalizeWindow) -> NDArray[np.float64]:
    """What 0 in original units is once it is scaled, (n_features,).

    Raises ConfigError where that is the level, but another value in each series.
    """
    preprocessor, count = prepared.preprocessor, len(prepared.table.features)
    if (by := preprocessor.by_series) is None:
        zeros = preprocessor.features_.scale(np.zeros((1, count)))
    else:
        zeros = by.features.scale(np.zeros((len(by.series), count)), np.arange(len(by.series)))
    if by is not None and kind.startswith("mean") and zeros.any():
        raise ConfigError(
            f"`normalize_window={kind!r}` has 0 as its level, which a scaler of each series (`scaler_per_series`) makes"
            " another value in each; take `scaler='maxabs'`, for which 0 stays 0, or another `normalize_window`"
        )
    zero: NDArray[np.float64] = zeros[0]
    return zero


def _rows_a_season_before(layout: Layout, season: int) -> tuple[int, ...]:
    """See :class:`WindowScale`; none where a window has no whole season, or what is told lies in the window itself."""
    if season > layout.window or layout.lead < layout.window:
        return ()
    first, last = np.array([layout.lead]), np.array([layout.window - 1])
    (rows,) = seasonal_rows(first, last, layout.horizon, season)
    return tuple(rows.tolist())


def _loses_digits(statistics: SeriesStatistics) -> bool:
    """Whether float32 is too coarse for some series at the size that its scaled values have beside the others."""
    farthest = (np.abs(statistics.mean) + statistics.deviation).astype(np.float32)
    varying = statistics.change > 0  # a constant's deviation may be what was rounded
    return bool((np.spacing(farthest)[varying] > FLOAT32_SERIES_LIMIT * statistics.deviation[varying]).any())


def _rounds_answers(targets: ScaledColumns) -> bool:
    """Whether float32 is too coarse for an answer once its window's level is put back, at the ends of some target."""
    ends = np.abs(targets.scale(np.stack([targets.minimum, targets.maximum]))).max(axis=0).astype(np.float32)
    return bool((np.spacing(ends) > FLOAT32_LOSS_LIMIT * targets.scaled_deviation).any())


def _judging_scale(statistics: SeriesStatistics, base: str) -> NDArray[np.float64]:
    """Each series' own of what errors of its windows are divided by, (n_series, n_targets)."""
    if base == "mean":
        return statistics.size
    if base == "seasonal":
        found: NDArray[np.float64] = changing(np, statistics.change, statistics.deviation)
        return found
    return statistics.deviation


def _series_of(windows: Windows, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of the series that each stretch of windows lies in."""
    found: NDArray[np.int64] = np.searchsorted(starts, windows.firsts + windows.window - 1, side="right") - 1
    return found
