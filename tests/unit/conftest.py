"""Architectures of the tests' own, prepared data that is cheap to train on, and reading a page back."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest

from zoo_registry import Architecture, SequenceShape, Task


@pytest.fixture(scope="session")
def make_architecture() -> Callable[..., Architecture]:
    """``make_architecture(build, **fields)``: an architecture called ``mine``."""

    def make(build: Callable[..., object] = lambda hp, shape: None, **fields: object) -> Architecture:
        return Architecture(**({"name": "mine", "summary": "Mine.", "build": build} | fields))

    return make


@pytest.fixture(scope="session")
def shape() -> SequenceShape:
    """Window 4, two features, horizon 3, one target, which is the first feature."""
    sizes = {"window": 4, "n_features": 2, "horizon": 3, "n_targets": 1}
    return SequenceShape(task=Task.FORECAST, target_columns=(0,), **sizes)


@pytest.fixture
def prepared(series: pd.DataFrame):
    """The series, prepared with window 8 and horizon 3; the target is load."""
    from zoo.settings.schema import DataConfig
    from zoo.training.preparation import prepare

    return prepare(DataConfig(source="DataFrame", target="load", window=8, horizon=3), series)


class _Elements(HTMLParser):
    """The tags of a page and their attributes; every tag that is not void has to be closed in its turn."""

    VOID = frozenset({"meta", "br", "path", "use", "rect"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def elements() -> type[_Elements]:
    """``elements(text).tags`` of a page that is well-formed."""
    return _Elements
