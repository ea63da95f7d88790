"""``zoo bundles`` and ``zoo gc``: what they say of a folder of models, without a heavy library."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.removal import staging_name
from zoo_registry import Tensor

FIXTURE = Path(__file__).parents[2] / "fixtures" / "bundle-v1"
HEAVY = ("tensorflow", "keras", "pandas", "sklearn", "numpy", "onnx", "onnxruntime", "scipy")


@pytest.fixture
def models(tmp_path):
    """Two models; the newest version of the first has a manifest that was changed."""
    exported = tmp_path / "exported"
    for name in ("mine/1", "mine/2", "other/7"):
        shutil.copytree(FIXTURE, exported / name)
    with (exported / "mine" / "2" / "manifest.json").open("a") as file:
        file.write(" ")
    return exported


def test_bundles_for_people(zoo_command, models):
    done = zoo_command("bundles")
    assert done.exit_code == 0
    heads, *rows = (line.split() for line in done.stdout.splitlines())
    assert heads[:5] == ["model", "version", "task", "architecture", "created"]
    assert [row[:2] for row in rows] == [["mine", "1"], ["mine", "2"], ["other", "7"]]
    assert rows[0][2:4] == ["forecast", "basic"]
    assert " ".join(rows[0][5:]) == "scaled MAE 0.8823 ridge 0.005237 0.11 MB reads"
    assert rows[1][-1] == "UNREADABLE"
    assert done.stderr.startswith("warning: exported/mine/2/manifest.json: ")


def test_bundles_for_programs(zoo_command, models):
    found = json.loads(zoo_command("bundles", models, "--json").stdout)
    assert [(bundle["model"], bundle["version"], bundle["error"] is None) for bundle in found] == [
        ("mine", 1, True),
        ("mine", 2, False),
        ("other", 7, True),
    ]
    manifest = json.loads((FIXTURE / "manifest.json").read_text())
    first = found[0]
    assert first["created"] == manifest["created"]
    assert first["network"] == manifest["metrics"]["network"]["scaled"]["mae"]
    assert (first["measure"], first["baseline"]) == ("scaled MAE", "ridge")
    assert first["baseline_value"] == manifest["metrics"]["baselines"]["ridge"]["scaled"]["mae"]
    assert first["bytes"] == sum(path.stat().st_size for path in FIXTURE.rglob("*") if path.is_file())


SCORES = (Tensor(name="score", dtype="float32", shape=(1,)), Tensor(name="is_anomaly", dtype="bool", shape=(1,)))
ANOMALY = {"task": "anomaly", "outputs": SCORES}
SHARES = (Tensor(name="probabilities", dtype="float32", shape=(2,)),)
ERRORS = {"targets": {"a": {"mae": 1.0, "rmse": 1.0, "mase": 1.0}}}
CLASSES = {"task": "classify", "outputs": SHARES, "classes": ("a", "b"), "targets": ("load",), "horizon": 1}


@pytest.mark.parametrize(
    ("problem", "metrics", "measure"),
    [
        (ANOMALY, {"network": {"flagged": 3}, "baselines": {"z": {"flagged": 2}}}, None),  # before there were windows
        (ANOMALY, {"windows": 30, "network": {"flagged": 3}, "baselines": {"z": {"flagged": 6}}}, "share flagged"),
        (CLASSES, {"network": {"log_loss": 0.5}, "baselines": {"majority": {"log_loss": 0.7}}}, "log loss"),
        ({}, {"network": {"flagged": 3}, "baselines": {"z": {"flagged": 2}}}, None),
        ({}, {"unit": {"a": 0.0}, "network": ERRORS, "baselines": {"z": ERRORS}}, None),
    ],
)
def test_bundles_of_other_measures(zoo_command, models, problem, metrics, measure):
    from zoo.bundle.manifest import Manifest

    folder = models / "mine" / "1"
    manifest = Manifest.read(folder)
    changes = {
        "problem": manifest.problem.model_copy(update=problem),
        "metrics": {"skipped": {}, "verdict": ""} | metrics,
        "threshold": 1.0,
    }
    manifest.model_copy(update=changes).write(folder)
    found = json.loads(zoo_command("bundles", "--json").stdout)[0]
    assert (found["measure"], found["error"]) == (measure, None)
    assert zoo_command("bundles").exit_code == 0


@pytest.mark.parametrize("command", ["bundles", "gc"])
def test_nothing_there(zoo_command, command):
    done = zoo_command(command)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.startswith("exported")
    assert zoo_command("bundles", "--json").stdout == "[]\n"


@pytest.mark.parametrize("arguments", [("bundles", "a-file"), ("gc", "a-file"), ("gc", "--runs", "a-file")])
def test_a_file_in_a_folder_s_place(zoo_command, tmp_path, arguments):
    (tmp_path / "a-file").write_text("")
    done = zoo_command(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "expected a folder, found the file a-file" in done.stderr


def test_gc(zoo_command, models, tmp_path):
    from zoo.atomic import staging_folder

    left = [models / "mine" / staging_name(), tmp_path / "runs" / staging_name()]
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "data").write_text("x" * 1500)
    listed = [{"path": str(path.relative_to(tmp_path)), "bytes": 1500} for path in left]
    with staging_folder(models / "other") as living:
        done = zoo_command("gc", "--dry-run", "--json")
        in_use = str(living.relative_to(tmp_path))
        assert json.loads(done.stdout) == {"dry_run": True, "removed": listed, "bytes": 3000, "in_use": [in_use]}
        assert "would be removed" in zoo_command("gc", "--dry-run").stdout
        assert all(path.exists() for path in left)

        done = zoo_command("gc")
        assert done.stderr == f"{in_use}: in use, it stays\n"
        heads, *rows = (line.split() for line in done.stdout.splitlines())
        assert heads == ["removed", "bytes"]
        assert rows == [[entry["path"], "1,500"] for entry in listed] + [["total", "3,000"]]
        assert living.exists()
    assert not any(path.exists() for path in left)
    assert zoo_command("gc").stderr == "exported, runs: nothing was left by killed exports, trainings or predictions\n"
    assert {path.name for path in models.glob("*/*")} == {"1", "2", "7"}


def test_repair_06_gc_finds_staging_wherever_the_zoo_writes(zoo_command, tmp_path):
    places = (".", "exported", "runs", "backtests", "studies/one", "forecasts/north")
    for place in places:
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / staging_name()).write_text("half")
    (tmp_path / ".staging-foo").write_text("of the user's")
    removed = [entry["path"] for entry in json.loads(zoo_command("gc", "--json").stdout)["removed"]]
    assert [Path(path).parent.as_posix() for path in removed] == ["exported", "runs", ".", "backtests", "studies/one"]
    (removed,) = json.loads(zoo_command("gc", "--also", "forecasts", "--also", ".", "--json").stdout)["removed"]
    assert Path(removed["path"]).parent == Path("forecasts/north")
    assert [path.name for path in tmp_path.rglob(".staging-*")] == [".staging-foo"]


@pytest.mark.parametrize("arguments", [("bundles",), ("gc",), ("bundles", "--help"), ("gc", "--help")])
def test_no_heavy_library_is_loaded(models, tmp_path, arguments):
    program = (
        "import sys\nfrom zoo.cli import main\n"
        "try:\n    main()\n"
        f"finally:\n    assert not [name for name in {HEAVY} if name in sys.modules]\n"
    )
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    if "--help" in arguments:
        assert "Examples:\n" in done.stdout
