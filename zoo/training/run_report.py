"""The report of a run, ``report.html``: what it says of the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.provenance import why_untested
from zoo.reports.report import Training, untested_page
from zoo.runs.record import RunRecord, TrainingRecord
from zoo.settings.toml_file import config_text
from zoo.tasks import find_task
from zoo.texts import some


def run_report(record: RunRecord, history: Mapping[str, Sequence[float]], best_epoch: int, details: Any) -> str:
    """The page as text; ``history`` has the losses and rates of each epoch, ``details`` are the measurement's."""
    config = record.config
    title = f"{config.architecture} on {record.data.source}"
    training = Training(title, _facts(record), config_text(config), history, best_epoch)
    if record.evaluation is None:
        return untested_page(training, why_untested(record.retrained_from), record.retrained_from)
    return find_task(config.task).report(training, record.evaluation, details)


def _steps(training: TrainingRecord) -> list[tuple[str, str]]:
    if training.steps is None:
        return []
    return [("steps", f"{training.steps:,}, validated every {training.validate_every:,}")]


def _facts(record: RunRecord) -> list[tuple[str, str]]:
    config, data, training = record.config, record.data, record.training
    task = find_task(config.task)
    kept = f"the weights of epoch {training.best_epoch} kept" if training.epochs else "its first weights kept"
    facts: list[tuple[str, Any]] = [
        ("trained", record.created),
        ("architecture", f"{config.architecture}, from {record.plugin.distribution} {record.plugin.version}"),
        ("parameters", f"{training.parameters:,}"),
        ("epochs", f"{training.epochs}, {kept}"),
        *_steps(training),
        ("seconds", training.seconds),
        ("task", f"{task.name}: {task.described(config.data)}"),
        ("data", f"{data.source}, {data.rows:,} rows"),
        ("fingerprint", data.fingerprint),
        (task.targets_head, some(record.problem.targets)),
        *([] if record.evaluation is None else task.facts(config, record.evaluation)),
        ("features", some(record.problem.features)),
    ]
    if data.series_column is not None:
        facts.append(("series", f"{data.series}, told apart by {data.series_column}"))
    facts += [(f"repaired: {name}", _told(repair)) for name, repair in data.repairs.model_dump().items()]
    for name, part in data.split.items():
        told = f"{part.windows:,} windows; {part.first} to {part.last}" if part.rows else "none"
        facts.append((f"{name} part", told))
    if record.retrained_from is not None:
        facts.append(("retrained from", f"run {record.retrained_from.run}"))
    wanted = ("lstm-zoo", "tensorflow", "keras", "numpy")
    facts.append(
        ("versions", ", ".join(f"{name} {record.versions[name]}" for name in wanted if name in record.versions))
    )
    return [(name, str(value)) for name, value in facts]


def _told(value: Any) -> str:
    """Plain data in words: what is inside of what comes after a colon."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_told(inner)}" for name, inner in value.items())
    return some(list(map(str, value))) if isinstance(value, (list, tuple)) else str(value)
