"""What is staged is gone afterwards, whenever the process is told to stop."""

from __future__ import annotations

import shutil
import signal
import threading

import pytest

from zoo import removal
from zoo.atomic import rename_to_free, staging_file, staging_folder, undisturbed

ITS_TOOLS = {removal.__file__, shutil.__file__}


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
