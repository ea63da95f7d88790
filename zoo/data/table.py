"""A checked table: the columns that a run uses, as numbers, series by series in the order of time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.calendar import calendar_columns
from zoo.data.columns import listed_names, one_target, shown, sorted_classes
from zoo.data.frequency import Frequency, find_frequency, refuse_gaps
from zoo.data.intervals import Intervals, intervals
from zoo.data.parsing import Parser
from zoo.data.readers.reading import TIME, Reading, Source, describe, is_csv, read_frame, read_frames, settled
from zoo.data.readers.series_files import told_by_file
from zoo.data.refused_series import find_refused, rows_by_series, starts_without, without_series
from zoo.data.resampling import Rows, arrange, resample
from zoo.data.roles import NUMBERS, Roles
from zoo.data.storage import BLOCK_ROWS, SpoolFile, row_blocks
from zoo.data.times import Times, check_order, comparable_ticks, ticks
from zoo_registry import Step
from zoo_registry.errors import ConfigError, DataError

_NAMED = 3  # series in a message


@dataclass(frozen=True)
class Table:
    """The columns of one or many series, in original units, checked.

    ``values`` has the shape (rows, columns): the features in their order, then targets that are no features; float64,
    or float32 where it was spooled from columns that fit. NaN marks a missing value; nothing else is not finite.
    ``times`` are strictly increasing in each series, or None. ``ignored`` names columns of text that were left out.

    ``series`` gives each series' name and rows; a table without a column of series is one series without a name.
    ``stretches`` are intervals of rows over whose ends no window may reach: the series, cut at gaps where that was
    asked for. ``labels`` (rows,) numbers ``classes``, -1 where the label is missing. ``file_rows`` gives each row's
    place in the source where it is another one. ``weights`` (rows,), 0 or more and not all 0, say how much rows count
    in the loss. ``repairs`` records what was done on request. Where it was to cost no other series, ``refused`` says
    what is wrong with those whose rows are out of order, and ``miswritten`` with those that hold a cell of no number.
    """

    source: str
    values: NDArray[Any]
    features: tuple[str, ...]
    targets: tuple[str, ...]
    times: Times | None
    time_column: str | None
    ignored: tuple[str, ...]
    series_column: str | None = None
    series: dict[str, range] = field(default_factory=dict)
    stretches: Intervals = field(default_factory=lambda: intervals([]))
    frequency: Frequency | None = None
    label_column: str | None = None
    labels: NDArray[np.int32] | None = None
    classes: tuple[str, ...] = ()
    file_rows: NDArray[np.int64] | None = None
    weight_column: str | None = None
    weights: NDArray[np.float64] | None = None
    repairs: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, DataError] = field(default_factory=dict)
    miswritten: dict[str, DataError] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns of ``values``."""
        return tuple(dict.fromkeys((*self.features, *self.targets)))

    @property
    def target_columns(self) -> tuple[int | None, ...]:
        """For each target its column among the features, or None."""
        places = {name: place for place, name in enumerate(self.features)}
        return tuple(places.get(name) for name in self.targets)

    def cut(self, values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Cut values of shape (rows, columns) into features (rows, n_features) and targets (rows, n_targets).

        Both are views where the targets stand side by side.
        """
        places = {name: place for place, name in enumerate(self.columns)}
        targets = [places[name] for name in self.targets]
        first = targets[0] if targets else 0
        side_by_side = targets == list(range(first, first + len(targets)))
        chosen = values[:, first : first + len(targets)] if side_by_side else values[:, targets]
        return values[:, : len(self.features)], chosen

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """The first row of each series."""
        return np.array([rows.start for rows in self.series.values()], np.int64)

    @cached_property
    def _names(self) -> list[str]:
        return list(self.series)

    @property
    def zone(self) -> str | None:
        """The zone of the times, None where they have none."""
        zone = self.times.tz if isinstance(self.times, pd.DatetimeIndex) else None
        return None if zone is None else str(zone)

    @property
    def step(self) -> Step | None:
        """The step of the rows, in words, and in seconds or counts."""
        if self.frequency is None or self.frequency.size is None:
            return None
        return Step(name=str(self.frequency), size=self.frequency.size)

    def fingerprint(self) -> str:
        """SHA-256 over all that a training reads, before missing values are repaired.

        That is column names, roles, series, times, values, labels and weights.
        """
        digest = hashlib.sha256(repr((self.features, self.targets, self.values.shape)).encode())
        for rows in row_blocks(0, len(self.values)):
            digest.update(np.ascontiguousarray(self.values[rows], dtype=np.float64).tobytes())
        for rows in row_blocks(0, len(self.values) if self.times is not None else 0):
            assert self.times is not None
            times = self.times[rows]
            if isinstance(times, pd.DatetimeIndex):  # in microseconds, which reach beyond the years 1677 to 2262
                digest.update(times.as_unit("us").asi8.tobytes())
                digest.update(np.asarray(times.nanosecond, dtype=np.int64).tobytes())
            else:
                digest.update(ticks(times).tobytes())
        if self.series_column is not None:
            digest.update(repr((self.series_column, self.series)).encode())
        if self.labels is not None:
            digest.update(repr((self.label_column, self.classes)).encode())
            for rows in row_blocks(0, len(self.labels)):
                digest.update(self.labels[rows].tobytes())
        if self.weights is not None:
            digest.update(repr(self.weight_column).encode())
            for rows in row_blocks(0, len(self.weights)):
                digest.update(self.weights[rows].tobytes())
        return digest.hexdigest()

    def named(self, series: Sequence[str]) -> str:
        """Name series for people, the first three of them, with the number of their rows."""
        told = ", ".join(f"{shown(name)} ({len(self.series[name])} rows)" for name in series[:_NAMED])
        return f"{told} and {len(series) - _NAMED} more" if len(series) > _NAMED else told

    def row_name(self, row: int) -> str:
        """Name a row for people: its number from 1 (the header not counted), its time and its series if it has one."""
        number = row if self.file_rows is None else int(self.file_rows[row])
        known = [] if self.times is None else [str(self.times[row])]
        if self.series_column is not None:
            known.append(f"series {shown(self._names[int(np.searchsorted(self.starts, row, side='right')) - 1])}")
        kind = "resampled row" if "resample" in self.repairs else "row"
        return f"{kind} {number + 1}" + (f" ({', '.join(known)})" if known else "")


@told_by_file
def read_table(
    source: Source,
    *,
    targets: Sequence[str],
    features: Sequence[str] = (),
    roles: Roles = NUMBERS,
    label: str | None = None,
    reading: Reading | None = None,
    lenient: bool = False,
) -> Table:
    """Read and check a table as ``reading`` says; features default to all numeric columns.

    ``roles`` says what targets are: where they are ``classes``, the one target becomes ``labels``. ``label`` may name a
    column of labels beside the targets. Where it is ``lenient``, series whose rows are out of order are ``refused``
    alone, whose rows mean nothing then, and so are ``miswritten`` ones, whose wrong cells are NaN.

    Raises DataError for missing or textual columns, values that are not finite, and times that are unreadable,
    unsorted, duplicated, of several zones or with gaps; the message names file, column and row.
    """
    reading = settled(source, reading or Reading())
    if isinstance(source, tuple) and len(source) == 3 and source[1] is not None:
        reading = replace(reading, usual_time=TIME)  # which may hold whole numbers
    where = describe(source)
    if roles.classes:
        one_target(targets)  # told before anything is read
    text = _written_as_text(roles, targets, reading) if is_csv(source) else ()
    parser_of = partial(Parser, where, roles, targets, features, label, reading, text=text, lenient=lenient)
    if reading.spool is None:
        frame = read_frame(source, reading.csv, text, reading.layout)
        parser = parser_of(frame)
        rows = arrange(parser.parse(frame, 0), parser.naming, reading)
        refused = find_refused(rows, parser.naming) if lenient else {}
        if reading.resample is not None:
            left = without_series(rows, rows_by_series(rows, parser.naming), refused | parser.miswritten)
            rows = resample(left, parser.naming, reading) if len(left.values) else rows
        rows.values = parser.add_calendar(rows.values, rows.times)
    else:
        rows, parser = _spool(source, parser_of, reading, text)
        refused = find_refused(rows, parser.naming) if lenient else {}
    return _checked(rows, parser, reading, refused)


def _written_as_text(roles: Roles, targets: Sequence[str], reading: Reading) -> tuple[str, ...]:
    """Columns of a file whose values are read as they stand: ids of series, and classes."""
    names = [] if reading.series is None else [reading.series]
    if roles.classes:
        names.extend(targets)
        with suppress(ConfigError):  # which the parser tells where no column has that name
            names.extend(listed_names(targets, ()) if reading.lists else ())
    return tuple(names)


def _spool(
    source: Source, parser_of: Callable[[pd.DataFrame], Parser], reading: Reading, text: Sequence[str]
) -> tuple[Rows, Parser]:
    """Read frame by frame into temporary files; rows stay in the order of the file."""
    folder = reading.spool
    assert folder is not None
    if reading.sort or reading.resample:
        raise ConfigError("`sort` and `resample` need the whole table in memory; leave `spool` out, or do it before")
    if not folder.is_dir():
        raise ConfigError(f"`spool`: expected a folder that is there, found {folder}; name another")
    parser: Parser | None = None
    files: list[SpoolFile | None] = []
    first_times: Times | None = None
    first_row = 0
    for frame in read_frames(source, reading.csv, BLOCK_ROWS, text, reading.layout):
        if parser is None:
            parser = parser_of(frame)
        pieces = parser.parse(frame, first_row)
        pieces.values = parser.add_calendar(pieces.values, pieces.times)
        numbers = None
        if pieces.times is not None:
            first_times = pieces.times if first_times is None else first_times
            numbers = comparable_ticks(
                pieces.times, first_times, parser.naming.where, str(parser.naming.time), first_row
            )
        arrays = (pieces.values, numbers, pieces.series, pieces.labels, pieces.weights)
        if not first_row:
            dtypes = (parser.spool_dtype, np.int64, np.int32, np.int32, np.float64)
            files = [None if a is None else SpoolFile(folder, d) for a, d in zip(arrays, dtypes, strict=True)]
        for file, array in zip(files, arrays, strict=True):
            if file is not None and array is not None:
                file.append(array)
        first_row += len(frame)
    assert parser is not None
    values, numbers, series, labels, weights = (None if file is None else file.array() for file in files)
    assert values is not None
    times: Times | None = None
    if numbers is not None and isinstance(first_times, pd.DatetimeIndex):
        dtype = np.dtype("M8[ns]") if first_times.tz is None else pd.DatetimeTZDtype("ns", first_times.tz)
        times = pd.DatetimeIndex(numbers, dtype=dtype, copy=False)  # pandas makes a copy of it in other ways
    elif numbers is not None:
        times = pd.Index(numbers, copy=False)
    return arrange(Rows(values, times, series, labels, weights), parser.naming, reading), parser


def _checked(rows: Rows, parser: Parser, reading: Reading, refused: dict[str, DataError]) -> Table:
    parser.refuse_empty_columns()
    naming, times, starts = parser.naming, rows.times, rows.starts
    if rows.weights is not None and not rows.weights.any():
        raise DataError(
            f"{naming.where}: column '{reading.weight}' holds nothing but 0, expected weights of rows; leave `weight`"
            " out"
        )
    series, labels, classes = rows_by_series(rows, naming), rows.labels, tuple[str, ...]()
    if labels is not None:
        classes, renumbered = sorted_classes(parser.classes.names)
        for part in row_blocks(0, len(labels)):
            labels[part] = renumbered[labels[part]]
    table = Table(
        source=naming.where,
        values=rows.values,
        features=(*parser.features, *calendar_columns(reading.calendar)),
        targets=parser.targets,
        times=times,
        time_column=naming.time,
        ignored=parser.ignored,
        series_column=naming.series,
        series=series,
        label_column=parser.label,
        labels=labels,
        classes=classes,
        file_rows=rows.file_rows,
        weight_column=None if rows.weights is None else reading.weight,
        weights=rows.weights,
        repairs=rows.repairs,
        refused=refused,
        miswritten=parser.miswritten,
    )
    cuts, frequency = starts, None
    if times is not None and naming.time is not None:
        if not refused:
            check_order(times, starts, naming.where, naming.time, table.row_name, one_series=naming.series is None)
        frequency = find_frequency(times, starts_without(starts, series, refused))
        if reading.gaps == "error" or (reading.gaps == "break" and frequency.step is None):
            refuse_gaps(frequency, times, naming.where, naming.time, table.row_name)
        if reading.gaps == "break":
            cuts = np.union1d(starts, frequency.uneven)
    stretches = intervals(np.stack([cuts, np.r_[cuts[1:], len(rows.values)]], axis=1))
    return replace(table, stretches=stretches, frequency=frequency)
