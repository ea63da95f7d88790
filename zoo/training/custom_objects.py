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

from zoo_registry.errors import RunError

_one_at_a_time = threading.RLock()


def load_with(path: Path, build: Callable[[], keras.Model], who: str) -> keras.Model:
    """Load a network from its Keras file, in safe mode; ``build`` makes one like it, and is asked where it has to be.

    What that one is made of stands for what the file names beside Keras' and the zoo's own classes, so that nothing has
    to be registered, and what another plugin has registered under the same name is not taken for it. Raises RunError,
    which begins with ``who``, for a name that it lacks.
    """
    named = names_of(path)
    if not named:
        return keras.saving.load_model(path, compile=False)
    found = custom_objects(build())
    if missing := ", ".join(sorted(named - found.keys())):
        raise RunError(
            f"{who}: {path.name} names {missing}, of which the architecture builds nothing; install the version of the"
            " plugin that trained it, or train again"
        )
    with known(found):
        return keras.saving.load_model(path, compile=False)


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
    elif isinstance(config, list):
        for value in config:
            yield from _named(value)


def custom_objects(network: keras.Model) -> dict[str, Any]:
    """What a network is made of beside Keras' own, by the names that configurations have for it.

    The classes of its layers, registered or not, and what these hold: functions, and objects such as initializers.
    """
    found: dict[str, Any] = {}
    for layer in network._flatten_layers():
        for thing in (type(layer), *_held(list(vars(layer).values()))):
            if not thing.__module__.startswith(("keras.", "zoo.")):
                found |= {thing.__name__: thing, keras.saving.get_registered_name(thing): thing}
    return found


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
