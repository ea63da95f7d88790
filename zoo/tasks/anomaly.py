"""Anomaly: how unusual the window's last row is, by what the network makes of it, and whether that is too much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.data.roles import Roles
from zoo.evaluation.headline import ANOMALY_MEASURES, FLAGGED, Measures, everybody
from zoo.outputs import IS_ANOMALY, SCORE
from zoo.tasks.base import Column, InUnits, Listed, Output, Predict, SequenceTask, TextTable
from zoo_registry import Architecture, Problem, Task
from zoo_registry.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zoo.data.readers.examples import Example
    from zoo.data.table import Table
    from zoo.data.windows import Layout, Windows
    from zoo.evaluation.measurement import Measurement
    from zoo.preprocessing.prepared import Prepared
    from zoo.reports.report import Training
    from zoo.settings.schema import DataConfig, RunConfig


_UNSEEN = "whose threshold is set by rows that were not trained on"


class Anomaly(SequenceTask):
    """The task ``anomaly``; the network forecasts the window's last row, or gives back the window."""

    name: ClassVar[str] = Task.ANOMALY
    measures = ANOMALY_MEASURES
    roles = Roles(judged=True, label_remedy="name a column of 0 (usual) and 1 (anomaly) with `label`")
    unsuited: ClassVar[Mapping[str, str]] = {
        "target_scaler": "which compares a window's last row with what the network makes of the same columns, all by"
        " `scaler` and `scaler_for`",
        "train_on_validation": _UNSEEN,
        "all_rows": _UNSEEN,
    }
    has_threshold = True
    targets_head = "columns judged"
    tested = "scores of the test windows' last rows"
    why_left_out = "a value or label is missing"
    told_by = "scores of"

    def check_settings(self, config: DataConfig) -> None:
        """Raise ConfigError for a window that has no row before its last one."""
        if config.window < 2:
            raise ConfigError(
                "`task='anomaly'` judges a window's last row by the rows before it; give a `window` of 2 or more"
            )

    def example_settings(self, example: Example) -> dict[str, Any]:
        """Its column of labels."""
        return {"label": example.label}

    def reconstructs(self, architecture: Architecture) -> bool:
        """As the architecture says."""
        return architecture.anomaly == "reconstruct"

    def layout(self, config: DataConfig) -> Layout:
        """The window's last row is forecast from the rows before it, or the whole window is given back."""
        from zoo.data.windows import Layout

        window, stride, context = config.window, config.stride, config.context
        if config.reconstruct:
            return Layout(window, window, 0, stride, context, reaching_back=context)  # its last row is what is judged
        return Layout(window - 1, 1, window - 1, stride, context)

    def check_table(self, table: Table, parts: Mapping[str, Windows]) -> None:
        """Raise DataError for labels that are not 0 and 1, or that no test window has."""
        from zoo.data.labels import check_anomaly_labels

        if table.labels is not None:
            check_anomaly_labels(table, parts)

    def outputs(
        self, horizon: int, targets: tuple[str, ...], classes: tuple[str, ...], quantiles: tuple[float, ...]
    ) -> list[Output]:
        """The score, and whether it is above the threshold."""
        return [Output(SCORE, (1,), "score"), Output(IS_ANOMALY, (1,), "flag")]

    def network_input(self, window: Any, problem: Problem) -> Any:
        """All rows, or those before the last one, which it forecasts."""
        return window if problem.reconstruct else window[:, :-1]

    def decode(
        self, ops: Any, window: Any, output: Any, problem: Problem, *, in_units: InUnits, threshold: float | None
    ) -> dict[str, Any]:
        """Score and flag, (batch, 1); scores are of scaled values."""
        judged = ops.take(window[:, -1:], list(problem.target_columns), axis=2)
        if not problem.masked:
            score = scores(ops, output, judged)
            return {SCORE: score, IS_ANOMALY: score > threshold}
        score = scores(ops, output, judged, masked=True)
        known = ops.where(ops.isnan(score), ops.zeros_like(score), score)  # NaN above it is true in OpenVINO
        return {SCORE: score, IS_ANOMALY: known > threshold}

    def columns(self, outputs: Mapping[str, NDArray[Any]], problem: Problem) -> list[Column]:
        """The score, and the flag."""
        return [Column(SCORE, outputs[SCORE]), Column(IS_ANOMALY, outputs[IS_ANOMALY].astype(bool))]

    def measures_of(self, evaluation: Mapping[str, Any]) -> Measures:
        """Without labelled anomalies nothing is known but how many rows are flagged."""
        return ANOMALY_MEASURES if "average_precision" in evaluation["network"] else FLAGGED

    def _known(self, evaluation: Mapping[str, Any]) -> Mapping[str, str]:
        measures = self.measures_of(evaluation)
        return measures.heads if measures.decides else {}

    def measure(self, predict: Predict, prepared: Prepared, config: RunConfig) -> Measurement:
        """How well scores tell labelled anomalies, with a threshold that the validation windows set."""
        import numpy as np

        from zoo.evaluation.measurement import JUDGED, Measurement

        found = {name: _window_scores(predict, prepared.parts[name]) for name in JUDGED}
        most = float(np.finfo(np.float32).max)  # a value beyond all measure is as unusual as can be
        found["test"] = np.nan_to_num(found["test"], nan=most, posinf=most)
        return Measurement.of_anomalies(found, prepared, config.network.threshold_quantile)

    def results(self, evaluation: Mapping[str, Any], targets: Sequence[str]) -> Iterator[str | TextTable]:
        """Thresholds, what is flagged and, with labels, how well."""
        known = self._known(evaluation)
        rows = [
            (name, f"{measured['threshold']:.4g}", f"{measured['flagged']:,}", *(f"{measured[m]:.4f}" for m in known))
            for name, measured in everybody(evaluation).items()
        ]
        yield TextTable((self.told_by, "threshold", "flagged", *known.values()), rows)
        labelled = "" if evaluation["anomalies"] is None else f"; labelled as anomalies: {evaluation['anomalies']:,}"
        yield (
            f"threshold: the {evaluation['quantile']:.2%} quantile of the validation scores; flagged by the network:"
            f" {evaluation['network']['flagged']:,} of {evaluation['windows']:,} test rows{labelled}"
        )

    def same(self, config: RunConfig, evaluation: Mapping[str, Any]) -> dict[str, Any]:
        """The column of labels."""
        return {"labels": config.data.label}

    def described(self, data: DataConfig) -> str:
        """The window, and what is judged by what."""
        by = "whole window" if data.reconstruct else "rows before it"
        return f"window {data.window}; the window's last row, by what the network makes of the {by}"

    def facts(self, config: RunConfig, evaluation: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The threshold, and the labels."""
        quantile = f"the {evaluation['quantile']:.2%} quantile of the validation scores"
        return [
            ("threshold", f"{evaluation['threshold']:.6g}, {quantile}"),
            ("labels", config.data.label or "none"),
        ]

    def report(self, training: Training, evaluation: Mapping[str, Any], details: Any) -> str:
        """Scores over time, the highest of them, and how they fit the labels."""
        from zoo.reports.anomaly_report import anomaly_report

        return anomaly_report(training, evaluation, details)

    def meanings(
        self, problem: Problem, metrics: Mapping[str, Any], threshold: float | None, listed: Listed
    ) -> dict[str, str]:
        """What the score is, and where the threshold comes from."""
        quantile = metrics.get("quantile")
        of = "a quantile" if quantile is None else f"the {quantile:.2%} quantile"
        return {
            SCORE: f", how unusual the window's last row is, by its columns {listed(problem.targets)}: the root of the"
            " mean square of the scaled differences from what the network expected",
            IS_ANOMALY: f", whether the score is above the threshold {threshold:.6g}, which is {of} of the scores of"
            f" the validation split; where another one suits, compare `{SCORE}` with it",
        }

    def card_table(self, metrics: Mapping[str, Any], targets: Sequence[str]) -> TextTable:
        """The measures where labels tell them, and how many rows are flagged."""
        known = self._known(metrics)
        rows = [
            (name, *(f"{measured[key]:.4g}" for key in (*known, "flagged")))
            for name, measured in everybody(metrics).items()
        ]
        return TextTable((self.told_by, *known.values(), "rows flagged"), rows)


def scores(ops: Any, output: Any, truth: Any, *, masked: bool = False) -> Any:
    """How far windows' last rows are from what a network makes of them, (batch, 1): the root of the mean square.

    ``output`` (batch, steps, n_targets), of which the last step counts, and ``truth``, alike, are scaled. Where values
    may be missing, ``masked``, the mean is of those that are there on both sides, and NaN where none is.
    """
    error = output[:, -1] - truth[:, -1]
    if masked:
        missing = ops.isnan(error)
        known = ops.where(missing, ops.zeros_like(error), ops.ones_like(error))
        count = ops.sum(known, axis=-1, keepdims=True)
        total = ops.sum(ops.square(ops.where(missing, 0.0, error)), axis=-1, keepdims=True)
        return ops.sqrt(total / ops.where(count > 0, count, float("nan")))
    return ops.sqrt(ops.mean(ops.square(error), axis=-1, keepdims=True))


def _window_scores(predict: Predict, windows: Windows) -> NDArray[np.float64]:
    """How unusual the last row of each window is, (n,)."""
    import numpy as np

    found, start = [], 0
    for output in predict(windows):
        rows = slice(start, start + len(output))
        start += len(output)
        found.append(scores(np, output.astype(np.float64), windows.outputs(rows))[:, 0])
    return np.concatenate(found)
