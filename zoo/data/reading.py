"""Read a CSV or Parquet file, a DataFrame or an example into one pandas DataFrame, as it is."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from zoo.data.csv_files import CsvFormat, first_line, read_csv
from zoo.data.examples import find_example
from zoo_registry.errors import DataError

Source = str | Path | pd.DataFrame

PARQUET_SUFFIXES = {".parquet", ".pq"}


def describe(source: Source) -> str:
    """Name a source in messages and records: a path as given, ``example:…``, or ``DataFrame``."""
    return "DataFrame" if isinstance(source, pd.DataFrame) else str(source)


def read_frame(source: Source, csv: CsvFormat | None = None) -> pd.DataFrame:
    """Return the source's columns and rows unchanged; an index of times, or with a name, becomes the first column.

    ``csv`` says how a CSV file is written, where not as usual. Raises DataError where the file is missing, empty,
    malformed, or has two columns of one name.
    """
    if isinstance(source, pd.DataFrame):
        frame = _index_to_column(source)
    elif example := find_example(source):
        frame = example.load()
    else:
        frame = _index_to_column(_read_file(Path(source), csv or CsvFormat()))
    where = describe(source)
    names = [str(name) for name in frame.columns]
    if unnamed := [number for number, name in enumerate(names, start=1) if not name.strip()]:
        raise DataError(f"{where}: expected a name for each column, found none for column {unnamed[0]}; name it")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"{where}: expected each column once, found '{twice[0]}' more than once; rename one of them")
    if frame.empty:
        raise DataError(f"{where}: expected a table with rows, found none; check that this is the right file")
    return frame.set_axis(names, axis="columns")


def _index_to_column(frame: pd.DataFrame) -> pd.DataFrame:
    if isinstance(frame.index, pd.PeriodIndex):
        frame = frame.to_timestamp()
    if isinstance(frame.index, pd.DatetimeIndex):
        frame = frame.rename_axis(str(frame.index.name or "time"))
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index(allow_duplicates=True)
    return frame


def _read_file(path: Path, csv: CsvFormat) -> pd.DataFrame:
    if not path.exists():
        raise DataError(f"{path}: there is no such file; give a CSV or Parquet file, or example:co2")
    if not path.is_file():
        found = "a folder" if path.is_dir() else "a device"
        raise DataError(f"{path}: expected a file, found {found}; give one CSV or Parquet file")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty; expected a header line and rows")
    if path.suffix.lower() in PARQUET_SUFFIXES:
        try:
            return pd.read_parquet(path)
        except Exception as error:  # whatever a reader makes of foreign bytes
            raise DataError(f"{path}: not a readable Parquet file ({first_line(error)}); check it") from error
    return read_csv(path, csv)
