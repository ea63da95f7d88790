"""Files and folders that appear whole or not at all: staged beside their place, synced, renamed.

What is staged is locked as long as its process lives, and its name says that it is the zoo's: see :mod:`zoo.removal`.
All of it has the modes that the umask leaves.
"""

from __future__ import annotations

import errno
import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from zoo.locks import is_at, mode_of, try_lock
from zoo.removal import is_staging, remove, staging_name
from zoo_registry.errors import ConfigError

ANSWERED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # they end a command when nothing is half done
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no room: of the disk, of a quota, of what one file may have


def staging_folder(parent: Path) -> AbstractContextManager[Path]:
    """Give a hidden folder inside ``parent`` to write into; it is gone afterwards, unless it was renamed."""
    return _staged(parent, Path.mkdir)


def rename_to_free(
    folder: Path,
    place: Callable[[int], Path],
    first: int = 1,
    prepare: Callable[[int], None] = lambda number: None,
) -> Path:
    """Sync a folder's content and rename it to the first of ``place(first)``, ``place(first + 1)``, … that is free.

    The rename itself claims the place: it fails where a file or a folder with content stands there already.
    ``prepare`` gets each number before it is tried, to write it into the folder. Whatever wrote into that, its content
    has the modes that the umask has left the folder itself.
    """
    usual = stat.S_IMODE(folder.stat().st_mode)
    for number in count(first):
        prepare(number)
        for path in folder.rglob("*"):
            if not path.is_symlink():
                executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
                path.chmod(usual if executable else usual & 0o666)
            sync(path)
        sync(folder)
        target = place(number)
        try:
            folder.rename(target)
        except OSError as error:
            taken = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)  # the last by a file
            if error.errno not in taken or not os.path.lexists(target):
                raise
        else:
            sync(target.parent)
            return target
    raise AssertionError("there is always a next number")


def staging_file(parent: Path) -> AbstractContextManager[Path]:
    """Give an empty hidden file inside ``parent`` to write into; it is gone afterwards, unless it was renamed."""
    return _staged(parent, partial(Path.touch, exist_ok=False))


@contextmanager
def staged_file(place: Path) -> Iterator[Path]:
    """Give a hidden file beside ``place`` to write into; it takes its place at the end, and is gone after an error.

    A file that it replaces gives it its mode. Raises ConfigError where something else than a file is in that place, and
    OSError that names the place where there is no room.
    """
    if place.exists() and not place.is_file():  # a device, say, which a rename would replace
        raise ConfigError(f"{place}: expected a file in its place, or nothing, found something else; name another")
    with staging_file(place.parent) as staged:
        try:
            yield staged
        except OSError as error:
            if error.filename is None and error.errno in FULL:
                error.filename = str(place)
            raise
        if place.exists():
            staged.chmod(stat.S_IMODE(place.stat().st_mode))
        sync(staged)
        staged.replace(place)
    sync(place.parent)


def behind_links(place: Path) -> Path:
    """Where a user's output goes that is named by a link: the link stays, and what it leads to is replaced."""
    return Path(os.path.realpath(place)) if place.is_symlink() else place


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with staged_file(path) as staged:
        staged.write_text(text, encoding="utf-8")


def write_figure(path: Path, figure: Any) -> None:
    """Write a picture of matplotlib's whole or not at all, as the kind of file that its name says."""
    with staged_file(behind_links(path)) as staged:
        figure.savefig(staged, format=path.suffix.removeprefix(".").lower(), dpi=100)


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


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP wait for the end of what must not be left half done; for short work alone."""
    came: list[int] = []
    usual: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():  # it alone is told of signals
        usual = {number: signal.getsignal(number) for number in ANSWERED}
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


def lies_in(path: Path, other: Path) -> bool:
    """Whether a path is that of a file or folder that is there, or lies in it; by the disk's word, not by names."""
    around = {path.absolute(), *path.absolute().parents, path.resolve(), *path.resolve().parents}
    return other.exists() and any(place.exists() and place.samefile(other) for place in around)


def full_disk(error: BaseException) -> str | None:
    """Why there was no room to write, by an error or one that it came of; None where it is another.

    TensorFlow, HDF5 and others tell it in words of their own, which end in the system's.
    """
    told: BaseException | None = error
    while told is not None:
        if isinstance(told, OSError) and told.errno in FULL:
            return os.strerror(told.errno)
        for number in FULL:
            if os.strerror(number) in str(told):
                return os.strerror(number)
        told = told.__cause__ or told.__context__
    return None


@contextmanager
def _staged(parent: Path, make: Callable[[Path], None]) -> Iterator[Path]:
    """Make a file or folder with a name of its own, hold its lock, and remove it at the end."""
    path, handle = None, None
    try:
        with undisturbed():
            path, handle = _made(parent, make)
        yield path
    finally:
        with undisturbed():
            if path is not None and handle is not None:
                with suppress(OSError):  # what cannot be removed now is found later
                    if path.exists():
                        remove(path, path.parent, is_staging, handle)
                os.close(handle)


def _made(parent: Path, make: Callable[[Path], None]) -> tuple[Path, int]:
    """Make a file or folder and lock it; another is made where it was cleaned away."""
    while True:
        make(path := parent / staging_name())
        with suppress(FileNotFoundError):
            handle = os.open(path, mode_of(path))
            if try_lock(handle) and is_at(handle, path):
                return path, handle
            os.close(handle)
