"""Publish a bundle: the model's folder is locked, its interface checked, and the bundle renamed to the next number."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zoo.atomic import rename_to_free, staging_folder, sync, write_text
from zoo.bundle.loading import versions
from zoo.bundle.manifest import Interface
from zoo.export.naming import check_interface

CONFIG_FILE = "config.pbtxt"


@contextmanager
def staging(model: Path) -> Iterator[Path]:
    """Give a hidden folder inside the model's to write into; where nothing is published, nothing stays."""
    model.mkdir(parents=True, exist_ok=True)
    try:
        with staging_folder(model) as folder:
            yield folder
    finally:
        with suppress(OSError):  # it holds versions, or another export's staging
            model.rmdir()


def publish(folder: Path, model: Path, interface: Interface, config: str) -> Path:
    """Rename a complete staging folder to the model's next free version and return it.

    ``config`` is Triton's ``config.pbtxt``, written just before the first version appears. Raises ExportError where
    another process has meanwhile published another interface under this name.
    """
    with _locked(model):
        check_interface(model, interface)
        first = not (model / CONFIG_FILE).exists()
        if first:
            write_text(model / CONFIG_FILE, config)
        try:
            bundle = rename_to_free(folder, lambda number: model / str(number), max(versions(model), default=0) + 1)
        except BaseException:
            if first:
                (model / CONFIG_FILE).unlink()
            raise
    sync(model.parent)
    return bundle


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder against other exports; the system lets go of it if this process dies."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
