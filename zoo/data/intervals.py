"""Sorted, disjoint stretches of rows as arrays of shape (n, 2): first row, and the row after the last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

Intervals = NDArray[np.int64]


def intervals(pairs: ArrayLike | Iterable[range]) -> Intervals:
    """Make intervals of ranges or of pairs; empty ones are left out."""
    if isinstance(pairs, (list, tuple)):
        pairs = [(pair.start, pair.stop) if isinstance(pair, range) else pair for pair in pairs]
    found = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    return found[found[:, 0] < found[:, 1]]


def intersect(one: Intervals, other: Intervals) -> Intervals:
    """The rows that lie in both."""
    low = np.searchsorted(other[:, 1], one[:, 0], side="right")
    counts = np.maximum(np.searchsorted(other[:, 0], one[:, 1], side="left") - low, 0)
    left = np.repeat(np.arange(len(one)), counts)
    right = np.arange(len(left)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)
    return intervals(
        np.stack([np.maximum(one[left, 0], other[right, 0]), np.minimum(one[left, 1], other[right, 1])], axis=1)
    )


def rows_of(stretches: Intervals) -> NDArray[np.int64]:
    """All rows that lie in one of the intervals, in order."""
    lengths = stretches[:, 1] - stretches[:, 0]
    rows: NDArray[np.int64] = np.repeat(stretches[:, 1] - np.cumsum(lengths), lengths) + np.arange(lengths.sum())
    return rows


def outside(rows: NDArray[np.int64], stop: int) -> Intervals:
    """The intervals of [0, stop) that ``rows``, sorted, are taken out of."""
    return intervals(np.stack([np.r_[0, rows + 1], np.r_[rows, stop]], axis=1))


def contains(stretches: Intervals, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each of the rows lies in one of the intervals."""
    if not len(stretches):
        return np.zeros(len(rows), np.bool_)
    place = np.searchsorted(stretches[:, 0], rows, side="right") - 1
    inside: NDArray[np.bool_] = (place >= 0) & (rows < stretches[np.maximum(place, 0), 1])
    return inside


def blocks_of_rows(stretches: Intervals, most: int) -> Iterator[NDArray[np.int64]]:
    """The rows of intervals, in their order, in blocks of ``most`` rows but for the last."""
    ends = np.cumsum(stretches[:, 1] - stretches[:, 0])
    begins = ends - (stretches[:, 1] - stretches[:, 0])
    for start in range(0, int(ends[-1]) if len(ends) else 0, most):
        places = np.arange(start, min(start + most, int(ends[-1])))
        here = np.searchsorted(ends, places, side="right")
        yield stretches[here, 0] + places - begins[here]
