"""The chronological split into train, validation and test rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.times import Times
from zoo_registry.errors import ConfigError

PARTS = ("train", "validation", "test")
TRAIN_ALONE = "train alone"  # windows of train where those of validation are trained on too

Rows = NDArray[np.int64]  # one number for each series
Ends = NDArray[np.int64]  # (series, 3): where train, validation and test end, counted in each series' own rows

_WHOLE, _DATE_DIGITS = re.compile(r"[+-]?\d+"), (4, 6, 8)  # a year, a month and a day are written as digits alone too


@dataclass(frozen=True)
class Minimum:
    """How many rows a part has to have: ``train``, and ``later`` for validation and test; ``what`` needs them."""

    train: int
    later: int
    what: str = "window + horizon"


@dataclass(frozen=True)
class Split:
    """Row ranges of one series, each after the one before; rows between them and after test belong to none."""

    train: range
    validation: range
    test: range

    def blocks(self) -> list[range]:
        """All rows from the first of train to the end of test, cut wherever a part begins or ends."""
        cuts = sorted({*(end for _, rows in self.items() for end in (rows.start, rows.stop))})
        return [range(start, stop) for start, stop in pairwise(cuts)]

    def shifted(self, rows: int) -> Split:
        """The same split of a series that begins at this row."""
        return Split(*(range(part.start + rows, part.stop + rows) for _, part in self.items()))

    def with_validation(self) -> Split:
        """The same with train rows up to the end of validation."""
        return Split(range(self.train.start, self.validation.stop), self.validation, self.test)

    def items(self) -> list[tuple[str, range]]:
        """The parts by name, in the order of time."""
        return [(name, getattr(self, name)) for name in PARTS]


def ends_of_parts(lengths: Rows, parts: Sequence[float]) -> Ends:
    """Cut series of these lengths by fractions that sum to 1, or by row counts (whole numbers), which may be too many.

    Raises ConfigError for impossible parts.
    """
    if len(parts) != len(PARTS) or min(parts) <= 0:
        raise ConfigError(
            f"a split has three parts above 0 (train, validation, test), found {_listed(parts)};"
            " give, for example, `split='0.7,0.15,0.15'`"
        )
    if all(float(part).is_integer() for part in parts):
        return np.broadcast_to(np.cumsum(parts).astype(np.int64), (len(lengths), len(PARTS)))
    if not abs(sum(parts) - 1) <= 1e-9:  # so that NaN is refused too
        raise ConfigError(
            f"the parts of a split are fractions that sum to 1, or whole numbers of rows, found {_listed(parts)},"
            f" which sum to {sum(parts):g}; give, for example, `split='0.7,0.15,0.15'`"
        )
    shares = lengths[:, None] * np.array([parts[0], parts[0] + parts[1]])
    return np.column_stack([np.rint(shares).astype(np.int64), lengths])


def ends_of_last(lengths: Rows, last: Sequence[int]) -> Ends:
    """Give the last rows to test, those before them to validation, and all others to train; ``last`` has both counts.

    Where a series has fewer rows than that, train ends before its first.
    """
    validation, test = last
    return np.column_stack([lengths - validation - test, lengths - test, lengths])


def ends_at(times: Times, starts: Rows, lengths: Rows, moments: Sequence[Any]) -> Ends:
    """Cut where validation begins, where test begins and, if a third moment is given, where test ends before it."""
    firsts = [first_from(times, starts, starts + lengths, moment) - starts for moment in moments]
    return np.column_stack([*firsts, lengths][: len(PARTS)])


def first_from(times: Times, starts: Rows, stops: Rows, moment: Any) -> Rows:
    """The first row of each series that is not before a moment, or its end; searched for in all series at once."""
    low, high = starts.copy(), stops.copy()
    while len(searched := np.flatnonzero(low < high)):
        middle = (low[searched] + high[searched]) // 2
        before = np.asarray(times[middle] < moment)
        low[searched[before]] = middle[before] + 1
        high[searched[~before]] = middle[~before]
    return low


def read_moments(times: Times, texts: Sequence[str], column: str) -> list[Any]:
    """Read the moments of a split as times or, where those of the column are whole numbers, as such.

    A time is ISO 8601, in the column's own zone where it names none. Raises ConfigError for what is of another kind,
    and unless there are two or three, each later than the one before.
    """
    dates, zone = isinstance(times, pd.DatetimeIndex), getattr(times, "tz", None)
    for text in texts:
        whole = _WHOLE.fullmatch(text)
        if dates and whole and len(text) not in _DATE_DIGITS:
            raise ConfigError(
                f"`split_dates`: column '{column}' holds times, expected such as 2020-01-31, found the whole number"
                f" {text}; give times alone"
            )
        if not dates and not whole:
            raise ConfigError(
                f"`split_dates`: the times in column '{column}' are whole numbers, expected such as 100, found {text};"
                " give whole numbers alone"
            )
    try:
        found = [in_zone(pd.Timestamp(text), zone, "`split_dates`") if dates else int(text) for text in texts]
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f"a split's dates are such as 2020-01-31, found {','.join(texts)}; mend them") from error
    if len(found) not in (2, 3) or any(pd.isna(moment) for moment in found) or sorted(set(found)) != found:
        example = "2019-01-01,2020-01-01" if dates else "100,150"
        raise ConfigError(
            "a split by dates has two or three, each later than the one before (first of validation, first of test, end"
            f" of test), found {','.join(texts)}; give, for example, `split_dates='{example}'`"
        )
    return found


def cut_series(
    ends: Ends, starts: Rows, lengths: Rows, *, minimum: Minimum, embargo: int, remedy: Callable[[int, int], str]
) -> tuple[list[Split | None], str]:
    """Make splits of the series that begin at these rows; None for one of which a part is too short.

    The last ``embargo`` rows of train and of validation are left out. The text says of the first None why, and ends
    with the ``remedy`` for the series of this number, of which this part is too short.
    """
    train, validation, test = ends.T
    whole = [np.zeros_like(train), np.maximum(train - embargo, 0), train, np.maximum(validation - embargo, train)]
    bounds = np.column_stack([*whole, validation, test])
    sizes = bounds[:, 1::2] - bounds[:, ::2]
    short = sizes < np.array([minimum.train, minimum.later, minimum.later])
    over = test > lengths
    rows = (bounds + starts[:, None]).tolist()
    found: list[Split | None] = [Split(range(*row[:2]), range(*row[2:4]), range(*row[4:])) for row in rows]
    left_out = np.flatnonzero(over | short.any(axis=1)).tolist()
    for number in left_out:
        found[number] = None
    if not left_out:
        return found, ""
    first = left_out[0]
    if over[first]:
        split = _listed(np.diff(ends[first], prepend=0).tolist())
        return found, f"the split {split} needs {test[first]} rows, found {lengths[first]}; give a smaller `split`"
    part = int(short[first].argmax())
    needing, needed = minimum.what, minimum.train
    if part and minimum.later < minimum.train:
        needing, needed = "a window's targets", minimum.later
    smaller = ["`window`", *(["`horizon`"] if "horizon" in minimum.what else []), *(["`embargo`"] if embargo else [])]
    return found, (
        f"the {PARTS[part]} part has {sizes[first, part]} of {lengths[first]} rows, but {needing} need"
        f" {needed}; {remedy(first, part)}, or a smaller {' or '.join(smaller)}"
    )


def fold_splits(splitter: Any, n_rows: int, *, validation: float = 0.15, embargo: int = 0) -> list[Split]:
    """Make a split of each fold of a scikit-learn splitter (``TimeSeriesSplit``, or any that keeps the order of time).

    Each fold's train rows give train and, of their end, ``validation``, as :func:`train_and_validation` does; its
    test rows give test. Before validation and before test at least ``embargo`` rows belong to nothing; the splitter
    may leave out more. Raises ConfigError where the splitter cannot split so many rows, where rows of a fold do not
    follow each other, or its train rows do not all come before its test rows.
    """
    try:
        folds = [(np.asarray(train), np.asarray(test)) for train, test in splitter.split(np.zeros((n_rows, 1)))]
    except ValueError as error:
        raise ConfigError(f"{splitter!r}: cannot split {n_rows} rows ({error}); give another splitter") from error
    splits = []
    for number, (train, test) in enumerate(folds, start=1):
        even = all(len(rows) and (np.diff(rows) == 1).all() for rows in (train, test))
        if not even or train[-1] >= test[0]:
            raise ConfigError(
                f"fold {number} of {splitter!r}: expected consecutive train rows, all before consecutive test rows;"
                " take a splitter that keeps the order of time, such as TimeSeriesSplit"
            )
        first, end = int(train[0]), min(int(train[-1]) + 1, int(test[0]) - embargo)
        fitted = train_and_validation(range(first, max(first, end)), validation=validation, embargo=embargo)
        splits.append(Split(*fitted, range(int(test[0]), int(test[-1]) + 1)))
    return splits


def train_and_validation(rows: range, *, validation: float, embargo: int = 0) -> tuple[range, range]:
    """Give the end of consecutive rows to early stopping, and leave out rows before it.

    ``validation`` is a share below 1, or a number of rows.
    """
    wanted = round(validation * len(rows)) if validation < 1 else int(validation)
    cut = max(rows.stop - wanted, rows.start)
    return range(rows.start, max(cut - embargo, rows.start)), range(cut, rows.stop)


def in_zone(date: pd.Timestamp, zone: tzinfo | None, option: str) -> pd.Timestamp:
    """A time in the zone of a table's times, which is its own where it names none; raises ConfigError without one."""
    if date.tzinfo is None:
        return date.tz_localize(zone)
    if zone is None:
        raise ConfigError(f"{option}: {date} names a zone, but the times have none; write it without")
    return date.tz_convert(zone)


def _listed(parts: Sequence[float]) -> str:
    return ",".join(f"{part:g}" for part in parts)
