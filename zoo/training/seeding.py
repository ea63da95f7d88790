"""One training at a time, one seed, one network; and every global as it was at the end."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import keras
import numpy as np
import tensorflow as tf

from zoo.forking import refuse_forked
from zoo.keras_internals import PutBack, keep_graphs, keep_keras_seeds, keep_tensorflow_seeds, layer_seeds

_one_at_a_time = threading.RLock()


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no other thread of this process trains, and put back at the end what a training seeds and sets.

    These are the generators of Python, NumPy, Keras and TensorFlow, whether TensorFlow computes deterministically, what
    its logger leaves out, and where it keeps graphs. It may be nested, and is for exports too. Raises ConfigError in a
    process that was forked after TensorFlow ran.
    """
    refuse_forked()
    with _one_at_a_time, ExitStack() as stack:
        for keep in (_keep_generators, keep_keras_seeds, keep_tensorflow_seeds, keep_graphs, _keep_remarks):
            stack.callback(keep())
        yield


def seed_all(seed: int) -> None:
    """Seed every generator, and let TensorFlow compute the same each time; for use inside :func:`alone`."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed everything, and let layers that are made meanwhile draw their seeds from a generator of their own.

    Keras draws the seeds of layers and initializers that are given none from Python's one global generator, of which
    the event loop of a dask worker, or another thread of a notebook, takes numbers too. The own generator begins with
    the same seed, so that nothing else changes; layers that other threads make draw from Python's, as ever. For use
    inside :func:`alone`.
    """
    seed_all(seed)
    with layer_seeds(seed):
        yield


def _keep_generators() -> PutBack:
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - Keras seeds this one

    def put_back() -> None:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002

    return put_back


def _keep_remarks() -> PutBack:
    logger = tf.get_logger()
    known = _unless_traced_anew in logger.filters
    logger.addFilter(_unless_traced_anew)
    return lambda: None if known else logger.removeFilter(_unless_traced_anew)


def _unless_traced_anew(record: logging.LogRecord) -> bool:
    """Leave out TensorFlow's remark that functions are traced often: each network that is trained has its own."""
    return "triggered tf.function retracing" not in str(record.msg)
