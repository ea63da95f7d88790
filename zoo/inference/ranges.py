"""Where input lies outside what the training saw: in which column, how far, and in how many windows."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from zoo.data.calendar import calendar_columns
from zoo.settings.choices import CalendarField
from zoo_registry import Problem
from zoo_registry.errors import BundleError, DataError

PARAMETERS_FILE = "preprocessing.json"


class OutsideRangeWarning(UserWarning):
    """Windows hold values that are smaller or larger than all of the training."""


@dataclass(frozen=True)
class Outside:
    """A column with values outside the training's.

    ``minimum``, ``maximum`` and ``deviation`` are those of the train rows, ``lowest`` and ``highest`` what was found,
    all in original units. ``windows`` of ``total`` windows hold such values.
    """

    column: str
    minimum: float
    maximum: float
    deviation: float
    lowest: float
    highest: float
    windows: int
    total: int

    @property
    def excess(self) -> float:
        """How far the farthest value lies outside, in original units."""
        return max(self.minimum - self.lowest, self.highest - self.maximum)

    @property
    def deviations(self) -> float:
        """How far the farthest value lies outside, in deviations of the train rows; infinite where these are all 0."""
        return self.excess / self.deviation if self.deviation else float("inf")

    def __str__(self) -> str:
        sides = []
        for excess, side, limit in (
            (self.highest - self.maximum, "above the maximum", self.maximum),
            (self.minimum - self.lowest, "below the minimum", self.minimum),
        ):
            if excess > 0:
                far = f" ({excess / self.deviation:.3g} deviations)" if self.deviation else ""
                sides.append(f"{excess:.4g}{far} {side} {limit:.6g}")
        return (
            f"column '{self.column}': {' and '.join(sides)} of the training, in {self.windows} of {self.total} windows"
        )


@dataclass(frozen=True)
class TrainRange:
    """What the train rows span: ``minimum``, ``maximum`` and ``deviation``, float64 of shape (n_features,).

    Columns of the calendar have none: their limits are infinite. ``dtype`` is that of the graph's input.
    """

    columns: tuple[str, ...]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    deviation: NDArray[np.float64]
    dtype: str

    @classmethod
    def parse(cls, content: bytes, path: Path, problem: Problem, calendar: Sequence[CalendarField]) -> Self:
        """Read ``preprocessing.json``; ``calendar`` are the fields that are features.

        In a bundle that takes scaled values no column has limits, as the file has those of raw ones. Raises BundleError
        that names ``path`` where the file does not fit the bundle.
        """
        try:
            known = {part["column"]: part for part in json.loads(content)["features"]}
            numbers = [
                [float(known[name][key]) for name in problem.features] for key in ("minimum", "maximum", "deviation")
            ]
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise BundleError(
                f"{path}: expected the minimum, maximum and deviation of each feature ({type(error).__name__}); export"
                " again"
            ) from error
        minimum, maximum, deviation = np.array(numbers)
        free = np.array([problem.units == "scaled" or name in calendar_columns(calendar) for name in problem.features])
        minimum[free], maximum[free] = -np.inf, np.inf
        return cls(problem.features, minimum, maximum, deviation, problem.dtype)

    def watch(self) -> RangeWatch:
        """Begin to look at windows."""
        return RangeWatch(self)

    def outside(self, windows: NDArray[Any]) -> list[Outside]:
        """The columns of windows, (batch, window, n_features), with values outside; empty where there are none."""
        watch = self.watch()
        watch.add(windows)
        return watch.found()


class RangeWatch:
    """Looks at windows batch by batch, and keeps a few numbers for each column."""

    def __init__(self, limits: TrainRange) -> None:
        self._limits = limits
        with np.errstate(over="ignore"):  # beyond float32 there is nothing outside
            # rounded as the input is: a value of the training must not lie outside for being rounded
            self._low, self._high = limits.minimum.astype(limits.dtype), limits.maximum.astype(limits.dtype)
        self._lowest = np.full(len(limits.columns), np.inf)
        self._highest = np.full(len(limits.columns), -np.inf)
        self._windows, self._total = np.zeros(len(limits.columns), np.int64), 0

    def add(self, windows: NDArray[Any]) -> None:
        """Look at windows of shape (batch, window, n_features), in the problem's dtype; NaN is missing."""
        low, high = np.fmin.reduce(windows, axis=1), np.fmax.reduce(windows, axis=1)
        self._windows += ((low < self._low) | (high > self._high)).sum(axis=0)
        self._lowest = np.fmin(self._lowest, np.fmin.reduce(low, axis=0))
        self._highest = np.fmax(self._highest, np.fmax.reduce(high, axis=0))
        self._total += len(windows)

    def found(self) -> list[Outside]:
        """The columns with values outside in the windows so far."""
        limits = self._limits
        # what is outside on one side alone may be rounded past the limit on the other
        lowest = np.where(self._lowest < self._low, self._lowest, np.maximum(self._lowest, limits.minimum))
        highest = np.where(self._highest > self._high, self._highest, np.minimum(self._highest, limits.maximum))
        spans = np.stack([limits.minimum, limits.maximum, limits.deviation, lowest, highest], axis=1)
        columns = zip(limits.columns, spans.tolist(), self._windows.tolist(), strict=True)
        return [
            Outside(column, minimum, maximum, deviation, lowest, highest, windows, self._total)
            for column, (minimum, maximum, deviation, lowest, highest), windows in columns
            if windows
        ]


def warn_outside(outside: Sequence[Outside]) -> None:
    """Warn once of all columns, in the name of who called the bundle."""
    if outside:
        text = "; ".join(map(str, outside))
        warnings.warn(f"input outside the training's range: {text}", OutsideRangeWarning, stacklevel=3)


def refuse_outside(outside: Sequence[Outside], where: str) -> None:
    """Raise DataError that names every column, where there is one."""
    if outside:
        raise DataError(
            f"{where}: expected values within the training's range, found {'; '.join(map(str, outside))}; check their"
            " units, train on such values too, or leave `strict_range` out"
        )
