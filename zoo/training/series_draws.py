"""Draw windows evenly by series: each series as often as any other, and within it each window as often as any other.

A draw depends on the seed and its own number alone, so that a training goes on exactly where it was. Draws come in
rounds of one of each series, in an order that the seed and the number of the round decide; within a series the draws
of so many rounds as it has windows are each of its windows once, in an order that seed, series and their number decide.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from zoo.data.windows import Windows

_SERIES = 0  # the last number of the keys that order series; those of their windows have the series', from 1


def series_offsets(windows: Windows, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the numbers of each series' windows begin, and their end; ``starts`` are the first rows of all series.

    Series without a window are not among them.
    """
    series = np.searchsorted(starts, windows.firsts, side="right")
    first = np.flatnonzero(np.diff(series, prepend=0))
    return np.append(windows.offsets[first], windows.offsets[-1])


def draw_by_series(offsets: NDArray[np.int64], batch_size: int, seed: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """What gives the numbers of the windows of a step, (batch_size,) int64, by the step's number, counted from 0."""
    starts, counts = tf.constant(offsets[:-1]), tf.constant(np.diff(offsets))
    n_series = tf.constant(len(offsets) - 1, tf.int64)

    def draw(step: tf.Tensor) -> tf.Tensor:
        numbers = step * batch_size + tf.range(batch_size, dtype=tf.int64)
        rounds = numbers // n_series
        series = _shuffled(
            numbers % n_series, n_series, seed, rounds, tf.fill([batch_size], tf.constant(_SERIES, tf.int64))
        )
        count = tf.gather(counts, series)
        return tf.gather(starts, series) + _shuffled(rounds % count, count, seed, rounds // count, series + 1)

    return draw


def _shuffled(places: tf.Tensor, sizes: tf.Tensor, seed: int, orders: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
    """What stands at each place of the order, with this number and key, of as many things as ``sizes`` says.

    This is ``tf.random.experimental.index_shuffle`` without its padding of the keys, which fails for several of them.
    """
    keys = tf.stack([tf.fill(tf.shape(orders), tf.constant(seed, tf.int64)), orders, keys], axis=1)
    return tf.raw_ops.RandomIndexShuffle(index=places, seed=keys, max_index=sizes - 1, rounds=4)
