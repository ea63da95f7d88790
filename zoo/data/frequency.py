"""The step between rows: what it is, where it is not kept, which season it suggests, and which times come next."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.months import day_is_unknown, is_month_long, is_month_step, month_step, name_month_step, off_month_step
from zoo.data.storage import BLOCK_ROWS, steps_where
from zoo.data.times import Times, clock_change_hint, from_ticks, ticks
from zoo_registry.errors import DataError

_DAY = pd.Timedelta(days=1)
_SECOND = pd.offsets.Second(1)
_SAMPLE = 10_000  # rows that the step is read off
_STRETCH = 12  # consecutive rows that a calendar's step (month, business day) is told by
RECENT = 32  # rows that the next times are told by
_ONE_SERIES = np.zeros(1, np.int64)
_REGULAR = 0.5  # share of the steps that the most common one exceeds; else there is no usual step

Step = pd.offsets.BaseOffset | int


@dataclass(frozen=True)
class Frequency:
    """The usual step, None where the rows keep none, and the rows that do not follow the row before by it.

    ``size`` is the middle one of the last steps, in seconds, or in counts; None where no series has a second row.
    """

    step: Step | None
    uneven: NDArray[np.int64]
    size: float | None = None

    def __str__(self) -> str:
        return step_name(self.step)


def find_frequency(times: Times, series_starts: NDArray[np.int64]) -> Frequency:
    """Infer the step from the first rows of each series, and find where all rows leave it.

    ``times`` are increasing in each series, which begin at ``series_starts``.
    """
    step, size = _usual_step(times, series_starts), _step_size(times, series_starts)
    if step is None:
        later = np.setdiff1d(np.arange(1, min(len(times), _SAMPLE)), series_starts)
        return Frequency(None, later, size)
    if isinstance(times, pd.DatetimeIndex) and not isinstance(step, (int, pd.offsets.Tick)):
        return Frequency(step, _off_calendar(times, step, series_starts), size)
    wanted = _in_ticks(step, times)
    return Frequency(step, steps_where(lambda steps: steps != wanted, ticks(times), series_starts), size)


def refuse_gaps(frequency: Frequency, times: Times, where: str, column: str, row_name: Callable[[int], str]) -> None:
    """Raise DataError where a row does not follow the row before by the usual step; names the first three."""
    if not len(uneven := frequency.uneven):
        return
    found = ", ".join(f"{row_name(row)} follows {row_name(row - 1)}" for row in map(int, uneven[:3]))
    remedy = "fill in the rows"
    if isinstance(times, pd.DatetimeIndex):
        remedy = "fill them up with `resample` RULE and `missing`"
    ignore = f"`gaps='ignore'` (the rows count as neighbours){clock_change_hint(times[int(uneven[0])])}"
    if frequency.step is None:
        raise DataError(
            f"{where}: times in column '{column}' keep no step: {found}, expected an even one; {remedy},"
            f" or say {ignore}"
        )
    remedy += f", or say `gaps='break'` (no window reaches over one) or {ignore}"
    raise DataError(
        f"{where}: times in column '{column}' have gaps: {found}, expected steps of {frequency} ({len(uneven)} uneven"
        f" steps in all); {remedy}"
    )


def step_name(step: Step | None) -> str:
    """Write a step: ``1h``, ``MS``, ``1 month on day 15``, ``5``, or ``none``."""
    if is_month_step(step):
        return name_month_step(step)
    return "none" if step is None else str(step) if isinstance(step, int) else step.freqstr


def is_rule(name: str) -> bool:
    """Whether a step's name is one that rows can be resampled by."""
    try:
        pd.tseries.frequencies.to_offset(name)
    except ValueError:
        return False
    return True


def usual_season(times: Times | None) -> int | None:
    """Return the usual season in rows: a day for steps under a day, a week of days, a year of anything longer.

    A week of days without weekends is five rows. None where there are no times or the step fits none of these.
    """
    if not isinstance(times, pd.DatetimeIndex) or len(times) < 3:
        return None
    times = times[:_SAMPLE]
    steps = pd.Series(times).diff()
    step = steps[steps > pd.Timedelta(0)].median()  # it goes back from one series to the next
    if step == _DAY and (times.day_of_week < 5).all():
        return 5
    for limit, season in ((_DAY, _DAY), (2 * _DAY, 7 * _DAY), (400 * _DAY, 365.25 * _DAY)):
        if step < limit:
            rows = round(season / step)
            return rows if rows > 1 else None
    return None


def next_times(times: Times, count: int, usual: Step | None = None) -> Times | None:
    """Return the ``count`` times after the last one, by the frequency that the last ones keep, else by the usual step.

    Without a ``usual`` step that is the most common one of the last. None where they cannot be known: where there are
    too few times, where these keep no step, and where they leave open which day of a month comes next.
    """
    recent = times[-RECENT:]
    if not isinstance(recent, pd.DatetimeIndex):
        step = usual if len(recent) < 2 else _usual_step(recent, _ONE_SERIES) or usual
        return pd.Index(int(times[-1]) + step * np.arange(1, count + 1)) if isinstance(step, int) else None
    offset: Any = (_inferred(recent) if len(recent) > 2 else None) or usual or _usual_step(recent, _ONE_SERIES)
    if offset is None or (len(recent) < 3 and is_month_long(offset)):
        return None
    try:
        later = pd.date_range(recent[-1], periods=count + 1, freq=offset)
    except ValueError:  # clocks are changed then: the zone's has no such time, or shows it twice
        return None
    later = later[later > recent[-1]][:count]  # the last one may lie beside the calendar
    return None if day_is_unknown(recent, later) else later


def _usual_step(times: Times, series_starts: NDArray[np.int64]) -> Step | None:
    """The calendar's step that most stretches of rows keep, else the most common difference."""
    ends = [*map(int, series_starts[1:]), len(times)]
    numbers, pieces, left = ticks(times), [], _SAMPLE
    for start, end in zip(map(int, series_starts), ends, strict=True):
        if left <= 0:
            break
        if end - start > 1:
            pieces.append(numbers[start : min(end, start + left)])
            left -= end - start
    if not pieces:
        return None
    differences = Counter(np.concatenate([np.diff(piece) for piece in pieces]).tolist())
    common, count = differences.most_common(1)[0]
    if not isinstance(times, pd.DatetimeIndex):
        return int(common) if count > _REGULAR * differences.total() else None
    difference = pd.Timedelta(int(common), times.unit)
    several = len(differences) > 1 or difference >= _DAY
    if several and (offset := _calendar_step(pieces, times)) is not None:
        return offset
    if count <= _REGULAR * differences.total():
        return None
    return pd.tseries.frequencies.to_offset(difference)


def _step_size(times: Times, series_starts: NDArray[np.int64]) -> float | None:
    """See :class:`Frequency`."""
    first = max(len(times) - _SAMPLE, 1)
    numbers, follows = ticks(times)[first - 1 :], np.ones(len(times) - first, np.bool_)
    follows[series_starts[series_starts >= first] - first] = False
    if not follows.any():
        return None
    step = float(np.median(np.diff(numbers)[follows]))
    return step / _in_ticks(_SECOND, times) if isinstance(times, pd.DatetimeIndex) else step


def _calendar_step(pieces: Sequence[NDArray[np.int64]], times: pd.DatetimeIndex) -> pd.offsets.BaseOffset | None:
    """The step of a calendar that at least half of the stretches keep that keep one at all; pieces are of ticks."""
    stretches = [stretch for piece in pieces if len(piece) > 2 for stretch in _stretches(piece, times)]
    known: dict[bytes, pd.offsets.BaseOffset | None] = {}
    offsets = Counter[pd.offsets.BaseOffset]()
    for alike, stretch in stretches:
        if alike not in known:
            known[alike] = _inferred_again(stretch.tobytes(), times.unit, times.tz)
        if (offset := known[alike]) is None:
            continue
        offsets[offset] += 1
        if not isinstance(offset, pd.offsets.Tick) and offsets[offset] > _REGULAR * len(stretches):
            return offset  # whatever the others keep
    calendar = {offset: n for offset, n in offsets.items() if not isinstance(offset, pd.offsets.Tick)}
    if calendar and max(calendar.values()) >= _REGULAR * offsets.total():
        return max(calendar, key=lambda offset: calendar[offset])
    return None


def _stretches(piece: NDArray[np.int64], times: pd.DatetimeIndex) -> Iterator[tuple[bytes, NDArray[np.int64]]]:
    """Stretches of a piece of ticks, each with what is the same for all that keep the same step.

    That are the rows' places in their week, as long as no two of them lie so far apart that a month may be a step; and
    of rows that are evenly apart, but by no week, their places after the first.
    """
    week, month = (_in_ticks(pd.offsets.Hour(24 * days), times) for days in (7, 25))
    starts = np.arange(0, max(len(piece) - _STRETCH, 0) + 1, max(len(piece) // 50, 1))
    clock = piece if times.tz is None else ticks(pd.DatetimeIndex(from_ticks(piece, times)).tz_localize(None))
    rows = starts[:, None] + np.arange(min(len(piece), _STRETCH))
    near, steps = np.diff(piece[rows], axis=1).max(axis=1) < month, np.diff(clock[rows], axis=1)
    even = (steps == steps[:, :1]).all(axis=1) & (steps[:, 0] % week != 0)
    first = clock[rows[:, 0]]
    begins = np.where(near, np.where(even, first, first // week * week), 0)[:, None]
    places = np.concatenate([piece[rows] - begins, clock[rows] - begins], axis=1)
    for place, stretch in zip(places, piece[rows], strict=True):
        yield place.tobytes(), stretch


def _inferred(times: pd.DatetimeIndex) -> pd.offsets.BaseOffset | None:
    """The offset that all rows keep, at least three; it is asked for again with each prediction."""
    return _inferred_again(ticks(times).tobytes(), times.unit, times.tz)


@lru_cache(maxsize=4096)
def _inferred_again(numbers: bytes, unit: str, zone: tzinfo | None) -> pd.offsets.BaseOffset | None:
    times = pd.DatetimeIndex(np.frombuffer(numbers, f"M8[{unit}]"))
    times = times if zone is None else times.tz_localize("UTC").tz_convert(zone)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pandas will give an offset for a string; either serves
        offset = pd.tseries.frequencies.to_offset(pd.infer_freq(times))
    if isinstance(offset, pd.offsets.BusinessHour) and not times.equals(
        pd.date_range(times[0], periods=len(times), freq=offset)
    ):
        return None  # pandas takes any eight hours of a business day for those from 9 to 17
    if offset is None or is_month_long(offset):  # as from July to September each 15th
        return month_step(times) or offset
    return offset


def _in_ticks(step: Step, times: Times) -> int:
    if isinstance(step, int) or not isinstance(times, pd.DatetimeIndex):
        return int(step)  # type: ignore[arg-type]
    exact = pd.Timedelta(step).as_unit(times.unit)  # type: ignore[arg-type]
    return int(exact.to_timedelta64().astype(np.int64))


def _off_calendar(
    times: pd.DatetimeIndex, step: pd.offsets.BaseOffset, series_starts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The rows that do not follow the row before by the step, counted from the first row of their series."""
    if is_month_step(step):
        return np.setdiff1d(1 + np.flatnonzero(off_month_step(times, step)), series_starts)
    of_blocks = [np.empty(0, np.int64)]
    for starts, stop in _blocks(series_starts, len(times)):
        clock = times[starts[0] : stop].tz_localize(None)  # a day of the wall clock has 23 hours now and then
        places = _places(clock, step, starts - starts[0])
        off = (np.diff(places) != 1) | (places[1:] < 0) | (places[:-1] < 0)
        of_blocks.append(np.setdiff1d(starts[0] + 1 + np.flatnonzero(off), starts))
    return np.concatenate(of_blocks)


def _blocks(series_starts: NDArray[np.int64], n_rows: int) -> Iterator[tuple[NDArray[np.int64], int]]:
    """The first rows of some series, of about ``BLOCK_ROWS`` rows together, and the row after their last one."""
    ends, first = np.r_[series_starts[1:], n_rows], 0
    while first < len(ends):
        last = max(first + 1, int(np.searchsorted(ends, series_starts[first] + BLOCK_ROWS)))
        yield series_starts[first:last], int(ends[last - 1])
        first = last


def _places(clock: pd.DatetimeIndex, step: pd.offsets.BaseOffset, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many steps each row lies after its series' first one, or after the first time from there that is on a step.

    Below 0 where it lies beside the steps.
    """
    lengths = np.diff(np.r_[starts, len(clock)])
    if isinstance(step, pd.offsets.BusinessHour):
        found: dict[bytes, NDArray[np.int64]] = {}  # by calendar, which most series have in common
        pieces = [clock[start : start + length] for start, length in zip(starts, lengths, strict=True)]
        for piece in pieces:
            if (calendar := ticks(piece).tobytes()) not in found:
                found[calendar] = pd.date_range(piece[0], piece[-1], freq=step).get_indexer(piece)
        return np.concatenate([found[ticks(piece).tobytes()] for piece in pieces])
    days, numbers = clock.normalize(), ticks(clock)
    of_day = numbers - ticks(days)
    if isinstance(step, pd.offsets.Day):
        place = (ticks(days) - ticks(days).min()) // _in_ticks(step.base, days)
        first = place[starts]
    else:
        known = pd.date_range(days.min(), days.max(), freq=step.base)
        place, first = known.get_indexer(days), known.searchsorted(days[starts])
    ahead, beside = np.divmod(place - np.repeat(first, lengths), step.n)
    on_step = (place >= 0) & (beside == 0) & (of_day == np.repeat(of_day[starts], lengths))
    # where clocks are set back a row may show a later time than the last one
    on_step &= numbers <= np.repeat(numbers[starts + lengths - 1], lengths)
    return np.where(on_step, ahead, -1)
