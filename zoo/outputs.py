"""The names of an exported graph's input and outputs, the same in all formats, and which quantile is the forecast."""

from __future__ import annotations

from collections.abc import Sequence

from zoo_registry.runtime import OUTPUTS

INPUT = "window"
FORECAST, QUANTILES, PROBABILITIES, SCORE, IS_ANOMALY = OUTPUTS


def middle_quantile(levels: Sequence[float]) -> int | None:
    """The place of the level that is the forecast, the one nearest to 0.5; None where there are none."""
    return min(range(len(levels)), key=lambda place: abs(levels[place] - 0.5), default=None)
