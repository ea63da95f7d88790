"""What a table's own form says where the user says nothing: the long format, M4's lines, Monash's files, folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from zoo.data.frequency import usual_season
from zoo.data.readers.csv_files import CsvFormat, read_csv_chunks
from zoo.data.readers.examples import find_example
from zoo.data.readers.long_format import ID, LONG, TIME, VALUE
from zoo.data.readers.monash_archives import is_monash
from zoo.data.readers.monash_files import parse_frequency, read_header, times_after
from zoo.data.readers.parquet_files import PARQUET_SUFFIXES
from zoo.data.readers.reading import ArrowTable, Source, describe
from zoo.data.readers.series_files import SERIES, find_series_files, visible
from zoo.data.readers.wide_tables import is_m4
from zoo_registry.errors import ZooError

_HEAD = 50  # rows that M4's lines are told by
_COLUMNS = ("target", "features", "time", "series", "label")  # settings that name columns
_STEPS = 400  # times that a season is told by


@dataclass(frozen=True)
class Form:
    """What a table's form gives: ``settings`` that the user left out, and ``told``, that in one sentence."""

    settings: dict[str, Any] = field(default_factory=dict)
    told: str | None = None


def recognise(source: Source, given: Mapping[str, Any], csv: CsvFormat | None = None, *, ahead: bool = True) -> Form:
    """Look at a table's form, where ``given`` are settings that the user gave, which hold whatever the form says.

    ``csv`` says how a CSV file is written, where that is not among the given; ``ahead`` whether a horizon is asked for.
    A table that cannot be read has no form: reading it tells why.
    """
    if isinstance(source, (str, Path)) and (find_example(source) or not _is_there(Path(source))):
        return Form()
    csv = csv or CsvFormat(**{name: given[name] for name in CsvFormat.__dataclass_fields__ if name in given})
    with suppress(ZooError, OSError, TypeError, IndexError):  # the latter of arrays that are none
        if isinstance(source, (str, Path)):
            path, layout = Path(source), given.get("layout", "auto")
            if path.is_dir() or (layout == "files" and path.is_file()):
                return _of_folder(path, given, csv)
            if is_monash(path):
                return _of_monash(path, given, csv, ahead=ahead)
        return _of_table(source, given, csv)
    return Form()


def is_wide(source: Source, csv: CsvFormat, named: Sequence[str]) -> bool:
    """Whether a table has M4's form, and none of its columns is among the ``named``: so an ordinary table never is."""
    head = _head(source, csv)
    return head is not None and not {*named} & {*head.columns} and is_m4(head)


def lacks(source: Source, csv: CsvFormat, column: str) -> bool:
    """Whether a table lacks a column; False where it cannot be read."""
    with suppress(ZooError, OSError):
        return bool(columns := _columns(source, csv)) and column not in columns
    return False


def _of_table(source: Source, given: Mapping[str, Any], csv: CsvFormat) -> Form:
    layout, where = given.get("layout", "auto"), describe(source)
    if layout == "wide" or (layout == "auto" and is_wide(source, csv, [*_named(given)])):
        found = _left_out({"layout": "wide", "series": ID, "time": TIME, "target": VALUE}, given)
        way_out = "" if layout == "wide" else ", as M4's files; `layout='long'` leaves it as it stands"
        return Form(found, f"{where}: a series a line, read as the columns {', '.join(LONG)}{way_out}")
    if not {*LONG} <= {*_columns(source, csv)}:
        return Form()
    found = _left_out({"series": ID, "time": TIME, "target": VALUE}, given)
    return Form(found, f"{where}: {_in_words(found)}, as in the long format" if found else None)


def _of_monash(path: Path, given: Mapping[str, Any], csv: CsvFormat, *, ahead: bool) -> Form:
    header = read_header(path, csv)
    usual: dict[str, Any] = {"series": ID, "time": TIME, "target": VALUE}
    if header.more:
        usual["features"] = usual["target"]
    if header.frequency is not None and (season := _season(header.frequency)) is not None:
        usual["season"] = season
    if ahead and header.horizon is not None:
        usual["horizon"] = header.horizon
    found = _left_out(usual, given)
    kept = f"; unused unless `features` names them: {', '.join(header.more)}" if "features" in found else ""
    return Form(found, f"{path}: {_in_words(found)}, as its header says{kept}" if found else None)


def _of_folder(path: Path, given: Mapping[str, Any], csv: CsvFormat) -> Form:
    files = find_series_files(path)
    columns = {*_columns(files[0], csv)}
    parts = given.get("series", ID if {*LONG} <= columns else SERIES) != SERIES
    usual = {"layout": "long", "series": ID} if parts else {"layout": "files", "series": SERIES}
    if {TIME, VALUE} <= columns:
        usual |= {"time": TIME, "target": VALUE}
    found = _left_out(usual, given)
    others = len(visible(path)) - len(files) if path.is_dir() else 0
    left = f"; left out, as no table: {others} more in that folder" if others else ""
    many = len(files) > 1
    told = f"{path}: {len(files)} files" if many else f"{path}: 1 file"
    if parts or given.get("layout") == "long":
        return Form(found, f"{told}, {'parts of ' if many else ''}one table{left}")
    return Form(found, f"{told}, {'each ' if many else ''}a series, which the column '{SERIES}' names{left}")


def _left_out(usual: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What the user did not give."""
    return {name: value for name, value in usual.items() if name not in given or given[name] == "auto"}


def _in_words(found: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in found.items())


def _named(given: Mapping[str, Any]) -> Iterator[str]:
    """The names that a user may mean columns by."""
    for setting in _COLUMNS:
        values = given.get(setting) or ()
        for value in (values,) if isinstance(values, str) else values:
            yield str(value)
            yield from (part.strip() for part in str(value).split(","))


def _season(frequency: str) -> int | None:
    """The usual season of rows so far apart."""
    step = parse_frequency(frequency)
    assert step is not None
    times = times_after(np.array(["2001-01-01"], "M8[s]").repeat(_STEPS), np.arange(_STEPS), step)
    return usual_season(pd.DatetimeIndex(times))


def _columns(source: Source, csv: CsvFormat) -> list[str]:
    """The names of a table's columns, of which no more is read than that takes."""
    if isinstance(source, tuple):
        return [str(name) for name in source[2]]
    if isinstance(source, pd.DataFrame):
        return [*map(str, (*source.index.names, *source.columns))]
    if isinstance(source, ArrowTable):
        names: Any = getattr(source, "column_names", None) or getattr(source, "columns", ())
        return [str(name) for name in names]
    if is_monash(path := Path(source)):
        return [*LONG]
    if path.suffix.lower() in PARQUET_SUFFIXES and path.is_file():
        import pyarrow.parquet

        with suppress(pyarrow.ArrowInvalid):
            return list(pyarrow.parquet.read_schema(path).names)
        return []
    head = _head(path, csv)
    return [] if head is None else list(head.columns)


def _is_there(path: Path) -> bool:
    """Whether there is a file or a folder; of a pipe nothing may be read beforehand."""
    return path.is_file() or path.is_dir()


def _head(source: Source, csv: CsvFormat) -> pd.DataFrame | None:
    """The first rows of a CSV file or a DataFrame of pandas, None of anything else."""
    if isinstance(source, pd.DataFrame):
        return source.head(_HEAD)
    if not isinstance(source, (str, Path)):
        return None
    path = Path(source)
    if path.suffix.lower() in PARQUET_SUFFIXES or is_monash(path):
        return None
    return next(read_csv_chunks(path, csv, _HEAD)) if path.is_file() and path.stat().st_size else None
