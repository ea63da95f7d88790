"""TensorFlow's greetings are kept off standard error; everything after them is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from zoo.quiet import import_tensorflow

HANDLES = Path("/dev/fd")
PROGRAM = """
import os, sys
from zoo.quiet import import_tensorflow
import_tensorflow()
assert "tensorflow" in sys.modules
os.write(2, b"heard")
"""


def test_nothing_is_said_while_it_starts():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "heard")


def test_an_import_that_fails_is_still_heard(monkeypatch):
    handles = len(list(HANDLES.iterdir()))
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    for _ in range(3):
        with pytest.raises(ImportError, match="tensorflow"):
            import_tensorflow()
    assert len(list(HANDLES.iterdir())) == handles, "no handle stays open"
