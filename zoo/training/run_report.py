"""The report of a run, ``report.html``: what it needs of prepared data and of the record."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.evaluation.details import Details
from zoo.evaluation.report import Training, report
from zoo.training.config_file import config_text
from zoo.training.preparation import Prepared
from zoo.training.run_record import RunRecord
from zoo.training.trainer import Fitted

_YEARS = range(100, 9000)  # that matplotlib draws with room on either side


def make_details(prepared: Prepared) -> Details:
    """What takes in the test forecasts of prepared data for a report."""
    table = prepared.table
    times = table.times
    dates = isinstance(times, pd.DatetimeIndex) and all(end.year in _YEARS for end in (times.min(), times.max()))

    def positions(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        if isinstance(times, pd.DatetimeIndex):  # as the clock on the wall shows them
            return times[rows].tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.float64)
        return np.asarray(rows if times is None else times[rows], dtype=np.float64)

    return Details(
        prepared.parts["test"],
        raw=table.cut(table.values[: len(prepared.values)])[1],
        targets=table.targets,
        unit=prepared.preprocessor.targets_.unit,
        positions=positions,
        name_row=table.row_name,
        dates=dates,
    )


def run_report(record: RunRecord, fitted: Fitted, details: Details) -> str:
    """The page as text."""
    config, data = record.config, record.data
    title = f"{config.architecture} on {data['source']}"
    training = Training(title, _facts(record), config_text(config), fitted.history, fitted.best_epoch)
    return report(training, record.evaluation, details)


def _facts(record: RunRecord) -> list[tuple[str, str]]:
    config, data, training = record.config, record.data, record.training
    facts: list[tuple[str, Any]] = [
        ("trained", record.created),
        ("architecture", f"{config.architecture}, from {record.plugin['distribution']} {record.plugin['version']}"),
        ("parameters", f"{training['parameters']:,}"),
        ("epochs", f"{training['epochs']}, the weights of epoch {training['best_epoch']} kept"),
        ("seconds", training["seconds"]),
        ("task", f"{config.task}: window {config.data.window}, horizon {config.data.horizon}, gap {config.data.gap}"),
        ("data", f"{data['source']}, {data['rows']:,} rows"),
        ("fingerprint", data["fingerprint"]),
        ("targets", _some(data["targets"])),
        ("features", _some(data["features"])),
    ]
    if data["series_column"] is not None:
        facts.append(("series", f"{data['series']}, told apart by {data['series_column']}"))
    facts += [(f"repaired: {name}", _told(repair)) for name, repair in data["repairs"].items()]
    for name, part in data["split"].items():
        facts.append((f"{name} part", f"{part['windows']:,} windows; {part['first']} to {part['last']}"))
    wanted = ("lstm-zoo", "tensorflow", "keras", "numpy")
    facts.append(
        ("versions", ", ".join(f"{name} {record.versions[name]}" for name in wanted if name in record.versions))
    )
    return [(name, str(value)) for name, value in facts]


def _told(value: Any) -> str:
    """Plain data in words: what is inside of what comes after a colon."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_told(inner)}" for name, inner in value.items())
    return _some(list(map(str, value))) if isinstance(value, (list, tuple)) else str(value)


def _some(names: list[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
