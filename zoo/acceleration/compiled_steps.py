"""Several training steps in one call of a compiled function, so that Python is not in the way of short ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf


def from_dataset(iterator: Any, step: Any) -> Any:
    """The next batch of a dataset, as :func:`several_steps` draws one by default."""
    return iterator.get_next()


@contextmanager
def several_steps(
    model: keras.Model,
    steps_per_execution: int,
    steps_per_epoch: int,
    *,
    draw: Callable[[Any, Any], Any] = from_dataset,
    jit: bool = False,
    total: int | None = None,
) -> Iterator[None]:
    """Let ``fit`` compute so many steps at once, on a dataset without an end; at the end all is as before.

    Keras' own function would take too many batches in an epoch's last execution, where its steps are no multiple.
    After ``total`` steps no more are made, whatever is left of that epoch.
    ``draw`` makes a step's batch of the dataset's iterator and the step's number, counted from 0 (int64); it need not
    touch the iterator, which costs more than a small step's windows. ``jit``: XLA compiles a step, once for each size
    of a batch.
    """
    usual = model.steps_per_execution
    model.steps_per_execution = steps_per_execution
    model.train_function = _train_function(model, steps_per_execution, steps_per_epoch, draw, jit, total)
    try:
        yield
    finally:
        model.steps_per_execution = usual
        model.train_function = model.test_function = None


def _train_function(
    model: keras.Model,
    steps_per_execution: int,
    steps_per_epoch: int,
    draw: Callable[[Any, Any], Any],
    jit: bool,
    total: int | None,
) -> Callable[[Any], dict[str, Any]]:
    """What makes the next steps with an iterator's batches, at most to the end of an epoch, and gives the metrics."""
    train = tf.function(model.train_step, autograph=False, jit_compile=True) if jit else model.train_step

    @tf.function(autograph=False, reduce_retracing=True, jit_compile=False)  # type: ignore[untyped-decorator]
    def run(iterator: Any, first: Any, end: Any) -> dict[str, Any]:
        def step(number: Any) -> tuple[Any]:
            train(draw(iterator, number))
            return (number + 1,)

        tf.while_loop(lambda number: number < end, step, (first,))
        results: dict[str, Any] = model.get_metrics_result()
        return results

    done = 0

    def function(iterator: Any) -> dict[str, Any]:
        nonlocal done
        first, done = done, done + min(steps_per_execution, steps_per_epoch - done % steps_per_epoch)
        done = done if total is None else min(done, total)
        results: dict[str, Any] = run(iterator, tf.constant(first, tf.int64), tf.constant(done, tf.int64))
        return results

    return function
