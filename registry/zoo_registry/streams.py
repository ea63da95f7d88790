"""The process' standard streams where they are closed, and where C libraries are to be silent."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))

_one_at_a_time = threading.RLock()


def open_closed_streams() -> None:
    """Let standard streams that are closed lead nowhere.

    Else the next files that are opened get their descriptors, and whatever a library prints is written into them.
    """
    for descriptor in range(len(_STREAMS)):
        try:
            os.fstat(descriptor)
        except OSError:
            void = os.open(os.devnull, os.O_RDWR)  # which gets the lowest number that is free: mostly this one
            if void != descriptor:
                os.dup2(void, descriptor)
                os.close(void)
            os.set_inheritable(descriptor, True)
    for name, mode in _STREAMS:
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123, SIM115 - as long as the process
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Send what is written to file descriptor 2, as libraries in C do, nowhere."""
    with _one_at_a_time:  # else a thread takes another's nowhere for what was there before
        open_closed_streams()
        kept, void = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(void, 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(void)
