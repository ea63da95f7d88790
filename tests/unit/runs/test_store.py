"""The run folder: complete, readable again, and written whole or not at all."""

from __future__ import annotations

import csv
import errno
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from zoo.acceleration.step_plan import Plan
from zoo.models.network import build_network
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.runs import store as run_folder
from zoo.runs.record import new_run_id, read_record
from zoo.runs.store import load_network, make_record, write_run
from zoo.training.step_count import Pace
from zoo.training.trainer import Fitted
from zoo_registry import discover

HISTORY = {"loss": [3.0, 2.0, 1.0], "val_loss": [3.5, 1.25, 1.5]}
ENGINE = {
    "engine": "fused",
    "parts": 2,
    "steps_per_execution": 8,
    "jit": False,
    "rounds": 1,
    "fused": ("LSTM(2)",),
    "not_fused": (),
    "threads": {"intra": 1, "inter": 2},
}
EVALUATION = {"network": {}, "baselines": {}, "skipped": {}, "verdict": "good"}
FILES = {"run.json", "model.keras", "history.csv", "scalers.joblib", "preprocessing.json", "files.sha256"}


@pytest.fixture
def finished(prepared):
    """What a training of three epochs gives to write: record, data and network."""
    from zoo.settings.resolve import resolve

    entry = discover().catalogue["basic"]
    settings = {"source": "DataFrame", "target": "load", "window": 8, "horizon": 3}
    config = resolve("basic", entry.item, {"units": 2}, settings)
    network = build_network(entry.item, entry.item.configure(config.hyperparameters), prepared.shape)
    pace = Pace(10, 4)
    how = {"config": config.training, "pace": pace, "plan": Plan("fused", 2, 8), "engine": ENGINE}
    fitted = Fitted(network, HISTORY, best_epoch=2, val_loss=HISTORY["val_loss"][1], seconds=1.23456, **how)
    record = make_record("20240101-120000-basic", config, entry, prepared, fitted, EVALUATION)
    return record, prepared, fitted


def test_a_run_is_complete_and_readable_again(finished, tmp_path):
    record, prepared, fitted = finished
    folder = write_run(tmp_path / "new" / "runs", record, prepared, fitted)
    assert folder == tmp_path / "new" / "runs" / record.id
    assert {path.name for path in folder.iterdir()} == FILES
    assert [path.name for path in folder.parent.iterdir()] == [record.id]
    assert folder.stat().st_mode & 0o777 == 0o755
    assert read_record(folder) == record

    reloaded = load_network(folder)
    windows = prepared.parts["test"].inputs()[:5]
    np.testing.assert_array_equal(reloaded(windows), fitted.model(windows))
    again = Preprocessor.load(folder)
    assert again.parameters() == prepared.preprocessor.parameters()


def test_a_report_is_published_with_the_run(finished, tmp_path):
    folder = write_run(tmp_path, *finished, "<!DOCTYPE html>")
    assert {path.name for path in folder.iterdir()} == FILES | {"report.html"}
    assert (folder / "report.html").read_text(encoding="utf-8") == "<!DOCTYPE html>"


def test_history_has_a_row_for_each_epoch(finished, tmp_path):
    folder = write_run(tmp_path, *finished)
    with (folder / "history.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    for name, values in HISTORY.items():
        assert [float(row[name]) for row in rows] == values


def test_history_tells_the_learning_rate(trained):
    with (trained.folder / "history.csv").open(newline="", encoding="utf-8") as file:
        assert [float(row["learning_rate"]) for row in csv.DictReader(file)] == pytest.approx([1e-3, 1e-3])


def test_the_record(finished):
    record, prepared, fitted = finished
    assert record.training.model_dump() == {
        "epochs": 3,
        "best_epoch": 2,
        "validate_every": 4,
        "steps": 10,
        "best_step": 8,
        "seconds": 1.235,
        "started_from": None,
        "loss": 2.0,
        "val_loss": 1.25,
        "parameters": fitted.model.count_params(),
        "engine": ENGINE,
    }
    chosen = record.config.training
    assert (chosen.engine, chosen.batch_parts, chosen.steps_per_execution, chosen.xla) == ("fused", 2, 8, None)
    assert record.plugin.distribution == "lstm-zoo"
    assert {"python", "lstm-zoo", "tensorflow", "keras", "numpy", "onnx"} <= record.versions.keys()
    assert record.problem == prepared.problem
    assert (record.problem.features, record.problem.targets) == (("load", "temperature"), ("load",))
    data = record.data
    assert (data.rows, data.fingerprint, data.repairs.model_dump()) == (240, prepared.table.fingerprint(), {})
    assert {name: (part.rows, part.windows) for name, part in data.split.items()} == {
        "train": ((0, 168), len(prepared.parts["train"])),
        "validation": ((168, 204), len(prepared.parts["validation"])),
        "test": ((204, 240), len(prepared.parts["test"])),
    }
    assert data.split["train"].first == "row 1 (2024-01-01 00:00:00)"
    assert data.split["test"].last == "row 240 (2024-01-10 23:00:00)"


def test_a_taken_id_gets_a_number(finished, tmp_path):
    names = [write_run(tmp_path, *finished).name for _ in range(3)]
    first = finished[0].id
    assert names == [first, f"{first}-2", f"{first}-3"]
    assert [read_record(tmp_path / name).id for name in names] == names


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("owner", "step"),
    [
        (keras.Model, "save"),
        (Preprocessor, "save"),
        (run_folder, "_write_history"),
        (Path, "write_text"),
        (Path, "rename"),
    ],
)
def test_a_write_that_fails_leaves_nothing_behind(finished, tmp_path, monkeypatch, owner, step):
    monkeypatch.setattr(owner, step, full)
    with pytest.raises(OSError, match="No space left"):
        write_run(tmp_path, *finished)
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_other_runs_alone(finished, tmp_path, monkeypatch):
    folder = write_run(tmp_path, *finished)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(run_folder, "_write_history", full)
    with pytest.raises(OSError, match="No space left"):
        write_run(tmp_path, *finished)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert list(tmp_path.iterdir()) == [folder]


def test_ids_sort_by_time_and_are_folder_names():
    assert re.fullmatch(r"\d{8}-\d{6}-basic", new_run_id("basic"))
    assert re.fullmatch(r"\d{8}-\d{6}-some-distribution-basic", new_run_id("some-distribution:basic"))
