"""A file of the Monash archive as it is published: alone in a .zip, which is read without unpacking it to the disk."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from zoo.data.columns import shown
from zoo.data.storage import MEMORY_SHARE, memory_bytes
from zoo_registry.errors import DataError, first_line

SUFFIX, ZIP = ".tsf", ".zip"
_NAMED = 3  # files in a sentence
_ADDED = "__MACOSX/"  # by a Mac's archiver


def is_monash(path: Path) -> bool:
    """Whether a file is read as one of the Monash archive: by its name, or that of a file in it where it is a .zip."""
    if path.suffix.lower() != ZIP:
        return path.suffix.lower() == SUFFIX
    return path.stem.lower().endswith(SUFFIX) or any(Path(name).suffix.lower() == SUFFIX for name in _names(path))


def open_monash(path: Path, stack: ExitStack) -> IO[bytes]:
    """Open a file, or the one in a .zip; ``stack`` closes it.

    Raises DataError for an archive that holds anything else, and for one that announces more than the memory has room
    for: no more than it announces is unpacked.
    """
    if path.suffix.lower() != ZIP:
        return stack.enter_context(path.open("rb"))
    with told_of_archive(path):
        archive = stack.enter_context(zipfile.ZipFile(path))
        files = [one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith(_ADDED)]
        if len(files) != 1 or Path(files[0].filename).suffix.lower() != SUFFIX:
            told = [shown(one.filename) for one in files[:_NAMED]] + ["…"] * (len(files) > _NAMED)
            found = ", ".join(told) if files else "none"
            raise DataError(
                f"{path}: expected one {SUFFIX} file in the archive and nothing else, found {found}; unpack it, and"
                " give the file that is meant"
            )
        memory, size = memory_bytes(), files[0].file_size
        if size > MEMORY_SHARE * memory:
            raise DataError(
                f"{path}: {shown(files[0].filename)} in it would be {size / 1e9:.1f} GB, too much with"
                f" {memory / 1e9:.1f} GB of memory; unpack it, and give the file with `spool` FOLDER"
            )
        return stack.enter_context(archive.open(files[0]))


@contextmanager
def told_of_archive(path: Path) -> Iterator[None]:
    """Raise DataError for what is wrong with a .zip while something of it is read."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError) as error:
        if path.suffix.lower() != ZIP:
            raise
        raise DataError(
            f"{path}: not a readable {SUFFIX} file, as its {ZIP} archive is broken or locked ({first_line(error)});"
            " pack it anew, or give the file in it"
        ) from error


def _names(path: Path) -> list[str]:
    """The names of the files in an archive, none where it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return []
