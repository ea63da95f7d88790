"""Settings as text: NAME=VALUE, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo_registry.errors import ConfigError


def parse_settings(items: Sequence[str], where: str) -> dict[str, str]:
    """Read ``["units=128"]`` as ``{"units": "128"}``; raises ConfigError for anything without a name and a value."""
    pairs = [item.partition("=") for item in items]
    for item, (key, _, value) in zip(items, pairs, strict=True):
        if not key or not value:
            raise ConfigError(f"{where} takes NAME=VALUE, found '{item}'")
    names = [key.strip() for key, _, _ in pairs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"{where}: '{twice[0]}' is given more than once; give it once")
    return {key.strip(): value.strip() for key, _, value in pairs}


def spell(name: str, values: Mapping[str, Any]) -> str:
    """Write a name and its settings as text, ``"huber:delta=0.5"``, which reads back as what it was."""
    settings = ",".join(f"{key}={_spelled(value)}" for key, value in values.items())
    return f"{name}:{settings}" if settings else name


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return short if not isinstance(value, float) or float(short) == value else repr(value)
