"""Windows by their numbers: overlapping windows share one array, and each batch is gathered from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.intervals import Intervals, intersect, intervals
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
    the number of windows before it: however many windows there are, they cost no memory. ``judged`` makes what a loss
    takes of inputs, outputs and the numbers of their stretches, with keras.ops or NumPy as its first argument.
    """

    features: NDArray[np.float32]
    targets: NDArray[np.float32]
    firsts: NDArray[np.int64]
    offsets: NDArray[np.int64]
    layout: Layout
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
        return np.take(self.features, self.starts(numbers)[:, None] + np.arange(self.window), axis=0)

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
) -> dict[str, Windows]:
    """Cut each part into windows whose targets, by ``layout.owned``, lie inside it; ``splits`` has one for each series.

    A window never reaches over the end of one of ``stretches``, reads features from ``known_features`` alone and
    targets from ``known_targets`` alone; each defaults to all rows.
    """
    everything = intervals([(0, len(features))])
    limits = [
        _starts(everything if stretches is None else stretches, 0, layout.span),
        _starts(everything if known_features is None else known_features, 0, layout.window),
        _starts(everything if known_targets is None else known_targets, layout.lead, layout.horizon),
    ]
    parts = {}
    for name in PARTS:
        rows = intervals([getattr(split, name) for split in splits])
        starts = _starts(rows, *layout.owned)
        if not layout.context:
            starts = intersect(starts, _starts(rows, 0, layout.span))
        for limit in limits:
            starts = intersect(starts, limit)
        counts = -(-(starts[:, 1] - starts[:, 0]) // layout.stride)
        parts[name] = Windows(features, targets, starts[:, 0], np.r_[0, np.cumsum(counts)], layout)
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


def _starts(rows: Intervals, lead: int, length: int) -> Intervals:
    """Where a window may begin so that its rows from ``lead`` on, ``length`` of them, lie inside an interval."""
    return intervals(rows - np.array([lead, lead + length - 1]))
