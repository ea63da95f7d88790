"""What a plugin does to the process while it is loaded stays there."""

import os
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from zoo_registry.containment import contained
from zoo_registry.streams import silent_stderr


def test_what_is_printed_goes_to_standard_error(capfd):
    print("before")
    with contained():
        print("python")
        os.write(1, b"c library\n")
        os.system("echo child")
    print("after")
    os.write(1, b"later\n")
    sys.stdout.flush()
    out, err = capfd.readouterr()
    assert sorted(out.split()) == ["after", "before", "later"]
    assert sorted(err.splitlines()) == ["c library", "child", "python"]


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_folder_and_filters_are_given_back_whatever_is_raised(error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    filters = list(warnings.filters)

    def misbehave():
        with contained():
            os.chdir("/")
            warnings.simplefilter("ignore")
            raise error

    with pytest.raises(error):
        misbehave()
    assert Path.cwd() == tmp_path
    assert list(warnings.filters) == filters


@pytest.mark.parametrize("changed", [contained, silent_stderr])
def test_repair_03_threads_give_back_what_was_there_before_all_of_them(changed):
    begun, second_in, first_out = threading.Event(), threading.Event(), threading.Event()

    def first():
        with changed():
            begun.set()
            second_in.wait(0.3)  # which is given time to come between, if it could
        first_out.set()

    def second():
        assert begun.wait(60)
        with changed():
            second_in.set()
            assert first_out.wait(60)

    before = sys.stdout, os.fstat(1).st_ino, os.fstat(2).st_ino
    with ThreadPoolExecutor(2) as executor:
        for task in [executor.submit(first), executor.submit(second)]:
            task.result(60)
    assert (sys.stdout, os.fstat(1).st_ino, os.fstat(2).st_ino) == before


def test_a_folder_that_was_removed_is_no_obstacle(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with contained():
        os.chdir(tmp_path)
    assert Path.cwd() == tmp_path
    monkeypatch.chdir(tmp_path)
