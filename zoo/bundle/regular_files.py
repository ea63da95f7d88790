"""Regular files alone: how everything of a bundle is opened, so that no link, pipe or device is ever followed."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo.texts import printable
from zoo_registry.errors import BundleError

MAX_ENTRIES = 4096


def walk_regular(folder: Path) -> dict[str, Path]:
    """Every file below a folder by its path relative to it, with slashes; folders are entered, but not named.

    Raises BundleError for a link or anything else that is neither file nor folder, for more than MAX_ENTRIES entries,
    and where a folder cannot be read.
    """
    found, waiting, entries = {}, [folder], 0
    while waiting:
        with _readable(place := waiting.pop()), os.scandir(place) as listed:
            for entry in listed:
                entries += 1
                if entries > MAX_ENTRIES:
                    raise BundleError(f"{printable(folder)}: expected at most {MAX_ENTRIES} files and folders")
                path = Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif entry.is_file(follow_symlinks=False):
                    found[path.relative_to(folder).as_posix()] = path
                else:
                    raise BundleError(
                        f"{printable(path)}: expected files and folders alone, found a link or device; remove it"
                    )
    return found


@contextmanager
def open_regular(path: Path) -> Iterator[io.BufferedReader]:
    """Open a regular file for reading; raises BundleError for anything else, and never waits for a pipe."""
    with _readable(path):
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(handle, "rb") as file:  # noqa: PTH123 - a handle has no path
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise BundleError(f"{printable(path)}: expected a regular file, found something else; remove it")
        yield file


def read_regular(path: Path, limit: int) -> bytes:
    """The content of a regular file; raises BundleError where it is longer than ``limit`` bytes."""
    with open_regular(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise BundleError(f"{printable(path)}: expected at most {limit} bytes, found more; export again")
    return content


def sha256_of(path: Path) -> str:
    """The SHA-256 of a regular file, in hexadecimal."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BundleError(f"{printable(path)}: expected a readable file or folder, found: {error.strerror}") from error
