"""A network's own classes and functions, which its Keras file only names, and where they are found again."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType
from typing import Any

import keras
import numpy as np

from zoo.forking import refuse_forked
from zoo.keras_internals import flatten_layers
from zoo_registry.errors import PluginError, RunError, ZooError, first_line

OWN = "zoo_own_objects"  # attribute of a network: what its architecture names beside what can be found in it
MAX_REASON = 200  # characters of what Keras says

_one_at_a_time = threading.RLock()


def load_with(path: Path, build: Callable[[], keras.Model], who: str) -> keras.Model:
    """Load a network from its Keras file, in safe mode; ``build`` makes one like it, and is asked where it has to be.

    What that one is made of stands for what the file names beside Keras' and the zoo's own classes, so that nothing has
    to be registered, and what another plugin has registered under the same name is not taken for it. Raises RunError,
    which begins with ``who``, for a name that it lacks, and for one that stands for several things.
    """
    refuse_forked()
    named = names_of(path)
    if not named:
        return keras.saving.load_model(path, compile=False)
    network = build()
    found = custom_objects(network)
    if missing := ", ".join(sorted(named - found.keys())):
        raise RunError(
            f"{who}: {path.name} names {missing}, of which the architecture builds nothing; install the version of the"
            " plugin that trained it, or train again"
        )
    if twins := ", ".join(sorted(named & ambiguous(network))):
        raise RunError(
            f"{who}: {path.name} names {twins}, and the architecture builds several things of that name; give each a"
            " name of its own, and train again"
        )
    with known(found):
        loaded = keras.saving.load_model(path, compile=False)
    setattr(loaded, OWN, tuple(found.values()))  # for the next copy of it
    return loaded


def check_loadable(network: keras.Model, who: str) -> None:
    """Raise PluginError, which begins with ``who``, for a network that would be another once it is saved and loaded.

    One of Keras' and the zoo's own layers alone never is.
    """
    objects = custom_objects(network)
    if not objects:
        return
    try:
        config = network.get_config()
        if twins := ", ".join(sorted(ambiguous(network).intersection(_named(config)))):
            raise PluginError(
                f"{who}: the network holds several things named {twins}, which its file could not tell apart; give each"
                " a name of its own, or make them layers whose get_config tells how they differ"
            )
        with known(objects):
            again = type(network).from_config(config)
        again.set_weights(network.get_weights())
    except ZooError:
        raise
    except Exception as error:  # whatever a plugin does
        raise PluginError(
            f"{who}: the network could be saved, but not loaded again: {first_line(error)[:MAX_REASON]}; use no lambda,"
            " and let each layer's __init__ take **kwargs and its get_config return all other arguments"
        ) from error
    windows = np.random.default_rng(0).normal(size=(2, *network.input_shape[1:])).astype(np.float32)
    here, there, later = (np.asarray(one(windows, training=False)) for one in (network, again, network))
    if np.array_equal(here, later) and not np.array_equal(here, there):  # else it gives no two equal outputs anyway
        raise PluginError(
            f"{who}: once it is saved and loaded again, the network gives other outputs; the get_config of each of its"
            " layers has to return all arguments of its __init__"
        )


@contextmanager
def known(objects: Mapping[str, Any]) -> Iterator[None]:
    """Let Keras find these by their names meanwhile, also where others are registered under them.

    Not by ``custom_object_scope``, as Keras prefers what is registered to that wherever networks are nested.
    """
    registered = keras.saving.get_custom_objects()
    with _one_at_a_time:
        kept = {name: registered[name] for name in objects if name in registered}
        registered.update(objects)
        try:
            yield
        finally:
            for name in objects:
                del registered[name]
            registered.update(kept)


def names_of(path: Path) -> set[str]:
    """What a Keras file names beside Keras' and the zoo's own; nothing where it is damaged, which Keras then tells."""
    try:
        with zipfile.ZipFile(path) as file:
            return set(_named(json.loads(file.read("config.json"))))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return set()


def _named(config: Any) -> Iterator[str]:
    if isinstance(config, Mapping):
        module, name, registered = (config.get(key) for key in ("module", "class_name", "registered_name"))
        if name == registered == "function":
            yield str(config["config"])
        elif registered and not str(module).startswith(("keras.", "zoo.")):
            yield str(registered)
        for key, value in config.items():
            if key != "compile_config":
                yield from _named(value)
    elif isinstance(config, (list, tuple)):
        for value in config:
            yield from _named(value)


def custom_objects(network: keras.Model) -> dict[str, Any]:
    """What a network is made of beside Keras' own, by the names that configurations have for it.

    The classes of its layers, registered or not, and what these hold: functions, and objects such as initializers.
    """
    return dict(_things(network))


def ambiguous(network: keras.Model) -> set[str]:
    """The names of :func:`custom_objects` that stand for several things, which a file does not tell apart."""
    found: dict[str, Any] = {}
    return {name for name, thing in _things(network) if found.setdefault(name, thing) is not thing}


def _things(network: keras.Model) -> Iterator[tuple[str, Any]]:
    for layer in flatten_layers(network):
        for thing in (type(layer), *getattr(layer, OWN, ()), *_held(list(vars(layer).values()))):
            if not thing.__module__.startswith(("keras.", "zoo.")):
                yield thing.__name__, thing
                yield keras.saving.get_registered_name(thing), thing


def _held(value: Any) -> Iterator[Any]:
    if isinstance(value, FunctionType):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _held(item)
    elif isinstance(value, dict):
        yield from _held(list(value.values()))
    elif callable(getattr(value, "get_config", None)) and not isinstance(value, (keras.layers.Layer, type)):
        yield type(value)
