"""Read a CSV or Parquet file, a DataFrame or an example into one pandas DataFrame, as it is."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from zoo.data.examples import find_example
from zoo_registry.errors import DataError

Source = str | Path | pd.DataFrame

PARQUET_SUFFIXES = {".parquet", ".pq"}


def describe(source: Source) -> str:
    """Name a source in messages and records: a path as given, ``example:…``, or ``DataFrame``."""
    return "DataFrame" if isinstance(source, pd.DataFrame) else str(source)


def read_frame(source: Source) -> pd.DataFrame:
    """Return the source's columns and rows unchanged; a DataFrame's named index becomes its first column.

    Raises DataError where the file is missing, empty, malformed, or has two columns of one name.
    """
    if isinstance(source, pd.DataFrame):
        frame = source
        if isinstance(frame.index, pd.DatetimeIndex):
            frame = frame.rename_axis(str(frame.index.name or "time")).reset_index()
    elif example := find_example(source):
        frame = example.load()
    else:
        frame = _read_file(Path(source))
    where = describe(source)
    names = [str(name) for name in frame.columns]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"{where}: expected each column once, found '{twice[0]}' more than once; rename one of them")
    if frame.empty:
        raise DataError(f"{where}: expected a table with rows, found none; check that this is the right file")
    return frame.set_axis(names, axis="columns")


def _read_file(path: Path) -> pd.DataFrame:
    if not path.exists():
        raise DataError(f"{path}: there is no such file; give a CSV or Parquet file, or example:co2")
    if not path.is_file():
        raise DataError(f"{path}: expected a file, found a folder; give one CSV or Parquet file")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty; expected a header line and rows")
    if path.suffix.lower() in PARQUET_SUFFIXES:
        try:
            return pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: not a readable Parquet file ({_first_line(error)}); write it again") from error
    return _read_csv(path)


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        # pandas renames the second of two equal names in silence, so the header is read as data first
        names = pd.read_csv(path, header=None, nrows=1, dtype=str, encoding="utf-8-sig").iloc[0]
        frame = pd.read_csv(path, low_memory=False, float_precision="round_trip", encoding="utf-8-sig")
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path}: the file is empty; expected a header line and rows") from error
    except pd.errors.ParserError as error:
        raise DataError(f"{path}: not a well-formed CSV file ({_first_line(error)}); mend that line") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: expected UTF-8 text, found byte {error.start} to be none; save it as UTF-8"
        ) from error
    if not isinstance(frame.index, pd.RangeIndex):
        raise DataError(f"{path}: expected {len(names)} fields in each row as in the header, found more; mend the rows")
    return frame.set_axis([str(name) for name in names], axis="columns")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].removeprefix("Error tokenizing data. ") if str(error).strip() else "?"
