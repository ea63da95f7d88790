"""What a network says, as tables: the forecast after each series' last row, and the answers to windows all over."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.frequency import next_times
from zoo.data.last_window import LastWindows
from zoo.data.next_times_of_series import next_times_of_series
from zoo.data.table_windows import TableWindows, steps_of
from zoo.data.times import Times, from_ticks, ticks
from zoo.tasks import find_task
from zoo_registry import Problem

ACTUAL = "{} actual"
STATUS = "status"
_UNKNOWN = "cannot be known, as its rows keep no step that tells them"


class UnknownTimesWarning(UserWarning):
    """The rows do not tell the times of a forecast."""


def last_frame(
    last: LastWindows, problem: Problem, outputs: Mapping[str, NDArray[Any]], *, report: bool = False
) -> pd.DataFrame:
    """Label a network's outputs by name, each with one window of a series along its first axis.

    There is a row for each step, by time where there are times; with a column of series that is the frame's first, and
    then come the columns of the task. A forecast's first step comes ``gap`` steps after the one that follows the last
    row; what another task says is of the last row itself, which is step 0. To ``report``, and where a series has a
    status, that is the frame's last column, empty where all is well: a series without a window has missing values, and
    one whose times to come cannot be known has none of them.
    """
    task, report = find_task(problem.task), report or bool(last.statuses)
    columns, steps = task.columns(outputs, problem), steps_of(problem, task.roles)
    times, known = _times(last, steps)
    statuses, kind = {**last.statuses}, "time"
    if times is None or not (known.any() if report else known.all()):
        if times is not None:
            of_series = "" if last.series_column is None else f" of series '{last.series[int(np.argmin(known))]}'"
            told = f"the times{of_series} to come {_UNKNOWN}: steps are counted instead"
            warnings.warn(told, UnknownTimesWarning, stacklevel=3)
        counted, kind = pd.RangeIndex(steps[0], steps[-1] + 1), "step"
        times = counted if len(last.series) == 1 else pd.Index(np.tile(counted, len(last.series)))
    else:
        for number in np.flatnonzero(~known):
            statuses.setdefault(last.series[number], f"the times to come {_UNKNOWN}")
    series = np.array(last.series, dtype=object).repeat(len(steps))
    names = [column.name for column in columns]
    flat = [column.values.ravel() for column in columns]
    if report:
        names.append(_free(STATUS, {*names, last.series_column}))
        flat = [_spread(values, last.answered.repeat(len(steps))) for values in flat]
        flat.append(_texts(np.array([statuses.get(name, "") for name in last.series], object).repeat(len(steps))))
    frame = pd.DataFrame(
        dict(enumerate(flat)), index=times.rename(f"forecast {kind}" if kind in (*names, last.series_column) else kind)
    ).set_axis(names, axis="columns")
    if last.series_column is not None:
        frame.insert(0, last.series_column, series)
    return frame


def _times(last: LastWindows, steps: NDArray[np.int64]) -> tuple[Times | None, NDArray[np.bool_]]:
    """The times of steps after each series' last row, missing where they cannot be known, and of which they can."""
    times, count, ordered = last.times, int(steps[-1]), np.flatnonzero(last.starts < last.stops)
    known = np.zeros(len(last.series), np.bool_)
    if times is None:
        return None, known
    if len(last.series) == 1 and len(ordered) and count:  # as pandas gives them, with their frequency
        later = next_times(times[last.starts[0] : last.stops[0]], count, last.step)
        return (times[:0], known) if later is None else (later[steps[0] - 1 :], ~known)
    numbers = np.zeros((len(known), len(steps)), np.int64)
    if count:
        starts, stops = last.starts[ordered], last.stops[ordered]
        found, known[ordered] = next_times_of_series(times, starts, stops, count, last.step)
        numbers[ordered] = found[:, steps[0] - 1 :]
    else:
        numbers[ordered, 0], known[ordered] = ticks(times)[last.stops[ordered] - 1], True
    if not known.all() and not isinstance(times, pd.DatetimeIndex):
        return pd.Index(pd.arrays.IntegerArray(numbers.ravel(), ~known.repeat(len(steps)))), known
    numbers[~known] = np.iinfo(np.int64).min  # NaT
    return from_ticks(numbers.ravel(), times), known


def _spread(values: NDArray[Any], answered: NDArray[np.bool_]) -> Any:
    """Values in the rows that are answered, missing in all others."""
    flags, texts = values.dtype == np.bool_, values.dtype == object
    missing = None if texts else pd.NA if flags else np.nan
    spread = np.full(len(answered), missing, object if flags or texts else values.dtype)
    spread[answered] = values
    return pd.array(spread, dtype="boolean") if flags else _texts(spread) if texts else spread


def window_frame(laid: TableWindows, numbers: slice, outputs: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """Label a network's outputs for the windows with these numbers.

    Forecasts have a row for each step: ``time``, ``origin`` (time of the window's last row), ``step``, then what
    is said. Other tasks have a row for each window: ``time`` of its last row, and what is said. Without times,
    ``origin`` and ``row`` are numbers of rows from 1. The column of series, if any, comes before what is said;
    beside each target stands ``TARGET actual`` where the table has it, missing where there are no rows.
    """
    table, steps = laid.table, steps_of(laid.problem, laid.roles)
    last, wanted, ends = laid.windows.last_rows(numbers), laid.told_rows(numbers), laid.ends_of(numbers)
    answers = _answers(laid, outputs, laid.truth(wanted, wanted < ends))
    taken = {*answers, table.series_column}
    columns: dict[str, Any] = {}
    if table.times is not None:
        columns[_free("time", taken)] = laid.times(wanted, np.broadcast_to(ends, wanted.shape))
    if laid.roles.ahead:
        origins = laid.row_numbers(last) if table.times is None else table.times[last]
        columns[_free("origin", taken)] = origins.repeat(len(steps))
        columns[_free("step", taken)] = np.tile(steps, len(last))
    elif table.times is None:
        columns[_free("row", taken)] = laid.row_numbers(last)
    if table.series_column is not None:
        columns[table.series_column] = _texts(laid.series_names[laid.series_of(numbers)].repeat(len(steps)))
    return pd.DataFrame(columns | answers)


def _answers(
    laid: TableWindows, outputs: Mapping[str, NDArray[Any]], truth: Mapping[str, NDArray[Any]]
) -> dict[str, Any]:
    """The task's columns, flat, with the true values beside."""
    columns = find_task(laid.problem.task).columns(outputs, laid.problem)
    names, found = {column.name for column in columns}, dict[str, Any]()
    for column in columns:
        flat = column.values.ravel()
        found[column.name] = _texts(flat) if flat.dtype == object else flat
        if (target := column.before_truth_of) is not None and target in truth:
            actual = truth[target]
            name = _free(ACTUAL.format(target), names, "true")
            found[name] = _texts(actual) if actual.dtype == object else actual
    return found


def _texts(values: NDArray[Any]) -> Any:
    """A column of text, also where it has no value at all."""
    return pd.array(values, dtype="str")


def _free(name: str, taken: Collection[str | None], prefix: str = "forecast") -> str:
    """The name, with a prefix where the table has such a column."""
    while name in taken:
        name = f"{prefix} {name}"
    return name
