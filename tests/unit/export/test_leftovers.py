"""What killed processes left is removed, and nothing else: what lives, what is published, what is not ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from zoo import atomic
from zoo.atomic import staging_folder
from zoo.export.leftovers import Leftover, clean_exported, clean_runs, list_versions, size_of

CONFIG = 'name: "mine"\nbackend: "onnxruntime"\n'


def leave(parent, name=".staging-dead", content="half"):
    """A staging folder as a kill leaves it."""
    (parent / name / "variables").mkdir(parents=True)
    (parent / name / "variables" / "data").write_text(content)
    return parent / name


def paths(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.fixture
def exported(tmp_path):
    """A model with a version, a leftover of a folder and one of a file, and things that only look like leftovers."""
    model = tmp_path / "exported" / "mine"
    (model / "1").mkdir(parents=True)
    (model / "1" / "manifest.json").write_text("{}")
    (model / "1" / ".staging-inside").write_text("a file of the bundle")
    (model / "config.pbtxt").write_text(CONFIG)
    (model / ".stagings").write_text("not ours")
    (model / ".staging-link").symlink_to(model / "1")
    (tmp_path / "exported" / "README.md").write_text("a file")
    leave(model)
    (model / ".staging-file").write_text("configuration")
    return tmp_path / "exported"


def test_it_removes_what_was_left_and_nothing_else(exported):
    before = paths(exported)
    dead = exported / "mine" / ".staging-dead"
    expected = [Leftover(dead, 4), Leftover(exported / "mine" / ".staging-file", 13)]
    assert clean_exported(exported, dry_run=True) == expected
    assert paths(exported) == before, "a dry run removes nothing"
    assert clean_exported(exported) == expected
    removed = {path for path in before if path.startswith(("mine/.staging-dead", "mine/.staging-file"))}
    assert paths(exported) == before - removed
    assert clean_exported(exported) == []


@pytest.mark.parametrize("config", [None, CONFIG])
@pytest.mark.parametrize("staged", [False, True])
def test_a_model_without_a_version(tmp_path, config, staged):
    model = tmp_path / "mine"
    model.mkdir()
    if config is not None:
        (model / "config.pbtxt").write_text(config)
    if staged:
        leave(model)
    expected = [model / ".staging-dead", model] if staged else [model]
    for dry_run in (True, False):
        assert [leftover.path for leftover in clean_exported(tmp_path, dry_run=dry_run)] == expected
    assert paths(tmp_path) == set()


@pytest.mark.parametrize("content", [{"config.pbtxt": 'name: "other"\n'}, {"notes.txt": "mine"}, {"1/labels.txt": "a"}])
def test_what_no_export_wrote_stays(tmp_path, content):
    for name, text in content.items():
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / name).write_text(text)
    before = paths(tmp_path)
    assert clean_exported(tmp_path) == []
    assert paths(tmp_path) == before


def test_what_is_being_written_stays(tmp_path):
    model = tmp_path / "mine"
    model.mkdir()
    with staging_folder(model) as folder:
        (folder / "model.onnx").write_text("half")
        assert clean_exported(tmp_path) == [Leftover(folder, 4, in_use=True)]
        assert (folder / "model.onnx").read_text() == "half"


def test_what_another_process_writes_stays_until_it_is_killed(tmp_path):
    """The system lets go of the lock: nothing has to be recorded, and no age guessed."""
    program = (
        "import sys, time; from pathlib import Path; from zoo.atomic import staging_folder\n"
        "with staging_folder(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'model.onnx').write_text('half')\n"
        "    print(folder.name, flush=True)\n"
        "    time.sleep(60)\n"
    )
    (tmp_path / "mine").mkdir()
    command = [sys.executable, "-c", program, str(tmp_path / "mine")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        staged = tmp_path / "mine" / process.stdout.readline().strip()
        assert clean_exported(tmp_path) == [Leftover(staged, 4, in_use=True)]
        os.kill(process.pid, signal.SIGKILL)
    assert clean_exported(tmp_path) == [Leftover(staged, 4), Leftover(tmp_path / "mine", 0)]
    assert paths(tmp_path) == set()


def test_staging_that_is_cleaned_away_before_it_is_locked_is_made_anew(tmp_path, monkeypatch):
    try_lock, cleaned = atomic.try_lock, []

    def clean_before(handle):
        if not cleaned:
            cleaned.append(True)
            (lost,) = tmp_path.iterdir()
            lost.rmdir()
        return try_lock(handle)

    monkeypatch.setattr(atomic, "try_lock", clean_before)
    with staging_folder(tmp_path) as folder:
        (folder / "data").write_text("kept")
        assert list(tmp_path.iterdir()) == [folder]


def test_cleaning_takes_nothing_from_many_who_write(tmp_path):
    model = tmp_path / "mine"
    model.mkdir()
    (model / "1").mkdir()  # so that the model's folder stays

    def write(index):
        with staging_folder(model) as folder:
            (folder / "data").write_text(str(index))
            return (folder / "data").read_text()

    with ThreadPoolExecutor(4) as pool:
        written = pool.map(write, range(100))
        cleanings = list(pool.map(lambda _: clean_exported(tmp_path), range(50)))
    assert list(written) == [str(index) for index in range(100)]
    assert all(leftover.in_use or leftover.size == 0 for found in cleanings for leftover in found)
    assert paths(tmp_path) == {"mine", "mine/1"}


def test_runs(tmp_path):
    for place in ("finished", "unfinished/killed", ".hidden"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "unfinished" / "killed" / "config.json").write_text("{}")
    left = [leave(tmp_path), leave(tmp_path / "unfinished" / "killed")]
    kept = [leave(tmp_path / "finished"), leave(tmp_path / ".hidden")]  # nothing stages there
    assert clean_runs(tmp_path) == [Leftover(path, 4) for path in left]
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in [*kept, tmp_path / "unfinished" / "killed" / "config.json"])


def test_folders_that_are_not_there(tmp_path):
    assert clean_exported(tmp_path / "no") == clean_runs(tmp_path / "no") == []
    assert list_versions(tmp_path / "no") == {}


def test_versions_of_all_models(exported):
    for name in ("mine/10", "mine/2", "mine/007", "another/3", "empty", ".hidden/1"):
        (exported / name).mkdir(parents=True)
    assert list_versions(exported) == {exported / "another": [3], exported / "mine": [1, 2, 10]}


def test_size(exported):
    assert size_of(exported / "mine" / ".staging-dead") == 4
    assert size_of(exported / "mine" / "config.pbtxt") == len(CONFIG)
