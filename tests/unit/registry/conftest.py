"""Entry points whose modules are written in the tests, and shapes."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from importlib.metadata import EntryPoint
from types import ModuleType, SimpleNamespace

import pytest

from zoo_registry import SequenceShape, Task


class SourcePoint(EntryPoint):
    """An entry point whose module is a text, executed each time that it is loaded."""

    def __init__(self, name: str, source: str, distribution: str, attribute: str = "") -> None:
        super().__init__(name, f"{name}_plugin", "zoo")
        dist = SimpleNamespace(name=distribution, version="1.2")
        vars(self).update(source=textwrap.dedent(source), attribute=attribute, dist=dist)

    def load(self) -> object:
        module = ModuleType(self.value)
        exec(compile(self.source, self.value, "exec"), vars(module))
        return getattr(module, self.attribute) if self.attribute else module


@pytest.fixture(scope="session")
def point() -> Callable[..., SourcePoint]:
    """``point(name, source, distribution, attribute)``; the attribute is the plugin, else the module is."""

    def make(name: str, source: str, distribution: str = "outsider", attribute: str = "") -> SourcePoint:
        return SourcePoint(name, source, distribution, attribute)

    return make


@pytest.fixture(scope="session")
def healthy(point: Callable[..., SourcePoint]) -> Callable[..., SourcePoint]:
    """``healthy(name, distribution)``: a plugin that registers an architecture of its own name."""

    def make(name: str, distribution: str = "healthy-plugins", architecture: str | None = None) -> SourcePoint:
        source = f"""
            from zoo_registry import Architecture, hookimpl

            @hookimpl
            def zoo_architectures():
                return [Architecture(name={architecture or name!r}, summary="Sound.", build=lambda hp, shape: None)]
        """
        return point(name, source, distribution)

    return make


@pytest.fixture(scope="session")
def make_shape() -> Callable[..., SequenceShape]:
    """``make_shape(horizon=3)``: a shape with window 6, two features and one target, but for what is given."""

    def make(**changes: object) -> SequenceShape:
        fields = {
            "task": Task.FORECAST,
            "window": 6,
            "n_features": 2,
            "horizon": 3,
            "n_targets": 1,
            "target_columns": (0,),
        }
        return SequenceShape(**(fields | changes))

    return make
