"""What the zoo needs of Keras and TensorFlow that has no public name: no other file touches a private one.

Any minor version may rename it, so that pyproject.toml leaves out those after ``TRIED``, and each function here has a
test of its name in ``tests/unit/test_keras_internals.py``, where a new version fails first. tf2onnx is held back with
them: what it makes of TensorFlow's operators is no promise either. To import this loads neither Keras nor TensorFlow.
"""

from __future__ import annotations

import inspect
import random
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

TRIED = {"keras": "3.15", "tensorflow": "2.21", "tf2onnx": "1.17"}
DROPOUT_MASK = "_create_dropout_mask"  # the method of a recurrent layer's cell that draws a mask, or one for each gate
INNER_LOOP = "inner_loop"  # the method of a recurrent layer that goes through the steps; it has no documentation

PutBack = Callable[[], None]


def flatten_layers(layer: keras.layers.Layer) -> list[Any]:
    """A layer or network and all that is inside of it, at every depth, each once."""
    found: list[Any] = layer._flatten_layers()
    return found


def create_dropout_mask(cell: Any, like: Any, rate: float) -> Any:
    """What a recurrent layer's cell draws by its class, whatever stands for its method meanwhile."""
    return getattr(type(cell), DROPOUT_MASK)(cell, like, rate)


@contextmanager
def standing_in(methods: Iterable[tuple[Any, str, Callable[..., Any]]]) -> Iterator[None]:
    """Let functions stand for methods of layers meanwhile, each (layer, name, function).

    They go around Keras, which would track what a function holds as a part of the layer.
    """
    methods = list(methods)
    for layer, name, function in methods:
        vars(layer)[name] = function
    try:
        yield
    finally:
        for layer, name, _ in methods:
            del vars(layer)[name]


def global_seed_generator() -> Any:
    """What ``keras.random`` draws from where it is given no seed; its ``state`` is a variable."""
    from keras.src.random import seed_generator

    return seed_generator.global_seed_generator()


@contextmanager
def layer_seeds(seed: int) -> Iterator[None]:
    """Let layers and initializers that this thread makes meanwhile draw their seeds from a generator of their own.

    It begins as Python's does with this seed, of which Keras draws them else, as other threads' layers go on to do.
    """
    from keras.src.random import seed_generator

    shared, own, thread = seed_generator.python_random, random.Random(seed), threading.get_ident()

    def randint(first: int, last: int) -> int:  # all that Keras asks for
        return (own if threading.get_ident() == thread else shared).randint(first, last)

    seed_generator.python_random = SimpleNamespace(randint=randint)
    try:
        yield
    finally:
        seed_generator.python_random = shared


def keep_keras_seeds() -> PutBack:
    """Take the global seed and generator of Keras; what is returned puts them back."""
    from keras.src.backend.common import global_state
    from keras.src.random import seed_generator
    from keras.src.utils.rng_utils import GLOBAL_RANDOM_SEED

    names = (GLOBAL_RANDOM_SEED, seed_generator.GLOBAL_SEED_GENERATOR)
    kept = {name: global_state.get_global_attribute(name) for name in names}

    def put_back() -> None:
        for name, value in kept.items():
            global_state.set_global_attribute(name, value)

    return put_back


def keep_tensorflow_seeds() -> PutBack:
    """Take TensorFlow's seed and generator, and whether it computes deterministically."""
    from tensorflow.python.eager.context import context
    from tensorflow.python.framework import config

    eager, deterministic = context(), config.is_op_determinism_enabled()
    seed, generator = eager._seed, getattr(eager, "_rng", None)  # the latter once it is seeded
    state = None if generator is None else generator.getstate()

    def put_back() -> None:
        eager._seed, eager._rng = seed, generator
        if generator is not None:
            generator.setstate(state)
        (config.enable_op_determinism if deterministic else config.disable_op_determinism)()

    return put_back


def keep_graphs() -> PutBack:
    """Give TensorFlow a default graph that goes at the end, with the custom gradients of its functions.

    Else the default graph and the gradients hold a training's graphs for ever.
    """
    import tensorflow as tf
    from tensorflow.python.framework import ops

    stack, registry = ops._default_graph_stack, ops.gradient_registry._registry
    kept, own, known = stack._global_default_graph, tf.Graph(), set(registry)
    stack._global_default_graph = own

    def put_back() -> None:
        stack._global_default_graph = kept
        for name in set(registry) - known:
            if any(_outermost(tensor) is own for tensor in _enclosed(registry[name]["type"])):
                del registry[name]

    return put_back


def _enclosed(function: Any) -> Iterator[Any]:
    """What a function has of those around it, and what these have."""
    import tensorflow as tf

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


def tensorflow_ran() -> bool:
    """Whether TensorFlow has computed anything in this process; imports nothing and takes no lock, as in a fork."""
    context = getattr(sys.modules.get("tensorflow.python.eager.context"), "_context", None)
    return getattr(context, "_context_handle", None) is not None
