"""What a report shows of test forecasts, gathered batch by batch in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.windows import Windows

EXCERPTS = 3
POINTS_OVER_TIME = 1000
_TARGETS_SHOWN = 2
_RUN_OF_WINDOWS = 100  # where the horizon is one row, an excerpt is that many windows one after the other
_PAST = 24  # rows of a window in an excerpt, at least
_BATCH = 2**16


class ErrorsOverTime:
    """Means of errors over even stretches of time, at most ``points`` of them."""

    def __init__(self, first: float, last: float, points: int = POINTS_OVER_TIME) -> None:
        self._first, self._width, self._points = first, (last - first) / points or 1.0, points
        self._counts, self._places, self._sums = (np.zeros(points) for _ in range(3))

    def add(self, positions: NDArray[np.float64], errors: NDArray[np.float64]) -> None:
        """Take in errors (n,) at positions (n,) from the first to the last."""
        bins = ((positions - self._first) / self._width).astype(np.int64).clip(0, self._points - 1)
        for sums, values in ((self._counts, 1.0), (self._places, positions - self._first), (self._sums, errors)):
            np.add.at(sums, bins, values)

    def curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The mean position and mean error of each stretch that has any."""
        used = self._counts > 0
        counts = self._counts[used]
        return self._first + self._places[used] / counts, self._sums[used] / counts


class Histogram:
    """Counts values in even bins about zero, whose width doubles whenever a value lies beyond them."""

    BINS = 4096

    def __init__(self) -> None:
        self.limit = 1e-9
        self.counts = np.zeros(self.BINS, dtype=np.int64)

    def add(self, values: NDArray[np.float64]) -> None:
        """Take in values of any shape; what is not finite is left out."""
        values = values[np.isfinite(values)]
        if not len(values):
            return
        while np.abs(values).max() > self.limit:
            inner = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.pad(inner, self.BINS // 4)
            self.limit *= 2
        places = (values / self.limit + 1.0) * (self.BINS / 2)
        self.counts += np.bincount(places.astype(np.int64).clip(0, self.BINS - 1), minlength=self.BINS)

    def bars(self, most: int = 60) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Edges and counts of at most that many even bars over all but the wildest half percent on either side.

        The outer bars take in what lies beyond them.
        """
        shares = np.cumsum(self.counts) / max(1, int(self.counts.sum()))
        first, last = (int(np.searchsorted(shares, share)) for share in (0.005, 0.995))
        width = -(-(last - first + 1) // most)
        starts = np.arange(first, last + 1, width)
        counts = np.add.reduceat(self.counts, np.r_[0, starts[1:]])
        edges = (np.r_[starts, starts[-1] + width] / (self.BINS / 2) - 1.0) * self.limit
        return edges, counts


@dataclass
class Excerpt:
    """A window, or windows one after the other where the horizon is one row, with truth and forecasts.

    Places count rows from the window's last one, or windows. ``truth`` has the shape (n, n_targets) with NaN where it
    is missing, ``forecasts`` by name (n_windows, horizon, n_targets); ``interval`` is the outermost two quantiles.
    """

    label: str
    numbers: range
    truth_places: NDArray[np.int64]
    truth: NDArray[np.float64]
    places: NDArray[np.int64]
    forecasts: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    interval: NDArray[np.float64] | None = None


@dataclass
class SeriesDetails:
    """What a report shows of many series: a ``table`` of all, and of the worst ones a window each, the worst first.

    ``excerpts`` are by the names of the series, and have the first target alone.
    """

    table: pd.DataFrame
    excerpts: dict[str, Excerpt]


class Details:
    """Takes in all test forecasts once, and keeps errors over time, a histogram of residuals, and a few excerpts.

    ``raw`` (rows, n_targets) are original units with NaN where a value is missing, ``unit`` (n_targets,) what errors
    are divided by. ``positions`` maps rows to points in time, in microseconds where ``dates``, else numbers. Who
    measures several series sets ``series``.
    """

    series: SeriesDetails | None = None

    def __init__(
        self,
        test: Windows,
        *,
        raw: NDArray[Any],
        targets: Sequence[str],
        unit: NDArray[np.float64],
        positions: Callable[[NDArray[np.int64]], NDArray[np.float64]],
        name_row: Callable[[int], str],
        dates: bool = False,
    ) -> None:
        self.targets, self.dates, self.horizon = tuple(targets), dates, test.horizon
        self.shown = self.targets[:_TARGETS_SHOWN]
        self.residuals = Histogram()
        self.over_time: dict[str, ErrorsOverTime] = {}
        self.excerpts = [_excerpt(test, raw, numbers, name_row) for numbers in _spread(test)]
        self.raw, self._test, self._unit, self._positions = raw, test, unit, positions
        ends = [positions(test.origins(numbers)) for numbers in test.batches(_BATCH)]
        self._first, self._last = min(float(part.min()) for part in ends), max(float(part.max()) for part in ends)

    def add(
        self, numbers: slice, forecasts: Mapping[str, NDArray[Any]], network: str, quantiles: NDArray[Any] | None = None
    ) -> None:
        """Take in what was forecast by name for these test windows, (n, horizon, n_targets), ``network`` among them.

        Windows with a missing truth are in no error, nor those that a baseline has no forecast for, which are NaN.
        """
        truth = self.raw[self._test.target_rows(numbers)]
        whole = ~np.isnan(truth).any(axis=(1, 2))
        positions = self._positions(self._test.origins(numbers)[whole])
        for name, forecast in forecasts.items():
            residuals = (np.asarray(forecast[whole], dtype=np.float64) - truth[whole]) / self._unit
            if name not in self.over_time:
                self.over_time[name] = ErrorsOverTime(self._first, self._last)
            errors = np.abs(residuals).mean(axis=(1, 2))
            known = ~np.isnan(errors)  # a baseline may have none of some series
            self.over_time[name].add(positions[known], errors[known])
            if name == network:
                self.residuals.add(residuals)
        for excerpt in self.excerpts:
            first, last = max(excerpt.numbers.start, numbers.start), min(excerpt.numbers.stop, numbers.stop)
            if first < last:
                into = slice(first - excerpt.numbers.start, last - excerpt.numbers.start)
                self._keep(excerpt, into, slice(first - numbers.start, last - numbers.start), forecasts, quantiles)

    def _keep(
        self,
        excerpt: Excerpt,
        into: slice,
        chosen: slice,
        forecasts: Mapping[str, NDArray[Any]],
        quantiles: NDArray[Any] | None,
    ) -> None:
        shape = (len(excerpt.numbers), self.horizon, len(self.targets))
        for name, forecast in forecasts.items():
            excerpt.forecasts.setdefault(name, np.full(shape, np.nan))[into] = forecast[chosen]
        if quantiles is not None:
            if excerpt.interval is None:
                excerpt.interval = np.full((*shape, 2), np.nan)
            excerpt.interval[into] = quantiles[chosen][..., [0, -1]]


def _spread(test: Windows) -> list[range]:
    """Windows that lie evenly over the test part."""
    length = 1 if test.horizon > 1 else min(_RUN_OF_WINDOWS, max(1, len(test) // EXCERPTS))
    starts = np.unique(np.linspace(0, len(test) - length, EXCERPTS).astype(np.int64)).tolist()
    return [range(start, start + length) for start in starts]


def _excerpt(test: Windows, raw: NDArray[Any], numbers: range, name_row: Callable[[int], str]) -> Excerpt:
    chosen = slice(numbers.start, numbers.stop)
    origins = test.origins(chosen)
    label = name_row(int(origins[0]))
    if test.horizon == 1:
        apart = np.flatnonzero(np.diff(origins) != test.layout.stride)  # another series, or a gap
        numbers = numbers[: int(apart[0]) + 1] if len(apart) else numbers
        places = np.arange(len(numbers))
        return Excerpt(label, numbers, places, raw[origins[: len(numbers)]].astype(np.float64), places)
    return window_excerpt(test, raw, numbers.start, label)


def window_excerpt(test: Windows, raw: NDArray[Any], number: int, label: str) -> Excerpt:
    """A window's last rows and its horizon, of which nothing is forecast yet."""
    last, gap = int(test.last_rows(slice(number, number + 1))[0]), test.layout.lead - test.layout.window
    past = min(test.window, max(2 * test.horizon, _PAST))
    places = np.arange(1 + gap, 1 + gap + test.horizon)
    truth_places = np.arange(1 - past, places[-1] + 1)
    truth = raw[last + truth_places].astype(np.float64)
    return Excerpt(label, range(number, number + 1), truth_places, truth, places)


@dataclass(frozen=True)
class JudgedDetails:
    """What a report shows of windows of which each has one answer: a class, or how unusual its last row is.

    ``rows`` (n,) are the rows that the test windows' answers are of, ``truth`` (n,) the numbers of their classes, or 1
    for an anomaly, 0 for none and -1 for unknown; None where nothing is known. ``positions`` (n,) are points in time as
    for :class:`Details`, ``told`` the probabilities (n, classes) or scores (n,).

    For anomalies, ``values`` (rows of the table, n_targets) are the ``targets`` in original units with NaN where one is
    missing, and ``simple`` (n,) the scores of the baseline.
    """

    rows: NDArray[np.int64]
    truth: NDArray[np.integer] | None
    positions: NDArray[np.float64]
    dates: bool
    name_row: Callable[[int], str]
    told: NDArray[Any]
    targets: tuple[str, ...] = ()
    values: NDArray[Any] | None = None
    simple: NDArray[np.float64] | None = None


def means_over_time(
    positions: NDArray[np.float64], values: NDArray[Any], points: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean position and mean value of at most ``points`` even stretches of time, of those that have any."""
    means = ErrorsOverTime(float(positions.min()), float(positions.max()), points)
    means.add(positions, values.astype(np.float64))
    return means.curve()


def peaks_over_time(positions: NDArray[np.float64], values: NDArray[Any], points: int) -> NDArray[np.int64]:
    """The numbers of the greatest value in each of at most ``points`` even stretches of time, so that none is lost."""
    first, last = positions.min(), positions.max()
    stretches = ((positions - first) / ((last - first) / points or 1.0)).astype(np.int64).clip(0, points - 1)
    order = np.lexsort((values, stretches))
    ends = np.flatnonzero(np.diff(stretches[order], append=points))
    greatest: NDArray[np.int64] = order[ends]
    return greatest
