"""Cut each series' last window off a table of features, to forecast what comes after it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

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
from zoo.data.table import Table, read_table
from zoo.data.times import Times
from zoo.settings.choices import Missing
from zoo_registry import Problem, Step
from zoo_registry.errors import ConfigError, DataError

_STEP_TOLERANCE = 1.25  # months have 28 to 31 days


@dataclass(frozen=True)
class LastWindows:
    """Each series' newest rows: ``values`` is float64 (n_series, window, n_features) in original units.

    ``times`` are all rows' times of each series, or None.
    """

    values: NDArray[np.float64]
    times: list[Times | None]
    series: list[str]
    series_column: str | None = None
    step: Offset | None = None


def read_last_windows(
    source: Source,
    *,
    features: Sequence[str],
    window: int,
    step: Step | None = None,
    missing: Missing | None = None,
    reading: Reading | None = None,
    masked: Collection[str] = (),
) -> LastWindows:
    """Read and check the features' last ``window`` rows of each series.

    ``step`` is that of the training's rows. ``missing`` says how missing values are filled from the rows before; None
    is the example's own way, else an error. With ``mask`` those of ``masked`` features stay NaN, and so do the rows
    that a series lacks in front where these are padded. Raises DataError, naming file, column and row.
    """
    reading, missing = reading or Reading(), way_to_fill(source, missing)
    check_masking(missing, reading, features, masked)
    if missing == "drop":
        raise ConfigError(
            "missing: expected error, ffill or interpolate, as no newest row can be left out, found 'drop'; take one"
        )
    given = without_calendar(features, reading.calendar)
    # gaps before the last windows do not matter, so those inside them are looked for below
    table = read_table(source, targets=given[:1], features=given, reading=replace(reading, gaps="ignore"))
    rows = long_enough(table, window, step, reading)
    for part in rows.values():
        _refuse_near_gaps(table, max(part.stop - window, part.start), part.stop, reading)
    values = [filled_window(table, part, part.stop - 1, window, missing, masked) for part in rows.values()]
    times = [None if table.times is None else table.times[part.start : part.stop] for part in rows.values()]
    own_step = None if table.frequency is None else table.frequency.step
    return LastWindows(np.stack(values), times, list(rows), table.series_column, own_step)


def long_enough(table: Table, window: int, step: Step | None, reading: Reading) -> dict[str, range]:
    """The rows of each series that has a window; raises DataError for shorter ones, and for another step of time."""
    refuse_other_step(table, step)
    needed = 1 if reading.short_series == "pad" else window
    rows = {name: rows for name, rows in table.series.items() if len(rows) >= needed}
    if short := [name for name in table.series if name not in rows]:
        _refuse_short(table, short, window, dropped=reading.short_series == "drop" and bool(rows))
    return rows


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


def refuse_silent(last: LastWindows, problem: Problem) -> None:
    """Raise DataError where a network would answer NaN, as a last window holds no value of what it is asked for."""
    needed = required_features(problem.target_columns, level_features(problem.features))
    if len(silent := np.flatnonzero(silent_windows(last.values, needed))):
        which = "" if last.series_column is None else f", of series {shown(last.series[silent[0]])}"
        raise DataError(
            f"no value of what the forecast is made from was observed in the last {problem.window} rows (the"
            f" window){which} ({len(silent)} of {len(last.series)} series); give rows that hold some"
        )


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
    refuse_missing(table, values, missing, first=first)
    return _padded(values, window)


def _padded(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Rows with as many of NaN before them as a window lacks."""
    lacking = window - len(values)
    return np.concatenate([np.full((lacking, values.shape[1]), np.nan), values]) if lacking else values


def _refuse_near_gaps(table: Table, first: int, stop: int, reading: Reading) -> None:
    """Raise DataError where times leap between the rows of a window, which begins at ``first``."""
    if table.frequency is None or table.times is None or reading.gaps == "ignore":
        return
    uneven = table.frequency.uneven if table.frequency.step is not None else np.arange(first + 1, stop)
    near = Frequency(table.frequency.step, uneven[(uneven > first) & (uneven < stop)])
    refuse_gaps(near, table.times, table.source, str(table.time_column), table.row_name)


def _refuse_short(table: Table, short: list[str], window: int, *, dropped: bool) -> None:
    if table.series_column is None:
        found = len(table.values)
        raise DataError(f"{table.source}: expected at least {window} rows (the window), found {found}; give more rows")
    if not dropped:
        raise DataError(
            f"{table.source}: expected at least {window} rows (the window) of each series, found fewer of"
            f" {table.named(short)}; give more rows, or leave such series out with `short_series='drop'`"
        )


def refuse_other_step(table: Table, trained: Step | None) -> None:
    """Raise DataError where the rows lie farther apart, or closer, than those of the training."""
    if trained is None or trained.name == "none" or table.step is None:
        return
    ratio = table.step.size / trained.size
    if not 1 / _STEP_TOLERANCE <= ratio <= _STEP_TOLERANCE:
        ruled = isinstance(table.times, pd.DatetimeIndex) and is_rule(trained.name)
        remedy = f"resample them with `resample` {trained.name}" if ruled else "mend them"
        raise DataError(
            f"{table.source}: expected rows {trained.name} apart as in the training, found them {ratio:.3g} times as"
            f" far apart; {remedy}"
        )
