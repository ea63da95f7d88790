"""What decides which configuration is better: the errors of a fold's forecasts, and which of them that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.frequency import usual_season
from zoo.data.intervals import intersect, intervals
from zoo.data.table import Table
from zoo.evaluation.evaluation import NETWORK, train_changes
from zoo.evaluation.headline import SERIES_MEASURES
from zoo.evaluation.metrics import ForecastErrors, mean_or_none, seasonal_changes
from zoo.evaluation.series_errors import SeriesErrors
from zoo.preprocessing.prepared import Prepared
from zoo.settings.schema import RunConfig
from zoo.tasks import find_task
from zoo.tasks.base import SequenceTask
from zoo.tuning.folds import Fold
from zoo_registry.errors import DataError

MAE, SCALED_MAE, MEAN_MASE = "MAE", "scaled MAE", SERIES_MEASURES.name


@dataclass(frozen=True)
class FoldErrors:
    """Errors of a part's forecasts: see :class:`zoo.tuning.cross_validation.FoldResult`; ``error`` decides."""

    mae: dict[str, float]
    scaled_mae: float
    mase: float | None
    windows: int
    error: float


def judged_by_series(config: RunConfig, table: Table, folds: Sequence[Fold]) -> bool:
    """Whether forecasts are judged by the mean MASE: of several series, where in each fold one of them has a MASE."""
    if not find_task(config.task).in_units or not folds or min(map(len, folds)) < 2:
        return False
    truth, season = table.cut(table.values)[1], config.data.season or usual_season(table.times) or 1

    def has_mase(fold: Fold) -> bool:
        train = intersect(intervals([split.train for split in fold.values()]), table.stretches)
        return bool((seasonal_changes(truth, train, table.starts, season) > 0).any())

    return all(map(has_mase, folds))


def measure_of(task: SequenceTask, n_targets: int, *, by_series: bool) -> str:
    """The name of the error that decides."""
    if task.in_units:
        return MEAN_MASE if by_series else MAE if n_targets == 1 else SCALED_MAE
    return f"1 - {task.measures.name}" if task.measures.greatest else task.measures.name


def errors_of(forecasts: Iterable[NDArray[Any]], prepared: Prepared, part: str, *, by_series: bool) -> FoldErrors:
    """The errors of scaled forecasts of a part's windows, (n, *shape.output) at a time, in original units.

    By series the mean MASE decides, otherwise the MAE of one target, and the scaled MAE of several.
    Raises DataError where no window has a whole truth, and where none of a series that has a MASE does.
    """
    windows, targets, middle = prepared.parts[part], prepared.preprocessor.targets_, prepared.middle
    errors, start, starts, series = ForecastErrors(targets.names), 0, prepared.table.starts, None
    if len(prepared.splits) > 1:
        changes = train_changes(prepared, prepared.season)
        names = list(prepared.table.series)
        series = SeriesErrors(names, targets.names, changes=changes, unit=targets.unit, network=NETWORK)
    for output in forecasts:
        numbers = slice(start, start + len(output))
        rows, start = windows.target_rows(numbers), start + len(output)
        whole = ~np.isnan(prepared.truth[rows]).any(axis=(1, 2))
        forecast = prepared.in_units(part, numbers, output)[whole]
        truth, forecast = prepared.history[rows][whole], forecast if middle is None else forecast[..., middle]
        errors.add(truth, forecast)
        if series is not None:
            series.add(NETWORK, np.searchsorted(starts, rows[whole, 0], side="right") - 1, truth, forecast)
    if not errors.windows:
        raise DataError(f"every window of a fold's {part} part has a missing target; fill them, or give fewer folds")
    mae = dict(zip(errors.names, errors.mae.tolist(), strict=True))
    scaled = float((errors.mae / targets.deviation).mean())  # in their deviations in the train rows
    mase = None if series is None else mean_or_none(series.mase(NETWORK))
    if not by_series:
        error = next(iter(mae.values())) if len(mae) == 1 else scaled
        return FoldErrors(mae, scaled, mase, errors.windows, error)
    if mase is None:
        raise DataError(
            f"no series whose targets change from season to season has a window with a whole truth in a fold's {part}"
            " part, so that no MASE tells which configuration is better; fill missing values, or give fewer folds"
        )
    return FoldErrors(mae, scaled, mase, errors.windows, mase)
