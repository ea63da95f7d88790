"""Cut each series' last window off a table of features, to forecast what comes after it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.calendar import level_features
from zoo.data.columns import shown
from zoo.data.frequency import Frequency, is_rule, refuse_gaps
from zoo.data.frequency import Step as Offset
from zoo.data.imputation import fill_forward, find_holes, missing_value, refuse_missing
from zoo.data.masks import required_features, silent_windows
from zoo.data.readers.reading import Reading, Source
from zoo.data.reading_choice import way_to_fill, without_calendar
from zoo.data.statuses import Statuses, told_of_files
from zoo.data.table import Table, read_table
from zoo.data.times import Times
from zoo.settings.choices import Errors, Missing
from zoo_registry import Problem, Step
from zoo_registry.errors import ConfigError, DataError

_STEP_TOLERANCE = 1.25  # months have 28 to 31 days


@dataclass(frozen=True)
class LastWindows:
    """Each series' newest rows: ``values`` is float64 (n_answered, window, n_features) in original units.

    ``series`` names the series. ``times`` are those of all rows, or None; each series has the rows from ``starts`` to
    ``stops``, both (n_series,), and none where they are out of order. ``statuses`` says in a sentence what is wrong
    with a series; one of these has no window among ``values``.
    """

    values: NDArray[np.float64]
    times: Times | None
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    series: list[str]
    series_column: str | None = None
    step: Offset | None = None
    statuses: dict[str, str] = field(default_factory=dict)

    @property
    def answered(self) -> NDArray[np.bool_]:
        """For each series whether it has a window."""
        return np.array([name not in self.statuses for name in self.series], np.bool_)

    @property
    def named(self) -> list[str]:
        """The series of the windows."""
        return [name for name in self.series if name not in self.statuses]


def read_last_windows(
    source: Source,
    *,
    features: Sequence[str],
    window: int,
    step: Step | None = None,
    missing: Missing | None = None,
    reading: Reading | None = None,
    masked: Collection[str] = (),
    errors: Errors = "raise",
) -> LastWindows:
    """Read and check the features' last ``window`` rows of each series.

    ``step`` is that of the training's rows. ``missing`` says how missing values are filled from the rows before; None
    is the example's own way, else an error. With ``mask`` those of ``masked`` features stay NaN, and so do the rows
    that a series lacks in front where these are padded. Raises DataError, naming file, column and row; but with
    ``errors="report"`` what is wrong with a single series stands in ``statuses``.
    """
    reading, missing = reading or Reading(), way_to_fill(source, missing)
    check_masking(missing, reading, features, masked)
    if missing == "drop":
        raise ConfigError(
            "missing: expected error, ffill or interpolate, as no newest row can be left out, found 'drop'; take one"
        )
    given, keep = without_calendar(features, reading.calendar), errors == "report"
    # gaps before the last windows do not matter, so those inside them are looked for below
    how = replace(reading, gaps="ignore")
    table = read_table(source, targets=given[:1], features=given, reading=how, lenient=keep)
    statuses = Statuses(table.source, keep=keep)
    rows = long_enough(table, window, step, reading, statuses)
    for name in _near_gaps(table, rows, window, reading):
        with statuses.of(name):
            _refuse_near_gaps(table, max(rows[name].stop - window, rows[name].start), rows[name].stop)
    even = {name: part for name, part in rows.items() if name not in statuses.told}
    values = _windows(table, even, window, missing, masked, statuses)
    named = {name: part for name, part in table.series.items() if name in rows or name in statuses.told}
    parts = [range(0) if name in table.refused else part for name, part in named.items()]
    starts, stops = _ends(parts)
    own_step = None if table.frequency is None else table.frequency.step
    asked: dict[str, Any] = {"features": features, "window": window, "step": step, "missing": missing, "masked": masked}
    alone = partial(read_last_windows, reading=replace(reading, layout="files"), **asked)
    told = told_of_files(statuses.told, source, reading, alone)
    return LastWindows(values, table.times, starts, stops, [*named], table.series_column, own_step, told)


def long_enough(
    table: Table, window: int, step: Step | None, reading: Reading, statuses: Statuses | None = None
) -> dict[str, range]:
    """The rows of each series that has a window.

    Raises DataError for shorter ones and those that are refused, unless ``statuses`` are kept of them, and for another
    step of time.
    """
    refuse_other_step(table, step)
    statuses = statuses or Statuses(table.source, keep=False)
    wrong = table.miswritten | table.refused
    for name, error in wrong.items():
        with statuses.of(name):
            raise error
    needed = 1 if reading.short_series == "pad" else window
    orderly = {name: rows for name, rows in table.series.items() if name not in wrong}
    rows = {name: rows for name, rows in orderly.items() if len(rows) >= needed}
    short = [name for name in orderly if name not in rows]
    if short and not (rows and reading.short_series == "drop"):
        for names in [[name] for name in short] if statuses.keep else [short]:
            with statuses.of(names[0]):
                _refuse_short(table, names, window)
    return rows


def _windows(
    table: Table, rows: dict[str, range], window: int, missing: Missing, masked: Collection[str], statuses: Statuses
) -> NDArray[np.float64]:
    """The last window of each series, (n_series, window, n_features), but of those that get a status."""
    names, (starts, stops) = list(rows), _ends(rows.values())
    wanted = stops[:, None] + np.arange(-window, 0)
    values = np.array(table.values[np.maximum(wanted, 0), : len(table.features)], np.float64)
    values[absent := wanted < starts[:, None]] = np.nan  # rows before the series
    if missing in ("ffill", "interpolate"):
        _fill_from_within(values, absent, missing)
    kept = np.array([missing == "mask" and name in masked for name in table.features], np.bool_)
    for number in np.flatnonzero((np.isnan(values) & ~absent[..., None] & ~kept).any(axis=(1, 2))):
        with statuses.of(name := names[number]):
            values[number] = filled_window(table, rows[name], rows[name].stop - 1, window, missing, masked)
    return values[[name not in statuses.told for name in names]] if statuses.told else values


def _fill_from_within(values: NDArray[np.float64], absent: NDArray[np.bool_], missing: Missing) -> None:
    """Fill windows, (n, window, n_features), in place, as :func:`filled_window` does, where the first row is whole.

    That is the first one that is not ``absent``, (n, window), as its series begins later; those stay NaN.
    """
    firsts = values[np.arange(len(values)), absent.sum(axis=1)]
    holes = (np.isnan(values) & ~absent[..., None]).any(axis=(1, 2))
    chosen = np.flatnonzero(holes & ~np.isnan(firsts).any(axis=1))
    windows = values[chosen]
    rows = np.arange(windows.shape[1])[:, None]
    last = np.where(np.isnan(windows), 0, rows).max(axis=1, keepdims=True, initial=0)  # the last known row
    windows = np.where(rows > last, np.take_along_axis(windows, last, axis=1), windows)
    for column in windows.reshape(-1, windows.shape[2]).T:  # where each hole has its neighbours in its own window
        fill_forward(column, find_holes(column), 0, range(len(column)), missing)
    windows[absent[chosen]] = np.nan
    values[chosen] = windows


def check_masking(missing: Missing, reading: Reading, features: Sequence[str], masked: Collection[str]) -> None:
    """Raise ConfigError where a network was not trained on what it is to be given."""
    if missing == "mask" and not masked:
        raise ConfigError(
            "`missing='mask'`: the network was trained on whole windows alone; take ffill or interpolate, or train with"
            " `missing='mask'` on rows that miss some values"
        )
    if reading.short_series == "pad" and not {*features} <= {*masked}:
        raise ConfigError(
            "`short_series='pad'`: the network was not trained on windows filled up in front; take drop, or train with"
            " `short_series='pad'` on series of which some are too short"
        )


def without_silent(last: LastWindows, problem: Problem, errors: Errors) -> LastWindows:
    """Leave out windows for which a network would answer NaN, as they hold no value of what it is asked for.

    Their series get a status; raises DataError unless ``errors`` is ``report``.
    """
    needed = required_features(problem.target_columns, level_features(problem.features))
    silent = silent_windows(last.values, needed)
    if not silent.any():
        return last
    told = f"no value of what the forecast is made from was observed in the last {problem.window} rows (the window)"
    of_series = [last.named[number] for number in np.flatnonzero(silent)]
    if errors == "raise":
        which = "" if last.series_column is None else f", of series {shown(of_series[0])}"
        raise DataError(f"{told}{which} ({len(of_series)} of {len(last.series)} series); give rows that hold some")
    statuses = last.statuses | dict.fromkeys(of_series, f"{told}; give rows that hold some")
    return replace(last, values=last.values[~silent], statuses=statuses)


def filled_window(
    table: Table, rows: range, last: int, window: int, missing: Missing, masked: Collection[str] = ()
) -> NDArray[np.float64]:
    """The features of the window that ends with row ``last`` of a series, whose ``rows`` these are.

    Returns float64 (window, n_features). Missing values are filled as if the series ended there, and with ``mask`` stay
    NaN in the ``masked`` features; rows before the series are NaN. Raises DataError for one that cannot be.
    """
    features, first = table.values[:, : len(table.features)], max(last + 1 - window, rows.start)
    if missing == "mask":
        values = np.array(features[first : last + 1], dtype=np.float64)
        others = [column for column, name in enumerate(table.features) if name not in masked]
        if len(bad := np.argwhere(np.isnan(values[:, others]))):
            raise missing_value(table, first + int(bad[0, 0]), others[int(bad[0, 1])], len(bad), missing)
        return _padded(values, window)
    begin, back = first, window
    while begin > rows.start and np.isnan(features[begin : first + 1]).all(axis=0).any():  # nothing to fill from yet
        begin, back = max(begin - back, rows.start), 2 * back
    values = np.array(features[begin : last + 1], dtype=np.float64)
    if missing != "error":
        for column in values.T:
            fill_forward(column, find_holes(column), 0, range(len(values)), missing)
    values = values[first - begin :]
    ways: tuple[Missing, ...] = ("interpolate", "ffill", "mask") if masked else ("interpolate", "ffill")
    refuse_missing(table, values, missing, first=first, ways=ways)
    return _padded(values, window)


def _padded(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Rows with as many of NaN before them as a window lacks."""
    lacking = window - len(values)
    return np.concatenate([np.full((lacking, values.shape[1]), np.nan), values]) if lacking else values


def _near_gaps(table: Table, rows: dict[str, range], window: int, reading: Reading) -> list[str]:
    """The series whose times leap between the rows of their last windows."""
    if table.frequency is None or table.times is None or reading.gaps == "ignore":
        return []
    starts, stops = _ends(rows.values())
    firsts, uneven = np.maximum(stops - window, starts), table.frequency.uneven
    if table.frequency.step is None:
        near = firsts + 1 < stops
    else:
        near = np.searchsorted(uneven, firsts + 1) < np.searchsorted(uneven, stops)
    names = list(rows)
    return [names[number] for number in np.flatnonzero(near)]


def _ends(rows: Iterable[range]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first rows, and the rows after the last."""
    pairs = np.array([(part.start, part.stop) for part in rows], np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _refuse_near_gaps(table: Table, first: int, stop: int) -> None:
    """Raise DataError for a window, which begins at ``first``, whose times leap between its rows."""
    assert table.frequency is not None
    assert table.times is not None
    uneven = table.frequency.uneven if table.frequency.step is not None else np.arange(first + 1, stop)
    near = Frequency(table.frequency.step, uneven[slice(*np.searchsorted(uneven, [first + 1, stop]))])
    refuse_gaps(near, table.times, table.source, str(table.time_column), table.row_name)


def _refuse_short(table: Table, short: list[str], window: int) -> None:
    if table.series_column is None:
        found = len(table.values)
        raise DataError(f"{table.source}: expected at least {window} rows (the window), found {found}; give more rows")
    raise DataError(
        f"{table.source}: expected at least {window} rows (the window) of each series, found fewer of"
        f" {table.named(short)}; give more rows, or leave such series out with `short_series='drop'`"
    )


def refuse_other_step(table: Table, trained: Step | None) -> None:
    """Raise DataError where the rows lie farther apart, or closer, than those of the training."""
    if trained is None or trained.name == "none" or (step := table.step) is None:
        return
    ratio = step.size / trained.size
    if not 1 / _STEP_TOLERANCE <= ratio <= _STEP_TOLERANCE:
        dated = isinstance(table.times, pd.DatetimeIndex)
        if dated == trained.name.isdecimal():  # a step of whole numbers
            found, expected = ("times", "whole numbers") if dated else ("whole numbers", f"times {trained.name} apart")
            raise DataError(
                f"{table.source}: column '{table.time_column}' holds {found}, expected {expected} as in the training;"
                " give such a table"
            )
        ruled = dated and is_rule(trained.name)
        remedy = f"resample them with `resample` {trained.name}" if ruled else "mend them"
        raise DataError(
            f"{table.source}: expected rows {trained.name} apart as in the training, found them {ratio:.3g} times as"
            f" far apart; {remedy}"
        )
