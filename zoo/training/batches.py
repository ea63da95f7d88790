"""tf.data pipelines that gather windows batch by batch."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from zoo.data.windows import Windows


def shuffled_batches(windows: Windows, batch_size: int, seed: int) -> tf.data.Dataset:
    """Endless batches of (inputs, outputs), each epoch in an order of its own that seed and epoch number decide.

    inputs: float32 (batch, window, n_features); outputs: float32 (batch, horizon, n_targets); both scaled.
    """
    starts = tf.constant(windows.starts)

    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(starts, seed=tf.stack([tf.cast(seed, tf.int64), number]))
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size)

    return tf.data.Dataset.counter().flat_map(epoch).map(_gather(windows)).prefetch(4)


def ordered_batches(windows: Windows, batch_size: int) -> tf.data.Dataset:
    """The windows once, in their order; shapes as in :func:`shuffled_batches`."""
    return tf.data.Dataset.from_tensor_slices(windows.starts).batch(batch_size).map(_gather(windows)).prefetch(4)


def _gather(windows: Windows) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    features, targets = tf.constant(windows.features), tf.constant(windows.targets)
    steps = tf.range(windows.window, dtype=tf.int64)
    ahead = tf.range(windows.window, windows.window + windows.horizon, dtype=tf.int64)

    def gather(starts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.gather(features, starts[:, None] + steps), tf.gather(targets, starts[:, None] + ahead)

    return gather
