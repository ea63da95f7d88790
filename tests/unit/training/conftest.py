"""Architectures of the tests' own, and prepared data that is cheap to train on."""

from __future__ import annotations

from collections.abc import Callable

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
