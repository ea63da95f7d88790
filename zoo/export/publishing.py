"""Publish a bundle: the model's folder is locked, its interface checked, and the bundle renamed to the next number.

A process that is killed at any moment leaves either nothing new or a whole bundle, and hidden leftovers, which
:mod:`zoo.export.leftovers` cleans up.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from zoo.atomic import make_folder, rename_to_free, staging_folder, sync, write_text
from zoo.bundle.manifest import Interface
from zoo.bundle.place import CONFIG_FILE, MAX_CONFIG_BYTES
from zoo.bundle.regular_files import read_regular
from zoo.bundle.version_folders import versions
from zoo.export.naming import check_interface


@contextmanager
def staging(model: Path) -> Iterator[Path]:
    """Give a hidden folder inside the model's to write into; where nothing is published, nothing stays."""
    with ExitStack() as stack:
        stack.callback(_remove_empty, model)
        while True:
            make_folder(model)
            with suppress(FileNotFoundError):  # another export that failed removed the model's folder just now
                folder = stack.enter_context(staging_folder(model))
                break
        yield folder


def publish(
    folder: Path,
    model: Path,
    interface: Interface,
    config: str,
    seal: Callable[[int, bytes], None] = lambda number, config: None,
) -> Path:
    """Rename a complete and verified staging folder to the model's next free version and return it.

    ``config`` is Triton's ``config.pbtxt``, written whole just before the first version appears; one that is there is
    kept. ``seal`` gets the number and what stands in ``config.pbtxt``, to write both into the folder. Raises
    ExportError where another process has meanwhile published another interface under this name.
    """
    with _locked(model):
        check_interface(model, interface)
        published = versions(model)
        try:
            if not published or not (model / CONFIG_FILE).exists():  # one without versions is a killed export's
                write_text(model / CONFIG_FILE, config)
            written = read_regular(model / CONFIG_FILE, MAX_CONFIG_BYTES)
            first = max(published, default=0) + 1
            bundle = rename_to_free(
                folder, lambda number: model / str(number), first, lambda number: seal(number, written)
            )
        except BaseException:
            if not versions(model):
                (model / CONFIG_FILE).unlink(missing_ok=True)
            raise
    sync(model.parent)
    return bundle


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # it holds versions, or another export's staging
        folder.rmdir()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder against other exports; the system lets go of it if this process dies."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
