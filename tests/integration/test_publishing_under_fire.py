"""A dozen of each blow of tests/stress/publishing.py: kills, full disks, several at once, and killed exports."""

from __future__ import annotations

import subprocess
import sys

import pytest


def stress(root, **options):
    arguments = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, root / "tests" / "stress" / "publishing.py", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    return done.stdout.splitlines()


@pytest.mark.full
def test_no_version_is_ever_incomplete(request):
    killed, full, raced = stress(request.config.rootpath, kills=12, full=12, each=3, exports=0)
    assert killed.startswith("12 publishings of ")
    assert ", 0 incomplete" in killed
    assert full.startswith("12 publishings onto ")
    assert full.endswith("0 incomplete, nothing was left")
    assert raced.endswith(": 12 distinct valid versions")


@pytest.mark.full
def test_whole_exports_that_are_killed(request):
    *_, exports = stress(request.config.rootpath, kills=1, full=1, each=1, exports=2, seed=1)
    assert exports.startswith("2 whole exports killed ")
    assert exports.endswith(", 0 incomplete")
