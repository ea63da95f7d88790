"""The one place where the zoo removes: only what it made, what says so itself, and what no other process holds."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Callable, Collection
from contextlib import nullcontext
from pathlib import Path

from zoo.locks import held, is_at, try_lock
from zoo_registry.errors import ZooError

STAGING = ".staging-"


class ForeignError(ZooError):
    """Something was to be removed that is not the zoo's, or that another process holds."""


def remove(path: Path, of: Path, mark: Callable[[Path], bool], lock: int | None = None) -> None:
    """Remove a file, or a folder with all that is in it; unless it is the zoo's to remove, raise ForeignError.

    Args:
        path: What to remove, which is directly in ``of``, and no link.
        of: The folder that it is in.
        mark: Tells whether what is there is the zoo's, by its name or content.
        lock: The handle of ``path``, where the caller has locked it; else it is locked here.
    """
    if path.name in ("", "..") or path.is_symlink() or path.parent.resolve() != of.resolve() or not mark(path):
        raise ForeignError(f"{path}: expected something that the zoo made in {of}, found something else; it stays")
    with held(path) if lock is None else nullcontext(lock) as handle:
        if handle is None or not is_at(handle, path) or not try_lock(handle):
            if not path.exists():
                return
            raise ForeignError(f"{path}: another process holds it; it stays")
        if path.is_file():
            path.unlink()
            return
        if not is_staging(path):  # so that a kill leaves nothing half-removed under a name that others read
            path = path.rename(path.with_name(staging_name()))
        shutil.rmtree(path, ignore_errors=True)
        if path.exists():
            shutil.rmtree(path)  # which says why


def remove_emptied(folder: Path, names: Collection[str] = ()) -> bool:
    """Remove a folder in which is nothing but files of these names, and say whether it is gone.

    What comes into it meanwhile stays, as do the files then. The caller has locked it, or has made it, empty.
    """
    if folder.is_symlink() or {path.name for path in folder.iterdir()} - set(names):
        return False
    before = {path: path.read_bytes() for name in names if (path := folder / name).is_file()}
    for path in before:
        path.unlink()
    try:
        folder.rmdir()
    except OSError:
        for path, content in before.items():
            path.write_bytes(content)
        return False
    return True


def staging_name() -> str:
    """A new name for what is staged, which nobody else gives by chance: its end is a checksum of what comes before."""
    token = secrets.token_hex(8)
    return f"{STAGING}{token}-{_check(token)}"


def is_staging(path: Path) -> bool:
    """Whether a name was given by :func:`staging_name`; an ending such as ``.tar`` may follow it."""
    token, _, check = path.name.removeprefix(STAGING).partition(".")[0].partition("-")
    return path.name.startswith(STAGING) and check == _check(token)


def staged_in(folder: Path) -> list[Path]:
    """What was staged directly in a folder, and is still there, by name."""
    found = sorted(path for path in folder.glob(f"{STAGING}*") if is_staging(path) and not path.is_symlink())
    return [path for path in found if path.is_dir() or path.is_file()]


def _check(token: str) -> str:
    return hashlib.sha256(f"lstm-zoo staging {token}".encode()).hexdigest()[:8]
