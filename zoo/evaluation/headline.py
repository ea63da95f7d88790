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
BEATS, EQUALS, LOSES = "beats", "equals", "loses to"


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


def everybody(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """What was measured of the network and then of each baseline, by name."""
    return {"network": evaluation["network"], **evaluation["baselines"]}


def against(own: float, other: float, *, greatest: bool = False) -> tuple[str, str]:
    """Say whether one beats, equals or loses to another, and how far they are apart in words that follow its name.

    Both are errors, or, with ``greatest``, shares of which the greater is better. Apart by nothing in the digits that
    are told, they are equal.
    """
    better = own > other if greatest else own < other
    if own == other:
        how = ""
    elif greatest:
        how = f"by {abs(own - other):.3f}"
    elif other == 0:
        how = "(which makes no error)"
    elif own < 2 * other:
        how = f"by {abs(own / other - 1):.1%}"
    else:
        how = f"({own / other:.1f} times its error)"
    if how in ("", "by 0.000", "by 0.0%"):
        return EQUALS, ""
    return BEATS if better else LOSES, how


def outcomes(evaluation: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The network :func:`against` each baseline, by its name; empty where nothing decides."""
    if (measure := measure_of(evaluation)) == NO_LABELS:
        return {}
    own = _value(evaluation, evaluation["network"])
    return {
        name: against(own, _value(evaluation, measured), greatest=_greatest(measure))
        for name, measured in evaluation["baselines"].items()
    }


def told(found: Mapping[str, tuple[str, str]]) -> str:
    """Outcomes in words: ``beats a by 3.0%, b by 9.1% but loses to c by 1.0%``."""
    names = {
        verb: [f"{name} {how}".rstrip() for name, (outcome, how) in found.items() if outcome == verb]
        for verb in (BEATS, EQUALS, LOSES)
    }
    parts = [f"{verb} {', '.join(those)}" for verb, those in names.items() if those]
    return " but ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)


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
