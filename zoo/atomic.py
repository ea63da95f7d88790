"""Folders that appear whole or not at all: staged beside their place, synced, renamed."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

STAGING = ".staging-"


@contextmanager
def staging_folder(parent: Path) -> Iterator[Path]:
    """Give a hidden folder inside ``parent`` to write into; it is gone afterwards, unless it was renamed."""
    folder = Path(tempfile.mkdtemp(prefix=STAGING, dir=parent))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def rename_to_free(folder: Path, place: Callable[[int], Path], first: int = 1) -> Path:
    """Sync a folder's content and rename it to the first of ``place(first)``, ``place(first + 1)``, … that is free.

    The rename itself claims the place: it fails where a folder with content stands there, however it came there.
    """
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)
    for number in count(first):
        try:
            folder.rename(place(number))
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
        else:
            sync(place(number).parent)
            return place(number)
    raise AssertionError("there is always a next number")


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=STAGING)
    os.close(handle)
    staged = Path(name)
    try:
        staged.write_text(text, encoding="utf-8")
        staged.chmod(0o644)
        sync(staged)
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Bring a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
