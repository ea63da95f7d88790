"""Files and folders that appear whole or not at all: staged beside their place, synced, renamed.

What is staged is locked as long as its process lives: :func:`abandoned` tells what a killed one has left.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from zoo_registry.errors import ConfigError

STAGING = ".staging-"


@contextmanager
def staging_folder(parent: Path) -> Iterator[Path]:
    """Give a hidden folder inside ``parent`` to write into; it is gone afterwards, unless it was renamed."""
    make, remove = lambda: tempfile.mkdtemp(prefix=STAGING, dir=parent), partial(shutil.rmtree, ignore_errors=True)
    with _staged(make, remove) as folder:
        folder.chmod(0o755)
        yield folder


def rename_to_free(
    folder: Path,
    place: Callable[[int], Path],
    first: int = 1,
    prepare: Callable[[int], None] = lambda number: None,
) -> Path:
    """Sync a folder's content and rename it to the first of ``place(first)``, ``place(first + 1)``, … that is free.

    The rename itself claims the place: it fails where a folder with content stands there, however it came there.
    ``prepare`` gets each number before it is tried, to write it into the folder.
    """
    for number in count(first):
        prepare(number)
        for path in folder.rglob("*"):
            sync(path)
        sync(folder)
        try:
            folder.rename(place(number))
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
        else:
            sync(place(number).parent)
            return place(number)
    raise AssertionError("there is always a next number")


@contextmanager
def staging_file(parent: Path) -> Iterator[Path]:
    """Give an empty hidden file inside ``parent`` to write into; it is gone afterwards, unless it was renamed."""

    def make() -> str:
        handle, name = tempfile.mkstemp(dir=parent, prefix=STAGING)
        os.close(handle)
        return name

    with _staged(make, lambda staged: staged.unlink(missing_ok=True)) as staged:
        yield staged


@contextmanager
def staged_file(place: Path) -> Iterator[Path]:
    """Give a hidden file beside ``place`` to write into; it takes its place at the end, and is gone after an error."""
    with staging_file(place.parent) as staged:
        yield staged
        staged.chmod(0o644)
        sync(staged)
        staged.replace(place)
    sync(place.parent)


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with staged_file(path) as staged:
        staged.write_text(text, encoding="utf-8")


def check_folder(folder: Path, option: str = "") -> None:
    """Raise ConfigError where something that is no folder stands in the place of this one or of one above it.

    A link that leads nowhere is no folder, though nothing seems to be there. ``option`` begins the sentence.
    """
    for place in (folder, *folder.parents):
        if os.path.lexists(place):
            if not place.is_dir():
                found = "the file" if place.exists() else "a link that leads nowhere,"
                told = f"expected a folder, found {found} {place}; name another"
                raise ConfigError(f"{option}: {told}" if option else f"{folder}: {told}")
            return


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, and bring their names to the disk; raises ConfigError as check_folder does."""
    check_folder(folder)
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync(path.parent)


def sync(path: Path) -> None:
    """Bring a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def try_lock(handle: int) -> bool:
    """Lock an open file or folder against others that ask so; the system lets go of it when the process ends."""
    if sys.platform == "win32":  # it has no flock; nothing is held there
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def abandoned(path: Path) -> Iterator[bool]:
    """Tell whether no living process writes into what is staged here, and keep it so meanwhile."""
    try:
        handle = os.open(path, _mode(path) | os.O_NOFOLLOW)
    except FileNotFoundError:  # renamed or removed a moment ago
        yield False
        return
    try:
        yield try_lock(handle) and _is_at(handle, path)
    finally:
        os.close(handle)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait for the end of what must not be left half done; for short work alone."""
    came: list[int] = []
    usual: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():  # it alone is told of signals
        usual = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    usual = {number: handler for number, handler in usual.items() if handler is not None}  # None: not Python's
    try:
        for number in usual:
            signal.signal(number, lambda number, _: came.append(number))
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


@contextmanager
def _staged(make: Callable[[], str], remove: Callable[[Path], object]) -> Iterator[Path]:
    """Make a file or folder with a name of its own, hold its lock, and remove it at the end."""
    path, handle = None, None
    try:
        with undisturbed():
            path, handle = _made(make)
        yield path
    finally:
        with undisturbed():
            if path is not None and handle is not None:
                remove(path)
                os.close(handle)


def _made(make: Callable[[], str]) -> tuple[Path, int]:
    """Make a file or folder and lock it; another is made where it was cleaned away."""
    while True:
        path = Path(make())
        with suppress(FileNotFoundError):
            handle = os.open(path, _mode(path))
            if try_lock(handle) and _is_at(handle, path):
                return path, handle
            os.close(handle)


def _mode(path: Path) -> int:
    """How to open what is staged: NFS locks a file only for those who may write it."""
    return os.O_RDONLY if path.is_dir() else os.O_RDWR


def _is_at(handle: int, path: Path) -> bool:
    """Whether the path still leads to what the handle has open."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(handle), path.stat())
    return False
