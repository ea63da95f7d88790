"""Publish a bundle: the model's folder is locked, looked at once more, and the bundle renamed to the next number.

A process that is killed at any moment leaves either nothing new or a whole bundle, and hidden leftovers, which
:mod:`zoo.export.leftovers` cleans up. A number is given once: see :class:`zoo.export.numbers.Numbers`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from zoo.atomic import make_folder, rename_to_free, staging_folder, sync, write_text
from zoo.bundle.place import CONFIG_FILE, MAX_CONFIG_BYTES
from zoo.bundle.regular_files import read_regular
from zoo.bundle.version_folders import versions
from zoo.export.numbers import MARK_FILE, Numbers
from zoo.locks import held
from zoo.removal import remove_emptied
from zoo_registry.errors import ExportError


@contextmanager
def staging(model: Path) -> Iterator[Path]:
    """Give a hidden folder inside the model's to write into; where nothing is published, nothing stays."""
    if not versions(model):
        _check_config(model)  # told before the work
    with ExitStack() as stack:
        stack.callback(_remove_unused, model)
        while True:
            _make_model(model)
            with suppress(FileNotFoundError):  # another export that failed removed the model's folder just now
                folder = stack.enter_context(staging_folder(model))
                break
        yield folder


def publish(
    folder: Path,
    model: Path,
    config: str,
    seal: Callable[[int, bytes], None] = lambda number, config: None,
    check: Callable[[], None] = lambda: None,
) -> Path:
    """Rename a complete and verified staging folder to the model's next version and return it.

    ``config`` is Triton's ``config.pbtxt``, written whole just before the first version appears; one that is there is
    kept. ``seal`` gets the number and what stands in ``config.pbtxt``, to write both into the folder. ``check`` comes
    first, where no other process can publish, and raises what forbids it.
    """
    with held(model.resolve(), wait=True):
        check()
        published = versions(model)
        numbers = Numbers.read(model)
        fresh = not published or not (model / CONFIG_FILE).exists()  # one without versions is a killed export's
        if fresh:
            _check_config(model)
        own = numbers.hash_of(config.encode())
        try:
            if fresh:
                Numbers(numbers.highest, own).write(model)  # so that it is known as the zoo's whatever happens
                write_text(model / CONFIG_FILE, config)
            written = read_regular(model / CONFIG_FILE, MAX_CONFIG_BYTES)
            if written != config.encode():  # somebody changed it, and it stays theirs
                own = numbers.config

            def claim(number: int) -> Path:
                Numbers(number, own).write(model)  # before the rename: a kill in between costs a number
                return model / str(number)

            first = max([numbers.highest, *published]) + 1
            bundle = rename_to_free(folder, claim, first, lambda number: seal(number, written))
        except BaseException:
            if fresh and not versions(model):
                (model / CONFIG_FILE).unlink(missing_ok=True)
            if set(versions(model)) <= set(published):  # no number was given
                with suppress(OSError):
                    numbers.write(model)
            raise
        finally:
            if versions(model):  # which are mark enough
                (model / MARK_FILE).unlink(missing_ok=True)
    sync(model.parent)
    return bundle


def _make_model(model: Path) -> None:
    """Make a model's folder, which appears with the zoo's mark in it; one that is there stays as it is."""
    make_folder(model.parent)
    if model.exists():
        return
    with staging_folder(model.parent) as folder:
        write_text(folder / MARK_FILE, "zoo gc removes this folder where no version is in it.\n")
        try:
            folder.rename(model)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # another export was quicker
                raise
    sync(model.parent)


def _check_config(model: Path) -> None:
    """Raise ExportError where a first version's configuration would replace one that no export has written."""
    config = model / CONFIG_FILE
    if config.exists() and not Numbers.read(model).wrote(config):
        raise ExportError(
            f"{config}: expected none, or that of an export, found one that no export is known to"
            " have written; move it away, or give another `name`"
        )


def _remove_unused(model: Path) -> None:
    """Remove a model's folder that the zoo made, and in which is nothing of anybody."""
    with held(model.resolve()) as lock:
        if lock is not None and (model / MARK_FILE).is_file():  # else another export publishes here
            remove_emptied(model, (MARK_FILE,))
