"""Nested settings and measurements as flat names and values, which trackers take."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

MAX_NAME = 250  # characters of a name in MLflow
_FOREIGN = re.compile(r"[^A-Za-z0-9_\-. ]")


def flat_settings(settings: Mapping[str, Any]) -> dict[str, str]:
    """Name nested settings as ``data.window``; a text is its own value, anything else is written as JSON."""
    found: dict[str, str] = {}
    for path, value in _leaves(settings):
        found[_name(path, ".", found)] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return found


def flat_metrics(measured: Mapping[str, Any]) -> dict[str, float]:
    """Name nested numbers as ``network/targets/co2/mae``; texts, lists and what is not finite are left out."""
    found: dict[str, float] = {}
    for path, value in _leaves(measured):
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            found[_name(path, "/", found)] = float(value)
    return found


def measured_on_test(record: Mapping[str, Any]) -> dict[str, float]:
    """All numbers of a run's record that measure network and baselines on the test split, as ``test/network/…``."""
    evaluation = record["evaluation"] or {}
    return flat_metrics({"test": {key: evaluation[key] for key in ("network", "baselines") if key in evaluation}})


def _leaves(nested: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in nested.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*path, str(key)))
        else:
            yield (*path, str(key)), value


def _name(path: tuple[str, ...], separator: str, taken: Mapping[str, Any]) -> str:
    """A name that MLflow takes and no other has: columns may have any name, such as ``°C`` and ``m/s``."""
    parts = [_FOREIGN.sub("_", part) for part in path]
    name = separator.join(part if part.strip(".") else "_" for part in parts)[:MAX_NAME]
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name[: MAX_NAME - 8]}-{number}", number + 1
    return unique
