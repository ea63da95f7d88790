"""Missing values that windows keep: which features get a mask, and which windows tell nothing of a target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zoo.data.intervals import Intervals, contains, intersect, intervals
from zoo.data.windows import Windows

Rows = NDArray[np.int64]  # sorted


def required_features(target_columns: Sequence[int | None], level: Sequence[int]) -> list[tuple[int, ...]]:
    """Of which features a window has to hold a value, of each entry one, to say something of all targets.

    A target that is a feature is made from its own past, any other from the features that tell a ``level``.
    """
    own: list[tuple[int, ...]] = [(column,) for column in target_columns if column is not None]
    return own if own and None not in target_columns else [*own, tuple(level)]


def masked_features(train: Windows, hidden: Sequence[Rows]) -> tuple[int, ...]:
    """The features that some train window misses, all where one begins before its series: of these a network learns.

    ``hidden`` has for each feature the rows in which it is missing.
    """
    last = train.last_rows(np.maximum(train.offsets[1:] - 1, 0))[np.diff(train.offsets) > 0]
    firsts = train.firsts if train.begins is None else np.maximum(train.firsts, train.begins)
    if (firsts > train.firsts).any():
        return tuple(range(train.features.shape[1]))
    read = _united(np.stack([firsts[np.diff(train.offsets) > 0], last + 1], axis=1))
    return tuple(column for column, rows in enumerate(hidden) if contains(read, rows).any())


def telling_ends(
    hidden: Sequence[Rows],
    required: Sequence[Sequence[int]],
    starts: Rows,
    window: int,
    stop: int,
    padded: Sequence[range] = (),
) -> Intervals:
    """The rows of [0, stop) in which a window may end so that it holds a value of each of the ``required`` features.

    Each entry of ``required`` are features of which one has to be seen. ``starts`` are the series' first rows. Only
    windows of the ``padded`` series reach over these.
    """
    silent: list[Intervals] = []
    for columns in required:
        rows = hidden[columns[0]]
        for column in columns[1:]:
            rows = np.intersect1d(rows, hidden[column], assume_unique=True)
        if not len(rows):
            continue
        new = np.r_[True, np.diff(rows) > 1] | np.isin(rows, starts)  # a run of rows without a value begins
        first, last = rows[new], rows[np.r_[np.flatnonzero(new)[1:] - 1, len(rows) - 1]]
        before = np.where(np.isin(first, [series.start for series in padded]), 0, window - 1)
        silent.append(intervals(np.stack([first + before, last + 1], axis=1)))
    if not silent:
        return intervals([(0, stop)])
    none = _united(np.concatenate(silent))
    return intersect(
        intervals([(0, stop)]), intervals(np.stack([np.r_[0, none[:, 1]], np.r_[none[:, 0], stop]], axis=1))
    )


def _united(pairs: Intervals) -> Intervals:
    """Sorted, disjoint intervals of any."""
    if not len(pairs):
        return pairs
    pairs = pairs[np.argsort(pairs[:, 0])]
    after = np.maximum.accumulate(pairs[:, 1])
    new = np.r_[True, pairs[1:, 0] > after[:-1]]
    return np.stack([pairs[new, 0], np.maximum.reduceat(pairs[:, 1], np.flatnonzero(new))], axis=1)


def silent_windows(windows: NDArray[np.floating], required: Sequence[Sequence[int]]) -> NDArray[np.bool_]:
    """Which windows (n, window, n_features) lack a value of one of the ``required`` entries, as above; (n,)."""
    unseen = np.isnan(windows).all(axis=1)  # (n, n_features)
    silent = np.zeros(len(windows), np.bool_)
    for columns in required:
        silent |= unseen[:, list(columns)].all(axis=1)
    return silent
