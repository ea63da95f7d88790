"""Windows over a whole table, and the times and true values of what a network says of each of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.calendar import level_features
from zoo.data.columns import known_class
from zoo.data.imputation import find_holes, missing_value
from zoo.data.intervals import Intervals, contains, intersect, intervals, outside
from zoo.data.last_window import check_masking, filled_window, long_enough
from zoo.data.masks import required_features, telling_ends
from zoo.data.next_times_of_series import next_times_of_series
from zoo.data.readers.reading import Reading, Source, read_frames
from zoo.data.reading_choice import way_to_fill, without_calendar
from zoo.data.roles import Roles
from zoo.data.table import Table, read_table
from zoo.data.times import from_ticks, ticks
from zoo.data.windows import Layout, Windows
from zoo.settings.choices import Missing
from zoo_registry import Problem
from zoo_registry.errors import ConfigError, DataError


def steps_of(problem: Problem, roles: Roles) -> NDArray[np.int64]:
    """The rows that are told of, counted from a window's last one, which is 0."""
    return np.arange(1, problem.horizon + 1) + problem.gap if roles.ahead else np.zeros(1, np.int64)


def lay_windows(
    source: Source,
    problem: Problem,
    roles: Roles,
    *,
    reading: Reading | None = None,
    stride: int = 1,
    missing: Missing | None = None,
) -> TableWindows:
    """Read a table, as :func:`read_last_windows` does, and lay windows over all of it.

    ``missing`` may be ``drop``, which leaves out windows with missing values. With ``mask`` windows keep them, but for
    those that say nothing of a target, as no value of it was observed. Raises DataError and ConfigError.
    """
    if stride < 1:
        raise ConfigError(f"stride: expected a number of rows of 1 or more, found {stride}; give another")
    reading, missing = reading or Reading(), way_to_fill(source, missing)
    check_masking(missing, reading, problem.features, problem.masked)
    table = _read_with_truth(source, problem, roles, reading)
    series = list(long_enough(table, problem.window, problem.step, reading).values())
    short = [rows for rows in series if len(rows) < problem.window]
    return lay_over(table, problem, roles, intervals(series), stride=stride, missing=missing, padded=short)


def lay_over(
    table: Table,
    problem: Problem,
    roles: Roles,
    series: Intervals,
    *,
    stride: int = 1,
    missing: Missing,
    padded: Sequence[range] = (),
) -> TableWindows:
    """Lay windows over the rows of these series of a table; raises DataError where not one fits.

    Windows of the ``padded`` series may begin before these do.
    """
    even = usable = intersect(table.stretches, series)
    holes = _holes(table, series, missing, problem.masked)
    if missing == "drop" and (dropped := [rows for rows in holes if len(rows)]):
        usable = intersect(even, outside(np.unique(np.concatenate(dropped)), len(table.values)))
    begin = np.isin(usable[:, 0], [rows.start for rows in padded])
    first = np.where(begin, 0, problem.window - 1)
    ends = intervals(usable + np.stack([first, np.zeros_like(first)], axis=1))
    if missing == "mask":
        needed = required_features(problem.target_columns, level_features(problem.features))
        ends = intersect(ends, telling_ends(holes, needed, table.starts, problem.window, len(table.values), padded))
    starts = ends - (problem.window - 1)
    if not len(starts):
        raise DataError(
            f"{table.source}: expected {problem.window} rows (the window) without a gap or a missing value, found none;"
            " fill them in, or take another `missing` or `gaps`"
        )
    counts = -(-(starts[:, 1] - starts[:, 0]) // stride)
    layout = Layout(problem.window, problem.horizon, problem.window + problem.gap, stride)
    stretch = np.searchsorted(even[:, 0], ends[:, 0], side="right") - 1
    begins = even[stretch, 0] if len(padded) else None
    laid = (starts[:, 0], np.r_[0, np.cumsum(counts)], layout, begins)
    return _over(table, problem, roles, laid, even[stretch, 1], missing)


def _over(
    table: Table,
    problem: Problem,
    roles: Roles,
    laid: tuple[NDArray[np.int64], NDArray[np.int64], Layout, NDArray[np.int64] | None],
    ends: NDArray[np.int64],
    missing: Missing,
) -> TableWindows:
    return TableWindows(table, problem, roles, Windows(table.values, table.values, *laid), ends, missing)


@dataclass(frozen=True)
class TableWindows:
    """Windows over a table; ``ends`` has, for each stretch of them, the row after the last that follows evenly."""

    table: Table
    problem: Problem
    roles: Roles
    windows: Windows
    ends: NDArray[np.int64]
    missing: Missing

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the table's values once, also by joblib, which would write an array as often as it is named."""
        own = self.windows
        laid = (own.firsts, own.offsets, own.layout, own.begins)
        return _over, (self.table, self.problem, self.roles, laid, self.ends, self.missing)

    def chosen(self, numbers: NDArray[np.int64]) -> TableWindows:
        """The windows with these numbers alone, in this order, for which they are numbered anew."""
        stretch = np.searchsorted(self.windows.offsets, numbers, side="right") - 1
        own = self.windows
        begins = None if own.begins is None else own.begins[stretch]
        chosen = replace(own, firsts=own.starts(numbers), offsets=np.arange(len(numbers) + 1), begins=begins)
        return replace(self, windows=chosen, ends=self.ends[stretch])

    def told_rows(self, numbers: slice = slice(None)) -> NDArray[np.int64]:
        """The rows that the answers to windows are of, (n, steps), some of them behind the table's last."""
        return self.windows.last_rows(numbers)[:, None] + steps_of(self.problem, self.roles)

    def series_of(self, numbers: slice = slice(None)) -> NDArray[np.int64]:
        """The number of each window's series, in the order of the table's."""
        found: NDArray[np.int64] = self._series_of(self.windows.last_rows(numbers))
        return found

    def names_of(self, numbers: slice = slice(None)) -> list[str]:
        """The name of each window's series."""
        names: list[str] = self.series_names[self.series_of(numbers)].tolist()
        return names

    @cached_property
    def series_names(self) -> NDArray[Any]:
        """The names of the table's series, in their order."""
        return np.array([*self.table.series], dtype=object)

    def inputs(self, numbers: slice) -> NDArray[np.float64]:
        """Features of windows, (n, window, n_features), each filled from its own rows and those before it alone."""
        inputs = np.asarray(self.windows.inputs(numbers)[:, :, : len(self.table.features)], dtype=np.float64)
        if self.missing == "mask":
            return inputs
        lasts, holes = self.windows.last_rows(numbers), np.isnan(inputs)
        if self.windows.begins is not None:
            lacking = self.windows.first_rows(numbers) - self.windows.starts(numbers)
            holes &= (np.arange(self.windows.window) >= lacking[:, None])[..., None]
        for index in np.flatnonzero(holes.any(axis=(1, 2))):
            last = lasts[index : index + 1]
            series = self._series[self._series_of(last)[0]]
            inputs[index] = filled_window(self.table, series, int(last[0]), self.windows.window, self.missing)
        return inputs

    def ends_of(self, numbers: slice) -> NDArray[np.int64]:
        """For each window the row after the last that follows evenly, (n, 1)."""
        stretch = np.searchsorted(self.windows.offsets, np.arange(numbers.start, numbers.stop), side="right") - 1
        return self.ends[stretch][:, None]

    def times(self, wanted: NDArray[np.int64], ends: NDArray[np.int64]) -> Any:
        """The times of rows, (n, steps), flat; from ``ends`` on, where there are no rows, as the step goes on.

        Missing where there is no step.
        """
        times, frequency = self.table.times, self.table.frequency
        assert times is not None
        assert frequency is not None
        numbers = ticks(times)[np.minimum(wanted, len(times) - 1)]
        unknown, beyond = np.zeros(wanted.shape, np.bool_), wanted >= ends
        stops, stretch = np.unique(ends[beyond], return_inverse=True)
        starts, ahead = self._starts[self._series_of(stops - 1)], wanted[beyond] - ends[beyond]
        counts = np.zeros_like(stops)
        np.maximum.at(counts, stretch, ahead + 1)
        later, known = np.zeros((len(stops), counts.max(initial=0)), np.int64), np.zeros(len(stops), np.bool_)
        for count in np.unique(counts):
            these = np.flatnonzero(counts == count)
            found = next_times_of_series(times, starts[these], stops[these], int(count), frequency.step)
            later[these, :count], known[these] = found
        numbers[beyond] = later[stretch, ahead]
        unknown[beyond] = ~known[stretch]
        if not isinstance(times, pd.DatetimeIndex):
            return pd.arrays.IntegerArray(numbers.ravel(), unknown.ravel())
        numbers[unknown] = np.iinfo(np.int64).min  # NaT
        return from_ticks(numbers.ravel(), times)

    def truth(self, wanted: NDArray[np.int64], known: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
        """By target the true values of rows, flat, missing where they are not ``known``; those that the table has."""
        table, targets = self.table, self.problem.targets
        rows, unknown = np.minimum(wanted, len(table.values) - 1).ravel(), ~known.ravel()
        if self.roles.judged:
            return {}
        if table.labels is not None:
            names = [known_class(name, self.problem.classes) for name in table.classes]
            return {targets[0]: np.array([*names, None], dtype=object)[table.labels[rows]]}
        found = {}
        for name in targets:
            if name in table.columns:
                found[name] = table.values[rows, table.columns.index(name)].astype(np.float64)
                found[name][unknown] = np.nan
        return found

    @cached_property
    def _series(self) -> list[range]:
        return list(self.table.series.values())

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        return self.table.starts

    def _series_of(self, rows: Any) -> Any:
        """The numbers of the series that rows belong to."""
        return np.searchsorted(self._starts, rows, side="right") - 1

    def row_numbers(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The places of rows in the source, from 1."""
        return 1 + (rows if self.table.file_rows is None else self.table.file_rows[rows])


def _read_with_truth(source: Source, problem: Problem, roles: Roles, reading: Reading) -> Table:
    """Read the features and, as the table's targets, those of the network's that the table has."""
    features, targets = without_calendar(problem.features, reading.calendar), list(problem.targets)
    if not set(targets) <= set(features):
        there = next(read_frames(source, reading.csv, 1, layout=reading.layout)).columns
        targets = [name for name in targets if name in features or name in there]
    if roles.classes and targets:
        return read_table(source, targets=targets, features=features, roles=roles, reading=reading)
    return read_table(source, targets=targets or features[:1], features=features, reading=reading)


def _holes(table: Table, series: Intervals, missing: Missing, masked: Collection[str]) -> list[NDArray[np.int64]]:
    """For each feature the rows of the series that miss it.

    Raises DataError where ``missing`` can do nothing about them, ``mask`` where they are of no ``masked`` feature.
    """
    found: list[tuple[int, int]] = []
    holes: list[NDArray[np.int64]] = []
    for column, name in enumerate(table.features):
        rows = find_holes(table.values[:, column])
        rows = rows[contains(series, rows)]
        holes.append(rows)
        unfillable = rows if missing == "error" else rows[np.isin(rows, series[:, 0])]  # with nothing to fill it from
        refused = (rows if name not in masked else rows[:0]) if missing == "mask" else unfillable
        if len(refused) and missing != "drop":
            found.append((int(refused[0]), column))
    if found:
        raise missing_value(table, *min(found), sum(map(len, holes)), missing)
    return holes
