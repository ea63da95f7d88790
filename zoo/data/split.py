"""The chronological split into train, validation and test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import pairwise

import pandas as pd

from zoo_registry.errors import ConfigError, DataError

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Row ranges, each after the one before; rows between them and after the test part belong to none."""

    train: range
    validation: range
    test: range

    def blocks(self) -> list[range]:
        """All rows up to the end of test, cut wherever a part begins or ends."""
        cuts = sorted({0, *(end for _, rows in self.items() for end in (rows.start, rows.stop))})
        return [range(start, stop) for start, stop in pairwise(cuts)]

    def items(self) -> list[tuple[str, range]]:
        """The parts by name, in the order of time."""
        return [(name, getattr(self, name)) for name in PARTS]


def split_rows(n_rows: int, parts: Sequence[float], *, minimum: int, where: str, embargo: int = 0) -> Split:
    """Cut ``n_rows`` rows into three parts by fractions that sum to 1, or by row counts (whole numbers).

    The last ``embargo`` rows of train and of validation are left out. Raises ConfigError for impossible parts,
    DataError where a part has fewer than ``minimum`` rows (window + horizon).
    """
    if len(parts) != len(PARTS) or min(parts) <= 0:
        raise ConfigError(
            f"a split has three parts above 0 (train, validation, test), found {_listed(parts)};"
            " give, for example, --split 0.7,0.15,0.15"
        )
    if all(float(part).is_integer() for part in parts):
        counts = [int(part) for part in parts]
        if sum(counts) > n_rows:
            raise DataError(
                f"{where}: the split {_listed(parts)} needs {sum(counts)} rows, found {n_rows}; give a smaller --split"
            )
        ends = (counts[0], counts[0] + counts[1], sum(counts))
    else:
        if not abs(sum(parts) - 1) <= 1e-9:  # so that NaN is refused too
            raise ConfigError(
                f"the parts of a split are fractions that sum to 1, or whole numbers of rows, found {_listed(parts)},"
                f" which sum to {sum(parts):g}; give, for example, --split 0.7,0.15,0.15"
            )
        ends = (round(n_rows * parts[0]), round(n_rows * (parts[0] + parts[1])), n_rows)
    return _cut(ends, n_rows, minimum=minimum, where=where, embargo=embargo)


def split_dates(
    times: pd.DatetimeIndex | None, dates: Sequence[str], *, minimum: int, where: str, embargo: int = 0
) -> Split:
    """Cut rows where validation begins, where test begins and, if a third date is given, where test ends before it.

    A date is ISO 8601, in the times' own zone where it names none. Raises as :func:`split_rows` does, and where there
    are no times.
    """
    if times is None:
        raise DataError(f"{where}: a split by dates needs a column of times, found none; name it with --time")
    try:
        cuts = [_in_zone(pd.Timestamp(date), times.tz) for date in dates]
    except ValueError as error:
        raise ConfigError(f"a split's dates are such as 2020-01-31, found {','.join(dates)}; mend them") from error
    if len(cuts) not in (2, 3) or any(pd.isna(cut) for cut in cuts) or sorted(set(cuts)) != cuts:
        raise ConfigError(
            "a split by dates has two or three, each later than the one before (first of validation, first of test, end"
            f" of test), found {','.join(dates)}; give, for example, --split-dates 2019-01-01,2020-01-01"
        )
    rows = [int(times.searchsorted(cut)) for cut in cuts]
    ends = (rows[0], rows[1], rows[2] if len(rows) == 3 else len(times))
    return _cut(ends, len(times), minimum=minimum, where=where, embargo=embargo)


def _cut(ends: tuple[int, int, int], n_rows: int, *, minimum: int, where: str, embargo: int) -> Split:
    train, validation, test = ends
    split = Split(
        range(max(train - embargo, 0)), range(train, max(validation - embargo, train)), range(validation, test)
    )
    for name, rows in split.items():
        if len(rows) < minimum:
            raise DataError(
                f"{where}: the {name} part has {len(rows)} of {n_rows} rows, but window + horizon need {minimum};"
                " give more rows, another --split, or a smaller --window, --horizon or --embargo"
            )
    return split


def _in_zone(date: pd.Timestamp, zone: tzinfo | None) -> pd.Timestamp:
    if date.tzinfo is None:
        return date.tz_localize(zone)
    if zone is None:
        raise ValueError("the times have no zone")
    return date.tz_convert(zone)


def _listed(parts: Sequence[float]) -> str:
    return ",".join(f"{part:g}" for part in parts)
