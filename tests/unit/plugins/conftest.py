"""A shape, and networks of the built-in architectures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from zoo_registry import Architecture, SequenceShape, Task, discover


@pytest.fixture(scope="session")
def shape() -> SequenceShape:
    """Window 6, three features; horizon 4, two targets."""
    return SequenceShape(task=Task.FORECAST, window=6, n_features=3, horizon=4, n_targets=2, target_columns=(0, 2))


@pytest.fixture(scope="session")
def architecture() -> Callable[[str], Architecture]:
    """The built-in architecture of that name."""
    return lambda name: discover().catalogue[f"lstm-zoo:{name}"].item


@pytest.fixture(scope="session")
def network(architecture: Callable[[str], Architecture], shape: SequenceShape) -> Callable[..., Any]:
    """``network("basic", units=4, horizon=5)``: the built network, some sizes of its shape changed."""
    import zoo  # names Keras' backend

    assert zoo

    def build(name: str, **values: Any) -> Any:
        found = architecture(name)
        sizes = {key: values.pop(key) for key in list(values) if key in {field.name for field in fields(shape)}}
        return found.build(found.configure(values), replace(shape, **sizes))

    return build


@pytest.fixture(scope="session")
def layers_of() -> Callable[[Any], list[str]]:
    """Types and widths of a network's layers: ``["LSTM 64", "Dense 8", "Reshape"]``."""

    def describe(layer: Any) -> str:
        kind = type(layer).__name__
        if kind == "Bidirectional":
            return f"Bidirectional {describe(layer.forward_layer)}"
        width = getattr(layer, "units", None) or getattr(layer, "rate", None)
        return f"{kind} {width}" if width else kind

    return lambda model: [describe(layer) for layer in model.layers if type(layer).__name__ != "InputLayer"]


@pytest.fixture(scope="session")
def recurrent_layers_of() -> Callable[[Any], list[Any]]:
    """A network's recurrent layers, both directions of the bidirectional ones."""
    from keras.layers import GRU, LSTM, Bidirectional

    def find(model: Any) -> list[Any]:
        found = []
        for layer in model.layers:
            both = [layer.forward_layer, layer.backward_layer] if isinstance(layer, Bidirectional) else [layer]
            found.extend(part for part in both if isinstance(part, (LSTM, GRU)))
        return found

    return find
