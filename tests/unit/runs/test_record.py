"""Reading and finding runs; none of this needs TensorFlow."""

from __future__ import annotations

import json
import os

import pytest

from zoo.runs.record import find_run, list_runs, read_record
from zoo_registry.errors import RunError

IDS = ("20240101-120000-basic", "20240101-120001-basic", "20240202-090000-stacked")


@pytest.fixture
def runs(tmp_path, run_record):
    """A folder with three runs, and things that are none."""
    folder = tmp_path / "runs"
    for index, run_id in enumerate(IDS):
        (folder / run_id).mkdir(parents=True)
        record = folder / run_id / "run.json"
        record.write_text(run_record(run_id).model_dump_json(), encoding="utf-8")
        os.utime(record, ns=(0, 10**9 * (9 - index)))
    (folder / ".staging-abc").mkdir()
    (folder / ".staging-abc" / "run.json").write_text("{}", encoding="utf-8")
    (folder / "notes").mkdir()
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    return folder


def test_a_record_survives_its_file(runs, run_record):
    assert read_record(runs / IDS[0]) == run_record(IDS[0])


def test_a_runs_id_is_its_folders_name(runs, monkeypatch):
    renamed = (runs / IDS[0]).rename(runs / "renamed")
    assert read_record(renamed).id == "renamed"
    monkeypatch.chdir(renamed)
    assert read_record(find_run(".", runs)).id == "renamed"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda record: record.pop("config"), "config: "),
        (lambda record: record.update(extra=1), "extra: "),
        (lambda record: record.update(schema_version=3), "schema_version: "),
        (lambda record: record["config"]["training"].update(optimizer="adm"), "config.training.optimizer: "),
        (lambda record: record["problem"].update(horizon=0), "problem.horizon: "),
        (lambda record: record["data"]["split"].pop("test"), "data.split: "),
        (lambda record: record["training"].pop("epochs"), "training.epochs: "),
        (lambda record: record["evaluation"].pop("verdict"), "evaluation.verdict: "),
    ],
)
def test_a_record_of_another_version(runs, change, found):
    path = runs / IDS[0] / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    change(record)
    path.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(RunError, match=f"not a valid record of this version \\({found}"):
        read_record(path.parent)


def test_a_record_that_is_no_json(runs):
    (runs / IDS[0] / "run.json").write_bytes(b"\xff{")
    with pytest.raises(RunError, match="not a valid record of this version"):
        read_record(runs / IDS[0])


def test_no_record(tmp_path):
    with pytest.raises(RunError, match=r"expected a run, found no run\.json; see: zoo runs"):
        read_record(tmp_path)


def test_runs_are_listed_oldest_first(runs):
    assert [path.name for path in list_runs(runs)] == list(IDS)
    assert list_runs(runs / "nowhere") == []


@pytest.mark.parametrize(
    ("name", "found"), [(IDS[1], IDS[1]), ("20240202", IDS[2]), ("20240101-120000", IDS[0]), ("latest", IDS[0])]
)
def test_a_run_is_found_by_id_or_its_beginning_or_as_the_latest(runs, name, found):
    assert find_run(name, runs) == runs / found


def test_a_run_is_found_by_its_path(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(runs)
    assert find_run(IDS[2], tmp_path / "nowhere").resolve() == runs / IDS[2]
    assert find_run(str(runs / IDS[2]), tmp_path / "nowhere") == runs / IDS[2]


def test_a_whole_id_beats_longer_ones(runs):
    (runs / IDS[0]).rename(runs / f"{IDS[1]}-2")
    assert find_run(IDS[1], runs) == runs / IDS[1]


def test_a_beginning_that_fits_more_than_one(runs):
    with pytest.raises(RunError, match=f"'202401' begins .*: {IDS[0]}, {IDS[1]}; give more of the id"):
        find_run("202401", runs)


def test_a_run_that_is_not_there(runs):
    with pytest.raises(RunError, match=f"there is no run '20240202-090000-stackd' in .*; did you mean '{IDS[2]}'"):
        find_run("20240202-090000-stackd", runs)


@pytest.mark.parametrize("name", ["latest", "20240101"])
def test_no_runs_at_all(tmp_path, name):
    with pytest.raises(RunError, match="there are no runs; train one with: zoo train basic"):
        find_run(name, tmp_path)
