"""The step between rows: which season it suggests, and which times come next."""

from __future__ import annotations

import warnings

import pandas as pd

_DAY = pd.Timedelta(days=1)


def usual_season(times: pd.DatetimeIndex | None) -> int | None:
    """Return the usual season in rows: a day for steps under a day, a week of days, a year of anything longer.

    A week of days without weekends is five rows. None where there are no times or the step fits none of these.
    """
    if times is None or len(times) < 3:
        return None
    step = pd.Series(times).diff().median()
    if step == _DAY and (times.day_of_week < 5).all():
        return 5
    for limit, season in ((_DAY, _DAY), (2 * _DAY, 7 * _DAY), (400 * _DAY, 365.25 * _DAY)):
        if step < limit:
            rows = round(season / step)
            return rows if rows > 1 else None
    return None


def next_times(times: pd.DatetimeIndex, count: int) -> pd.DatetimeIndex | None:
    """Return the ``count`` times after the last one, by the inferred frequency, else by the usual step.

    None where there are too few times to know a step.
    """
    if len(times) < 2:
        return None
    recent = times[-32:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pandas will give an offset for a string; either serves
        step = (pd.infer_freq(recent) if len(recent) > 2 else None) or pd.Series(recent).diff().median()
    return pd.date_range(times[-1], periods=count + 1, freq=step)[1:]
