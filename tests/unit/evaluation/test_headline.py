"""One measure decides, whatever was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.evaluation.headline import NO_LABELS, Headline, headline, losses


def forecast(mae: float) -> dict[str, Any]:
    return {"targets": {}, "scaled": {"mae": mae, "mse": mae}}


def classes(log_loss: float) -> dict[str, Any]:
    return {"log_loss": log_loss, "accuracy": 0.5}


def anomalies(precision: float) -> dict[str, Any]:
    return {"flagged": 2, "average_precision": precision}


@pytest.mark.parametrize(
    ("made", "measure", "best", "lost"),
    [
        (forecast, "scaled MAE", 0.2, ["b"]),
        (classes, "log loss", 0.2, ["b"]),
        (anomalies, "average precision", 0.6, ["a"]),
    ],
)
def test_the_measure_that_decides(made: Any, measure: str, best: float, lost: list[str]):
    found = {"windows": 10, "network": made(0.4), "baselines": {"a": made(0.6), "b": made(0.2)}}
    assert headline(found) == Headline(measure, 0.4, "a" if best == 0.6 else "b", best)
    assert losses(found) == lost


@pytest.mark.parametrize("made", [forecast, classes, anomalies])
def test_as_good_as_a_baseline_is_a_loss(made: Any):
    assert losses({"windows": 10, "network": made(0.5), "baselines": {"a": made(0.5)}}) == ["a"]


def test_what_is_not_a_number_beats_nothing():
    assert losses({"windows": 10, "network": classes(float("nan")), "baselines": {"a": classes(0.5)}}) == ["a"]


def test_without_labels_nothing_decides():
    found = {"windows": 10, "network": {"flagged": 3}, "baselines": {"z": {"flagged": 1}}}
    assert headline(found) == Headline(NO_LABELS, 0.3, "z", 0.1)
    assert losses(found) == []
