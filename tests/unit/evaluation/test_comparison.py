"""Runs and baselines in one ranking, or a refusal that says why not."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from zoo.evaluation.comparison import Measured, cells, compare, heads, scaled_as
from zoo.evaluation.headline import CLASS_MEASURES, FORECAST_MEASURES, SERIES_MEASURES
from zoo.reports.comparison_page import comparison_page
from zoo.tasks import find_task
from zoo_registry.errors import RunError

SAME = {"data": "abc", "targets": ["load"], "task": "forecast", "horizon": 3, "gap": 0, "test rows": "row 9 to row 20"}


def errors(mae: float, rmse: float | None = None) -> dict[str, Any]:
    return {"targets": {"load": {"mae": mae, "rmse": mae if rmse is None else rmse, "mase": mae / 4}}}


def run(name: str, mae: float, *, ridge: float = 2.0, unit: float = 10.0, **same: Any) -> Measured:
    baselines = {"last value": errors(4.0, 5.0), "ridge": errors(ridge)}
    return Measured(
        name=name,
        source="a.csv",
        architecture="basic",
        parameters=1234,
        epochs=5,
        seconds=1.25,
        same=SAME | same,
        evaluation={"unit": {"load": unit}, "network": errors(mae), "baselines": baselines},
        measures=FORECAST_MEASURES,
    )


def test_baselines_stand_in_the_ranking():
    rows = compare([run("one", 3.0), run("two", 1.0)])
    assert [(row.rank, row.name, row.baseline) for row in rows] == [
        (1, "two", False),
        (2, "ridge", True),
        (3, "one", False),
        (4, "last value", True),
    ]
    assert [row.measures["scaled_mae"] for row in rows] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert rows[-1].measures["scaled_mse"] == pytest.approx(0.25)
    assert [row.verdict for row in rows] == ["beats ridge by 50.0%", None, "loses to ridge by 50.0%", None]
    assert rows[0].measures["mase"] == 0.25


def test_a_run_as_good_as_a_baseline_stands_before_it_but_does_not_beat_it():
    first, second, _ = compare([run("one", 2.0)])
    assert (first.name, second.name) == ("one", "ridge")
    assert first.verdict == "equals ridge"


def test_a_baseline_that_differs_stands_there_for_each():
    rows = compare([run("one", 3.0), run("two", 1.0, ridge=2.5), run("three", 1.5, ridge=2.0 * (1 + 1e-12))])
    names = [row.name for row in rows if row.baseline]
    assert names == ["ridge of one, three", "ridge of two", "last value"]


def test_errors_are_brought_to_one_unit():
    runs = [run("one", 3.0, unit=10.0), run("two", 1.0, unit=0.5)]
    rows = compare(runs)
    assert {row.name: round(row.measures["scaled_mae"], 6) for row in rows} == {
        "two": 0.1,
        "ridge": 0.2,
        "one": 0.3,
        "last value": 0.4,
    }
    assert scaled_as(runs) == "errors are scaled as in one; two scaled otherwise (scaler or train rows)"
    assert scaled_as(runs[:1]) == ""


def test_mase_of_runs_with_other_denominators_is_by_the_first_that_tells_them():
    old, new = run("old", 3.0), run("new", 1.0)
    new.evaluation["naive"] = {"load": 2.0}
    found = {row.name: row.measures["mase"] for row in compare([old, new])}
    assert found == {"old": 1.5, "new": 0.5, "ridge": 1.0, "last value": 2.0}
    new.evaluation["naive"] = {"load": None}
    assert {row.measures["mase"] for row in compare([old, new])} == {None}


def of_series(name: str, mase: float, mae: float, season: int = 24) -> Measured:
    """A run of several series, one of which is too short for the seasonal naive forecast."""
    found = run(name, mae)
    evaluation = found.evaluation | {"season": season}
    told = {"last value": (3.0, mase, 5), "ridge": (2.0, mase, 5), "seasonal naive": (1.0, mase / 2, 4)}
    evaluation["baselines"] = {
        baseline: errors(2.0)
        | {"series": {"count": count, "mase": own, "smape": 10 * own, "network_mase": network, "beaten": 0.5}}
        for baseline, (own, network, count) in told.items()
    }
    series = {"count": 5, "mase": mase, "smape": 10 * mase}
    evaluation["network"] = evaluation["network"] | {"series": series}
    return dataclasses.replace(found, evaluation=evaluation, measures=SERIES_MEASURES)


def test_runs_of_several_series_rank_by_mean_mase():
    rows = compare([of_series("one", mase=1.5, mae=1.0), of_series("two", mase=0.5, mae=9.0)])
    assert [row.name for row in rows] == ["two", "seasonal naive", "one", "ridge", "last value"]
    assert [row.measures["mase"] for row in rows] == [0.5, 1.0, 1.5, 2.0, 3.0]
    # each on the series that the baseline is for: 0.75 against 1, 1.5 against 2
    assert (rows[2].best_baseline, rows[2].verdict) == ("seasonal naive", "beats seasonal naive by 25.0%")
    assert heads(rows, SERIES_MEASURES)[3:6] == ("mean MASE", "mean sMAPE", "scaled MAE")
    assert cells(rows[0], SERIES_MEASURES)[3:6] == ("0.5", "5.0000", "0.9000")


def test_runs_of_several_series_with_other_seasons_are_not_ranked_together():
    with pytest.raises(RunError, match=r"they differ in season \(24 and 12\)"):
        compare([of_series("one", 1.5, 1.0), of_series("two", 0.5, 9.0, season=12)])


def test_a_run_of_before_that_measured_no_series_is_ranked_by_what_it_has():
    runs = [of_series("new", mase=0.5, mae=9.0), run("old", 1.0)]
    for order in (runs, runs[::-1]):
        rows = compare(order)
        assert [row.name for row in rows if not row.baseline] == ["old", "new"]
        assert "mean MASE" not in comparison_page(rows, order)
        assert "the least scaled MAE comes first" in comparison_page(rows, order)


def test_mean_mase_of_several_targets():
    one = run("one", 3.0)
    for measured in (one.evaluation["network"], *one.evaluation["baselines"].values()):
        measured["targets"]["heat"] = {"mae": 1.0, "rmse": 1.0, "mase": 0.25}
    one.evaluation["unit"]["heat"] = 1.0
    rows = compare([one])
    network = next(row for row in rows if not row.baseline)
    assert network.measures["mase_by_target"] == {"load": 0.75, "heat": 0.25}
    assert network.measures["mase"] == 0.5
    assert network.measures["scaled_mae"] == pytest.approx((0.3 + 1.0) / 2)
    assert "mean MASE" in heads(rows, one.measures)


@pytest.mark.parametrize(
    ("same", "words"),
    [
        ({"horizon": 6}, "horizon (3 and 6);"),
        ({"gap": 2}, "gap (0 and 2);"),
        ({"targets": ["load", "heat"]}, "targets (load and load, heat);"),
        ({"test rows": "row 1 to row 2"}, "test rows (row 9 to row 20 and row 1 to row 2);"),
        ({"data": "def"}, "data (a.csv and other columns or values);"),
        ({"targets": ["x" * 200], "gap": 1}, "targets, gap (0 and 1);"),
    ],
)
def test_other_circumstances_are_refused(same: dict[str, Any], words: str):
    with pytest.raises(RunError) as refused:
        compare([run("one", 1.0), run("two", 1.0), run("three", 1.0, **same)])
    assert str(refused.value) == (
        f"runs one and three cannot be ranked together, as they differ in {words} compare runs of the same data,"
        " test rows, targets and horizon"
    )


def test_other_sources_are_named_but_where_the_data_are_the_same():
    other = dataclasses.replace(run("two", 1.0, data="def"), source="b.csv")
    with pytest.raises(RunError, match=r"differ in data \(a\.csv and b\.csv\);"):
        compare([run("one", 1.0), other])
    assert compare([run("one", 1.0), dataclasses.replace(run("two", 1.0), source="b.csv")])


def classes(name: str, log_loss: float, roc_auc: float | None = 0.75) -> Measured:
    def told(loss: float) -> dict[str, Any]:
        return {"log_loss": loss, "accuracy": 0.6, "balanced_accuracy": 0.5, "f1": 0.4, "roc_auc": roc_auc}

    evaluation = {"network": told(log_loss), "baselines": {"majority class": told(0.7)}}
    one = run(name, 0.0, task="classify", classes=["down", "up"])
    return dataclasses.replace(one, evaluation=evaluation, measures=CLASS_MEASURES)


def anomalies(name: str, precision: float | None) -> Measured:
    def told(value: float | None) -> dict[str, Any]:
        found = {"threshold": 2.0, "flagged": 3}
        known = {"average_precision": value, "precision": 0.5, "recall": 1, "f1": 0.1}
        return found if value is None else found | known

    baselines = {"z-score of differences": told(precision and 0.5)}
    evaluation = {"windows": 10, "network": told(precision), "baselines": baselines}
    measures = find_task("anomaly").measures_of(evaluation)
    return dataclasses.replace(run(name, 0.0, task="anomaly", labels="odd"), evaluation=evaluation, measures=measures)


def test_classes_rank_by_log_loss():
    runs = [classes("one", 0.8), classes("two", 0.35)]
    rows, ranking = compare(runs), runs[0].measures
    assert [row.name for row in rows] == ["two", "majority class", "one"]
    assert heads(rows, ranking)[3:8] == ("log loss", "accuracy", "balanced accuracy", "F1", "ROC AUC")
    assert cells(rows[0], ranking)[3:8] == ("0.3500", "0.6000", "0.5000", "0.4000", "0.7500")
    assert rows[0].plain()["log_loss"] == 0.35
    assert "measures" not in rows[0].plain()
    assert "the least log loss comes first" in comparison_page(rows, runs)


def test_a_measure_that_is_not_there_is_left_empty():
    runs = [classes("one", 0.8, roc_auc=None), classes("two", 0.9, roc_auc=None)]
    rows = compare(runs)
    assert len(rows) == 3
    assert {cells(row, runs[0].measures)[7] for row in rows} == {""}


def test_anomalies_rank_by_average_precision_the_greatest_first():
    runs = [anomalies("one", 0.25), anomalies("two", 0.75)]
    rows, ranking = compare(runs), runs[0].measures
    assert [row.name for row in rows] == ["two", "z-score of differences", "one"]
    assert heads(rows, ranking)[3:7] == ("average precision", "precision", "recall", "F1")
    assert cells(rows[0], ranking)[3:7] == ("0.7500", "0.5000", "1.0000", "0.1000")
    assert rows[0].verdict == "beats z-score of differences by 0.250"
    assert "the greatest average precision comes first" in comparison_page(rows, runs)
    assert compare([anomalies("three", 0.5)])[0].verdict == "equals z-score of differences"


def without_units(name: str) -> Measured:
    old = run(name, 1.0)
    del old.evaluation["unit"]
    return old


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([run("one", 1.0), classes("two", 0.5)], "task (forecast and classify), classes (None and down, up);"),
        ([classes("one", 0.5), anomalies("two", 0.5)], "task (classify and anomaly)"),
        ([anomalies("one", 0.25), anomalies("two", None)], "run two has no labelled anomalies in its test rows"),
        ([run("one", 1.0), without_units("old")], "run old does not say in which units"),
    ],
)
def test_what_cannot_be_ranked_together(runs: list[Measured], words: str):
    with pytest.raises(RunError) as refused:
        compare(runs)
    assert words in str(refused.value)


def test_cells_and_the_page():
    runs = [run("one", 3.0)]
    rows, ranking = compare(runs), runs[0].measures
    assert all(len(cells(row, ranking)) == len(heads(rows, ranking)) for row in rows)
    assert cells(rows[0], ranking) == ("1", "ridge", "(baseline)", "0.2000", "0.0400", "0.5", "", "", "", "")
    runs = [dataclasses.replace(run("<i>one</i>", 3.0, targets=["<b>"]), source="<script>.csv")]
    text = comparison_page(compare(runs), runs)
    assert text.startswith("<!DOCTYPE html>")
    assert "&lt;i&gt;one&lt;/i&gt;" in text
    assert "&lt;script&gt;.csv" in text
    assert not any(words in text for words in ("<script", "<i>", "<b>", "http:", "https:"))
    assert text.count("<tr") == 1 + 3
