"""The times that come after the last rows of many series, found once for all that have the same calendar."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.frequency import RECENT, Step, next_times
from zoo.data.times import Times, in_unit_of, ticks

_LONGEST = pd.Timedelta(days=27)  # of an even step that cannot be one of months


def next_times_of_series(
    times: Times, starts: NDArray[np.int64], stops: NDArray[np.int64], count: int, usual: Step | None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """For each stretch of rows the ``count`` times after it, as :func:`next_times` finds them, and whether it does.

    The stretches are the rows from ``starts`` to ``stops``, one at least. Returns ticks, (n, count), which are 0 where
    the times cannot be known, and the flags, (n,).
    """
    numbers, lengths = ticks(times), np.minimum(stops - starts, RECENT)
    later, known = np.zeros((len(stops), count), np.int64), np.zeros(len(stops), np.bool_)
    for length in np.unique(lengths):
        alike = np.flatnonzero(lengths == length)
        recent = numbers[stops[alike, None] + np.arange(-length, 0)]
        even = _keeps_a_plain_step(recent, times, count)
        last, before = recent[even, -1:], recent[even, max(length - 2, 0), None]
        later[alike[even]], known[alike[even]] = last + (last - before) * np.arange(1, count + 1), True
        _, first, calendar = np.unique(recent[~even], axis=0, return_index=True, return_inverse=True)
        for number, row in enumerate(first):
            stop = stops[alike[~even][row]]
            found = next_times(times[stop - length : stop], count, usual)
            if found is not None:
                these = alike[~even][calendar == number]
                later[these], known[these] = ticks(in_unit_of(found, times)), True
    return later, known


def _keeps_a_plain_step(recent: NDArray[np.int64], times: Times, count: int) -> NDArray[np.bool_]:
    """Whether stretches, (n, rows), go on by their one difference, whatever the calendar says.

    So do whole numbers, and times without a zone whose clock is changed: steps under a month, where not all rows are of
    the last day of one, of which pandas and :mod:`zoo.data.months` know more.
    """
    if recent.shape[1] < 2 or (isinstance(times, pd.DatetimeIndex) and str(times.tz) not in ("None", "UTC")):
        return np.zeros(len(recent), np.bool_)
    steps = np.diff(recent, axis=1)
    even: NDArray[np.bool_] = np.asarray((steps == steps[:, :1]).all(axis=1), np.bool_)
    if not isinstance(times, pd.DatetimeIndex):
        return even
    if recent.shape[1] < 3:
        return np.zeros(len(recent), np.bool_)
    longest = int(ticks(pd.DatetimeIndex([pd.Timestamp(0) + _LONGEST]).as_unit(times.unit))[0])
    even &= (steps[:, 0] < longest) & (recent[:, -1] < np.iinfo(np.int64).max - count * longest)
    first, last = (pd.DatetimeIndex(recent[:, place].view(f"M8[{times.unit}]")) for place in (0, -1))
    of_one_day = np.asarray(last.is_month_end) & np.asarray(first.normalize() == last.normalize())
    return even & ~of_one_day
