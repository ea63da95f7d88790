"""Read a file, a folder of files, a DataFrame, arrays or an example into pandas DataFrames."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from zoo.data.readers.csv_files import CsvFormat, read_csv_chunks
from zoo.data.readers.examples import find_example
from zoo.data.readers.long_format import ID, long_frames
from zoo.data.readers.long_format import TIME as LONG_TIME
from zoo.data.readers.monash_archives import SUFFIX, is_monash
from zoo.data.readers.monash_files import read_monash
from zoo.data.readers.parquet_files import PARQUET_SUFFIXES, read_parquet
from zoo.data.readers.series_files import SERIES, find_series_files, read_series_files
from zoo.data.readers.unnamed import Unnamed, check_names
from zoo.data.readers.wide_tables import CELLS, unpivot
from zoo.data.storage import MEMORY_SHARE, memory_bytes
from zoo.data.time_formats import check_time_format, check_zone
from zoo.settings.choices import ARRAYS, FRAME, Aggregate, CalendarField, Gaps, ShortSeries, TableLayout
from zoo_registry.errors import ConfigError, DataError, first_line

Arrays = tuple[Any, Any, Any]


@runtime_checkable
class ArrowTable(Protocol):
    """A table of any library that gives it through Arrow's C interface, such as polars and pyarrow."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Give a capsule of a stream of batches."""


Frame = pd.DataFrame | ArrowTable
Source = str | Path | Frame | Arrays

TIME = "time"


@dataclass(frozen=True)
class Reading:
    """How a table is read: what a training, an inspection and a prediction share.

    ``time`` names the time column; without it that is ``usual_time`` where there is such a column, else the first
    column of dates, or of text under a usual name, or of whole numbers under one that count up. ``time_format`` says
    how its values are read as times where it holds none by its type, and ``zone`` whose clock they are brought to; see
    :mod:`zoo.data.time_formats`. ``series`` names the column that tells several series apart, ``layout`` says how they
    lie (see :func:`read_frames`), and ``weight`` names the column that says how much a row counts in the loss.
    ``sort``, ``resample`` (a pandas frequency, with ``aggregate``) and ``short_series`` are repairs that are asked for;
    ``gaps`` says what an uneven step is. ``calendar`` fields become features, read off the times' own wall clock, or
    that of ``calendar_zone`` (``"none"``: the times must have no zone). With ``lists`` a feature or target that is no
    column's name is a list of names by commas. ``spool`` is a folder for what does not fit in memory.
    """

    csv: CsvFormat = field(default_factory=CsvFormat)
    time: str | None = None
    usual_time: str | None = None
    time_format: str | None = None
    zone: str | None = None
    series: str | None = None
    weight: str | None = None
    layout: TableLayout = "auto"
    sort: bool = False
    resample: str | None = None
    aggregate: Aggregate = "mean"
    gaps: Gaps = "error"
    calendar: tuple[CalendarField, ...] = ()
    calendar_zone: str | None = None
    lists: bool = False
    short_series: ShortSeries = "error"
    spool: Path | None = None

    def __post_init__(self) -> None:
        check_time_format(self.time_format)
        check_zone(self.zone)


def describe(source: Source) -> str:
    """Name a source in messages and records: a path as given, ``example:…``, ``DataFrame`` or ``arrays``.

    Raises DataError for what is no table.
    """
    if isinstance(source, (str, Path)):
        return str(source)
    if isinstance(source, (pd.DataFrame, ArrowTable)):
        return FRAME
    if isinstance(source, tuple):
        return ARRAYS
    raise _no_table(source)


def is_csv(source: Source) -> bool:
    """Whether a source is read as a CSV file."""
    if not isinstance(source, (str, Path)) or find_example(source):
        return False
    path = Path(source)
    if path.is_dir():
        path = next((file for file in path.iterdir() if file.suffix.lower() in PARQUET_SUFFIXES), path)
    return path.suffix.lower() not in PARQUET_SUFFIXES and not is_monash(path)


def settled(source: Source, reading: Reading) -> Reading:
    """How a source is read that is one of many series by its form: the columns that it then has, where not told.

    Raises ConfigError for a layout that it cannot have.
    """
    path = Path(source) if isinstance(source, (str, Path)) and not find_example(source) else None
    layout, monash = reading.layout, path is not None and is_monash(path)
    if path is not None and path.is_dir():
        if layout == "wide":
            raise ConfigError(f"{path}: `layout='wide'` is for one table, found a folder; leave it out")
        layout = "files" if layout == "auto" else layout
    if layout == "files" and path is None:
        raise ConfigError(f"`layout='files'` is for a folder or a file, found {describe(source)}; leave it out")
    if monash and layout != "auto":
        raise ConfigError(f"{path}: a {SUFFIX} file has a layout of its own, found `layout={layout!r}`; leave it out")
    if layout == "files" and reading.series not in (None, SERIES):
        layout = "long"  # files with a column of series are parts of one table
    if layout == "files":
        return replace(reading, layout=layout, series=SERIES)
    if layout == "wide" or monash:
        return replace(reading, series=reading.series or ID, usual_time=reading.usual_time or LONG_TIME)
    return replace(reading, layout=layout)


def _no_table(source: object) -> DataError:
    return DataError(
        f"expected a table, found {_kind_of(source)}; give a CSV or Parquet file, a DataFrame of pandas or polars, or"
        " arrays as (values, times, columns), whose times may be None"
    )


def _kind_of(source: object) -> str:
    if isinstance(source, np.ndarray):
        return f"a bare array of shape {source.shape}"
    name = type(source).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def read_frame(
    source: Source, csv: CsvFormat | None = None, text: Collection[str] = (), layout: TableLayout = "auto"
) -> pd.DataFrame:
    """Return the source's columns and rows; an index of times, or with a name, becomes the first column.

    Arrays are ``(values, times, columns)``: numbers of shape (rows, columns), times or whole numbers of shape (rows,)
    or None, which become the column ``time``, and the columns' names. ``csv`` says how a CSV file is written, where
    not as usual, and ``text`` names the columns that are read from one as they stand. Columns and rows are those of the
    source, but for ``layout``: ``wide`` is a table of a series a line, which becomes unique_id, ds and y, ``files`` a
    file, or a folder of files, each of them one series, and ``long`` what stands there, in the files of a folder as
    parts of one table. With ``auto`` a folder is ``files``, and all else ``long``. Raises DataError where the source is
    missing, empty, malformed, too large for the memory, or has two columns of one name.
    """
    (frame,) = read_frames(source, csv, None, text, layout)
    return frame


def read_frames(
    source: Source,
    csv: CsvFormat | None,
    rows: int | None,
    text: Collection[str] = (),
    layout: TableLayout = "auto",
) -> Iterator[pd.DataFrame]:
    """Read as :func:`read_frame` does, in frames of about ``rows`` rows, or in one frame where that is None."""
    where, csv = describe(source), csv or CsvFormat()
    if isinstance(source, (str, Path)) and (layout == "files" or (not find_example(source) and Path(source).is_dir())):
        files = find_series_files(Path(source))
        read = partial(read_frames, csv=csv, rows=rows, text=text, layout="long")
        yield from read_series_files(files, read, rows, named=layout != "long")
        return
    nothing, unnamed = True, Unnamed(where)
    found = _wide(source, csv, rows) if layout == "wide" else _frames(source, csv, rows, text)
    for frame in found:
        names = unnamed.name([str(name) for name in frame.columns], frame)
        if nothing:
            check_names(names, where)
        nothing = nothing and frame.empty
        yield frame.set_axis(names, axis="columns")
    if nothing:
        raise DataError(f"{where}: expected a table with rows, found none; check that this is the right file")


def _wide(source: Source, csv: CsvFormat, rows: int | None) -> Iterator[pd.DataFrame]:
    """A table with a series a line in the long format; lines are read as many at a time as fit."""
    heads = [str(name) for name in next(_frames(source, csv, 1, ())).columns]
    check_names(heads, describe(source))
    lines = max(1, min(CELLS, CELLS if rows is None else rows) // len(heads))
    found = _frames(source, csv, lines, heads[:1])
    return long_frames(unpivot(found, describe(source), csv), rows)


def _frames(source: Source, csv: CsvFormat, rows: int | None, text: Collection[str]) -> Iterator[pd.DataFrame]:
    if isinstance(source, (str, Path)) and not (example := find_example(source)):
        for frame in _read_file(Path(source), csv, rows, text):
            yield _index_to_column(frame)
        return
    if isinstance(source, (str, Path)):
        whole = example.load()  # type: ignore[union-attr]
    else:
        whole = _arrays_to_frame(source) if isinstance(source, tuple) else _index_to_column(as_pandas(source))
    for start in range(0, max(len(whole), 1), rows or max(len(whole), 1)):
        yield whole if rows is None else whole.iloc[start : start + rows]


def as_pandas(table: Frame) -> pd.DataFrame:
    """A table of any library as one of pandas, through Arrow's C interface. Raises DataError for a single column."""
    if isinstance(table, pd.DataFrame):
        return table
    import pyarrow

    try:
        arrow = pyarrow.table(table)
    except (pyarrow.ArrowInvalid, TypeError) as error:
        if not hasattr(table, "columns"):  # one column
            raise _no_table(table) from error
        raise DataError(f"{FRAME}: a column cannot be taken through Arrow ({first_line(error)}); convert it") from error
    check_names(arrow.column_names, FRAME)
    frame: pd.DataFrame = arrow.to_pandas()
    return frame


def _arrays_to_frame(source: Arrays) -> pd.DataFrame:
    if len(source) != 3:
        raise DataError(f"{ARRAYS}: expected (values, times, columns), found {len(source)} parts; give these three")
    try:
        values, times, columns = np.asarray(source[0]), source[1], [str(name) for name in source[2]]
    except (TypeError, ValueError) as error:  # rows of unlike length, or no list of names
        raise DataError(
            f"{ARRAYS}: expected (values, times, columns), found parts that are none ({first_line(error)}); mend them"
        ) from error
    if values.ndim != 2 or values.shape[1] != len(columns):
        raise DataError(
            f"{ARRAYS}: expected values of shape (rows, {len(columns)}) for the columns {', '.join(columns)},"
            f" found {values.shape}; reshape them"
        )
    frame = pd.DataFrame(values, columns=columns)
    if times is None:
        return frame
    if np.shape(times) != (len(values),):
        raise DataError(f"{ARRAYS}: expected {len(values)} times, one for each row, found {np.shape(times)}; mend them")
    frame.insert(0, TIME, pd.Index(times), allow_duplicates=True)
    return frame


def _index_to_column(frame: pd.DataFrame) -> pd.DataFrame:
    if isinstance(frame.index, pd.PeriodIndex):
        frame = frame.to_timestamp()
    if isinstance(frame.index, pd.DatetimeIndex):
        frame = frame.rename_axis(str(frame.index.name or TIME))
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index(allow_duplicates=True)
    return frame


def _read_file(path: Path, csv: CsvFormat, rows: int | None, text: Collection[str]) -> Iterator[pd.DataFrame]:
    if not path.exists():
        raise DataError(f"{path}: there is no such file; give a CSV or Parquet file, or example:co2")
    if not path.is_file():
        raise DataError(f"{path}: expected a file, found a device; give one CSV or Parquet file")
    size = path.stat().st_size
    if size == 0:
        raise DataError(f"{path}: the file is empty; expected a header line and rows")
    memory = memory_bytes()
    if rows is None and size > MEMORY_SHARE * memory:
        raise DataError(
            f"{path}: {size / 1e9:.1f} GB are too much to read at once with {memory / 1e9:.1f} GB of memory;"
            " give `spool` FOLDER, where there is room for a copy"
        )
    if path.suffix.lower() in PARQUET_SUFFIXES:
        yield from read_parquet(path, rows)
    elif is_monash(path):
        yield from long_frames(read_monash(path, csv), rows)
    else:
        yield from read_csv_chunks(path, csv, rows, text)
