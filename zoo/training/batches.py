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

_ALIGNMENT = 64  # TensorFlow's kernels read no tensor that begins elsewhere
_PREFETCHED = 2
_as_written = tf.autograph.experimental.do_not_convert  # no `if` or loop of these functions hangs on a tensor


def shuffled_batches(windows: Windows, batch_size: int, seed: int, first_epoch: int = 0) -> tf.data.Dataset:
    """Endless batches of (inputs, outputs), each epoch in an order of its own that seed and epoch number decide.

    inputs: float32 (batch, window, n_features); outputs: float32 (batch, horizon, n_targets), or what ``judged`` makes
    of that; both scaled. The order
    is computed number by number (a cipher on the numbers of the windows), so that it costs no memory. The first batch
    is that of the epoch with the number ``first_epoch``, counted from 0.
    """
    steps = tf.data.Dataset.counter(first_epoch * -(-len(windows) // batch_size))
    draw = _as_written(_draw(windows, batch_size, seed))
    return steps.map(draw, num_parallel_calls=tf.data.AUTOTUNE).prefetch(_PREFETCHED)


def feed(
    windows: Windows, batch_size: int, seed: int, first_epoch: int = 0
) -> tuple[tf.data.Dataset, Callable[[Any, Any], Any]]:
    """What a training takes: the same batches as a dataset without an end, and how a step draws its batch.

    Of arrays on a disk batches are read ahead. Of arrays in memory a step gathers its windows itself, by its number:
    that costs less than handing them from thread to thread, and less than asking a dataset for anything.
    """
    if isinstance(windows.features, np.memmap):
        return shuffled_batches(windows, batch_size, seed, first_epoch), from_dataset
    draw, first = _draw(windows, batch_size, seed), first_epoch * -(-len(windows) // batch_size)
    return tf.data.Dataset.counter(), lambda iterator, step: draw(first + step)


def ordered_batches(windows: Windows, batch_size: int) -> tf.data.Dataset:
    """The windows once, in their order; shapes as in :func:`shuffled_batches`."""
    starts = tf.data.Dataset.range(0, len(windows), batch_size)
    numbers = starts.map(_as_written(lambda start: tf.range(start, tf.minimum(start + batch_size, len(windows)))))
    return numbers.map(_as_written(_gather(windows)), num_parallel_calls=tf.data.AUTOTUNE).prefetch(_PREFETCHED)


def share(array: NDArray[Any]) -> tf.Tensor:
    """Return a tensor on the array's own memory where it is aligned, else on a copy of it."""
    flags = array.flags
    if array.size and flags.c_contiguous and flags.writeable and array.ctypes.data % _ALIGNMENT == 0:
        return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
    return tf.constant(array)


def _draw(windows: Windows, batch_size: int, seed: int) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """The batch of a step, by its number in the whole training, counted from 0."""
    count, steps, gather = len(windows), -(-len(windows) // batch_size), _gather(windows)

    def draw(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        first = step % steps * batch_size
        numbers = tf.range(first, tf.minimum(first + batch_size, count))
        key = tf.stack([tf.constant(seed, tf.int64), step // steps])
        return gather(tf.random.experimental.index_shuffle(numbers, key, tf.constant(count - 1, tf.int64)))

    return draw


def _gather(windows: Windows) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    # In an optional, as tf.data, when it rewrites a pipeline, allocates another of each tensor that it finds there
    shared = tf.experimental.Optional.from_value((share(windows.features), share(windows.targets)))
    firsts, offsets = tf.constant(windows.firsts), tf.constant(windows.offsets)
    begins = None if windows.begins is None else tf.constant(windows.begins)
    layout = windows.layout
    steps = tf.range(layout.window, dtype=tf.int64)
    ahead = tf.range(layout.lead, layout.lead + layout.horizon, dtype=tf.int64)

    def gather(numbers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features, targets = shared.get_value()
        stretch = tf.searchsorted(offsets, numbers, side="right", out_type=tf.int64) - 1
        starts = tf.gather(firsts, stretch) + (numbers - tf.gather(offsets, stretch)) * layout.stride
        rows, outputs = starts[:, None] + steps, tf.gather(targets, starts[:, None] + ahead)
        inputs = tf.gather(features, rows if begins is None else tf.maximum(rows, 0))
        if begins is not None:
            before = rows < tf.gather(begins, stretch)[:, None]  # the series
            inputs = tf.where(before[..., None], tf.constant(np.nan, inputs.dtype), inputs)
        return inputs, outputs if windows.judged is None else windows.judged(keras.ops, inputs, outputs, stretch)

    return gather
