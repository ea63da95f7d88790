"""Publish a bundle atomically: staged, synced, renamed to the next free number."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo.bundle.loading import versions

CONFIG_FILE = "config.pbtxt"
_STAGING = ".staging-"


@contextmanager
def staging(model: Path) -> Iterator[Path]:
    """Give a hidden folder inside the model's to write into; whatever happens, nothing half-written stays."""
    existed = model.is_dir()
    model.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=_STAGING, dir=model))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # gone already where it was published
        if not existed and not versions(model):
            (model / CONFIG_FILE).unlink(missing_ok=True)
            _remove_if_empty(model)


def publish(folder: Path, model: Path, config: str) -> Path:
    """Rename a complete staging folder to the model's next free version and return it.

    ``config`` is Triton's ``config.pbtxt``, written before the first version appears. The rename itself claims the
    number: it fails where another process was quicker, and the next number is tried.
    """
    _sync_tree(folder)
    if not (model / CONFIG_FILE).exists():
        _replace(model / CONFIG_FILE, config)
    number = max(versions(model), default=0) + 1
    while True:
        try:
            folder.rename(model / str(number))
            break
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            number += 1
    _sync(model)
    return model / str(number)


def _replace(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=_STAGING, delete=False) as file:
        file.write(text)
    staged = Path(file.name)
    staged.chmod(0o644)
    _sync(staged)
    staged.replace(path)


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
