"""One file in a worker: what it answers, what it refuses, and that nothing half-written is left of it."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from zoo.bundle.loading import load_bundle
from zoo.data.readers.csv_files import CsvFormat
from zoo.inference.file_scoring import ScoreTask, Way, _load, score_file
from zoo.inference.input_files import InputFile
from zoo.workers.process_pool import LocalFile
from zoo_registry.errors import BundleError, ConfigError


@pytest.fixture(scope="module")
def bundle(published):
    return load_bundle(published)


@pytest.fixture
def task(folder, tmp_path, bundle, reporter):
    output = tmp_path / "out"
    output.mkdir()
    (output / ".marker").write_text("token")
    shared = LocalFile(str(bundle.folder))
    return ScoreTask(shared, bundle.manifest_sha256, False, folder, output, ".marker", "token", Way(), reporter)


def files_in(output):
    return sorted(path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file())


def score(task, name):
    return score_file(task, InputFile.of(task.data, name))


def test_a_result_is_what_predict_gives(task, bundle, folder):
    for name in ("a.parquet", "north/c.CSV"):
        outcome = score(task, name)
        expected = bundle.predict(folder / name).reset_index()
        assert (outcome.state, outcome.rows, outcome.outside) == ("done", len(expected), ())
        pd.testing.assert_frame_equal(pd.read_parquet(task.output / outcome.result), expected)
    assert files_in(task.output) == [".marker", "a.parquet", "north/c.parquet"]


def test_a_result_over_the_data_is_what_a_backtest_gives_frame_by_frame(task, bundle, folder, monkeypatch):
    monkeypatch.setattr("zoo.inference.predictor.FRAME_ROWS", 1)
    monkeypatch.setattr("zoo.inference.predictor.BATCH", 4)
    outcome = score(replace(task, way=Way(backtest=True, stride=2)), "a.parquet")
    expected = pd.concat(bundle.backtest(folder / "a.parquet", stride=2))
    assert outcome.rows == len(expected) > 8
    pd.testing.assert_frame_equal(pd.read_parquet(task.output / "a.parquet"), expected)
    shares = [message["share"] for message in task.reporter.told]
    assert len(shares) > 2
    assert shares == sorted(shares)
    assert shares[-1] == 1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.parquet", b"PAR1 and no more", "x.parquet: not a readable Parquet file, as its end is missing"),
        ("x.csv", b"", "x.csv: the file is empty"),
        ("x.csv", b"time,load\n2024-01-01,1\n", "x.csv: there is no column 'temperature'"),
        ("x.csv", b"time,load,temperature\n2024-01-01,1,2\n", "expected at least 4 rows (the window), found 1"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(task, folder, name, content, words):
    (folder / name).write_bytes(content)
    outcome = score(task, name)
    assert (outcome.state, outcome.result) == ("failed", "x.parquet")
    assert words in outcome.reason
    assert "\n" not in outcome.reason
    assert files_in(task.output) == [".marker"]


def test_values_outside_the_range_are_told_and_refused_where_asked(task, folder, table):
    high = table()
    high.loc[29, "load"] = 1e4
    high.to_csv(folder / "high.csv", index=False)
    for way in (Way(), Way(backtest=True)):
        (told,) = score(replace(task, way=way), "high.csv").outside
        assert told.startswith("column 'load': ")
        (task.output / "high.parquet").unlink()
        refused = score(replace(task, way=replace(way, strict_range=True)), "high.csv")
        assert refused.state == "failed"
        assert "expected values within the training's range" in refused.reason
        assert files_in(task.output) == [".marker"]


def test_a_file_that_changes_is_of_neither_state(task, folder, table, reporter, monkeypatch):
    known = InputFile.of(folder, "b.csv")
    table(9).to_csv(folder / "b.csv", index=False)
    assert "the file was changed since it was found" in score_file(task, known).reason
    (folder / "b.csv").unlink()
    assert "there is no such file by now" in score_file(task, known).reason

    monkeypatch.setattr(reporter, "stopped", lambda: os.utime(folder / "a.parquet", ns=(1, 1)))
    outcome = score(task, "a.parquet")
    assert "the file was changed since it was found" in outcome.reason
    assert files_in(task.output) == [".marker"]


def test_a_task_that_is_asked_to_stop_leaves_nothing(task):
    task.reporter.stop = True
    assert "the command was ended" in score(task, "a.parquet").reason
    assert files_in(task.output) == [".marker"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("odd")])
def test_an_error_while_writing_leaves_nothing(task, monkeypatch, error):
    def fail(self, frame):
        raise error

    monkeypatch.setattr("zoo.inference.file_scoring.ParquetWriter.write", fail)
    outcome = score(task, "a.parquet")
    assert outcome.state == "failed"
    assert any(words in outcome.reason for words in ("a.parquet: No space left", "a.parquet: RuntimeError: odd"))
    assert files_in(task.output) == [".marker"]


@pytest.mark.parametrize(
    ("change", "unseen"),
    [({"token": "another"}, "out"), ({"output": Path("elsewhere")}, "elsewhere"), ({"data": Path("none")}, "none")],
)
def test_a_worker_that_does_not_see_the_folders(task, change, unseen):
    words = f"{unseen}: expected a folder that all workers see, but the worker on the host"
    with pytest.raises(ConfigError, match=words):
        score_file(replace(task, **change), InputFile("a.parquet", 1, 1))


def test_the_bundle_is_loaded_once_and_is_the_one_that_was_there(task, bundle, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    shutil.copytree(bundle.folder, copy)
    task = replace(task, bundle=LocalFile(str(copy)))
    assert score(task, "a.parquet").state == "done"
    monkeypatch.setattr("zoo.inference.file_scoring.load_bundle", None)
    assert score(task, "b.csv").state == "done"
    monkeypatch.undo()
    with pytest.raises(BundleError, match="expected the bundle that was there before, found another"):
        score(replace(task, manifest_sha256="0" * 64), "a.parquet")
    (copy / "model.onnx").write_bytes(b"x")
    with pytest.raises(BundleError, match="it was changed, export again"):
        score(replace(task, keys_named=True), "a.parquet")


def test_a_worker_heeds_its_own_keys_unless_the_caller_has_named_some(task, monkeypatch):
    asked = []

    def load(folder, require_signature):
        asked.append(require_signature)
        return load_bundle(folder)

    monkeypatch.setattr("zoo.inference.file_scoring.load_bundle", load)
    _load.cache_clear()
    for keys_named in (False, True):
        score(replace(task, keys_named=keys_named), "a.parquet")
    assert asked == [None, ()]


def test_a_way_in_plain_data():
    way = Way(reading={"csv": CsvFormat(";"), "sort": True, "spool": "/tmp"})
    assert way.plain()["reading"] == {"csv": {"delimiter": ";", "decimal": ".", "encoding": None}, "sort": True}
    german = Way(reading={"csv": CsvFormat(";", ",", thousands=".")}).plain()["reading"]["csv"]
    assert german == {"delimiter": ";", "decimal": ",", "encoding": None, "thousands": "."}
    usual = {"spool": "/x", "csv": CsvFormat(), "time": None}
    assert Way(reading=usual).plain() == Way().plain()
