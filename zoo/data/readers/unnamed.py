"""Columns without a name: what a program writes beside the data, and what somebody forgot to name."""

from __future__ import annotations

import re

import pandas as pd

from zoo_registry.errors import DataError

_BY_PANDAS = re.compile(r"Unnamed: \d+")


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
