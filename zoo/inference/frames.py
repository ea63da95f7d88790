"""What a network says, as tables: the forecast after each series' last row, and the answers to windows all over."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.frequency import next_times
from zoo.data.last_window import LastWindows
from zoo.data.table_windows import TableWindows, steps_of
from zoo.data.times import Times
from zoo.outputs import FORECAST, IS_ANOMALY, PROBABILITIES, QUANTILES, SCORE
from zoo_registry import Problem, Task

ACTUAL = "{} actual"


class UnknownTimesWarning(UserWarning):
    """The rows do not tell the times of a forecast."""


def last_frame(last: LastWindows, problem: Problem, outputs: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """Label a network's outputs by name, each with one window of a series along its first axis.

    There is a row for each step, by time where there are times; with a column of series that is the frame's first. A
    forecast's first step comes ``gap`` steps after the one that follows the last row; what another task says is of the
    last row itself, which is step 0. Forecasts have their quantiles beside them; a class stands in a column called as
    the target, with the probability of each class, such as ``weather rain``, beside it; anomalies have ``score`` and
    ``is_anomaly``.
    """
    steps = steps_of(problem)
    first = 0 if last.series_column is None else 1
    if PROBABILITIES in outputs:
        shares, target = outputs[PROBABILITIES], problem.targets[0]
        frame = _by_step(last, steps, shares[:, None], [f"{target} {name}" for name in problem.classes])
        frame.insert(first, target, [problem.classes[number] for number in shares.argmax(axis=1)])
        return frame
    if SCORE in outputs:
        frame = _by_step(last, steps, outputs[SCORE][:, None], [SCORE])
        frame.insert(first + 1, IS_ANOMALY, outputs[IS_ANOMALY][:, 0].astype(bool))
        return frame
    return _by_step(last, steps, *side_by_side(problem, outputs))


def _by_step(
    last: LastWindows, steps: NDArray[np.int64], values: NDArray[np.floating], names: Sequence[str]
) -> pd.DataFrame:
    """Label values of shape (n_series, steps, n_columns)."""
    ahead = steps[0] > 0
    indexes = [None if times is None else _later(last, times, steps) for times in last.times]
    kind, frames = "time", []
    if unknown := [name for name, index in zip(last.series, indexes, strict=True) if index is None]:
        if ahead and not all(times is None for times in last.times):
            of_series = "" if last.series_column is None else f" of series '{unknown[0]}'"
            warnings.warn(
                f"the times{of_series} to come cannot be known, as its rows keep no step that tells them: steps are"
                " counted instead",
                UnknownTimesWarning,
                stacklevel=4,
            )
        kind, indexes = "step", [pd.RangeIndex(steps[0], steps[-1] + 1) for _ in indexes]
    for name, index, own in zip(last.series, indexes, values, strict=True):
        assert index is not None
        frame = pd.DataFrame(
            np.asarray(own),
            index=index.rename(f"forecast {kind}" if kind in (*names, last.series_column) else kind),
            columns=list(names),
        )
        if last.series_column is not None:
            frame.insert(0, last.series_column, name)
        frames.append(frame)
    return frames[0] if len(frames) == 1 else pd.concat(frames)


def _later(last: LastWindows, times: Times, steps: NDArray[np.int64]) -> Times | None:
    """The times of steps after a series' last row."""
    if steps[-1] == 0:
        return times[-1:]
    later = next_times(times, int(steps[-1]), last.step)
    return None if later is None else later[steps[0] - 1 :]


def window_frame(laid: TableWindows, numbers: slice, outputs: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """Label a network's outputs for the windows with these numbers.

    Forecasts have a row for each step: ``time``, ``origin`` (time of the window's last row), ``step``, then what
    is said. Other tasks have a row for each window: ``time`` of its last row, and what is said. Without times,
    ``origin`` and ``row`` are numbers of rows from 1. The column of series, if any, comes before what is said;
    beside each target stands ``TARGET actual`` where the table has it, missing where there are no rows.
    """
    table, steps = laid.table, steps_of(laid.problem)
    last, wanted, ends = laid.windows.last_rows(numbers), laid.told_rows(numbers), laid.ends_of(numbers)
    answers = _answers(outputs, laid.problem, laid.truth(wanted, wanted < ends))
    taken = {*answers, table.series_column}
    columns: dict[str, Any] = {}
    if table.times is not None:
        columns[_free("time", taken)] = laid.times(wanted, np.broadcast_to(ends, wanted.shape))
    if laid.problem.task is Task.FORECAST:
        origins = laid.row_numbers(last) if table.times is None else table.times[last]
        columns[_free("origin", taken)] = origins.repeat(len(steps))
        columns[_free("step", taken)] = np.tile(steps, len(last))
    elif table.times is None:
        columns[_free("row", taken)] = laid.row_numbers(last)
    if table.series_column is not None:
        names = np.array([*table.series], dtype=object)[laid.series_of(numbers)]
        columns[table.series_column] = _texts(names.repeat(len(steps)))
    return pd.DataFrame(columns | answers)


def side_by_side(
    problem: Problem, outputs: Mapping[str, NDArray[np.floating]]
) -> tuple[NDArray[np.floating], list[str]]:
    """Put each target's forecast and, behind it, its quantiles beside each other, and name these columns.

    ``outputs`` holds ``forecast`` (n, horizon, n_targets) and, with quantiles, an array of that name with one axis
    more. A quantile's column is such as ``load 0.9``.
    """
    forecast, targets, quantiles = outputs[FORECAST], problem.targets, problem.quantiles
    if not quantiles:
        return forecast, list(targets)
    columns = [name for target in targets for name in (target, *(f"{target} {level:g}" for level in quantiles))]
    together = np.concatenate([forecast[..., None], outputs[QUANTILES]], axis=-1)
    return together.reshape(*forecast.shape[:2], -1), columns


def _answers(
    outputs: Mapping[str, NDArray[Any]], problem: Problem, truth: Mapping[str, NDArray[Any]]
) -> dict[str, Any]:
    """Columns of the outputs, flat, with the true values beside."""
    if SCORE in outputs:
        return {SCORE: outputs[SCORE][:, 0], IS_ANOMALY: outputs[IS_ANOMALY][:, 0].astype(np.bool_)}
    columns: dict[str, Any] = {}
    if PROBABILITIES in outputs:
        shares, (target,) = outputs[PROBABILITIES], problem.targets
        columns[target] = _texts(np.array(problem.classes, dtype=object)[shares.argmax(axis=1)])
        by_class = {f"{target} {name}": shares[:, number] for number, name in enumerate(problem.classes)}
        if target in truth:
            columns[_free(ACTUAL.format(target), {target, *by_class}, "true")] = _texts(truth[target])
        return columns | by_class
    values, names = side_by_side(problem, outputs)
    each = len(names) // len(problem.targets)
    for index, name in enumerate(names):
        columns[name] = values[:, :, index].ravel()
        target = problem.targets[index // each]
        if index % each == each - 1 and target in truth:
            columns[_free(ACTUAL.format(target), {*names}, "true")] = truth[target]
    return columns


def _texts(values: NDArray[Any]) -> Any:
    """A column of text, also where it has no value at all."""
    return pd.array(values, dtype="str")


def _free(name: str, taken: Collection[str | None], prefix: str = "forecast") -> str:
    """The name, with a prefix where the table has such a column."""
    while name in taken:
        name = f"{prefix} {name}"
    return name
