"""The report of a run, ``report.html``: what it says of the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.evaluation.details import Details, JudgedDetails
from zoo.reports.anomaly_report import anomaly_report
from zoo.reports.class_report import class_report
from zoo.reports.forecast_report import forecast_report
from zoo.reports.report import Training
from zoo.runs.record import RunRecord
from zoo.settings.toml_file import config_text
from zoo_registry import Task

_TARGETS = {Task.CLASSIFY: "column of classes", Task.ANOMALY: "columns judged"}


def run_report(
    record: RunRecord, history: Mapping[str, Sequence[float]], best_epoch: int, details: Details | JudgedDetails
) -> str:
    """The page as text; ``history`` has the losses and rates of each epoch."""
    config, data = record.config, record.data
    title = f"{config.architecture} on {data.source}"
    training = Training(title, _facts(record), config_text(config), history, best_epoch)
    if isinstance(details, Details):
        return forecast_report(training, record.evaluation, details)
    make = class_report if config.task is Task.CLASSIFY else anomaly_report
    return make(training, record.evaluation, details)


def _facts(record: RunRecord) -> list[tuple[str, str]]:
    config, data, training = record.config, record.data, record.training
    facts: list[tuple[str, Any]] = [
        ("trained", record.created),
        ("architecture", f"{config.architecture}, from {record.plugin.distribution} {record.plugin.version}"),
        ("parameters", f"{training.parameters:,}"),
        ("epochs", f"{training.epochs}, the weights of epoch {training.best_epoch} kept"),
        ("seconds", training.seconds),
        ("task", _task(record)),
        ("data", f"{data.source}, {data.rows:,} rows"),
        ("fingerprint", data.fingerprint),
        (_TARGETS.get(config.task, "targets"), _some(record.problem.targets)),
        *_of_task(record),
        ("features", _some(record.problem.features)),
    ]
    if data.series_column is not None:
        facts.append(("series", f"{data.series}, told apart by {data.series_column}"))
    facts += [(f"repaired: {name}", _told(repair)) for name, repair in data.repairs.model_dump().items()]
    for name, part in data.split.items():
        facts.append((f"{name} part", f"{part.windows:,} windows; {part.first} to {part.last}"))
    wanted = ("lstm-zoo", "tensorflow", "keras", "numpy")
    facts.append(
        ("versions", ", ".join(f"{name} {record.versions[name]}" for name in wanted if name in record.versions))
    )
    return [(name, str(value)) for name, value in facts]


def _task(record: RunRecord) -> str:
    data = record.config.data
    if data.task is Task.FORECAST:
        return f"{data.task}: window {data.window}, horizon {data.horizon}, gap {data.gap}"
    judged = {
        Task.REGRESS: "the targets in the window's last row",
        Task.CLASSIFY: "the class of the window's last row",
        Task.ANOMALY: "the window's last row, by what the network makes of the "
        + ("whole window" if data.reconstruct else "rows before it"),
    }
    return f"{data.task}: window {data.window}; {judged[data.task]}"


def _of_task(record: RunRecord) -> list[tuple[str, str]]:
    """What there is to say of classes or of the threshold."""
    evaluation, config = record.evaluation, record.config
    if config.task is Task.CLASSIFY:
        counts = zip(evaluation["classes"], evaluation["counts"], strict=True)
        told = [f"{name} ({count:,} test windows)" for name, count in counts]
        return [("classes", _some(told)), ("class weights", config.training.class_weights)]
    if config.task is Task.ANOMALY:
        quantile = f"the {evaluation['quantile']:.2%} quantile of the validation scores"
        return [
            ("threshold", f"{evaluation['threshold']:.6g}, {quantile}"),
            ("labels", config.data.label or "none"),
        ]
    return []


def _told(value: Any) -> str:
    """Plain data in words: what is inside of what comes after a colon."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_told(inner)}" for name, inner in value.items())
    return _some(list(map(str, value))) if isinstance(value, (list, tuple)) else str(value)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
