"""Names of columns, and columns without: what a program writes beside the data, and what somebody forgot to name."""

from __future__ import annotations

import re
import unicodedata

import pandas as pd

from zoo_registry.errors import DataError

_BREAKS = {"Cc", "Zl", "Zp"}  # kinds of characters that would garble every list of columns
_BY_PANDAS = re.compile(r"Unnamed: \d+")


def check_names(names: list[str], where: str) -> None:
    """Raise DataError for a name that stands twice, and for one that is not on one line."""
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"{where}: expected each column once, found '{twice[0]}' more than once; rename one of them")
    for number, name in enumerate(names, start=1):
        if not _BREAKS.isdisjoint(map(unicodedata.category, name)):
            raise DataError(
                f"{where}: expected names without line breaks and control characters, found {name!r} for column"
                f" {number}; rename it"
            )


class Unnamed:
    """Gives the columns without a name that hold no data the names that pandas gives them, frame by frame.

    Those are a first one that counts up, as pandas and R write the numbers of rows, and an empty last one, as
    delimiters at the ends of lines make it.
    """

    def __init__(self, where: str) -> None:
        self._where, self._last_number = where, None  # type: str, float | None

    def name(self, names: list[str], frame: pd.DataFrame) -> list[str]:
        """Return the names of a frame's columns; raises DataError for one without that holds data."""
        for number, name in enumerate(names):
            if name.strip():
                continue
            column = frame.iloc[:, number]
            if number == 0 and counts_up(column, self._last_number):
                self._last_number = float(column.iloc[-1]) if len(column) else self._last_number
            elif number != len(names) - 1 or not column.isna().all():
                raise DataError(
                    f"{self._where}: expected a name for each column, found none for column {number + 1}; name it"
                )
        return [name if name.strip() else f"Unnamed: {number}" for number, name in enumerate(names)]


def is_unnamed(name: str) -> bool:
    """Whether that is no name but pandas' word for none."""
    return _BY_PANDAS.fullmatch(name) is not None


def holds_no_data(column: pd.Series) -> bool:
    """Whether a column without a name is empty or counts up."""
    return bool(column.isna().all()) or counts_up(column)


def counts_up(column: pd.Series, before: float | None = None) -> bool:
    """Whether a column holds whole numbers, each larger than the one ``before``."""
    if not pd.api.types.is_integer_dtype(column) or column.hasnans:
        return False
    return bool(column.is_monotonic_increasing and column.is_unique) and (
        before is None or column.empty or float(column.iloc[0]) > before
    )
