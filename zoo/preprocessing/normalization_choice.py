"""Choose how windows are normalized, by rule, from the train rows alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.preprocessing.observed_values import observed_part
from zoo.preprocessing.series_statistics import SeriesStatistics
from zoo.preprocessing.window_scale import WindowScale, last_value_of
from zoo.settings.choices import NormalizeWindow

if TYPE_CHECKING:
    from zoo.preprocessing.prepared import Prepared

OFTEN_ZERO = 0.3  # the share of values that are 0, from which on 0 is the level
FOLLOWS_THE_LAST = 0.7  # the share of the mean's error, up to which the last value is the level
_WINDOWS = 2000  # of the train part that are looked at, evenly spread


def choose_normalization(
    prepared: Prepared, statistics: SeriesStatistics, seasonal: WindowScale
) -> tuple[NormalizeWindow, str]:
    """The kind for forecasts, and why, in words.

    ``statistics`` are those of each series' train rows; ``seasonal`` is that kind on these windows. Where values are
    often 0, that is the level. Else what forecasts the train windows by itself: the last season, where they have two
    and it does so better than the mean and the last value; the last value of one series, where it is far better than
    the mean; and otherwise the mean, of which a network makes more than of the last value where they are near.
    """
    count = len(prepared.splits)
    told = f"{count} series" if count > 1 else "one series"
    zeros = float(statistics.zeros.mean())
    if zeros >= OFTEN_ZERO:
        return "mean", f"{told}, {zeros:.0%} of whose values are 0"
    if count > 1:
        deviations = statistics.deviation[statistics.change > 0]
        spread = float(np.quantile(deviations, 0.95) / np.quantile(deviations, 0.05)) if len(deviations) else 1.0
        told += f", whose deviations differ {spread:,.0f}-fold"
    errors = _errors_of_levels(prepared, seasonal)
    if 2 * seasonal.season <= prepared.shape.window and errors["season"] < min(errors["mean"], errors["last"]):
        return "seasonal", f"{told}; a season of {seasonal.season} rows forecasts the next one"
    if count == 1 and errors["last"] < FOLLOWS_THE_LAST * errors["mean"]:
        return "last", f"{told}; its last value forecasts the next ones"
    return (
        "instance",
        f"{told}; neither the last season nor the last value forecasts {'it' if count == 1 else 'them'} well",
    )


def _errors_of_levels(prepared: Prepared, seasonal: WindowScale) -> dict[str, float]:
    """The mean absolute error of each level as a forecast of train windows, by these windows' own scale."""
    windows = prepared.parts["train"]
    numbers = np.unique(np.linspace(0, len(windows) - 1, min(len(windows), _WINDOWS)).astype(np.int64))
    columns = [0 if column is None else column for column in prepared.shape.target_columns]
    inputs = windows.inputs(numbers).astype(np.float64)[:, :, columns]
    truth = windows.outputs(numbers)
    observed = None
    if prepared.shape.masked:
        inputs, observed = observed_part(np, inputs)
    mean, scale = WindowScale("instance").statistics(np, inputs, observed)
    last = last_value_of(np, inputs, observed)
    levels = {"mean": mean, "last": last, "season": seasonal.ahead(np, inputs, mean, observed)}
    varying = scale > 0
    scale = np.where(varying, scale, 1.0)
    return {name: float((np.abs(truth - level) / scale * varying).mean()) for name, level in levels.items()}
