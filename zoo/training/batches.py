"""tf.data pipelines that gather windows batch by batch, from arrays that are shared and never copied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from zoo.acceleration.compiled_steps import from_dataset
from zoo.data.windows import Windows
from zoo.training.series_draws import draw_by_series
from zoo.training.window_weights import WindowWeights

_ALIGNMENT = 64  # TensorFlow's kernels read no tensor that begins elsewhere
_PREFETCHED = 2
_as_written = tf.autograph.experimental.do_not_convert  # no `if` or loop of these functions hangs on a tensor


def shuffled_batches(
    windows: Windows,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    *,
    series: NDArray[np.int64] | None = None,
    weights: WindowWeights | None = None,
) -> tf.data.Dataset:
    """Endless batches of (inputs, outputs), or with ``weights`` of (inputs, outputs, weights).

    inputs: float32 (batch, window, n_features); outputs: float32 (batch, horizon, n_targets), or what ``judged`` makes
    of that; both scaled; weights: float32 (batch, 1), by which the losses of windows are multiplied. Each epoch holds
    all windows in an order of its own that seed and epoch number decide; it is computed number by number (a cipher on
    the numbers of the windows), so that it costs no memory. With ``series``, of
    :func:`zoo.training.series_draws.series_offsets`, windows are drawn evenly by series instead. The first batch is
    that of the step with the number ``first_step``, counted from 0.
    """
    draw = _as_written(_draw(windows, batch_size, seed, series, weights))
    steps = tf.data.Dataset.counter(first_step)
    return steps.map(draw, num_parallel_calls=tf.data.AUTOTUNE).prefetch(_PREFETCHED)


def feed(
    windows: Windows,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    *,
    series: NDArray[np.int64] | None = None,
    weights: WindowWeights | None = None,
) -> tuple[tf.data.Dataset, Callable[[Any, Any], Any]]:
    """What a training takes: the same batches as a dataset without an end, and how a step draws its batch.

    Of arrays on a disk batches are read ahead. Of arrays in memory a step gathers its windows itself, by its number:
    that costs less than handing them from thread to thread, and less than asking a dataset for anything.
    """
    if isinstance(windows.features, np.memmap):
        return shuffled_batches(windows, batch_size, seed, first_step, series=series, weights=weights), from_dataset
    draw = _draw(windows, batch_size, seed, series, weights)
    return tf.data.Dataset.counter(), lambda iterator, step: draw(first_step + step)


def ordered_batches(windows: Windows, batch_size: int, weights: WindowWeights | None = None) -> tf.data.Dataset:
    """The windows once, in their order; shapes as in :func:`shuffled_batches`."""
    starts = tf.data.Dataset.range(0, len(windows), batch_size)
    numbers = starts.map(_as_written(lambda start: tf.range(start, tf.minimum(start + batch_size, len(windows)))))
    gather = _as_written(_gather(windows, weights))
    return numbers.map(gather, num_parallel_calls=tf.data.AUTOTUNE).prefetch(_PREFETCHED)


def share(array: NDArray[Any]) -> tf.Tensor:
    """Return a tensor on the array's own memory where it is aligned, else on a copy of it."""
    flags = array.flags
    if array.size and flags.c_contiguous and flags.writeable and array.ctypes.data % _ALIGNMENT == 0:
        return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
    return tf.constant(array)


def _draw(
    windows: Windows,
    batch_size: int,
    seed: int,
    series: NDArray[np.int64] | None,
    weights: WindowWeights | None,
) -> Callable[[tf.Tensor], tuple[tf.Tensor, ...]]:
    """The batch of a step, by its number in the whole training, counted from 0."""
    gather = _gather(windows, weights)
    chosen = (
        _draw_evenly(len(windows), batch_size, seed) if series is None else draw_by_series(series, batch_size, seed)
    )
    return lambda step: gather(chosen(step))


def _draw_evenly(count: int, batch_size: int, seed: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """The numbers of a step's windows: those of an epoch are each of them once."""
    steps = -(-count // batch_size)

    def draw(step: tf.Tensor) -> tf.Tensor:
        first = step % steps * batch_size
        numbers = tf.range(first, tf.minimum(first + batch_size, count))
        key = tf.stack([tf.constant(seed, tf.int64), step // steps])
        return tf.random.experimental.index_shuffle(numbers, key, tf.constant(count - 1, tf.int64))

    return draw


def _gather(windows: Windows, weights: WindowWeights | None = None) -> Callable[[tf.Tensor], tuple[tf.Tensor, ...]]:
    """What windows with these numbers hold; what they have beside, by row or by stretch, is one more of its arrays."""
    by_row = [] if weights is None else [share(weights.rows)]
    # In an optional, as tf.data, when it rewrites a pipeline, allocates another of each tensor that it finds there
    shared = tf.experimental.Optional.from_value((share(windows.features), share(windows.targets), *by_row))
    firsts, offsets = tf.constant(windows.firsts), tf.constant(windows.offsets)
    begins = None if windows.begins is None else tf.constant(windows.begins)
    layout = windows.layout
    steps = tf.range(layout.window, dtype=tf.int64)
    ahead = tf.range(layout.lead, layout.lead + layout.horizon, dtype=tf.int64)

    def gather(numbers: tf.Tensor) -> tuple[tf.Tensor, ...]:
        features, targets, *weighed = shared.get_value()
        stretch = tf.searchsorted(offsets, numbers, side="right", out_type=tf.int64) - 1
        starts = tf.gather(firsts, stretch) + (numbers - tf.gather(offsets, stretch)) * layout.stride
        rows, told = starts[:, None] + steps, starts[:, None] + ahead
        inputs, outputs = tf.gather(features, rows if begins is None else tf.maximum(rows, 0)), tf.gather(targets, told)
        if begins is not None:
            before = rows < tf.gather(begins, stretch)[:, None]  # the series
            inputs = tf.where(before[..., None], tf.constant(np.nan, inputs.dtype), inputs)
        if windows.judged is not None:
            outputs = windows.judged(keras.ops, inputs, outputs, stretch)
        if weights is None:
            return inputs, outputs
        # One for each window, with an axis more, so that Keras multiplies losses of any shape by windows
        means = tf.reduce_mean(tf.gather(weighed[0], told), axis=1, keepdims=True)
        return inputs, outputs, tf.cast(means / weights.mean, tf.float32)

    return gather
