"""A folder of files, one a series: read as one table, whose column ``series`` has the files' names."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from zoo.data.readers.long_format import categories
from zoo.data.readers.parquet_files import PARQUET_SUFFIXES
from zoo.data.readers.unnamed import holds_no_data, is_unnamed
from zoo_registry.errors import DataError

SERIES = "series"
_SUFFIXES = {*PARQUET_SUFFIXES, ".csv"}

Read = Callable[[Path], Iterator[pd.DataFrame]]
Found = TypeVar("Found")


def find_series_files(path: Path) -> list[Path]:
    """The CSV or Parquet files in a folder, by name, without hidden ones and those of folders below; of a file itself.

    Raises DataError where there are none, where there are both kinds, and where two would be one series.
    """
    if not path.is_dir():
        return [path]
    files = [file for file in visible(path) if file.suffix.lower() in _SUFFIXES and file.is_file()]
    if not files:
        told = ", ".join(sorted(_SUFFIXES))
        raise DataError(f"{path}: expected a folder of CSV or Parquet files ({told}), found none; name another")
    kinds: dict[bool, Path] = {}
    stems: dict[str, Path] = {}
    for file in files:
        kinds.setdefault(file.suffix.lower() in PARQUET_SUFFIXES, file)
        if (other := stems.setdefault(file.stem, file)) is not file and len(kinds) == 1:
            raise DataError(f"{path}: {other.name} and {file.name} would be one series '{file.stem}'; rename one")
    if len(kinds) > 1:
        one, two = (file.name for file in kinds.values())
        raise DataError(
            f"{path}: expected files of one kind, found {one} and {two}; put CSV and Parquet files into folders of"
            " their own"
        )
    return files


def visible(folder: Path) -> list[Path]:
    """What a folder holds, by name, but for hidden things."""
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def read_series_files(
    files: Sequence[Path], read: Read, rows: int | None, *, named: bool = True
) -> Iterator[pd.DataFrame]:
    """Put the tables of files below each other, in one where ``rows`` is None.

    Where they are ``named``, the column of series is in front; they are parts of one table otherwise.

    Raises DataError, naming the file, for one with other columns than the first.
    """
    whole: list[pd.DataFrame] = []
    first: pd.DataFrame | None = None
    for path in files:
        for found in read(path):
            frame = _without_numbers_of_rows(found)
            if first is None:
                if named:
                    _refuse_taken(frame, path)
                first = frame
            _check_alike(frame, path, first, files[0])
            frame = frame[first.columns]
            if rows is None:
                whole.append(frame)
            else:
                yield _with_series(frame, [path], [len(frame)]) if named else frame
    if rows is None:
        table = pd.concat(whole, ignore_index=True)
        yield _with_series(table, files, [len(frame) for frame in whole]) if named else table


def _with_series(frame: pd.DataFrame, files: Sequence[Path], lengths: Sequence[int]) -> pd.DataFrame:
    """A table with the files' names in front, for so many rows each."""
    series = categories(np.repeat(np.arange(len(files)), lengths), [path.stem for path in files])
    frame.insert(0, SERIES, series)
    return frame


def _without_numbers_of_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """A table whose first column without a name is empty, as the numbers of rows begin anew in each file."""
    name = frame.columns[0]
    if is_unnamed(name) and holds_no_data(frame[name]):
        return frame.assign(**{name: np.nan})
    return frame


def _refuse_taken(frame: pd.DataFrame, path: Path) -> None:
    if SERIES in frame.columns:
        raise DataError(
            f"{path}: column '{SERIES}' is what the files' names are put into; rename it, or take the files as parts of"
            " one table with `layout='long'`"
        )


def _check_alike(frame: pd.DataFrame, path: Path, first: pd.DataFrame, first_path: Path) -> None:
    for names, others, one, other in (
        (first.columns, frame.columns, first_path, path),
        (frame.columns, first.columns, path, first_path),
    ):
        if lacking := [name for name in names if name not in others]:
            raise DataError(
                f"{path}: expected the columns of {first_path.name}, {', '.join(map(str, first.columns))}; column"
                f" '{lacking[0]}' is in {one.name} and not in {other.name}; mend the file, or take it out"
            )


def told_by_file(read: Callable[..., Found]) -> Callable[..., Found]:
    """Let what reads a folder raise what its first file to blame raises by itself, with its name and its own rows.

    ``read`` is a function of a source whose keyword ``reading`` has a ``layout``.
    """

    @functools.wraps(read)
    def telling(source: Any, *, reading: Any = None, **settings: Any) -> Found:
        try:
            return read(source, reading=reading, **settings)
        except DataError as error:
            is_folder = isinstance(source, (str, Path)) and Path(source).is_dir()
            if reading is None or not is_folder or not str(error).startswith(f"{source}: "):
                raise
            told = error
        for file in find_series_files(Path(source)):
            read(file, reading=replace(reading, layout="files"), **settings)
        raise told

    return telling
