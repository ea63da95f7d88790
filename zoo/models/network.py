"""Build an architecture's network and hold it to its contract."""

from __future__ import annotations

import keras

from zoo.keras_internals import flatten_layers
from zoo_registry import Architecture, Hyperparameters, SequenceShape
from zoo_registry.discovery import sentence_of
from zoo_registry.errors import ConfigError, PluginError, ZooError


def build_network(architecture: Architecture, hp: Hyperparameters, shape: SequenceShape) -> keras.Model:
    """Return the architecture's network, mapping scaled (batch, *shape.input) to scaled (batch, *shape.output).

    Raises ConfigError where the architecture refuses the combination, PluginError where its network is not what the
    contract says.
    """
    who = f"architecture '{architecture.name}'"
    if architecture.check is not None:
        try:
            architecture.check(hp, shape)
        except ValueError as error:
            raise ConfigError(f"{who} cannot be built like this: {error}") from error
        except Exception as error:  # whatever a plugin does
            raise _failed(who, "check", error) from error
    try:
        model = architecture.build(hp, shape)
    except ZooError:
        raise
    except Exception as error:
        raise _failed(who, "build", error) from error
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
    return model


def _failed(who: str, what: str, error: Exception) -> PluginError:
    return PluginError(
        f"{who}: {what} failed: {sentence_of(error)}; zoo --debug shows where, zoo plugin check tells more"
    )
