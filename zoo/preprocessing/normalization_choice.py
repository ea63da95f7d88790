"""Choose how windows are normalized, by rule, from the train rows and what of the validation rows tells a drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.preprocessing.series_statistics import SeriesStatistics
from zoo.settings.choices import NormalizeWindow

if TYPE_CHECKING:
    from zoo.preprocessing.prepared import Prepared


def choose_normalization(prepared: Prepared, statistics: SeriesStatistics) -> tuple[NormalizeWindow, str]:
    """The kind, and why, in words."""
    if len(prepared.splits) > 1:
        return "seasonal", f"{len(prepared.splits)} series"
    return "last", "one series"
