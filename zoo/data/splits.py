"""The chronological split into train, validation and test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from zoo.data.times import Times, kind_of
from zoo_registry.errors import ConfigError, DataError

PARTS = ("train", "validation", "test")
TRAIN_ALONE = "train alone"  # windows of train where those of validation are trained on too


class ShortPartError(DataError):
    """A part of the split has too few rows for a window."""


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


def split_rows(n_rows: int, parts: Sequence[float], *, minimum: Minimum, where: str, embargo: int = 0) -> Split:
    """Cut ``n_rows`` rows into three parts by fractions that sum to 1, or by row counts (whole numbers).

    The last ``embargo`` rows of train and of validation are left out. Raises ConfigError for impossible parts,
    ShortPartError where a part has fewer than ``minimum`` rows.
    """
    if len(parts) != len(PARTS) or min(parts) <= 0:
        raise ConfigError(
            f"a split has three parts above 0 (train, validation, test), found {_listed(parts)};"
            " give, for example, `split='0.7,0.15,0.15'`"
        )
    if all(float(part).is_integer() for part in parts):
        counts = [int(part) for part in parts]
        if sum(counts) > n_rows:
            raise ShortPartError(
                f"{where}: the split {_listed(parts)} needs {sum(counts)} rows, found {n_rows}; give a smaller `split`"
            )
        ends = (counts[0], counts[0] + counts[1], sum(counts))
    else:
        if not abs(sum(parts) - 1) <= 1e-9:  # so that NaN is refused too
            raise ConfigError(
                f"the parts of a split are fractions that sum to 1, or whole numbers of rows, found {_listed(parts)},"
                f" which sum to {sum(parts):g}; give, for example, `split='0.7,0.15,0.15'`"
            )
        ends = (round(n_rows * parts[0]), round(n_rows * (parts[0] + parts[1])), n_rows)
    return _cut(ends, n_rows, minimum=minimum, where=where, embargo=embargo)


def split_dates(times: Times | None, dates: Sequence[str], *, minimum: Minimum, where: str, embargo: int = 0) -> Split:
    """Cut rows where validation begins, where test begins and, if a third date is given, where test ends before it.

    A date is ISO 8601, in the times' own zone where it names none. Raises as :func:`split_rows` does, and where there
    are no times.
    """
    if not isinstance(times, pd.DatetimeIndex):
        raise DataError(
            f"{where}: a split by dates needs a column of times, found {kind_of(times)}; name it with `time`, or give"
            " `split`"
        )
    try:
        cuts = [in_zone(pd.Timestamp(date), times.tz, "`split_dates`") for date in dates]
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f"a split's dates are such as 2020-01-31, found {','.join(dates)}; mend them") from error
    if len(cuts) not in (2, 3) or any(pd.isna(cut) for cut in cuts) or sorted(set(cuts)) != cuts:
        raise ConfigError(
            "a split by dates has two or three, each later than the one before (first of validation, first of test, end"
            f" of test), found {','.join(dates)}; give, for example, `split_dates='2019-01-01,2020-01-01'`"
        )
    rows = [int(times.searchsorted(cut)) for cut in cuts]
    ends = (rows[0], rows[1], rows[2] if len(rows) == 3 else len(times))
    remedy = f"give more rows, or other `split_dates` between {times[0]} and {times[-1]}"
    return _cut(ends, len(times), minimum=minimum, where=where, embargo=embargo, remedy=remedy)


def fold_splits(splitter: Any, n_rows: int, *, validation: float = 0.15, embargo: int = 0) -> list[Split]:
    """Make a split of each fold of a scikit-learn splitter (``TimeSeriesSplit``, or any that keeps the order of time).

    Each fold's train rows give train and, of their end, the share ``validation``; its test rows give test. Before
    validation and before test at least ``embargo`` rows belong to nothing; the splitter may leave out more. Raises
    ConfigError where the splitter cannot split so many rows, where rows of a fold do not follow each other, or its
    train rows do not all come before its test rows.
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
    """Give the end of consecutive rows, the share ``validation``, to early stopping, and leave out rows before it."""
    cut = rows.stop - round(validation * len(rows))
    return range(rows.start, max(cut - embargo, rows.start)), range(cut, rows.stop)


def _cut(
    ends: tuple[int, int, int],
    n_rows: int,
    *,
    minimum: Minimum,
    where: str,
    embargo: int,
    remedy: str = "give more rows, another `split`",
) -> Split:
    train, validation, test = ends
    split = Split(
        range(max(train - embargo, 0)), range(train, max(validation - embargo, train)), range(validation, test)
    )
    smaller = ["`window`", *(["`horizon`"] if "horizon" in minimum.what else []), *(["`embargo`"] if embargo else [])]
    for name, rows in split.items():
        if len(rows) < (needed := minimum.train if name == "train" else minimum.later):
            raise ShortPartError(
                f"{where}: the {name} part has {len(rows)} of {n_rows} rows, but {minimum.what} need {needed};"
                f" {remedy}, or a smaller {' or '.join(smaller)}"
            )
    return split


def in_zone(date: pd.Timestamp, zone: tzinfo | None, option: str) -> pd.Timestamp:
    """A time in the zone of a table's times, which is its own where it names none; raises ConfigError without one."""
    if date.tzinfo is None:
        return date.tz_localize(zone)
    if zone is None:
        raise ConfigError(f"{option}: {date} names a zone, but the times have none; write it without")
    return date.tz_convert(zone)


def _listed(parts: Sequence[float]) -> str:
    return ",".join(f"{part:g}" for part in parts)
