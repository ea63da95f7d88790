"""Runs and baselines in one ranking, or a refusal that says why not."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from zoo.evaluation.comparison import Measured, against, cells, compare, comparison_page, heads, scaled_as
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
    )


@pytest.mark.parametrize(
    ("own", "other", "expected"),
    [
        (0.5, 1.0, (True, "by 50.0%")),
        (1.0, 1.0, (False, "by 0.0%")),
        (1.5, 1.0, (False, "by 50.0%")),
        (3.0, 1.0, (False, "(3.0 times its error)")),
        (1.0, 0.0, (False, "(which makes no error)")),
        (0.0, 0.0, (False, "(which makes no error)")),
    ],
)
def test_against(own: float, other: float, expected: tuple[bool, str]):
    assert against(own, other) == expected


def test_baselines_stand_in_the_ranking():
    rows = compare([run("one", 3.0), run("two", 1.0)])
    assert [(row.rank, row.name, row.baseline) for row in rows] == [
        (1, "two", False),
        (2, "ridge", True),
        (3, "one", False),
        (4, "last value", True),
    ]
    assert [row.scaled_mae for row in rows] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert rows[-1].scaled_mse == pytest.approx(0.25)
    assert [row.verdict for row in rows] == ["beats ridge by 50.0%", None, "loses to ridge by 50.0%", None]
    assert rows[0].mase == 0.25


def test_a_run_as_good_as_a_baseline_stands_before_it_but_does_not_beat_it():
    first, second, _ = compare([run("one", 2.0)])
    assert (first.name, second.name) == ("one", "ridge")
    assert first.verdict == "loses to ridge by 0.0%"


def test_a_baseline_that_differs_stands_there_for_each():
    rows = compare([run("one", 3.0), run("two", 1.0, ridge=2.5), run("three", 1.5, ridge=2.0 * (1 + 1e-12))])
    names = [row.name for row in rows if row.baseline]
    assert names == ["ridge of one, three", "ridge of two", "last value"]


def test_errors_are_brought_to_one_unit():
    runs = [run("one", 3.0, unit=10.0), run("two", 1.0, unit=0.5)]
    rows = compare(runs)
    assert {row.name: round(row.scaled_mae, 6) for row in rows} == {
        "two": 0.1,
        "ridge": 0.2,
        "one": 0.3,
        "last value": 0.4,
    }
    assert scaled_as(runs) == "errors are scaled as in one; two scaled otherwise (scaler or train rows)"
    assert scaled_as(runs[:1]) == ""


def test_mean_mase_of_several_targets():
    one = run("one", 3.0)
    for measured in (one.evaluation["network"], *one.evaluation["baselines"].values()):
        measured["targets"]["heat"] = {"mae": 1.0, "rmse": 1.0, "mase": 0.25}
    one.evaluation["unit"]["heat"] = 1.0
    rows = compare([one])
    network = next(row for row in rows if not row.baseline)
    assert network.mase_by_target == {"load": 0.75, "heat": 0.25}
    assert network.mase == 0.5
    assert network.scaled_mae == pytest.approx((0.3 + 1.0) / 2)
    assert "mean MASE" in heads(rows)


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


def test_other_sources_are_named():
    other = dataclasses.replace(run("two", 1.0, data="def"), source="b.csv")
    with pytest.raises(RunError, match=r"differ in data \(a\.csv and b\.csv\);"):
        compare([run("one", 1.0), other])


def test_the_same_data_elsewhere_is_ranked():
    assert compare([run("one", 1.0), dataclasses.replace(run("two", 1.0), source="b.csv")])


def test_a_record_without_units_is_refused():
    old = run("old", 1.0)
    del old.evaluation["unit"]
    with pytest.raises(RunError, match="run old does not say in which units"):
        compare([run("one", 1.0), old])


def test_cells_fit_the_heads():
    rows = compare([run("one", 3.0)])
    assert all(len(cells(row)) == len(heads(rows)) for row in rows)
    assert cells(rows[0]) == ("1", "ridge", "(baseline)", "0.2000", "0.0400", "0.5", "", "", "", "")


def test_the_page_is_escaped_and_whole():
    runs = [dataclasses.replace(run("<i>one</i>", 3.0, targets=["<b>"]), source="<script>.csv")]
    text = comparison_page(compare(runs), runs)
    assert text.startswith("<!DOCTYPE html>")
    assert "&lt;i&gt;one&lt;/i&gt;" in text
    assert "&lt;script&gt;.csv" in text
    assert not any(words in text for words in ("<script", "<i>", "<b>", "http:", "https:"))
    assert text.count("<tr") == 1 + 3
