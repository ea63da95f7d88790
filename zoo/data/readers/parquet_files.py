"""Read a Parquet file, and say what is wrong where it is none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from zoo.data.readers.unnamed import check_names
from zoo_registry.errors import DataError, first_line

PARQUET_SUFFIXES = {".parquet", ".pq"}


def read_parquet(path: Path, rows: int | None) -> Iterator[pd.DataFrame]:
    """Read a file in frames of ``rows`` rows, or in one where that is None; raises DataError where it is none."""
    import pyarrow.parquet

    _check_ends(path)
    try:
        names = pyarrow.parquet.read_schema(path).names
    except Exception as error:  # whatever a reader makes of foreign bytes
        raise _unreadable(path, error) from error
    check_names(names, str(path))  # here, as pandas speaks of fields' references where two have one name
    try:
        if rows is None:
            yield pd.read_parquet(path)
            return
        # mapped, as a reader holds on to all that it has read
        with pyarrow.parquet.ParquetFile(path, memory_map=True) as file:
            if file.metadata.num_rows == 0:
                yield file.read().to_pandas()
            for batch in file.iter_batches(rows):
                yield batch.to_pandas()
    except Exception as error:
        raise _unreadable(path, error) from error


def _check_ends(path: Path) -> None:
    """Raise DataError for what is no Parquet file, and for one that was cut off."""
    with path.open("rb") as file:
        begin = file.read(4)
        file.seek(-min(4, path.stat().st_size), os.SEEK_END)
        end = file.read()
    if begin != b"PAR1":
        raise DataError(f"{path}: not a readable Parquet file, as it begins with {begin!r}; name a CSV file .csv")
    if end != begin or path.stat().st_size < 12:
        raise DataError(f"{path}: not a readable Parquet file, as its end is missing; copy it again")


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"{path}: not a readable Parquet file ({first_line(error)}); check it")
