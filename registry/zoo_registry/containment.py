"""Keep what a plugin does to the process while it is loaded from reaching what comes after it."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path

STDOUT, STDERR = 1, 2  # file descriptors, which child processes and libraries in C write to

_one_at_a_time = threading.RLock()


@contextmanager
def contained() -> Iterator[None]:
    """Send what is printed to standard error, and give back the working folder and the filters of warnings.

    Standard output is for the command's result, a relative path is meant from where the command was called, and a
    filter that turns warnings into errors would fail in somebody else's code. Threads wait for each other, as each
    gives back what it found.
    """
    with (
        _one_at_a_time,
        redirect_stdout(sys.stderr),
        _stdout_descriptor_to_stderr(),
        _same_folder(),
        warnings.catch_warnings(),
    ):
        yield


@contextmanager
def _stdout_descriptor_to_stderr() -> Iterator[None]:
    if sys.__stdout__ is not None:
        with suppress(OSError, ValueError):
            sys.__stdout__.flush()  # what was written before goes where it was meant to
    try:
        kept = os.dup(STDOUT)
    except OSError:  # closed, as in a daemon
        yield
        return
    try:
        with suppress(OSError):
            os.dup2(STDERR, STDOUT)
        yield
    finally:
        if sys.__stdout__ is not None:
            with suppress(OSError, ValueError):
                sys.__stdout__.flush()
        os.dup2(kept, STDOUT)
        os.close(kept)


@contextmanager
def _same_folder() -> Iterator[None]:
    try:
        before = Path.cwd()
    except OSError:  # it was removed
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError):
            os.chdir(before)
