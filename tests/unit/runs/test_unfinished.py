"""Trainings under way: their ids, locks and lists, and what is left of them however they end."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from zoo.removal import staging_name
from zoo.runs.claiming import _guarded, begin_run, reopen_run
from zoo.runs.finding import find_start, find_unfinished, list_unfinished
from zoo.runs.record import RECORD_FILE, find_run, list_runs
from zoo.runs.unfinished import UnfinishedRun
from zoo.settings.resolve import resolve
from zoo_registry import discover
from zoo_registry.errors import ConfigError, RunError, TrainingError


class Killed(BaseException):
    """As SIGKILL: nothing of ours is done about it."""


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def begin(runs):
    def begin(runs=runs, source="load.csv"):
        entry = discover().catalogue["basic"]
        config = resolve("basic", entry.item, {}, {"source": source, "target": "load"})
        return begin_run(runs, config, entry, "f" * 64)

    return begin


@pytest.fixture
def killed(begin):
    """A training that was killed after so many epochs."""

    def kill(epoch=3):
        with suppress(Killed), begin() as run:
            (run.folder / f"checkpoint-{epoch}").mkdir()
            raise Killed
        return run

    return kill


def fail_in(training, error, epoch=None):
    """Raise within a training, that has a checkpoint of an epoch."""
    with training as run:
        if epoch is not None:
            (run.folder / f"checkpoint-{epoch}").mkdir()
        raise error


def finish(runs, name):
    (runs / name).mkdir(parents=True, exist_ok=True)
    (runs / name / RECORD_FILE).write_text("{}")


def test_ids_are_of_one_run_alone(begin, runs, monkeypatch):
    monkeypatch.setattr("zoo.runs.claiming.new_run_id", lambda _: "id")
    finish(runs, "id")
    with begin() as one, begin() as two:
        assert (one.id, two.id) == ("id-2", "id-3")
        assert list_unfinished(runs) == [one.folder, two.folder]
        assert list_runs(runs) == [runs / "id"]
        assert (one.runs, one.epoch, one.checkpoint) == (runs, 0, None)
        assert UnfinishedRun.read(one.folder) == one
    assert [path.name for path in runs.iterdir()] == ["id"]


def test_one_process_at_a_time(begin, runs):
    with begin() as run:
        assert run.is_running()
        program = (
            "import sys\nfrom pathlib import Path\nfrom zoo.runs.claiming import reopen_run\n"
            "with reopen_run('latest', Path(sys.argv[1])): pass"
        )
        done = subprocess.run([sys.executable, "-c", program, runs], capture_output=True, text=True, check=False)
        assert f"RunError: run {run.id} is being trained by another process; wait" in done.stderr
        assert run.folder.is_dir()


def test_a_killed_training_can_be_reopened_once_at_a_time(killed, runs):
    run = killed()
    assert not run.is_running()
    staged = run.folder / staging_name()
    staged.mkdir()
    (staged / "arrays.npz").touch()
    (run.folder / staging_name()).touch()
    with suppress(Killed), reopen_run(run.id[:10], runs) as reopened:
        assert reopened == run
        assert reopened.epoch == 3
        assert sorted(path.name for path in run.folder.iterdir()) == [
            "checkpoint-3",
            "config.json",
            "files.sha256",
            "lock",
        ]
        with pytest.raises(RunError, match="another process"), reopen_run("latest", runs):
            pass
        raise Killed
    with reopen_run(str(run.folder), runs):
        pass
    assert list(runs.iterdir()) == [], "it ended well"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_stopped_training_says_how_to_go_on(begin, runs, stop):
    with pytest.raises(stop) as caught:
        fail_in(begin(), stop(), epoch=0)
    run = find_unfinished("latest", runs)
    assert caught.value.__notes__ == [f"go on with: zoo train --resume {run.id} --runs {runs}"]
    finish(runs, run.id)
    with pytest.raises(stop) as caught, _guarded(run, fresh=True):
        raise stop
    assert caught.value.__notes__ == [f"run {run.id} is finished"]
    with pytest.raises(stop) as caught:
        fail_in(begin(), stop())
    assert not hasattr(caught.value, "__notes__")
    assert list_unfinished(runs) == []


def test_commands_are_quoted(begin, tmp_path):
    runs = tmp_path / "my runs"
    with begin(runs) as run:
        assert shlex.split(run.command) == ["zoo", "train", "--resume", run.id, "--runs", str(runs)]
        run.set_diverged(0.001)
        given = ["zoo", "train", "--from", run.id, "--learning-rate", "0.001", "--runs", str(runs)]
        assert shlex.split(run.command) == given


@pytest.mark.parametrize("source", ["DataFrame", "arrays"])
def test_of_a_table_of_a_program_goes_on_in_python(begin, runs, source, monkeypatch):
    """No command can read that table."""
    with begin(source=source) as run:
        assert run.command == f'zoo.resume("{run.id}", data, runs={str(runs)!r})'
        run.set_diverged(0.001)
        assert run.command == (
            f'zoo.train("basic", data, start_from="{run.id}", learning_rate=0.001, runs={str(runs)!r}, ...)'
        )
    monkeypatch.chdir(runs.parent)
    with begin(Path("runs"), source) as run:
        assert run.command == f'zoo.resume("{run.id}", data)'


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_leaves_the_last_checkpoint(begin, runs, number):
    full = OSError(number, os.strerror(number), "arrays.npz")
    with pytest.raises(TrainingError) as caught:
        fail_in(begin(), full, epoch=7)
    assert str(caught.value) == (
        f"arrays.npz: {os.strerror(number)}; the last checkpoint, of epoch 7, is whole; make room, then go on with:"
        f" zoo train --resume {find_unfinished('latest', runs).id} --runs {runs}"
    )
    with reopen_run("latest", runs):
        pass
    with pytest.raises(TrainingError, match="nothing half-written is left; make room and train again"):
        fail_in(begin(), full)
    assert list(runs.iterdir()) == []


@pytest.mark.parametrize(("epoch", "left"), [(None, False), (0, False), (1, True)])
def test_an_error_leaves_what_is_worth_it(begin, runs, epoch, left):
    with pytest.raises(ConfigError):
        fail_in(begin(), ConfigError("no"), epoch)
    assert runs.exists() == left
    assert len(list_unfinished(runs)) == left


def test_an_error_on_going_on_removes_nothing(killed, runs):
    run = killed(epoch=0)
    with pytest.raises(RunError), reopen_run("latest", runs):
        raise RunError("another table")
    assert run.epoch == 0
    assert run.folder.is_dir()


def test_a_run_that_is_finished_is_not_unfinished(killed, runs):
    """Killed after the run had come to its place, before the rest was removed."""
    run = killed()
    finish(runs, run.id)
    assert list_unfinished(runs) == []
    with pytest.raises(RunError, match=f"run {run.id} is finished, expected an unfinished one; see: zoo runs"):
        find_unfinished(run.id, runs)
    assert run.folder.exists(), "to look for something removes nothing"
    assert find_run(run.id, runs) == runs / run.id


def test_names_that_are_no_unfinished_run(killed, runs):
    with pytest.raises(RunError, match="there are no unfinished runs; train one with: zoo train basic"):
        find_unfinished("latest", runs)
    run = killed()
    with pytest.raises(RunError, match=r"there is no unfinished run 'x' in .*; see: zoo runs"):
        find_unfinished("x", runs)
    with pytest.raises(RunError, match=f"run {run.id} is unfinished; go on with it: zoo train --resume {run.id}"):
        find_run(run.id, runs)
    other = killed()
    with pytest.raises(RunError, match=r"'2' begins 2 unfinished runs: .*; give more of the id"):
        find_unfinished("2", runs)
    assert find_unfinished(other.id, runs) == other
    (run.folder / "config.json").write_text("{}")
    with pytest.raises(RunError, match=r"config.json: not what was written, by its SHA-256 in files.sha256; put the"):
        find_unfinished(run.id, runs)
    (run.folder / "files.sha256").unlink()
    with pytest.raises(RunError, match=r"config.json: not a record of this version \(id: Field required\)"):
        find_unfinished(run.id, runs)


def test_weights_are_found_in_both_kinds(killed, runs, trained, tmp_path):
    run = killed()
    assert find_start(run.id, runs, "basic") == find_start(str(run.folder), runs) == run
    assert find_start(trained.id, trained.folder.parent, "basic") == trained.folder
    alone = tmp_path / "alone"  # other tests train beside the shared run, so that it need not be the latest there
    copy = shutil.copytree(trained.folder, alone / trained.folder.name)
    assert find_start("latest", alone) == copy
    with pytest.raises(ConfigError, match="expected a run of the architecture 'stacked', found one of 'basic'; name"):
        find_start(run.id, runs, "stacked")
    with pytest.raises(ConfigError, match="expected a run of the task 'anomaly', found one of 'forecast'; name"):
        find_start(run.id, runs, "basic", "anomaly")
    with pytest.raises(RunError, match="there is no run 'x'"):
        find_start("x", runs)


@pytest.mark.timeout(20)
def test_repair_17_a_dangling_link_is_told(begin, runs):
    """Which is there when a folder is made, and is not there when it is looked for."""
    runs.symlink_to("nowhere")
    with pytest.raises(ConfigError, match="expected a folder, found a link that leads nowhere, "), begin():
        pass


@pytest.fixture
def two(killed, begin, runs, tmp_path, monkeypatch):
    """Two unfinished runs, a finished one, and one of the same id as the first in another folder of runs."""
    monkeypatch.setattr("zoo.runs.claiming.new_run_id", lambda _: "a-run")
    first, second = killed(), killed()
    for place, name in ((runs, "done"), (tmp_path / "other", first.id)):
        finish(place, name)
        (place / name / "model.keras").write_text("a network")
    return first, second


def content(folder):
    return {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("runs/done", "."),
        ("runs/done", ".."),
        ("runs/done", "../done"),
        ("runs/unfinished", "."),
        ("runs/unfinished", "a-run/.."),
        (".", "runs"),
        (".", "other/a-run"),
        ("other/a-run", "."),
        (".", ""),
        (".", "/"),
    ],
)
def test_repair_05_to_look_for_a_run_removes_nothing(two, runs, tmp_path, monkeypatch, where, name):
    monkeypatch.chdir(tmp_path / where)
    before = content(tmp_path)
    with pytest.raises(RunError), reopen_run(name, runs):
        pass
    assert content(tmp_path) == before


def test_repair_05_only_a_run_in_its_own_place_is_resumed(two, runs, tmp_path):
    """The finished run would come beside the folder around it, and this one would be removed."""
    first, second = two
    copy = shutil.copytree(first.folder, tmp_path / "copies" / first.id)
    renamed = second.folder.rename(runs / "unfinished" / "renamed")
    before = content(tmp_path)
    for folder, reason in ((copy, "found a copy elsewhere; move it there"), (renamed, f"found run {second.id}; give")):
        with pytest.raises(RunError, match=reason), reopen_run(str(folder), runs):
            pass
    assert content(tmp_path) == before


def test_repair_05_what_lies_beside_a_checkpoint_stays(two):
    run, _ = two
    kept = [run.folder / name for name in ("checkpoint-notes", ".staging-mine")]
    for folder in kept:
        folder.mkdir()
    with suppress(Killed), reopen_run(str(run.folder), run.runs):
        raise Killed
    assert all(folder.is_dir() for folder in kept)
    assert run.epoch == 3


def test_repair_05_a_start_in_this_folder_has_its_name(two, monkeypatch):
    run, _ = two
    monkeypatch.chdir(run.folder)
    assert find_start(".", run.runs).id == run.id


def test_repair_05_a_folder_of_runs_that_the_user_made_stays(begin, runs):
    runs.mkdir()
    with pytest.raises(ConfigError):
        fail_in(begin(), ConfigError("no"))
    assert list(runs.iterdir()) == []
