"""The chronological split into train, validation and test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo_registry.errors import ConfigError, DataError

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Row ranges, each following the one before; rows after the test part are not used."""

    train: range
    validation: range
    test: range

    def items(self) -> list[tuple[str, range]]:
        """The parts by name, in the order of time."""
        return [(name, getattr(self, name)) for name in PARTS]


def split_rows(n_rows: int, parts: Sequence[float], *, minimum: int, where: str) -> Split:
    """Cut ``n_rows`` rows into three parts by fractions that sum to 1, or by row counts (whole numbers).

    Raises ConfigError for impossible parts, DataError where a part has fewer than ``minimum`` rows
    (window + horizon).
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
        ends = [counts[0], counts[0] + counts[1], sum(counts)]
    else:
        if not abs(sum(parts) - 1) <= 1e-9:  # so that NaN is refused too
            raise ConfigError(
                f"the parts of a split are fractions that sum to 1, or whole numbers of rows, found {_listed(parts)},"
                f" which sum to {sum(parts):g}; give, for example, --split 0.7,0.15,0.15"
            )
        ends = [round(n_rows * parts[0]), round(n_rows * (parts[0] + parts[1])), n_rows]
    split = Split(range(ends[0]), range(ends[0], ends[1]), range(ends[1], ends[2]))
    for name, rows in split.items():
        if len(rows) < minimum:
            raise DataError(
                f"{where}: the {name} part has {len(rows)} of {n_rows} rows, but window + horizon need {minimum};"
                " give more rows, another --split, or a smaller --window or --horizon"
            )
    return split


def _listed(parts: Sequence[float]) -> str:
    return ",".join(f"{part:g}" for part in parts)
