"""Configurations of small studies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def make_config() -> Callable[..., Any]:
    """``make_config(**settings)``: ``basic`` with four units on the series, window 8 and horizon 3."""
    from zoo.training.resolution import resolve
    from zoo_registry import discover

    usual = {"source": "DataFrame", "target": "load", "window": 8, "horizon": 3, "epochs": 2}
    basic = discover().catalogue["basic"].architecture
    return lambda **settings: resolve("basic", basic, {"units": 4}, usual | settings)
