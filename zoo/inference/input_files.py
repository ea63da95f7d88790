"""The files of a folder that are scored, and the places of their results."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from zoo_registry.errors import DataError

SUFFIXES = (".parquet", ".pq", ".csv")
RESULT_SUFFIX = ".parquet"


@dataclass(frozen=True)
class InputFile:
    """A file by its path relative to the folder, with slashes, and how it was when it was found.

    ``size`` is in bytes, ``changed`` the time of its last change in nanoseconds.
    """

    name: str
    size: int
    changed: int

    @classmethod
    def of(cls, folder: Path, name: str) -> InputFile:
        """Look at a file; raises OSError."""
        found = (folder / name).stat()
        return cls(name, found.st_size, found.st_mtime_ns)

    @property
    def result(self) -> str:
        """The path of its result, relative to the folder of results."""
        return str(PurePosixPath(self.name).with_suffix(RESULT_SUFFIX))


@dataclass(frozen=True)
class Inputs:
    """What a folder holds: files to score, others that are neither Parquet nor CSV, and links to folders."""

    files: tuple[InputFile, ...]
    ignored: tuple[str, ...]

    @property
    def clashing(self) -> set[str]:
        """The results that several files would have in common."""
        counts = Counter(file.result for file in self.files)
        return {result for result, count in counts.items() if count > 1}


def find_inputs(folder: Path) -> Inputs:
    """Look through a folder and those in it, in the order of names; hidden ones are passed over.

    Links to files are followed, links to folders are not, as they may lead round in a circle. Raises DataError where
    there is nothing to score, and OSError where a folder cannot be read.
    """
    files, ignored = [], []
    for place, folders, names in os.walk(folder, onerror=_refuse):
        base = Path(place).relative_to(folder)
        visible = [name for name in folders if not name.startswith(".")]
        folders[:] = [name for name in visible if not Path(place, name).is_symlink()]
        ignored += [(base / name).as_posix() for name in {*visible} - {*folders}]
        for name in (name for name in names if not name.startswith(".")):
            relative = (base / name).as_posix()
            if Path(name).suffix.lower() in SUFFIXES:
                files.append(_look(folder, relative))
            else:
                ignored.append(relative)
    if not files:
        raise DataError(f"{folder}: expected Parquet or CSV files ({', '.join(SUFFIXES)}), found none; name another")
    return Inputs(tuple(sorted(files, key=lambda file: file.name)), tuple(sorted(ignored)))


def _look(folder: Path, name: str) -> InputFile:
    """A file as it is; one that is gone, or a link to nothing, is found missing where it is scored."""
    try:
        return InputFile.of(folder, name)
    except FileNotFoundError:
        return InputFile(name, 0, 0)


def _refuse(error: OSError) -> None:
    raise error
