"""What a layer raises while a network is trained, called or exported, told in one sentence that names the layer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import keras
import tensorflow as tf

from zoo.keras_internals import flatten_layers
from zoo_registry.errors import TrainingError, ZooError

_SAID = re.compile("\x1b\\[1m(.*?)\x1b\\[0m", re.DOTALL)  # what Keras prints in bold
_CALLED = re.compile(r"Exception encountered when calling (\w+)\.call")
_NODE = re.compile(r"\bnode ([^\s}]+)")


@contextmanager
def layers_told(network: keras.Model, what: str, error: type[ZooError] = TrainingError) -> Iterator[None]:
    """Raise ``error``, which says that a layer cannot be so treated, for what one of the network's layers raises.

    What callbacks raise passes.
    """
    try:
        yield
    except ZooError:
        raise
    except Exception as caught:  # whatever a plugin does
        layer = _culprit(network, caught)
        if layer is None:
            raise
        raise error(f"{named(layer)} cannot be {what}: {_sentence(caught)}; mend it, or take another") from caught


def named(layer: Any) -> str:
    """A layer in words."""
    return f"layer '{layer.name}' ({type(layer).__name__})"


def layer_at(network: keras.Model, node: str) -> Any:
    """The innermost layer or operation of a network that a node of TensorFlow's graph belongs to, or None.

    Keras calls a layer once when the network is built, so that its name has a number more in a graph.
    """
    known = {part.name: part for part in _parts(network)}
    for step in reversed(node.split("/")):
        for name in (re.sub(r"_\d+$", "", step), step):
            if name in known:
                return known[name]
    return None


def _parts(network: Any) -> Iterator[Any]:
    for part in (*getattr(network, "operations", ()), *flatten_layers(network)[1:]):
        if isinstance(part, keras.Model):
            yield from _parts(part)
        else:
            yield part


def _culprit(network: keras.Model, error: Exception) -> Any:
    raisers = list(_selves(error.__traceback__))
    if any(isinstance(one, keras.callbacks.Callback) for one in raisers):
        return None
    if isinstance(error, tf.errors.OpError):
        found = (layer_at(network, node) for node in _NODE.findall(str(error)))
        return next((layer for layer in found if layer is not None), None)
    layers = [one for one in raisers if isinstance(one, keras.Operation) and not isinstance(one, keras.Model)]
    if (
        not layers and (called := _CALLED.search(str(error))) is not None
    ):  # Keras leaves its own lines out of tracebacks
        layers = [part for part in _parts(network) if type(part).__name__ == called[1]]
    return layers[-1] if layers else None


def _selves(traceback: TracebackType | None) -> Iterator[Any]:
    """The objects whose methods an exception came through."""
    while traceback is not None:
        yield traceback.tb_frame.f_locals.get("self")
        traceback = traceback.tb_next


def _sentence(error: Exception) -> str:
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)  # whose str quotes it
    if (said := _SAID.search(text)) is not None:
        text = said[1]
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("[[")]
    graph = text.startswith("Graph execution error")  # whose cause comes last
    line = (lines[-1] if graph else lines[0]) if lines else ""
    return f"{type(error).__name__}: {line}" if line else type(error).__name__
