"""What is measured of a network's answers to the test windows, and what of them a report shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.intervals import intersect, intervals
from zoo.data.labels import anomaly_labels
from zoo.data.table import Table
from zoo.evaluation.anomalies import DifferenceScore, evaluate_anomalies
from zoo.evaluation.classification import evaluate_classes
from zoo.evaluation.details import Details, JudgedDetails
from zoo.evaluation.evaluation import evaluate
from zoo.preprocessing.prepared import Prepared

_YEARS = range(100, 9000)  # that matplotlib draws with room on either side
JUDGED = ("validation", "test")


@dataclass(frozen=True)
class Measurement:
    """What a run says of its test windows.

    ``evaluation`` is as its task makes it, such as :func:`evaluate` or :func:`evaluate_classes`, and ``details`` are
    what its report shows of the same answers. ``tables`` by name are what is too long for a record.
    """

    evaluation: dict[str, Any]
    details: Any
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @classmethod
    def of_forecasts(
        cls, told: Iterable[NDArray[Any]], prepared: Prepared, *, past: bool = True, shared: bool = False
    ) -> Self:
        """Measure forecasts of the test windows in original units, (n, *shape.output) at a time: :func:`evaluate`."""
        table = prepared.table
        dates, positions = _time_of(table)
        details = Details(
            prepared.parts["test"],
            raw=prepared.truth,
            targets=table.targets,
            unit=prepared.preprocessor.targets_.unit,
            positions=positions,
            name_row=table.row_name,
            dates=dates,
        )
        evaluation = evaluate(told, prepared, past=past, shared=shared, details=details)
        return cls(evaluation, details, {} if details.series is None else {"series": details.series.table})

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
        simple = {name: baseline.score(history, prepared.parts[name].ends()) for name in JUDGED}
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


def _time_of(table: Table) -> tuple[bool, Callable[[NDArray[np.int64]], NDArray[np.float64]]]:
    """Whether rows are drawn by dates, and what maps rows to points in time: microseconds, numbers, or rows."""
    times = table.times

    def positions(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        if isinstance(times, pd.DatetimeIndex):  # as the clock on the wall shows them
            return times[rows].tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.float64)
        return np.asarray(rows if times is None else times[rows], dtype=np.float64)

    ends = (times.min(), times.max()) if isinstance(times, pd.DatetimeIndex) else ()
    return bool(ends) and all(end.year in _YEARS for end in ends), positions
