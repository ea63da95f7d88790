"""What importing a plugin costs and loads, measured in a process of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

from zoo.processes import NoAnswerError, ask
from zoo_registry.discovery import discover_from
from zoo_registry.plugin import heavy_modules

PATIENCE = 60.0  # seconds


@dataclass(frozen=True)
class Cost:
    """Seconds, what of ``zoo_registry.plugin.HEAVY`` was loaded, and the error that it ended with, else empty."""

    seconds: float
    heavy: tuple[str, ...]
    error: str


def local_point(name: str, value: str, distribution: str, version: str) -> EntryPoint:
    """An entry point of a distribution that need not be installed."""
    point = EntryPoint(name, value, "zoo")
    vars(point).update(dist=SimpleNamespace(name=distribution, version=version))
    return point


def measure_import(name: str, value: str, path: Sequence[str] = (), distribution: str = "probed") -> Cost:
    """Load a plugin (``module`` or ``module:attribute``) and ask its hooks, in a fresh process.

    A module without hooks is imported alone. It has ``PATIENCE`` seconds.
    """
    specification = {"name": name, "value": value, "distribution": distribution, "path": list(path)}
    try:
        told = ask(__name__, specification, PATIENCE)
    except NoAnswerError as silence:
        return Cost(PATIENCE if "within" in str(silence) else 0.0, (), f"its import {silence}")
    return Cost(float(told["seconds"]), tuple(told["heavy"]), str(told["error"]))


def run(specification: Mapping[str, Any]) -> None:
    """In the fresh process: load the plugin and print what it cost as the last line."""
    before, started = heavy_modules(), time.perf_counter()
    point = local_point(specification["name"], specification["value"], specification["distribution"], "0")
    (plugin,) = discover_from([point]).plugins
    error = "" if "it implements no hook" in plugin.error else plugin.error
    seconds, heavy = time.perf_counter() - started, sorted(heavy_modules() - before)
    print("\n" + json.dumps({"seconds": seconds, "heavy": heavy, "error": error}))
