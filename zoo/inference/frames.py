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
from zoo.data.times import Times, from_ticks
from zoo.tasks import find_task
from zoo_registry import Problem

ACTUAL = "{} actual"


class UnknownTimesWarning(UserWarning):
    """The rows do not tell the times of a forecast."""


def last_frame(last: LastWindows, problem: Problem, outputs: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """Label a network's outputs by name, each with one window of a series along its first axis.

    There is a row for each step, by time where there are times; with a column of series that is the frame's first, and
    then come the columns of the task. A forecast's first step comes ``gap`` steps after the one that follows the last
    row; what another task says is of the last row itself, which is step 0.
    """
    task = find_task(problem.task)
    columns, steps = task.columns(outputs, problem), steps_of(problem, task.roles)
    n_series, kind = len(last.series), "time"
    index, unknown = _times(last, steps)
    if index is None:
        if unknown is not None and steps[0] > 0:
            of_series = "" if last.series_column is None else f" of series '{unknown}'"
            warnings.warn(
                f"the times{of_series} to come cannot be known, as its rows keep no step that tells them: steps are"
                " counted instead",
                UnknownTimesWarning,
                stacklevel=3,
            )
        kind, index = "step", pd.RangeIndex(steps[0], steps[-1] + 1)
        if n_series > 1:
            index = pd.Index(np.tile(index, n_series))
    names = [column.name for column in columns]
    frame = pd.DataFrame(
        {place: column.values.ravel() for place, column in enumerate(columns)},
        index=index.rename(f"forecast {kind}" if kind in (*names, last.series_column) else kind),
    ).set_axis(names, axis="columns")
    if last.series_column is not None:
        frame.insert(0, last.series_column, np.array(last.series, dtype=object).repeat(len(steps)))
    return frame


def _times(last: LastWindows, steps: NDArray[np.int64]) -> tuple[Times | None, str | None]:
    """The times of steps after each series' last row; without them the first series whose times cannot be known."""
    if (times := last.times) is None:
        return None, None
    if steps[-1] == 0:
        return times[last.stops - 1], None
    count = int(steps[-1])
    if len(last.series) == 1:  # as pandas gives them, with their frequency
        later = next_times(times[last.starts[0] : last.stops[0]], count, last.step)
        return (None, last.series[0]) if later is None else (later[steps[0] - 1 :], None)
    numbers, known = next_times_of_series(times, last.starts, last.stops, count, last.step)
    if not known.all():
        return None, last.series[int(np.argmin(known))]
    return from_ticks(numbers[:, steps[0] - 1 :].ravel(), times), None


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
