"""Configurations of small studies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def make_config() -> Callable[..., Any]:
    """``make_config(**settings)``: ``basic`` with four units on the series, window 8 and horizon 3."""
    from zoo.settings.resolve import resolve
    from zoo_registry import discover

    usual = {"source": "DataFrame", "target": "load", "window": 8, "horizon": 3, "epochs": 2}
    basic = discover().catalogue["basic"].item
    return lambda **settings: resolve("basic", basic, {"units": 4}, usual | settings)


@pytest.fixture
def make_study_plan() -> Callable[..., Any]:
    """``make_study_plan(architectures, **more)``: a plan on the series; ``search``, ``only`` and ``study`` as there."""
    from zoo.tuning.search_range import read_range
    from zoo.tuning.study_plan import make_plan

    def make(
        architectures: tuple[str, ...] = ("basic",), *, settings: dict[str, Any] | None = None, **more: Any
    ) -> Any:
        search = {"units": [2, 3, 4], "learning_rate": {"low": 1e-3, "high": 1e-1, "log": True}}
        ranges = {name: read_range(name, value) for name, value in more.pop("search", search).items()}
        usual = {"source": "DataFrame", "target": "load", "window": 8, "horizon": 3, "epochs": 2}
        only = more.pop("only", ["units"])
        hyperparameters = more.pop("hyperparameters", {})
        return make_plan(architectures, usual | (settings or {}), hyperparameters, search=ranges, only=only, **more)

    return make
