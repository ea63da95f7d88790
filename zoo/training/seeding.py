"""One training at a time, one seed, one network; and every global as it was at the end."""

from __future__ import annotations

import inspect
import logging
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common import global_state
from keras.src.random import seed_generator
from keras.src.utils.rng_utils import GLOBAL_RANDOM_SEED
from tensorflow.python.eager import context as eager
from tensorflow.python.framework import config as framework
from tensorflow.python.framework import ops

from zoo.forking import refuse_forked

_KERAS = (GLOBAL_RANDOM_SEED, seed_generator.GLOBAL_SEED_GENERATOR)

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
        for keep in (_generators, _keras, _tensorflow, _graphs, _remarks):
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
    shared, own, thread = seed_generator.python_random, random.Random(seed), threading.get_ident()

    def randint(first: int, last: int) -> int:  # all that Keras asks for
        return (own if threading.get_ident() == thread else shared).randint(first, last)

    seed_generator.python_random = SimpleNamespace(randint=randint)
    try:
        yield
    finally:
        seed_generator.python_random = shared


# Each takes what is there now, and returns what puts it back


def _generators() -> Callable[[], None]:
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - Keras seeds this one

    def put_back() -> None:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002

    return put_back


def _keras() -> Callable[[], None]:
    kept: dict[str, Any] = {name: global_state.get_global_attribute(name) for name in _KERAS}

    def put_back() -> None:
        for name, value in kept.items():
            global_state.set_global_attribute(name, value)

    return put_back


def _tensorflow() -> Callable[[], None]:
    context, deterministic = eager.context(), framework.is_op_determinism_enabled()
    seed, generator = context._seed, getattr(context, "_rng", None)  # the latter once it is seeded
    state = None if generator is None else generator.getstate()

    def put_back() -> None:
        context._seed, context._rng = seed, generator
        if generator is not None:
            generator.setstate(state)
        (framework.enable_op_determinism if deterministic else framework.disable_op_determinism)()

    return put_back


def _graphs() -> Callable[[], None]:
    """Else TensorFlow keeps a training's graphs: the default graph and custom gradients hold them for ever."""
    stack, registry = ops._default_graph_stack, ops.gradient_registry._registry
    kept, stack._global_default_graph = stack._global_default_graph, tf.Graph()
    own, known = stack._global_default_graph, set(registry)

    def put_back() -> None:
        stack._global_default_graph = kept
        for name in set(registry) - known:
            if any(_outermost(tensor) is own for tensor in _enclosed(registry[name]["type"])):
                del registry[name]

    return put_back


def _enclosed(function: Any) -> Iterator[Any]:
    """What a function has of those around it, and what these have."""
    if inspect.isfunction(function):
        for value in inspect.getclosurevars(function).nonlocals.values():
            yield from _enclosed(value)
    else:
        yield from tf.nest.flatten(function)


def _outermost(tensor: Any) -> Any:
    """The graph around all graphs that a tensor is in."""
    graph = getattr(tensor, "graph", None)  # which one that is computed at once has not
    while (outer := getattr(graph, "outer_graph", None)) is not None:
        graph = outer
    return graph


def _remarks() -> Callable[[], None]:
    logger = tf.get_logger()
    known = _unless_traced_anew in logger.filters
    logger.addFilter(_unless_traced_anew)
    return lambda: None if known else logger.removeFilter(_unless_traced_anew)


def _unless_traced_anew(record: logging.LogRecord) -> bool:
    """Leave out TensorFlow's remark that functions are traced often: each network that is trained has its own."""
    return "triggered tf.function retracing" not in str(record.msg)
