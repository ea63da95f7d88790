"""Steps of months on a fixed day, such as each 15th, of which pandas infers none but those at a month's ends."""

from __future__ import annotations

from typing import TypeGuard

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_SHORTEST = pd.Timedelta(days=28)


def month_step(times: pd.DatetimeIndex) -> pd.DateOffset | None:
    """The whole months that lie between all times, on one day of the month and at one time of day; None without.

    A month without that day has its last one instead: the 30th is the 28th or 29th of February.
    """
    clock = times.tz_localize(None)
    months = _months(clock)
    if len(clock) < 3 or (step := int(months[1] - months[0])) < 1 or (np.diff(months) != step).any():
        return None
    day = int(clock.day.max())
    if len((clock - clock.normalize()).unique()) > 1 or (_clipped(clock, day) != clock.day).any():
        return None
    return pd.DateOffset(months=step, day=day)


def is_month_step(step: object) -> TypeGuard[pd.DateOffset]:
    """Whether a step is one of :func:`month_step`."""
    return type(step) is pd.DateOffset and {"months", "day"} == step.kwds.keys()  # isinstance holds for all offsets


def name_month_step(step: pd.DateOffset) -> str:
    """Write such a step: ``1 month on day 15``."""
    months, day = step.kwds["months"], step.kwds["day"]
    return f"{months} {'month' if months == 1 else 'months'} on day {day}"


def off_month_step(times: pd.DatetimeIndex, step: pd.DateOffset) -> NDArray[np.bool_]:
    """For each row after the first whether it does not follow the row before by the step."""
    clock = times.tz_localize(None)
    beside = _clipped(clock, step.kwds["day"]) != clock.day
    of_day = (clock - clock.normalize()).to_numpy()
    off: NDArray[np.bool_] = (
        (np.diff(_months(clock)) != step.kwds["months"]) | beside[1:] | beside[:-1] | (of_day[1:] != of_day[:-1])
    )
    return off


def is_month_long(step: object) -> bool:
    """Whether a step of days is so long that it may be one of months after all."""
    if isinstance(step, pd.offsets.Day):
        return pd.Timedelta(days=step.n) >= _SHORTEST
    return isinstance(step, pd.offsets.Tick) and pd.Timedelta(step) >= _SHORTEST


def day_is_unknown(known: pd.DatetimeIndex, later: pd.DatetimeIndex) -> bool:
    """Whether the day of later times is anybody's guess: that of the known ones, or the end of the month.

    Rows of the 28th of each February do not tell which day the 29th is.
    """
    return bool((known.day == known.days_in_month).all() and (later.day > known.day.max()).any())


def _months(times: pd.DatetimeIndex) -> NDArray[np.int64]:
    return np.asarray(times.year * 12 + times.month, np.int64)


def _clipped(times: pd.DatetimeIndex, day: int) -> NDArray[np.int64]:
    """The day of the month, or its last one where it has no such day."""
    return np.minimum(np.asarray(times.days_in_month, np.int64), day)
