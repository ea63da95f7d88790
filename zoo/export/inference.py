"""The network as it is served: same weights, nothing that only training needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from zoo.keras_internals import flatten_layers
from zoo.models.custom_objects import custom_objects, known


def inference_network(model: keras.Model) -> keras.Model:
    """Return a copy of a network whose recurrent layers have no dropout, with the same weights and the same outputs.

    A layer with recurrent dropout runs as a loop in Keras, in training or not, and would become an ONNX ``Loop``; one
    with dropout draws random numbers at each call. cuDNN is switched off, as its kernel cannot be exported.
    """
    return _copy(model, _without_recurrent_dropout)


def in_float32(model: keras.Model) -> keras.Model:
    """Return a copy of a served network, with the same weights, that normalizes its windows in float32 too."""
    return _copy(model, _with_float32)


def _copy(model: keras.Model, changed: Callable[[Any], Any]) -> keras.Model:
    with known(custom_objects(model)):
        copy = model.__class__.from_config(changed(model.get_config()))
    copy.set_weights(model.get_weights())
    for layer in flatten_layers(copy):
        if hasattr(layer, "use_cudnn"):
            layer.use_cudnn = False
    return copy


def _with_float32(config: Any) -> Any:
    if isinstance(config, dict):
        return {name: _with_float32(value) for name, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_with_float32(value) for value in config)
    return "float32" if config == "float64" else config


def _without_recurrent_dropout(config: Any) -> Any:
    """Rewrite a configuration at every depth, as ``clone_model`` does not visit the layers inside Bidirectional."""
    if isinstance(config, dict):
        left_out = {"dropout", "recurrent_dropout"} if "recurrent_dropout" in config else set()
        return {name: 0.0 if name in left_out else _without_recurrent_dropout(value) for name, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_without_recurrent_dropout(value) for value in config)
    return config
