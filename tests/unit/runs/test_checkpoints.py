"""Checkpoints: what is written is read again; what fails leaves the last one; what is broken is told."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil

import numpy as np
import pytest

from zoo import atomic, locks, removal
from zoo.runs import checkpoints
from zoo.runs.checkpoints import (
    ARRAYS_FILE,
    STATE_FILE,
    Checkpoint,
    TrainingState,
    read_checkpoint,
    write_checkpoint,
)
from zoo.runs.unfinished import UnfinishedRun
from zoo.sums import sha256_of, write_sums
from zoo_registry.errors import RunError

ARRAYS = {f"weights/{number}": np.full((2, 3), number, np.float32) for number in range(11)} | {
    "random/0": np.array([7, 2**32 - 1], np.uint32)
}


def make_checkpoint(epoch=3, **changes):
    state = {"epoch": epoch, "history": {"loss": [0.1, 1 / 3, math.pi]}, "stopped": False, "seconds": 1.5}
    state |= {"callbacks": {"EarlyStopping": {"wait": 1, "best": None}}, "generators": {"python": [3, [1, 2], None]}}
    return Checkpoint(TrainingState(**(state | changes)), ARRAYS)


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "unfinished" / "a-run"
    folder.mkdir(parents=True)
    return UnfinishedRun(folder, None)


def test_what_is_written_is_read_again(run):
    assert read_checkpoint(run) is None
    written = make_checkpoint(history={"loss": [np.nextafter(0.1, 1), 5e-324, float(np.float32(0.1))]})
    write_checkpoint(run, written)
    found = read_checkpoint(run)
    assert found.state == written.state.model_copy(update={"sha256": found.state.sha256})
    assert len(found.state.sha256) == 64
    for name, array in ARRAYS.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)
    assert [array[0, 0] for array in found.group("weights")] == list(range(11)), "in their order, 10 after 9"
    assert found.group("best") == []


def test_only_the_newest_is_left(run):
    for epoch in (0, 9, 10):
        write_checkpoint(run, make_checkpoint(epoch))
        assert [path.name for path in run.folder.iterdir()] == [f"checkpoint-{epoch}"]
    assert run.epoch == read_checkpoint(run).state.epoch == 10


def test_ctrl_c_at_any_line_leaves_one_whole_checkpoint(tmp_path, interrupted_at):
    files = {
        atomic.__file__,
        locks.__file__,
        removal.__file__,
        shutil.__file__,
        np.lib.npyio.__file__,
        checkpoints.__file__,
    }
    for line in range(5000):
        folder = tmp_path / "unfinished" / str(line)
        folder.mkdir(parents=True)
        run = UnfinishedRun(folder, None)
        write_checkpoint(run, make_checkpoint(9))
        try:
            interrupted_at(line, files, write_checkpoint, run, make_checkpoint(10))
        except KeyboardInterrupt:
            (left,) = folder.iterdir()
            assert read_checkpoint(run).state.epoch == int(left.name.removeprefix("checkpoint-"))
        else:
            break
    assert 100 < line < 5000
    assert run.epoch == 10


def test_the_older_one_goes_only_after_the_newer_has_come(run, monkeypatch):
    write_checkpoint(run, make_checkpoint(9))

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints, "remove", killed)
    with pytest.raises(KeyboardInterrupt):
        write_checkpoint(run, make_checkpoint(10))
    assert sorted(path.name for path in run.folder.iterdir()) == ["checkpoint-10", "checkpoint-9"]
    assert read_checkpoint(run).state.epoch == 10
    monkeypatch.undo()
    write_checkpoint(run, make_checkpoint(11))
    assert [path.name for path in run.folder.iterdir()] == ["checkpoint-11"]


@pytest.mark.parametrize("failing", ["savez", "fsync", "rename"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt()], ids=type)
def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(run, monkeypatch, failing, error):
    write_checkpoint(run, make_checkpoint(2))

    def fail(*_, **__):
        raise error

    if failing == "savez":
        monkeypatch.setattr(np, "savez", fail)
    elif failing == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr("pathlib.Path.rename", fail)
    with pytest.raises(type(error)):
        write_checkpoint(run, make_checkpoint(3))
    monkeypatch.undo()
    assert [path.name for path in run.folder.iterdir()] == ["checkpoint-2"]
    assert read_checkpoint(run).state.epoch == 2


def spoil(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: spoil(folder / ARRAYS_FILE, 200), "arrays.npz has the SHA-256"),
        (lambda folder: (folder / ARRAYS_FILE).write_bytes(b""), "arrays.npz has the SHA-256"),
        (lambda folder: (folder / ARRAYS_FILE).unlink(), "No such file"),
        (lambda folder: (folder / STATE_FILE).unlink(), "No such file"),
        (lambda folder: (folder / STATE_FILE).write_text("{"), "Expecting property name"),
        (lambda folder: (folder / STATE_FILE).write_bytes(b"\xff"), "can't decode"),
        (lambda folder: (folder / STATE_FILE).write_text("{}"), "checkpoint.json is not of this version"),
    ],
)
def test_a_broken_checkpoint_is_told(run, change, told):
    write_checkpoint(run, make_checkpoint())
    change(run.folder / "checkpoint-3")
    with pytest.raises(RunError, match=r"checkpoint-3: not what was written: .*; remove .*a-run and train") as caught:
        read_checkpoint(run)
    assert told in str(caught.value)


def test_no_pickle_is_read(run):
    """Even where the sums hold."""
    write_checkpoint(run, make_checkpoint())
    folder = run.folder / "checkpoint-3"
    np.savez(folder / ARRAYS_FILE, **{"weights/0": np.array([{"a": 1}], dtype=object)})
    state = json.loads((folder / STATE_FILE).read_text())
    (folder / STATE_FILE).write_text(json.dumps(state | {"sha256": sha256_of(folder / ARRAYS_FILE)}))
    write_sums(folder, [ARRAYS_FILE, STATE_FILE])
    with pytest.raises(RunError, match="allow_pickle"):
        read_checkpoint(run)
