"""What is staged is gone afterwards, whenever the process is told to stop."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import threading

import pytest

from zoo import locks, removal
from zoo.atomic import (
    full_disk,
    lies_in,
    make_folder,
    rename_to_free,
    staged_file,
    staging_file,
    staging_folder,
    undisturbed,
)
from zoo_registry.errors import ConfigError

ITS_TOOLS = {locks.__file__, removal.__file__, shutil.__file__}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_repair_06_a_signal_waits_for_the_end(number):
    came, usual = [], signal.signal(number, lambda *_: came.append("told"))
    try:
        with undisturbed():
            signal.raise_signal(number)
            with undisturbed():
                pass
            assert came == []
        assert came == ["told"]
        with undisturbed():
            pass
        assert came == ["told"]
    finally:
        signal.signal(number, usual)


def test_ctrl_c_after_an_error_hides_none_of_it():
    @undisturbed()
    def fail():
        signal.raise_signal(signal.SIGINT)
        raise ValueError("the disk is full")

    with pytest.raises(KeyboardInterrupt) as told:
        fail()
    assert str(told.value.__context__) == "the disk is full"


def test_other_threads_are_told_of_no_signal_and_may_stage(tmp_path):
    found = []

    def write():
        with staging_folder(tmp_path) as folder:
            found.append(folder.is_dir())

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert found == [True]
    assert list(tmp_path.iterdir()) == []


def stage_a_file(parent):
    with staging_file(parent) as staged:
        staged.write_text("half")


def stage_a_folder(parent):
    with staging_folder(parent) as staged:
        (staged / "half").write_text("half")


def rename_a_folder(parent):
    with staging_folder(parent) as staged:
        (staged / "whole").write_text("whole")
        rename_to_free(staged, lambda number: parent / f"v{number}")


@pytest.mark.parametrize("write", [stage_a_file, stage_a_folder, rename_a_folder])
def test_ctrl_c_at_any_line_leaves_no_staging(tmp_path, write, interrupted_at):
    for line in range(1000):
        parent = tmp_path / str(line)
        parent.mkdir()
        try:
            interrupted_at(line, ITS_TOOLS, write, parent)
        except KeyboardInterrupt:
            assert [path.name for path in parent.iterdir()] in ([], ["v1"]), f"line {line}"
        else:
            break
    assert 10 < line < 1000


@pytest.mark.parametrize("place", ["link", "link/runs", "file", "file/runs", "folder/loop"])
def test_repair_17_no_folder_is_made_of_a_dangling_link_or_a_file(tmp_path, place):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere" / "else")
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "loop").symlink_to("loop")
    found = "the file" if place.startswith("file") else "a link that leads nowhere,"
    with pytest.raises(ConfigError, match=f"expected a folder, found {found} "):
        make_folder(tmp_path / place)
    assert not (tmp_path / "nowhere").exists()


def test_repair_17_a_link_to_a_folder_is_a_folder(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "runs").symlink_to("disk")
    make_folder(tmp_path / "runs" / "unfinished")
    assert (tmp_path / "disk" / "unfinished").is_dir()


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022, 0o027, 0o077])
def test_repair_18_the_umask_is_honoured(tmp_path, mask):
    usual = os.umask(mask)
    try:
        make_folder(tmp_path / "made" / "deep")
        with staged_file(tmp_path / "made" / "file") as file:
            file.write_text("whole")
        with staging_folder(tmp_path / "made") as folder:
            (folder / "inside").mkdir(mode=0o700)
            (folder / "inside" / "data").touch(mode=0o600)
            (folder / "inside" / "program").touch(mode=0o744)
            rename_to_free(folder, lambda _: tmp_path / "made" / "folder")
    finally:
        os.umask(usual)
    made = [tmp_path / "made", *(tmp_path / "made").rglob("*")]
    assert len(made) == 7
    for path in made:
        usual = 0o777 if path.is_dir() or path.name == "program" else 0o666
        assert path.stat().st_mode & 0o777 == usual & ~mask, path


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "whatever"), "No space left on device"),
        (OSError(errno.EACCES, "Permission denied"), None),
        (RuntimeError("UNKNOWN: /x/saved_model.pb; File too large"), "File too large"),
        (
            ValueError("[Errno 122] Unable to write (error message = 'Disk quota exceeded', buf = 0)"),
            "Disk quota exceeded",
        ),
        (ValueError("no"), None),
    ],
)
def test_repair_09_a_full_disk_is_known_in_whatever_words(error, told):
    outer, around = KeyError("of it"), ValueError("while it was told")
    outer.__cause__, around.__context__ = error, error
    assert full_disk(error) == full_disk(outer) == full_disk(around) == told


def test_repair_07_places_are_compared_on_the_disk(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "file").touch()
    (tmp_path / "hard").hardlink_to(tmp_path / "a" / "file")
    (tmp_path / "link").symlink_to("a")
    inside = ("a", "a/b", "a/new", "a/b/new/newer", "link", "link/b/new", "a/../a/b")
    assert all(lies_in(tmp_path / path, tmp_path / "a") for path in inside)
    assert not any(lies_in(tmp_path / path, tmp_path / "a") for path in (".", "hard", "new", "ab"))
    assert lies_in(tmp_path / "hard", tmp_path / "a" / "file")
    assert lies_in(tmp_path / "link" / "file", tmp_path / "hard")
    assert not lies_in(tmp_path / "new", tmp_path / "new")
