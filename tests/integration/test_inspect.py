"""``zoo inspect`` through the command, without TensorFlow."""

from __future__ import annotations

import json
import sys

import pytest


@pytest.fixture(autouse=True)
def without_tensorflow(monkeypatch):
    for module in ("tensorflow", "keras", "tf2onnx"):
        monkeypatch.setitem(sys.modules, module, None)  # importing it raises ImportError


def test_the_example_shows_its_drift(zoo_command, tmp_path):
    found = json.loads(zoo_command("inspect", "--json").stdout)
    parts = found["columns"]["co2"]["parts"]
    assert parts["test"]["outside"] == 1.0
    assert parts["test"]["drift"] > 3
    assert parts["train"]["missing"] == found["repairs"]["missing"]["values"]["co2"] == 59

    shown = zoo_command("inspect", "--plot", "co2.png")
    assert shown.exit_code == 0, shown.output
    assert "missing values, filled by interpolate: 59 in 'co2'" in shown.stdout
    assert "100.0%" in shown.stdout
    assert shown.stderr == "drawn: co2.png\n"
    assert (tmp_path / "co2.png").read_bytes().startswith(b"\x89PNG")


def test_ticks(zoo_command):
    found = json.loads(zoo_command("inspect", "--data", "example:ticks", "--scaler", "huber", "--json").stdout)
    assert found["features"] == ["price", "return_bp", "volume"], "the anomaly's mark is no feature"
    assert found["time"] == {
        "column": "time", "zone": "UTC", "step": "min", "uneven_steps": 0, "first_uneven": None
    }  # fmt: skip


def test_the_usual_split_of_etth1(zoo_command, etth1):
    split = ("--split", "8640,2880,2880", "--window", 336, "--horizon", 96)
    found = json.loads(zoo_command("inspect", "--data", etth1, "--target", "OT", *split, "--json").stdout)
    assert found["parts"]["train"]["rows"] == 8640
    assert found["parts"]["test"]["windows"] == 2880 - 96 + 1


@pytest.mark.parametrize("plot", ["a.txt", "nix/a.png", "a"])
def test_a_picture_that_cannot_be_drawn(zoo_command, tmp_path, plot):
    done = zoo_command("inspect", "--plot", plot)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --plot: expected a .png, .svg or .pdf file in a folder that is there")
    assert list(tmp_path.iterdir()) == []


def test_a_season_that_nothing_tells_is_unknown(zoo_command, tmp_path):
    rows = "".join(f"{number},{number % 7}.5\n" for number in range(60))
    (tmp_path / "counts.csv").write_text(f"ds,y\n{rows}", encoding="utf-8")
    size = ("--window", "4", "--horizon", "2")
    done = zoo_command("inspect", "--data", str(tmp_path / "counts.csv"), "--target", "y", *size)
    assert "season: unknown; an exported model computes in float32\n" in done.stdout
    assert "season: 7 rows; " in zoo_command("inspect", "--data", "example:panel").stdout
