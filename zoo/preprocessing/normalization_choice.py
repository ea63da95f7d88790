"""Choose how windows are normalized, by rule: from the train rows, and for a drift from those of validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.preprocessing.series_statistics import SeriesStatistics
from zoo.settings.choices import NormalizeWindow

if TYPE_CHECKING:
    from zoo.preprocessing.prepared import Prepared

OFTEN_ZERO = 0.3  # the share of values that are 0, from which on 0 is the level


def choose_normalization(prepared: Prepared, statistics: SeriesStatistics) -> tuple[NormalizeWindow, str]:
    """The kind for forecasts, and why, in words; ``statistics`` are those of each series' train rows."""
    count = len(prepared.splits)
    told = f"{count} series" if count > 1 else "one series"
    zeros = float(statistics.zeros.mean())
    if zeros >= OFTEN_ZERO:
        return "mean", f"{told}, {zeros:.0%} of whose values are 0"
    if count == 1:
        return "last", told
    deviations = statistics.deviation[statistics.change > 0]
    spread = float(np.quantile(deviations, 0.95) / np.quantile(deviations, 0.05)) if len(deviations) else 1.0
    told += f", whose deviations differ {spread:,.0f}-fold"
    if prepared.season is None or prepared.season == 1 or prepared.season >= prepared.shape.window:
        return "instance", f"{told}; no season in a window"
    return "seasonal", f"{told}; a season of {prepared.season}"
