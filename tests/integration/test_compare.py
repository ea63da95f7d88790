"""``zoo compare``: a ranking without TensorFlow, and refusals in one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zoo.runs.record import RunRecord


@pytest.fixture
def write(trained, tmp_path: Path) -> Callable[..., Path]:
    """``write("one", mae=2.0, horizon=6, …)``: a run like the tiny one, with other results or settings."""

    def run(
        name: str, mae: float = 1.0, folder: str = "runs", test: dict[str, Any] | None = None, **changes: Any
    ) -> Path:
        content = json.loads(trained.record.model_dump_json()) | {"id": name}
        content["evaluation"]["network"]["targets"]["load"] |= {"mae": mae, "rmse": mae}
        parts = [content["problem"], content["data"], content["config"]["data"], content["evaluation"]]
        for key, value in changes.items():
            next(part for part in parts if key in part)[key] = value
        if "targets" in changes:
            network = content["evaluation"]["network"]["targets"]
            network[changes["targets"][0]] = network.pop("load")
        content["data"]["split"]["test"] |= test or {}
        path = tmp_path / folder / name
        path.mkdir(parents=True)
        record = RunRecord.model_validate(content)
        (path / "run.json").write_text(record.model_dump_json(), encoding="utf-8")
        return path

    return run


def test_the_ranking_for_people(write, zoo_command):
    write("20240101-one", mae=0.001)
    write("20240102-two", mae=50.0)
    done = zoo_command("compare", "20240102", "20240101", "latest")
    assert (done.exit_code, done.stderr) == (0, "")
    head, *rows = done.stdout.splitlines()
    assert head.split("  ")[0] == "rank"
    assert [row.split()[0] for row in rows] == ["1", "2", "3", "4", "5"]
    assert rows[0].split()[1:3] == ["20240101-one", "basic"]
    assert "beats ridge by" in rows[0]
    assert rows[-1].split()[1] == "20240102-two"
    assert "loses to ridge (" in rows[-1]
    assert sum("(baseline)" in row for row in rows) == 3


def test_the_ranking_for_programs(write, zoo_command, trained):
    write("one", mae=0.001)
    write("two", mae=50.0)
    rows = json.loads(zoo_command("compare", "one", "two", "--json").stdout)
    assert [row["name"] for row in rows if not row["baseline"]] == ["one", "two"]
    assert {row["name"]: row["scaled_mae"] for row in rows if row["baseline"]} == pytest.approx(
        {name: own["scaled"]["mae"] for name, own in trained.metrics["baselines"].items()}
    )
    assert rows[0]["parameters"] == trained.record.training.parameters
    assert rows[0]["mase_by_target"].keys() == {"load"}


def test_the_page(write, zoo_command, tmp_path):
    write("one")
    write("two", mae=2.0)
    done = zoo_command("compare", "one", "two", "--html", tmp_path / "page.html")
    assert done.stdout.splitlines()[-1] == f"page: {tmp_path / 'page.html'}"
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.count("<tr") == 1 + 5
    assert all(words in text for words in ("one", "two", "seasonal naive", "(baseline)"))
    assert not any(words in text for words in ("<script", "http:", "https:"))


@pytest.fixture
def judged(write):
    """``judged("one", "classify", 0.5)``: a run of another task, of which the deciding measure is given."""

    def run(name: str, task: str, own: float | None, label: str = "odd", classes: tuple[str, ...] = ("a", "b")) -> Path:
        path = write(name)
        content = json.loads((path / "run.json").read_text(encoding="utf-8"))
        content["problem"] |= {"task": task}
        content["config"]["data"] |= {"task": task, "label": label if task == "anomaly" else None}

        def told(value: float | None) -> dict[str, Any]:
            if task == "classify":
                return {"log_loss": value, "accuracy": 0.5, "balanced_accuracy": 0.5, "f1": 0.5, "roc_auc": None}
            found: dict[str, Any] = {"threshold": 1.0, "flagged": 3}
            if value is None:
                return found
            return found | {"average_precision": value, "precision": 0.5, "recall": 0.5, "f1": 0.5}

        baseline = "majority class" if task == "classify" else "z-score of differences"
        content["evaluation"] = {
            "windows": 34,
            "classes": list(classes),
            "network": told(own),
            "baselines": {baseline: told(own and 0.5)},
            "skipped": {},
            "verdict": "Told elsewhere.",
        }
        (path / "run.json").write_text(json.dumps(content), encoding="utf-8")
        return path

    return run


@pytest.mark.parametrize(
    ("task", "measure", "order"),
    [
        ("classify", "log loss", ["two", "(baseline)", "one"]),
        ("anomaly", "average precision", ["one", "(baseline)", "two"]),
    ],
)
def test_other_tasks_are_ranked_by_their_own_measure(judged, zoo_command, task, measure, order):
    judged("one", task, 0.8)
    judged("two", task, 0.2)
    done = zoo_command("compare", "one", "two", "--html", "page.html")
    assert (done.exit_code, done.stderr) == (0, "")
    head, *rows, _ = done.stdout.splitlines()
    assert measure in head
    assert [next(name for name in order if name in row) for row in rows] == order
    assert "beats" in rows[0]
    assert "loses to" in rows[2]
    assert f"{measure} comes first" in Path("page.html").read_text(encoding="utf-8")
    found = json.loads(zoo_command("compare", "one", "two", "--json").stdout)
    assert [row[measure.replace(" ", "_")] for row in found] == sorted((0.2, 0.5, 0.8), reverse=task == "anomaly")


def test_other_tasks_that_do_not_belong_together(judged, write, refused):
    write("forecast")
    judged("classes", "classify", 0.5)
    judged("others", "classify", 0.5, classes=("a", "c"))
    judged("odd", "anomaly", 0.5)
    judged("odder", "anomaly", 0.5, label="odder")
    judged("unknown", "anomaly", None)
    refused("compare forecast classes", "task (forecast and classify), classes (None and a, b);")
    refused("compare classes odd", "task (classify and anomaly)")
    refused("compare classes others", "differ in classes (a, b and a, c);")
    refused("compare odd odder", "differ in labels (odd and odder);")
    refused("compare odd unknown", "run unknown has no labelled anomalies in its test rows")


def test_runs_of_two_folders_with_one_name(write, zoo_command):
    first, second = write("one"), write("one", mae=2.0, folder="others")
    lines = zoo_command("compare", first, second).stdout.splitlines()
    assert sum(str(first) in line for line in lines) == sum(str(second) in line for line in lines) == 1


def test_units_that_differ_are_told(write, zoo_command, trained):
    unit = trained.metrics["unit"]["load"]
    write("one")
    write("two", unit={"load": unit * 2})
    done = zoo_command("compare", "one", "two", "--json")
    assert done.stderr == "errors are scaled as in one; two scaled otherwise (scaler or train rows)\n"
    assert len({row["scaled_mae"] for row in json.loads(done.stdout) if not row["baseline"]}) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"horizon": 6}, "horizon (3 and 6);"),
        ({"gap": 1}, "gap (0 and 1);"),
        ({"stride": 2, "windows": 17}, "test windows (34 and 17), stride (1 and 2);"),
        ({"fingerprint": "0" * 64}, "data (DataFrame and other columns or values);"),
        ({"test": {"first": "row 200"}}, "test rows ("),
        ({"targets": ["temperature"]}, "targets (load and temperature);"),
    ],
    ids=str,
)
def test_runs_that_do_not_belong_together(write, refused, changes, words):
    write("one")
    write("two", **changes)
    refused("compare one two --html page.html", "runs one and two cannot be ranked together", words)


def test_other_refusals(write, refused):
    refused("compare latest", "there are no runs")
    write("one")
    refused("compare one three", "there is no run 'three'")
    refused("compare one --html nowhere/page.html", "--html: expected a file in a folder that is there")
    refused("compare one --html runs", "--html: expected a file in a folder that is there")
    refused("compare", "Missing argument")


def test_it_needs_no_tensorflow(write, tmp_path):
    write("one")
    program = (
        "import sys; from zoo.cli.main import app;"
        " app(['compare', 'one', '--html', 'page.html'], standalone_mode=False);"
        " print([name for name in ('tensorflow', 'keras', 'pandas', 'sklearn', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
