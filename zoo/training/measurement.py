"""Measure a trained network on the test windows of prepared data, and keep of its answers what a report shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.intervals import intersect, intervals
from zoo.data.labels import anomaly_labels
from zoo.data.table import Table
from zoo.data.windows import Windows
from zoo.evaluation.anomalies import DifferenceScore, evaluate_anomalies
from zoo.evaluation.classification import evaluate_classes
from zoo.evaluation.details import Details, JudgedDetails
from zoo.evaluation.evaluation import evaluate
from zoo.inference.answers import probabilities, scores
from zoo.models.layers import middle_quantile
from zoo.settings.schema import RunConfig
from zoo.training.preparation import Prepared
from zoo.training.trainer import PREDICTION_BATCH, forecast_batches
from zoo_registry import Task

_YEARS = range(100, 9000)  # that matplotlib draws with room on either side
_JUDGED = ("validation", "test")


@dataclass(frozen=True)
class Measurement:
    """What a run says of its test windows.

    ``evaluation`` is as :func:`evaluate`, :func:`evaluate_classes` or :func:`evaluate_anomalies` returns it, and
    ``details`` are what a report shows of the same answers.
    """

    evaluation: dict[str, Any]
    details: Details | JudgedDetails

    @classmethod
    def of_forecasts(cls, told: Iterable[NDArray[Any]], prepared: Prepared, middle: int | None = None) -> Self:
        """Measure forecasts of the test windows in original units, (n, *shape.output) at a time."""
        table, targets = prepared.table, prepared.preprocessor.targets_
        dates, positions = _time_of(table)
        details = Details(
            prepared.parts["test"],
            raw=prepared.truth,
            targets=table.targets,
            unit=targets.unit,
            positions=positions,
            name_row=table.row_name,
            dates=dates,
        )
        evaluation = evaluate(
            told,
            history=prepared.history,
            raw=details.raw,
            parts=prepared.parts,
            targets=targets,
            target_columns=prepared.shape.target_columns,
            series=list(table.series.values()),
            train=prepared.rows("train"),
            season=prepared.season,
            task=prepared.shape.task,
            quantiles=prepared.shape.quantiles,
            middle=middle,
            details=details,
        )
        return cls(evaluation, details)

    @classmethod
    def of_classes(cls, told: NDArray[Any], prepared: Prepared, *, balanced: bool = False) -> Self:
        """Measure the probabilities of the test windows' classes, (n, classes); ``balanced`` as the loss was."""
        table, rows = prepared.table, prepared.parts["test"].ends()
        assert table.labels is not None
        dates, positions = _time_of(table)
        details = JudgedDetails(rows, table.labels[rows], positions(rows), dates, table.row_name, told)
        evaluation = evaluate_classes(told, parts=prepared.parts, classes=table.classes, balanced=balanced)
        return cls(evaluation, details)

    @classmethod
    def of_anomalies(cls, told: Mapping[str, NDArray[np.float64]], prepared: Prepared, quantile: float) -> Self:
        """Measure the scores of the windows of validation and test, each (n,); ``quantile`` sets the threshold."""
        table, history, truth = prepared.table, prepared.history, prepared.truth
        known_train = intersect(intervals(prepared.rows("train")), prepared.known_targets)
        baseline = DifferenceScore().fit([history[start:stop] for start, stop in known_train.tolist()])
        simple = {name: baseline.score(history, prepared.parts[name].ends()) for name in _JUDGED}
        rows, labels = prepared.parts["test"].ends(), anomaly_labels(table)
        labels = None if labels is None else labels[rows]
        dates, positions = _time_of(table)
        details = JudgedDetails(
            rows,
            labels,
            positions(rows),
            dates,
            table.row_name,
            told["test"],
            targets=table.targets,
            values=truth,
            simple=simple["test"],
        )
        known = ~np.isnan(truth[rows]).any(axis=1)
        return cls(evaluate_anomalies(told, simple, quantile=quantile, known=known, labels=labels), details)


def measure(network: Any, prepared: Prepared, config: RunConfig) -> Measurement:
    """Measure a trained network on the test windows of prepared data."""
    test = prepared.parts["test"]
    if config.task is Task.CLASSIFY:
        told = np.concatenate([probabilities(np, logits) for logits in forecast_batches(network, test)])
        return Measurement.of_classes(told, prepared, balanced=config.training.class_weights == "balanced")
    if config.task is Task.ANOMALY:
        found = {name: _window_scores(network, prepared.parts[name]) for name in _JUDGED}
        most = float(np.finfo(np.float32).max)  # a value beyond all measure is as unusual as can be
        found["test"] = np.nan_to_num(found["test"], nan=most, posinf=most)
        return Measurement.of_anomalies(found, prepared, config.network.threshold_quantile)
    inverse = prepared.preprocessor.targets_.inverse_transform
    forecasts = (inverse(scaled, axis=2) for scaled in forecast_batches(network, test))
    return Measurement.of_forecasts(forecasts, prepared, middle_quantile(prepared.shape.quantiles))


def _window_scores(network: Any, windows: Windows) -> NDArray[np.float64]:
    """How unusual the last row of each window is, (n,)."""
    batches = zip(forecast_batches(network, windows), windows.batches(PREDICTION_BATCH), strict=True)
    parts = [scores(np, output.astype(np.float64), windows.outputs(rows))[:, 0] for output, rows in batches]
    return np.concatenate(parts)


def _time_of(table: Table) -> tuple[bool, Callable[[NDArray[np.int64]], NDArray[np.float64]]]:
    """Whether rows are drawn by dates, and what maps rows to points in time: microseconds, numbers, or rows."""
    times = table.times

    def positions(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        if isinstance(times, pd.DatetimeIndex):  # as the clock on the wall shows them
            return times[rows].tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.float64)
        return np.asarray(rows if times is None else times[rows], dtype=np.float64)

    ends = (times.min(), times.max()) if isinstance(times, pd.DatetimeIndex) else ()
    return bool(ends) and all(end.year in _YEARS for end in ends), positions
