"""What a training prints, for each kind of answer; forecasts are tested by the main job."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from zoo.cli.results import print_results, to_export
from zoo.runs.record import RunRecord


def record_of(trained: Any, task: str, evaluation: dict[str, Any]) -> RunRecord:
    content = trained.record.model_dump()
    content["config"]["data"] |= {"task": task, "horizon": 1}
    content["problem"] |= {"task": task, "horizon": 1}
    content["evaluation"] = {"windows": 1000, "left_out": 0, "skipped": {}, "verdict": "So."} | evaluation
    return RunRecord.model_validate(content)


def classes(log_loss: float, confusion: list[list[int]], roc_auc: float | None = 0.5) -> dict[str, Any]:
    told = {"log_loss": log_loss, "accuracy": 0.6, "balanced_accuracy": 0.7, "f1": 0.8, "roc_auc": roc_auc}
    return told | {"confusion": confusion}


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_what_exports_a_run_names_a_folder_of_runs_that_is_not_the_usual_one():
    usual, other = (SimpleNamespace(id="one", folder=Path(runs) / "one") for runs in ("runs", "my runs"))
    assert (to_export(usual), to_export(other)) == ("zoo export one", "zoo export one --runs 'my runs'")


def test_classes(trained, capsys):
    evaluation = {
        "classes": ["down", "up"],
        "network": classes(0.1234, [[1200, 2], [3, 4]]),
        "baselines": {"majority class": classes(0.5, [[5, 0], [7, 0]], roc_auc=None)},
        "skipped": {"logistic regression": "too wide"},
    }
    print_results(record_of(trained, "classify", evaluation))
    told = words(capsys.readouterr().out)
    assert ["network", "0.1234", "0.6000", "0.7000", "0.8000", "0.5000"] in told
    assert ["majority", "class", "0.5000", "0.6000", "0.7000", "0.8000"] in told
    assert ["truth,", "by", "the", "network", "told", "down", "told", "up"] in told
    assert ["down", "1,200", "2"] in told
    assert ["up", "3", "4"] in told
    assert ["logistic", "regression:", "not", "computed,", "too", "wide"] in told


def test_many_classes_are_left_to_the_report(trained, capsys):
    names = [f"c{number}" for number in range(30)]
    network = classes(0.1, [[1] * 30] * 30)
    print_results(record_of(trained, "classify", {"classes": names, "network": network, "baselines": {"m": network}}))
    assert "which of the 30 classes is taken for which: see the report" in capsys.readouterr().out


@pytest.mark.parametrize("labelled", [True, False])
def test_anomalies(trained, capsys, labelled):
    measures = {"average_precision": 0.25, "precision": 0.5, "recall": 0.75, "f1": 0.6} if labelled else {}
    evaluation = {
        "quantile": 0.995,
        "threshold": 2.5,
        "anomalies": 4 if labelled else None,
        "left_out": 3,
        "network": {"threshold": 2.5, "flagged": 7, **measures},
        "baselines": {"z-score of differences": {"threshold": 3.5, "flagged": 9, **measures}},
    }
    print_results(record_of(trained, "anomaly", evaluation))
    out = capsys.readouterr().out
    assert ["network", "2.5", "7", *(["0.2500", "0.5000", "0.7500", "0.6000"] if labelled else [])] in words(out)
    assert "(3 left out: a value or label is missing)" in out
    end = "; labelled as anomalies: 4" if labelled else ""
    assert (
        "threshold: the 99.50% quantile of the validation scores; flagged by the network: 7 of 1,000 test rows"
        f"{end}\n" in out
    )
    assert ("average precision" in out) == labelled
