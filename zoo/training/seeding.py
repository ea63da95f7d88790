"""One seed, one network: also where other threads of the process draw random numbers at the same time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf
from keras.src.random import seed_generator


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed everything, and let layers that are made meanwhile draw their seeds from a generator of their own.

    Keras draws the seeds of layers and initializers that are given none from Python's one global generator, of which
    the event loop of a dask worker, or another thread of a notebook, takes numbers too. The own generator begins with
    the same seed, so that nothing else changes.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    shared = seed_generator.python_random
    seed_generator.python_random = random.Random(seed)
    try:
        yield
    finally:
        seed_generator.python_random = shared
