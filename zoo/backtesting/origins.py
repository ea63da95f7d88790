"""Origins, the rows that forecasts are made at: which there are, and what is known at each of them.

An origin is a window's last row. What is forecast from it lies behind it, and so does everything that it may not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.splits import Split, in_zone, train_and_validation
from zoo.data.table import Table
from zoo.data.table_windows import TableWindows
from zoo.data.times import ticks
from zoo_registry.errors import ConfigError, DataError


@dataclass(frozen=True)
class Block:
    """Origins that one network forecasts from; ``numbers`` are those of their windows.

    ``known`` gives for each series its rows up to the block's first origin: all that a network may be trained on.
    """

    number: int
    numbers: NDArray[np.int64]
    known: dict[str, range]


def lay_origins(
    laid: TableWindows, tested: Mapping[str, range], *, stride: int, most: int | None = None
) -> TableWindows:
    """Keep the windows whose answers are all of ``tested`` rows, by series, and of these every ``stride``-th row's.

    ``laid`` has a window for every row. With ``most`` only so many of each series are kept, the last ones. Raises
    DataError where none is left.
    """
    series, told = list(laid.table.series), laid.told_rows()
    owner = laid.series_of()
    bounds = np.array([(tested[name].start, tested[name].stop) if name in tested else (0, 0) for name in series])
    ends = laid.ends[np.searchsorted(laid.windows.offsets, np.arange(len(laid.windows)), side="right") - 1]
    inside = (told[:, 0] >= bounds[owner, 0]) & (told[:, -1] < np.minimum(bounds[owner, 1], ends))
    inside &= (told[:, 0] - bounds[owner, 0]) % stride == 0
    kept = [np.flatnonzero(inside & (owner == number)) for number in range(len(series))]
    numbers = np.concatenate([own if most is None else own[-most:] for own in kept])
    if not len(numbers):
        raise DataError(
            f"{laid.table.source}: no origin has a whole window before it and {told.shape[1]} known rows (the horizon)"
            " behind it in the rows to test; give an earlier `start`, or more rows"
        )
    return laid.chosen(numbers)


def rows_from(table: Table, start: str) -> dict[str, range]:
    """Each series' rows from a time on, or where the table has no times from a row on, counted from 1 in each series.

    Raises ConfigError where that is no such time, and DataError where no row is left.
    """
    tested = {}
    for name, rows in table.series.items():
        times = None if table.times is None else table.times[rows.start : rows.stop]
        try:
            if isinstance(times, pd.DatetimeIndex):
                place = int(times.searchsorted(in_zone(pd.Timestamp(start), times.tz, "`start`")))
            else:
                place = int(start) - 1 if times is None else int(times.searchsorted(int(start)))
        except ConfigError:
            raise
        except ValueError as error:
            kind = "a time such as 2020-01-31" if isinstance(times, pd.DatetimeIndex) else "a whole number"
            raise ConfigError(f"`start`: expected {kind}, found '{start}'; give one") from error
        tested[name] = range(rows.start + max(place, 0), rows.stop)
    if not any(tested.values()):
        raise DataError(f"{table.source}: no row is left from `start` {start} on; give an earlier one")
    return tested


def blocks(laid: TableWindows, every: int | None) -> list[Block]:
    """Group origins by time, ``every`` of them in a block, or without it all in one.

    Of several series origins at the same time are one, and a series' rows are known up to the time of the block's first
    origin, whichever series that is of; without times rows are counted from the beginning of each series. Where the
    origin's own target is asked for, as to regress, it is not known.
    """
    table = laid.table
    keys = _keys(table)
    own = keys[laid.windows.last_rows()]
    moments = np.unique(own)
    side: Literal["left", "right"] = "left" if laid.roles.apart else "right"
    found = []
    for number, first in enumerate(range(0, len(moments), every or len(moments)), start=1):
        last = moments[min(first + (every or len(moments)), len(moments)) - 1]
        known = {}
        for name, rows in table.series.items():
            place = int(np.searchsorted(keys[rows.start : rows.stop], moments[first], side=side))
            known[name] = range(rows.start, rows.start + place)
        found.append(Block(number, np.flatnonzero((own >= moments[first]) & (own <= last)), known))
    return found


def fitted_rows(
    known: Mapping[str, range], *, validation: float, embargo: int, least: int, train_rows: int | None = None
) -> dict[str, Split]:
    """Train and validation of what is known of each series; those with fewer than ``least`` train rows are left out.

    The share ``validation`` of the end is for early stopping, the last ``embargo`` rows of both are left out, and with
    ``train_rows`` all but the last so many rows. Raises DataError where no series is left.
    """
    splits = {}
    for name, rows in known.items():
        end = max(rows.stop - embargo, rows.start)
        start = rows.start if train_rows is None else max(rows.start, end - train_rows)
        train, later = train_and_validation(range(start, end), validation=validation, embargo=embargo)
        if len(train) >= least and len(later):
            splits[name] = Split(train, later, range(rows.stop, rows.stop))
    if not splits:
        found = max(map(len, known.values()))
        kept = "" if train_rows is None else f", of which `train_rows` keeps {train_rows},"
        raise DataError(
            f"{found} rows before the first origin{kept} are too few to train on, expected {least} train rows and some"
            " for validation; give more of them, or a later `start`"
        )
    return splits


def origins_of(laid: TableWindows) -> Any:
    """The time of each window's last row, or without times the row's number in its series, from 1."""
    last = laid.windows.last_rows()
    if laid.table.times is not None:
        return laid.table.times[last]
    return pd.Index(1 + last - laid.table.starts[laid.series_of()])


def _keys(table: Table) -> NDArray[np.int64]:
    """What orders the rows of all series in time."""
    if table.times is not None:
        return ticks(table.times)
    keys = np.arange(len(table.values))
    for rows in table.series.values():
        keys[rows.start : rows.stop] -= rows.start
    return keys
