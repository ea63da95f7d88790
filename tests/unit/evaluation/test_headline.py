"""One measure decides, whatever was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.evaluation.headline import (
    ANOMALY_MEASURES,
    BEATS,
    CLASS_MEASURES,
    EQUALS,
    FLAGGED,
    FORECAST_MEASURES,
    LOSES,
    Headline,
    Measures,
    against,
    headline,
    outcomes,
    told,
)


def forecast(mae: float) -> dict[str, Any]:
    return {"targets": {}, "scaled": {"mae": mae, "mse": mae}}


def classes(log_loss: float) -> dict[str, Any]:
    return {"log_loss": log_loss, "accuracy": 0.5}


def anomalies(precision: float) -> dict[str, Any]:
    return {"flagged": 2, "average_precision": precision}


@pytest.mark.parametrize(
    ("made", "measures", "measure", "best", "verbs"),
    [
        (forecast, FORECAST_MEASURES, "scaled MAE", 0.2, [BEATS, EQUALS, LOSES]),
        (classes, CLASS_MEASURES, "log loss", 0.2, [BEATS, EQUALS, LOSES]),
        (anomalies, ANOMALY_MEASURES, "average precision", 0.6, [LOSES, EQUALS, BEATS]),
    ],
)
def test_the_measure_that_decides(made: Any, measures: Measures, measure: str, best: float, verbs: list[str]):
    baselines = {"a": made(0.6), "same": made(0.4), "b": made(0.2)}
    found = {"windows": 10, "network": made(0.4), "baselines": baselines}
    assert headline(found, measures) == Headline(measure, 0.4, "a" if best == 0.6 else "b", best)
    assert {name: verb for name, (verb, _) in outcomes(found, measures).items()} == dict(
        zip(baselines, verbs, strict=True)
    )


@pytest.mark.parametrize(
    ("own", "other", "greatest", "expected"),
    [
        (0.5, 1.0, False, (BEATS, "by 50.0%")),
        (1.0, 1.0, False, (EQUALS, "")),
        (0.9996, 1.0, False, (EQUALS, "")),  # by 0.0%
        (1.0004, 1.0, False, (EQUALS, "")),
        (1.5, 1.0, False, (LOSES, "by 50.0%")),
        (3.0, 1.0, False, (LOSES, "(3.0 times its error)")),
        (1.0, 0.0, False, (LOSES, "(which makes no error)")),
        (0.0, 0.0, False, (EQUALS, "")),
        (0.0, 1.0, False, (BEATS, "by 100.0%")),
        (0.75, 0.5, True, (BEATS, "by 0.250")),
        (0.5, 0.75, True, (LOSES, "by 0.250")),
        (0.5, 0.5, True, (EQUALS, "")),
        (0.5, 0.5004, True, (EQUALS, "")),
        (1.0, 0.0, True, (BEATS, "by 1.000")),
    ],
)
def test_one_against_another(own: float, other: float, greatest: bool, expected: tuple[str, str]):
    assert against(own, other, greatest=greatest) == expected


def test_outcomes_in_words():
    beaten, equal, lost = (BEATS, "by 3.0%"), (EQUALS, ""), (LOSES, "by 1.0%")
    assert told({"a": beaten, "b": beaten}) == "beats a by 3.0%, b by 3.0%"
    assert told({"a": equal}) == "equals a"
    assert told({"a": lost, "b": equal}) == "equals b but loses to a by 1.0%"
    assert told({"a": lost, "b": equal, "c": beaten}) == "beats c by 3.0%, equals b but loses to a by 1.0%"


def test_what_is_not_a_number_beats_nothing():
    found = {"windows": 10, "network": classes(float("nan")), "baselines": {"a": classes(0.5)}}
    assert outcomes(found, CLASS_MEASURES)["a"][0] == LOSES


def test_without_labels_nothing_decides():
    found = {"windows": 10, "network": {"flagged": 3}, "baselines": {"z": {"flagged": 1}}}
    assert headline(found, FLAGGED) == Headline("share flagged", 0.3, "z", 0.1)
    assert outcomes(found, FLAGGED) == {}
