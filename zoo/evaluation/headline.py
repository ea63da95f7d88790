"""What an evaluation measures, and what of it decides between network and baselines; needs no array library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

# In the record -> in words, the one that decides first
CLASS_MEASURES = {
    "log_loss": "log loss",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1",
    "roc_auc": "ROC AUC",
}
ANOMALY_MEASURES = {"average_precision": "average precision", "precision": "precision", "recall": "recall", "f1": "F1"}
NO_LABELS = "share flagged"  # where nothing says what is right, nothing decides


class Headline(NamedTuple):
    """An evaluation in one line: the deciding measure, the network's value, and the best baseline's name and value."""

    measure: str
    network: float
    baseline: str
    other: float


def headline(evaluation: Mapping[str, Any]) -> Headline:
    """What decides of an evaluation: scaled MAE or log loss, the least, or average precision, the greatest.

    ``evaluation`` is as a run's record has it. Without labelled anomalies it is the share of rows that are flagged.
    """
    values = {name: _value(evaluation, measured) for name, measured in evaluation["baselines"].items()}
    measure = measure_of(evaluation)
    best = max(values, key=values.__getitem__) if _greatest(measure) else min(values, key=values.__getitem__)
    return Headline(measure, _value(evaluation, evaluation["network"]), best, values[best])


def losses(evaluation: Mapping[str, Any]) -> list[str]:
    """The names of the baselines that the network does not beat."""
    if (measure := measure_of(evaluation)) == NO_LABELS:
        return []
    own = _value(evaluation, evaluation["network"])
    values = {name: _value(evaluation, measured) for name, measured in evaluation["baselines"].items()}
    return [name for name, other in values.items() if not (own > other if _greatest(measure) else own < other)]


def measure_of(evaluation: Mapping[str, Any]) -> str:
    """The name of the measure that decides."""
    network = evaluation["network"]
    if "targets" in network:
        return "scaled MAE"
    if "log_loss" in network:
        return "log loss"
    return "average precision" if "average_precision" in network else NO_LABELS


def _greatest(measure: str) -> bool:
    return measure == "average precision"


def _value(evaluation: Mapping[str, Any], measured: Mapping[str, Any]) -> float:
    found = {
        "scaled MAE": lambda: measured["scaled"]["mae"],
        "log loss": lambda: measured["log_loss"],
        "average precision": lambda: measured["average_precision"],
        NO_LABELS: lambda: measured["flagged"] / evaluation["windows"],
    }
    return float(found[measure_of(evaluation)]())
