"""What a plugin does to the process while it is loaded stays there."""

import os
import sys
import warnings
from pathlib import Path

import pytest

from zoo_registry.containment import contained


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


def test_a_folder_that_was_removed_is_no_obstacle(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with contained():
        os.chdir(tmp_path)
    assert Path.cwd() == tmp_path
    monkeypatch.chdir(tmp_path)
