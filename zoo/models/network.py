"""Build an architecture's network, begin with its weights, decode what it gives, and hold it to its contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from zoo.keras_internals import flatten_layers
from zoo.models.custom_objects import OWN
from zoo_registry import Architecture, Hyperparameters, SequenceShape, discover
from zoo_registry.discovery import sentence_of
from zoo_registry.errors import ConfigError, PluginError, ZooError


def build_network(architecture: Architecture, hp: Hyperparameters, shape: SequenceShape) -> keras.Model:
    """Return the architecture's network, mapping scaled (batch, *shape.input) to scaled outputs.

    These are (batch, *shape.output), or what :func:`decoded` makes that of. Raises ConfigError where the architecture
    refuses the combination, PluginError where its network is not what the contract says.
    """
    who, shape = _who(architecture), architecture.shaped(shape)
    _check_inputs(architecture, shape)
    if architecture.check is not None:
        try:
            architecture.check(hp, shape)
        except ValueError as error:
            raise ConfigError(f"{who} cannot be built like this: {error}") from error
        except Exception as error:  # whatever a plugin does
            raise _failed(who, "check", error) from error
    model = _asked(who, "build", lambda: architecture.build(hp, shape))
    if not isinstance(model, keras.Model):
        raise PluginError(f"{who}: build must return a keras.Model, found {type(model).__name__}")
    if not isinstance(model, (keras.Sequential, keras.Function)):
        raise PluginError(f"{who}: build must return a functional or sequential model, found {type(model).__name__}")
    if any(isinstance(layer, keras.layers.Lambda) for layer in flatten_layers(model)):
        raise PluginError(
            f"{who}: the network holds a Lambda layer, which cannot be saved safely; write a layer for it"
        )
    if not model.built:
        raise PluginError(f"{who}: the network does not know its input; begin it with keras.Input(shape.input)")
    for end, found, expected in (
        ("input", model.input_shape, (None, *shape.input)),
        ("output", model.output_shape, (None, *shape.output)),
    ):
        if found != expected:
            raise PluginError(f"{who}: the network's {end} must have shape {expected}, found {found}")
    if isinstance(model, keras.Function) and isinstance(model.output, dict):
        raise PluginError(f"{who}: the network's output must be one tensor, found a dict of {list(model.output)}")
    if (layers := architecture.layers) is not None:
        setattr(model, OWN, _asked(who, "layers", lambda: tuple(layers())))
    return model


def put_pretrained(
    architecture: Architecture, hp: Hyperparameters, shape: SequenceShape, network: keras.Model, *, needed: bool
) -> None:
    """Give a network that was built the weights that its architecture begins with, where it has some.

    Raises ConfigError where it has none and they are ``needed``, PluginError where they are another network's.
    """
    who, give, weights = _who(architecture), architecture.pretrained, None
    if give is not None:
        weights = _asked(who, "pretrained", lambda: give(hp, architecture.shaped(shape)))
    if weights is None:
        if needed:
            raise ConfigError(f"{who} has no weights to begin with; give epochs, or a run to start from")
        return
    arrays = [np.asarray(array) for array in weights]
    if (differing := first_difference(network.weights, arrays)) is not None:
        raise PluginError(f"{who}: its pretrained weights are those of another network: {differing}")
    network.set_weights(arrays)


def decoded(architecture: Architecture, hp: Hyperparameters, shape: SequenceShape, network: keras.Model) -> keras.Model:
    """Return a network with its architecture's ``decode`` at its end, from scaled windows to (batch, *shape.output).

    It shares the weights. Where the architecture decodes nothing, it is the network itself. Raises PluginError for a
    ``decode`` that gives something else.
    """
    decode, who = architecture.decode, _who(architecture)
    if decode is None or shape.classes:
        return network
    (window,), (given,) = network.inputs, network.outputs
    outputs = _asked(who, "decode", lambda: decode(hp, architecture.shaped(shape), keras.ops, given))
    expected = (None, *replace(shape, outputs_per_target=0).output)
    if (found := getattr(outputs, "shape", type(outputs).__name__)) != expected:
        raise PluginError(f"{who}: decode must give shape {expected}, found {found}")
    told = keras.Model(window, outputs, name=f"{architecture.name}-decoded")
    setattr(told, OWN, getattr(network, OWN, ()))
    return told


def first_difference(variables: Sequence[Any], values: Sequence[NDArray[Any]]) -> str | None:
    """Say in which variable's shape values differ from a network's, None where in none."""
    for variable, value in zip(variables, values, strict=False):
        if tuple(variable.shape) != value.shape:
            return f"expected '{variable.path}' of shape {tuple(variable.shape)}, found {value.shape}"
    if len(variables) != len(values):
        return f"expected {len(variables)} variables, found {len(values)}"
    return None


def _check_inputs(architecture: Architecture, shape: SequenceShape) -> None:
    """Raise ConfigError, which names architectures that can, where one cannot be told what the data has."""
    if unheard := [name for name in shape.inputs if name not in architecture.inputs]:
        entries = discover().catalogue.items()
        able = [name for name, entry in entries if set(shape.inputs) <= set(entry.item.inputs)]
        raise ConfigError(
            f"{_who(architecture)} cannot be told '{', '.join(unheard)}'; those that can: {', '.join(able) or 'none'}"
        )


def _who(architecture: Architecture) -> str:
    return f"architecture '{architecture.name}'"


def _asked(who: str, what: str, ask: Callable[[], Any]) -> Any:
    """What a function of a plugin gives; raises PluginError, which names it, for whatever it raises."""
    try:
        return ask()
    except ZooError:
        raise
    except Exception as error:
        raise _failed(who, what, error) from error


def _failed(who: str, what: str, error: Exception) -> PluginError:
    return PluginError(
        f"{who}: {what} failed: {sentence_of(error)}; zoo --debug shows where, zoo plugin check tells more"
    )
