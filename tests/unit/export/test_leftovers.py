"""What killed processes left is removed, and nothing else: what lives, what is published, what is not ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from zoo import atomic
from zoo.atomic import staging_folder
from zoo.export.leftovers import Leftover, clean_exported, clean_runs, clean_tree, list_versions, size_of
from zoo.export.numbers import MARK_FILE, Numbers
from zoo.locks import try_lock
from zoo.removal import staging_name
from zoo.runs.claiming import begin_run
from zoo.settings.resolve import resolve
from zoo_registry import discover

CONFIG = 'name: "mine"\nbackend: "onnxruntime"\n'


def leave(parent, content="half"):
    """A staging folder as a kill leaves it."""
    name = staging_name()
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
    (model / ".staging-foo").mkdir()
    (model / ".staging-3f786850e387550f-00000000").mkdir()
    return tmp_path / "exported"


def test_it_removes_what_was_left_and_nothing_else(exported):
    dead, file = leave(exported / "mine"), exported / "mine" / staging_name()
    file.write_text("configuration")
    before = paths(exported)
    expected = sorted([Leftover(dead, 4), Leftover(file, 13)], key=lambda leftover: leftover.path)
    assert clean_exported(exported, dry_run=True) == expected
    assert paths(exported) == before, "a dry run removes nothing"
    assert clean_exported(exported) == expected
    removed = {path for path in before if path.startswith((f"mine/{dead.name}", f"mine/{file.name}"))}
    assert paths(exported) == before - removed
    assert clean_exported(exported) == []


@pytest.mark.parametrize("published", [False, True])
@pytest.mark.parametrize("staged", [False, True])
def test_a_model_without_a_version(tmp_path, published, staged):
    """An export made its folder and was killed, or filled it, and somebody removed all versions."""
    model = tmp_path / "mine"
    model.mkdir()
    (model / MARK_FILE).touch()
    if published:
        (model / MARK_FILE).unlink()
        (model / "config.pbtxt").write_text(CONFIG)
        Numbers(1, Numbers.hash_of(CONFIG.encode())).write(model)
    expected = [leave(model), model] if staged else [model]
    for dry_run in (True, False):
        assert [leftover.path for leftover in clean_exported(tmp_path, dry_run=dry_run)] == expected
    assert paths(tmp_path) == ({".mine.versions.json"} if published else set()), "a number is never given twice"


@pytest.mark.parametrize("content", [(), (".staging-foo/notes.txt",), (".staging-file",), ("config.pbtxt",)])
def test_repair_06_what_only_looks_like_the_zoo_s_stays(tmp_path, content):
    exported, runs = tmp_path / "exported", tmp_path / "runs"
    places = [exported, exported / "mine", runs, runs / "unfinished", runs / "unfinished" / "mine"]
    for place in places:
        place.mkdir(exist_ok=True)
        for name in content:
            (place / name).parent.mkdir(exist_ok=True)
            (place / name).write_text('name: "mine"\nbackend: "onnxruntime"\n')
    before = paths(tmp_path)
    assert clean_exported(exported) == clean_runs(runs) == clean_tree(tmp_path) == []
    assert paths(tmp_path) == before


def test_repair_06_what_stood_at_the_root_of_the_models_is_found(tmp_path):
    left = leave(tmp_path)
    assert clean_exported(tmp_path) == [Leftover(left, 4)]
    assert paths(tmp_path) == set()


@pytest.mark.parametrize("name", ["config.pbtxt", "notes.txt", "1/labels.txt"])
def test_repair_06_what_no_export_wrote_stays(tmp_path, name):
    """An edited configuration too."""
    (tmp_path / "mine" / name).parent.mkdir(parents=True)
    (tmp_path / "mine" / name).write_text(CONFIG + "instance_group [ { count: 4 } ]\n")
    Numbers(1, Numbers.hash_of(CONFIG.encode())).write(tmp_path / "mine")
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


WRITING = """
import sys, time
from pathlib import Path
from zoo.atomic import staging_folder
with staging_folder(Path(sys.argv[1])) as folder:
    (folder / "model.onnx").write_text("half")
    print(folder.name, flush=True)
    time.sleep(60)
"""


def test_what_another_process_writes_stays_until_it_is_killed(tmp_path):
    """The system lets go of the lock: nothing has to be recorded, and no age guessed."""
    (tmp_path / "mine").mkdir()
    command = [sys.executable, "-c", WRITING, str(tmp_path / "mine")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        staged = tmp_path / "mine" / process.stdout.readline().strip()
        assert clean_exported(tmp_path) == [Leftover(staged, 4, in_use=True)]
        os.kill(process.pid, signal.SIGKILL)
    assert clean_exported(tmp_path) == [Leftover(staged, 4)]
    assert paths(tmp_path) == {"mine"}


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


def test_repair_05_what_is_left_of_a_finished_run_is_removed_and_what_is_of_another_is_not(tmp_path, monkeypatch):
    """Killed after the run had come to its place. Folders of other ids, or that a process holds, stay."""
    runs = tmp_path / "runs"
    folders = {name: runs / "unfinished" / name for name in ("left", "held", "other", "strange", "waiting")}
    entry = discover().catalogue["basic"]
    config = resolve("basic", entry.item, {}, {"source": "load.csv", "target": "load"})
    for name, folder in folders.items():
        monkeypatch.setattr("zoo.runs.claiming.new_run_id", lambda _, name=name: name)
        with suppress(KeyError), begin_run(runs, config, entry, "f" * 64):
            (folder / "checkpoint-3").mkdir()
            raise KeyError
        if name != "waiting":
            (runs / name).mkdir()
            (runs / name / "run.json").write_text("{}")
    (folders["other"] / "config.json").write_text((folders["left"] / "config.json").read_text())
    (folders["strange"] / "lock").unlink()
    with (folders["held"] / "lock").open("rb") as lock:
        assert try_lock(lock.fileno())
        found = {leftover.path.name: leftover.in_use for leftover in clean_runs(runs)}
    assert found == {"left": False, "held": True}
    assert {path.name for path in (runs / "unfinished").iterdir()} == {"held", "other", "strange", "waiting"}


def test_folders_that_are_not_there(tmp_path):
    assert clean_exported(tmp_path / "no") == clean_runs(tmp_path / "no") == []
    assert list_versions(tmp_path / "no") == {}


def test_versions_of_all_models(exported):
    assert size_of(leave(exported / "mine")) == 4
    assert size_of(exported / "mine" / "config.pbtxt") == len(CONFIG)
    for name in ("mine/10", "mine/2", "mine/007", "another/3", "empty", ".hidden/1"):
        (exported / name).mkdir(parents=True)
    assert list_versions(exported) == {exported / "another": [3], exported / "mine": [1, 2, 10]}
