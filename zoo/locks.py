"""Locks on files and folders themselves, which the system lets go of when a process ends, however it ends.

They are the system's own (``flock``) and not filelock's: that opens what it locks for writing, which no folder is, and
makes what is not there, which those who only ask must not do. A folder that is locked stays so when it is renamed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def held(path: Path, *, wait: bool = False) -> Iterator[int | None]:
    """Lock a file or folder meanwhile, and give its handle; None where another process holds it, or it is gone.

    With ``wait`` that process is waited for.
    """
    try:
        handle = os.open(path, mode_of(path) | os.O_NOFOLLOW)
    except FileNotFoundError:  # renamed or removed a moment ago
        yield None
        return
    try:
        yield handle if try_lock(handle, wait=wait) and is_at(handle, path) else None
    finally:
        os.close(handle)


@contextmanager
def holding(file: Path) -> Iterator[bool]:
    """Lock a file that is there for its lock alone, made where it is missing; False where another process holds it."""
    with file.open("ab") as opened:
        yield try_lock(opened.fileno())


def is_held(file: Path) -> bool:
    """Whether a process holds a file; nobody holds one that is gone. Who may only read it can ask too."""
    with suppress(FileNotFoundError), file.open("rb") as opened:
        return not try_lock(opened.fileno())
    return False


def try_lock(handle: int, *, wait: bool = False) -> bool:
    """Lock an open file or folder against others that ask so, and say whether it is locked."""
    if sys.platform == "win32":  # it has no flock; nothing is held there
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def mode_of(path: Path) -> int:
    """How to open what is to be locked: NFS locks a file only for those who may write it."""
    return os.O_RDONLY if path.is_dir() else os.O_RDWR


def is_at(handle: int, path: Path) -> bool:
    """Whether the path still leads to what the handle has open."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(handle), path.stat())
    return False
