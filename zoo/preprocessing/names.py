"""The names of scalers, checked without scikit-learn."""

from __future__ import annotations

from zoo_registry import BUILT_IN_SCALERS, discover
from zoo_registry.errors import UnknownScalerError, close_match_hint


def check_scaler(name: str) -> None:
    """Raise UnknownScalerError unless a built-in or exactly one plugin's scaler has this name."""
    if name in BUILT_IN_SCALERS:
        return
    plugins = discover().scalers
    if name in plugins or any(name == entry.name for entry in plugins.values()):
        plugins[name]  # raises where the name is ambiguous
        return
    raise UnknownScalerError(f"there is no scaler '{name}'{close_match_hint(name, [*BUILT_IN_SCALERS, *plugins])}")
