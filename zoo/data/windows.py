"""Windows by their numbers: overlapping windows share one array, and each batch is gathered from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.intervals import Intervals, contains, intersect, intervals
from zoo.data.splits import PARTS, Split

Numbers = NDArray[np.int64] | slice  # of windows


@dataclass(frozen=True)
class Layout:
    """How windows lie on rows, one every ``stride`` rows.

    A window has ``window`` rows of features and ``horizon`` rows of targets, the first of them ``lead`` rows after the
    window's first. With ``context`` the windows of a part may reach back into the rows before it, and with
    ``reaching_back`` their targets too, but for the last row of them.
    """

    window: int
    horizon: int
    lead: int
    stride: int = 1
    context: bool = True
    reaching_back: bool = False

    @property
    def owned(self) -> tuple[int, int]:
        """Which rows of targets lie inside a window's part: the first one, after the window's first, and how many."""
        return (self.lead + self.horizon - 1, 1) if self.reaching_back else (self.lead, self.horizon)

    @property
    def span(self) -> int:
        """Rows from a window's first to its last, targets included."""
        return max(self.window, self.lead + self.horizon)


@dataclass(frozen=True)
class Windows:
    """The windows of one part of a split.

    ``features`` (rows, n_features) and ``targets`` (rows, n_targets) are contiguous arrays over all rows, shared by
    the parts. ``firsts`` holds the first window's first row of each stretch of windows, ``offsets`` (n_stretches + 1,)
    the number of windows before it: however many windows there are, they cost no memory. Where some windows begin
    before their series does, ``begins`` has the first row of each stretch's series; what would lie before it is NaN.
    ``judged`` makes what a loss takes of inputs, outputs and the numbers of their stretches, with keras.ops or NumPy as
    its first argument.
    """

    features: NDArray[np.float32]
    targets: NDArray[np.float32]
    firsts: NDArray[np.int64]
    offsets: NDArray[np.int64]
    layout: Layout
    begins: NDArray[np.int64] | None = None
    judged: Callable[[Any, Any, Any, Any], Any] | None = None

    def __len__(self) -> int:
        return int(self.offsets[-1])

    @property
    def window(self) -> int:
        """Rows of features in a window."""
        return self.layout.window

    @property
    def horizon(self) -> int:
        """Rows of targets for a window."""
        return self.layout.horizon

    def stretches(self, numbers: Numbers = slice(None)) -> NDArray[np.int64]:
        """The numbers of the stretches that these windows lie in."""
        found: NDArray[np.int64] = np.searchsorted(self.offsets, self._chosen(numbers), side="right") - 1
        return found

    def starts(self, numbers: Numbers = slice(None)) -> NDArray[np.int64]:
        """The first row of the windows with these numbers, or of all."""
        chosen, stretch = self._chosen(numbers), self.stretches(numbers)
        starts: NDArray[np.int64] = self.firsts[stretch] + (chosen - self.offsets[stretch]) * self.layout.stride
        return starts

    def first_rows(self, numbers: Numbers = slice(None)) -> NDArray[np.int64]:
        """The first row of each window that there is: where its series is shorter than it, that series' first."""
        starts = self.starts(numbers)
        if self.begins is None:
            return starts
        first: NDArray[np.int64] = np.maximum(starts, self.begins[self.stretches(numbers)])
        return first

    def origins(self, numbers: Numbers = slice(None)) -> NDArray[np.int64]:
        """The row of each window's first target."""
        return self.starts(numbers) + self.layout.lead

    def last_rows(self, numbers: Numbers = slice(None)) -> NDArray[np.int64]:
        """The last row of features of each window."""
        return self.starts(numbers) + (self.window - 1)

    def target_rows(self, numbers: Numbers = slice(None)) -> NDArray[np.int64]:
        """The rows that each window's targets come from, (n, horizon)."""
        return self.origins(numbers)[:, None] + np.arange(self.horizon)

    def ends(self, numbers: Numbers = slice(None)) -> NDArray[np.int64]:
        """The row of each window's last target."""
        return self.origins(numbers) + (self.horizon - 1)

    def inputs(self, numbers: Numbers = slice(None)) -> NDArray[np.float32]:
        """Gather features, (n, window, n_features)."""
        rows = self.starts(numbers)[:, None] + np.arange(self.window)
        if self.begins is None:
            return np.take(self.features, rows, axis=0)
        found: NDArray[np.float32] = np.take(self.features, np.maximum(rows, 0), axis=0)
        found[rows < self.first_rows(numbers)[:, None]] = np.nan
        return found

    def outputs(self, numbers: Numbers = slice(None)) -> NDArray[np.float32]:
        """Gather targets, (n, horizon, n_targets)."""
        return np.take(self.targets, self.target_rows(numbers), axis=0)

    def _chosen(self, numbers: Numbers) -> NDArray[np.int64]:
        return np.arange(*numbers.indices(len(self))) if isinstance(numbers, slice) else numbers

    def batches(self, size: int) -> Iterator[slice]:
        """The numbers of all windows, ``size`` at a time."""
        for start in range(0, len(self), size):
            yield slice(start, min(start + size, len(self)))


def split_windows(
    features: NDArray[np.float32],
    targets: NDArray[np.float32],
    splits: Sequence[Split],
    layout: Layout,
    *,
    stretches: Intervals | None = None,
    known_features: Intervals | None = None,
    known_targets: Intervals | None = None,
    telling: Intervals | None = None,
    padded: Sequence[range] = (),
) -> dict[str, Windows]:
    """Cut each part into windows whose targets, by ``layout.owned``, lie inside it; ``splits`` has one for each series.

    A window never reaches over the end of one of ``stretches``, reads features from ``known_features`` alone and
    targets from ``known_targets`` alone, and ends in one of the rows ``telling``; each defaults to all rows. Windows of
    the ``padded`` series, given by their rows, may begin before these do.
    """
    everything = intervals([(0, len(features))])
    lead = layout.lead - (layout.window - 1)  # from a window's last row, as the first may lie before all rows
    limits = [
        _reaching(everything if stretches is None else stretches, layout.window, layout.span, padded),
        _reaching(everything if known_features is None else known_features, layout.window, layout.window, padded),
        _ends(everything if known_targets is None else known_targets, lead, layout.horizon),
    ]
    if telling is not None:
        limits.append(telling)
    parts = {}
    for name in PARTS:
        rows = intervals([getattr(split, name) for split in splits])
        ends = _ends(rows, layout.owned[0] - (layout.window - 1), layout.owned[1])
        if not layout.context:
            ends = intersect(ends, _reaching(rows, layout.window, layout.span))
        for limit in limits:
            ends = intersect(ends, limit)
        counts = -(-(ends[:, 1] - ends[:, 0]) // layout.stride)
        firsts, begins = ends[:, 0] - (layout.window - 1), None
        if padded:
            series = np.array([rows.start for rows in padded])
            own = series[np.maximum(np.searchsorted(series, ends[:, 0], side="right") - 1, 0)]
            inside = contains(intervals(list(padded)), ends[:, 0])
            begins = np.where(inside, own, firsts)
        parts[name] = Windows(features, targets, firsts, np.r_[0, np.cumsum(counts)], layout, begins)
    return parts


def seasonal_rows(
    origins: NDArray[np.int64], last_rows: NDArray[np.int64], horizon: int, season: int
) -> NDArray[np.int64]:
    """For each step of the horizon the row that lies as few whole seasons before it as the window's last row allows.

    ``origins`` are the rows of the first steps; (n_windows,) -> (n_windows, horizon).
    """
    rows = origins[:, None] + np.arange(horizon)
    seasons: NDArray[np.int64] = -((last_rows[:, None] - rows) // season)  # rounded up
    return rows - seasons * season


def _ends(rows: Intervals, lead: int, length: int) -> Intervals:
    """Where a window may end so that ``length`` rows, the first ``lead`` after its last, lie in an interval."""
    return intervals(rows - np.array([lead, lead + length - 1]))


def _reaching(rows: Intervals, window: int, span: int, padded: Sequence[range] = ()) -> Intervals:
    """Where a window may end so that ``span`` rows from its first on lie in an interval.

    Those that begin with a padded series take one that lies before it too, but for its last row.
    """
    first = np.full(len(rows), window - 1)
    first[np.isin(rows[:, 0], [series.start for series in padded])] = 0
    return intervals(rows + np.stack([first, np.full(len(rows), window - span)], axis=1))
