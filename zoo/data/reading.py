"""Read a CSV or Parquet file, a DataFrame or an example into one pandas DataFrame, as it is."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pandas as pd

from zoo.data.examples import find_example
from zoo_registry.errors import DataError

Source = str | Path | pd.DataFrame

PARQUET_SUFFIXES = {".parquet", ".pq"}

# From pandas 3.1 on numbers are always read to the nearest double, and asking for it is deprecated
_PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2])
_NEAREST: dict[str, Any] = {} if _PANDAS >= (3, 1) else {"float_precision": "round_trip"}


def describe(source: Source) -> str:
    """Name a source in messages and records: a path as given, ``example:…``, or ``DataFrame``."""
    return "DataFrame" if isinstance(source, pd.DataFrame) else str(source)


def read_frame(source: Source) -> pd.DataFrame:
    """Return the source's columns and rows unchanged; an index of times, or with a name, becomes the first column.

    Raises DataError where the file is missing, empty, malformed, or has two columns of one name.
    """
    if isinstance(source, pd.DataFrame):
        frame = _index_to_column(source)
    elif example := find_example(source):
        frame = example.load()
    else:
        frame = _index_to_column(_read_file(Path(source)))
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


def _read_file(path: Path) -> pd.DataFrame:
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
            raise DataError(f"{path}: not a readable Parquet file ({_first_line(error)}); check it") from error
    return _read_csv(path)


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        # pandas renames the second of two equal names in silence, so the header is read as data first
        header = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        names = header.iloc[0].tolist()
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # told where fields are dropped
            frame: pd.DataFrame = pd.read_csv(
                path,
                index_col=False,  # else surplus first fields become an index in silence
                skip_blank_lines=len(names) > 1,  # a blank line in a single column is a missing value
                low_memory=False,
                encoding="utf-8-sig",
                **_NEAREST,
            )
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path}: the file is empty; expected a header line and rows") from error
    except pd.errors.ParserError as error:
        raise DataError(f"{path}: not a well-formed CSV file ({_first_line(error)}); mend that line") from error
    except pd.errors.ParserWarning as error:
        raise DataError(
            f"{path}: expected {len(names)} fields in each row as in the header, found more; mend either"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: expected UTF-8 text, found the byte 0x{error.object[error.start]:02x}; save it as UTF-8"
        ) from error
    except Exception as error:  # a broken archive, for example
        raise DataError(f"{path}: not a readable CSV file ({_first_line(error)}); check it") from error
    if len(frame.columns) != len(names):
        raise DataError(f"{path}: expected the header in the first line, found a blank line; remove it")
    return frame.set_axis(names, axis="columns")


def _first_line(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return text.splitlines()[0].removeprefix("Error tokenizing data. C error: ").rstrip(".")
