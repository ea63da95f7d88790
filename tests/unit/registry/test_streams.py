"""Standard streams that are closed lead nowhere: nothing fails, and no file of ours gets what is printed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BUNDLE = Path(__file__).parents[2] / "fixtures" / "version-1" / "exported" / "huber" / "1"
ZOO = f"{sys.executable} -m zoo"
NOISY = """
import os, sys
from zoo_registry.streams import open_closed_streams, silent_stderr
open_closed_streams()
with open("result", "wb") as file, silent_stderr():
    file.write(b"result")
    os.write(1, b"of a library")
    os.write(2, b"of a library")
    print("of a program")
    print("of a program", file=sys.stderr)
assert open("result", "rb").read() == b"result"
open("done", "x").close()
"""


def shell(command, folder):
    return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("command", "code", "shown"),
    [
        ("list >&-", 0, ""),
        ("list --json >&- 2>&- <&-", 0, ""),
        ("show nonsense 2>&-", 2, ""),  # the sentence is for standard error alone
        ("nonsense 2>&-", 2, ""),
        ("train --help >&-", 0, ""),
    ],
)
def test_repair_17_commands_with_closed_streams(command, code, shown, tmp_path):
    done = shell(f"{ZOO} {command}", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (code, shown, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_repair_17_what_is_printed_reaches_no_file(closed, tmp_path):
    (tmp_path / "noisy.py").write_text(NOISY)
    done = shell(f"{sys.executable} noisy.py {closed}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "done").exists()


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_repair_21_a_replay_with_closed_streams(closed, tmp_path):
    program = f"import zoo; zoo.verify_bundle({str(BUNDLE)!r})"
    assert shell(f'{sys.executable} -c "{program}" {closed}', tmp_path).returncode == 0


@pytest.mark.full
def test_repair_17_a_training_with_closed_streams(tmp_path, series_file):
    arguments = f"train linear --data {series_file} --target load --window 8 --horizon 3 --epochs 1"
    done = shell(f"{ZOO} {arguments} 2>&-", tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("features: load, temperature")  # and no line of what goes to standard error
    assert shell(f"{ZOO} {arguments} <&- >&- 2>&-", tmp_path).returncode == 0
    assert len(list((tmp_path / "runs").glob("*-linear*"))) == 2
