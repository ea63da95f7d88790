"""Calendar features: where a time lies in its hour, day, week, month or year, as a sine and a cosine.

The fields are read off the wall clock of the times' own zone. Each gives the columns ``FIELD_sin`` and ``FIELD_cos``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import NDArray

from zoo.settings.choices import CalendarField

if TYPE_CHECKING:
    import pandas as pd

PERIODS: dict[str, int] = {"minute": 60, "hour": 24, "weekday": 7, "day": 31, "month": 12}
_FIRST = {"day": 1, "month": 1}  # the others count from 0; Monday is weekday 0
_ATTRIBUTES = {"weekday": "day_of_week"}  # what pandas calls it

FORMULA = (
    "FIELD_sin = sin(2 pi n / period), FIELD_cos = cos(2 pi n / period), n = FIELD - first, read off the clock of the"
    " zone; weekdays count from Monday = 0"
)
TEST_TIME = "2024-03-07T13:45:30"  # a Thursday


def calendar_columns(fields: Sequence[CalendarField]) -> tuple[str, ...]:
    """The names of the columns that the fields give, in order."""
    return tuple(f"{field}_{wave}" for field in fields for wave in ("sin", "cos"))


def level_features(features: Sequence[str]) -> list[int]:
    """The places of the features that are no calendar's column, and so tell a level."""
    places = calendar_columns(get_args(CalendarField))
    return [column for column, name in enumerate(features) if name not in places]


def calendar_values(times: pd.DatetimeIndex, fields: Sequence[CalendarField]) -> NDArray[np.float64]:
    """Compute the columns, float64 of shape (rows, 2 * n_fields), each within [-1, 1]."""
    columns = np.empty((len(times), 2 * len(fields)))
    for index, field in enumerate(fields):
        angle = (
            2
            * np.pi
            * (np.asarray(getattr(times, _ATTRIBUTES.get(field, field))) - _FIRST.get(field, 0))
            / PERIODS[field]
        )
        columns[:, 2 * index], columns[:, 2 * index + 1] = np.sin(angle), np.cos(angle)
    return columns


def describe_calendar(fields: Sequence[CalendarField], zone: str | None) -> dict[str, Any]:
    """What a client of any language needs to compute the columns: formula, periods, zone, and a time to test with."""
    import pandas as pd

    values = calendar_values(pd.DatetimeIndex([TEST_TIME]), fields)[0]
    return {
        "formula": FORMULA,
        "fields": {field: {"period": PERIODS[field], "first": _FIRST.get(field, 0)} for field in fields},
        "zone": zone,
        "test": {
            "time": TEST_TIME,
            "values": dict(zip(calendar_columns(fields), map(float, values), strict=True)),
        },
    }
