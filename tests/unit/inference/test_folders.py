"""A folder is scored without holes or halves, whatever happens to it between two runs."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.atomic import staging_file
from zoo.bundle.loading import load_bundle
from zoo.data.readers.csv_files import CsvFormat
from zoo.export.leftovers import clean_tree
from zoo.inference.folders import score
from zoo.inference.outcome import ScoringError
from zoo.removal import staging_name
from zoo.workers.messages import ClusterLostError, WorkerLostError
from zoo_registry.errors import BundleError, ConfigError, DataError

NAMES = ["a.parquet", "b.csv", "north/a.pq", "north/c.CSV"]
RESULTS = ["a.parquet", "b.parquet", "north/a.parquet", "north/c.parquet"]


def states(scored) -> list[str]:
    return [one.state for one in scored.files]


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_each_file_has_its_result_and_a_rerun_skips_them(scored, published, folder, tmp_path):
    first = scored()
    assert [(one.file, one.result, one.state) for one in first.files] == [
        (name, result, "done") for name, result in zip(NAMES, RESULTS, strict=True)
    ]
    made = content(tmp_path / "out")
    assert sorted(made) == RESULTS
    bundle = load_bundle(published)
    for name, result in zip(NAMES, RESULTS, strict=True):
        expected = bundle.predict(folder / name).reset_index()
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out" / result), expected)
    again = scored(workers=None, backend="dask", address="tcp://127.0.0.1:9")  # nobody is asked for
    assert states(again) == ["skipped"] * 4
    assert [one.rows for one in again.files] == [one.rows for one in first.files]
    assert content(tmp_path / "out") == made
    again.raise_for_failed()


@pytest.mark.parametrize(
    "way",
    [
        {"backtest": True},
        {"missing": "ffill"},
        {"strict_range": True},
        {"gaps": "ignore"},
        {"csv": CsvFormat(encoding="utf-8")},
    ],
)
def test_another_way_makes_results_anew(scored, way):
    scored()
    assert states(scored(**way)) == ["done"] * 4
    assert states(scored(**way)) == ["skipped"] * 4


def test_another_bundle_makes_results_anew_and_where_data_may_lie_in_between_does_not(scored, published, tmp_path):
    scored()
    other = tmp_path / "other"
    shutil.copytree(published, other)
    assert states(scored(other)) == ["skipped"] * 4, "the same bundle in another place"
    assert states(scored(load_bundle(other), spool=tmp_path)) == ["skipped"] * 4
    changed = other / "README.md"
    changed.write_text("changed")
    manifest = load_bundle(published).manifest
    from zoo.bundle.integrity import describe_files

    manifest.model_copy(update={"files": describe_files(other)}).write(other)
    assert states(scored(other)) == ["done"] * 4


CHANGES = ["nothing", "touch", "rewrite", "lose the result", "half the result", "empty the result"]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.sampled_from(CHANGES), min_size=4, max_size=4), seed=st.integers(10, 99))
def test_whatever_changed_is_made_anew_and_nothing_else(scored, table, folder, tmp_path, changes, seed):
    scored()
    times = {}
    for name, result, change in zip(NAMES, RESULTS, changes, strict=True):
        place = tmp_path / "out" / result
        whole = place.read_bytes()
        if change == "touch":
            state = (folder / name).stat()
            os.utime(folder / name, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
        elif change == "rewrite":
            write = table(seed).to_csv if name.lower().endswith("csv") else table(seed).to_parquet
            write(folder / name, index=False)
        elif change == "lose the result":
            place.unlink()
        elif change != "nothing":
            place.write_bytes(whole[: len(whole) // 2 if change == "half the result" else 0])
        times[result] = place.stat().st_mtime_ns if place.exists() else 0
    again = scored()
    assert states(again) == ["skipped" if change == "nothing" else "done" for change in changes]
    assert states(scored()) == ["skipped"] * 4
    fresh = tmp_path / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    scored(output=fresh)
    assert content(tmp_path / "out") == content(fresh)
    for result, change in zip(RESULTS, changes, strict=True):
        assert (times[result] == (tmp_path / "out" / result).stat().st_mtime_ns) == (change == "nothing")


def test_files_that_fail_are_named_and_the_others_go_on(scored, folder, tmp_path):
    (folder / "bad.parquet").write_bytes(b"PAR1")
    (folder / "link.csv").symlink_to(folder / "none.csv")
    (folder / "short.csv").write_text("time,load,temperature\n2024-01-01,1,2\n")
    ended, progress = [], []
    found = scored(on_file=ended.append, on_progress=lambda running, done, total: progress.append((done, total)))
    assert sorted(one.file for one in found.failed) == ["bad.parquet", "link.csv", "short.csv"]
    assert len(found.done) == 4
    assert sorted(one.file for one in ended) == [one.file for one in found.files]
    assert progress[-1] == (7, 7)
    with pytest.raises(ScoringError, match=r"each of 7 files, but 3 failed \(bad.parquet, link.csv, short.csv\)"):
        found.raise_for_failed()
    plain = scored().plain()
    assert [len(plain[state]) for state in ("done", "skipped", "failed")] == [0, 4, 3]
    assert "its end is missing" in plain["failed"][0]["reason"]
    assert sorted(content(tmp_path / "out")) == RESULTS


def test_a_failure_tells_of_the_result_of_before(scored, folder):
    scored()
    (folder / "a.parquet").write_bytes(b"PAR1")
    (failed,) = scored().failed
    assert failed.reason.endswith("; the result of an earlier run still stands in its place")


def test_files_with_one_result_both_fail_and_files_of_others_are_left_alone(scored, table, folder, tmp_path):
    table(5).to_csv(folder / "a.csv", index=False)
    (tmp_path / "out").mkdir()
    table(6).to_parquet(tmp_path / "out" / "b.parquet")
    before = (tmp_path / "out" / "b.parquet").read_bytes()
    reasons = {one.file: one.reason for one in scored().failed}
    assert sorted(reasons) == ["a.csv", "a.parquet", "b.csv"]
    assert "another file has the same result" in reasons["a.csv"]
    assert "expected a result of an earlier run or nothing, found another's file; move it away" in reasons["b.csv"]
    assert (tmp_path / "out" / "b.parquet").read_bytes() == before


def test_what_killed_runs_have_left_is_removed_and_what_a_living_one_writes_is_not(scored, tmp_path):
    out = tmp_path / "out"
    (out / "north").mkdir(parents=True)
    left = [out / staging_name(), out / "north" / staging_name()]
    for path in left:
        path.write_bytes(b"half")
    (out / ".others").write_text("x")
    with staging_file(out) as living:
        scored()
        assert not any(path.exists() for path in left)
        assert living.exists()
    assert (out / ".others").exists()
    assert sorted(content(out)) == [".others", *RESULTS]
    assert clean_tree(out) == []


def test_a_file_that_costs_its_workers_is_given_up_and_a_worker_of_another_kind_is_told(scored, inline):
    def lost(file):
        if file.name == "a.parquet":
            raise WorkerLostError("its worker process ended 3 times")
        if file.name == "b.csv":
            raise AttributeError("no such function")

    found = scored(workers=lambda: inline(lost))
    reasons = {one.file: one.reason for one in found.failed}
    assert reasons == {
        "a.parquet": "a.parquet: its worker process ended 3 times",
        "b.csv": "b.csv: AttributeError: no such function",
    }
    assert len(found.done) == 2


@pytest.mark.parametrize("stop", [ClusterLostError("it is gone"), KeyboardInterrupt()])
def test_what_ends_it_says_how_to_go_on(scored, inline, tmp_path, stop):
    ended = threading.Event()

    def lost(file):
        if ended.is_set():
            raise stop
        ended.set()

    with pytest.raises(type(stop)) as told:
        scored(workers=lambda: inline(lost))
    assert told.value.__notes__ == ["results that are there are whole; the same command goes on"]
    assert len(content(tmp_path / "out")) == 1
    assert states(scored()).count("skipped") == 1


def test_the_bundle_is_read_where_it_is_and_a_scaled_one_is_refused(scored, tmp_path, published, monkeypatch):
    other = tmp_path / "other"
    shutil.copytree(published, other)
    (other / "model.onnx").write_bytes(b"x")
    with pytest.raises(BundleError, match="it was changed"):
        scored(other)
    assert not (tmp_path / "out").exists()
    scaled = load_bundle(published)
    problem = scaled.manifest.problem.model_copy(update={"units": "scaled"})
    shutil.copytree(published, tmp_path / "scaled")
    scaled.manifest.model_copy(update={"problem": problem}).write(tmp_path / "scaled")
    with pytest.raises(DataError, match="this bundle takes scaled values"):
        scored(tmp_path / "scaled")


@pytest.mark.parametrize(
    ("data", "output", "words"),
    [
        ("data", "data", "expected a folder apart from the data"),
        ("data", "data/out", "expected a folder apart from the data"),
        ("data", ".", "expected a folder apart from the data"),
        ("data", "data/a.parquet", "expected a folder for the results, found the file"),
        ("data", "bundle/out", "expected a folder outside the bundle"),
        ("none", "out", "expected a folder of Parquet or CSV files, found none"),
    ],
)
def test_folders_that_do_not_suit(folder, tmp_path, published, inline, data, output, words):
    shutil.copytree(published, tmp_path / "bundle")
    before = content(tmp_path)
    with pytest.raises(ConfigError, match=words):
        score(tmp_path / "bundle", tmp_path / data, tmp_path / output, workers=inline)
    assert content(tmp_path) == before


def test_settings_that_do_not_suit(scored):
    with pytest.raises(ConfigError, match="stride: expected 1 or more"):
        scored(stride=0)
    with pytest.raises(ConfigError, match="`backend` is one of"):
        scored(backend="ray")
    with pytest.raises(ConfigError, match="there is no setting 'sorted' of how a table is read; did you mean 'sort'"):
        scored(sorted=True)
