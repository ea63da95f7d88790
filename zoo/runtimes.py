"""The runtimes that plugins register, and a bundle's session on one of them."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from zoo.quiet import import_tensorflow
from zoo_registry import Registry, Runtime, Session, discover
from zoo_registry.discovery import GROUP, discover_from, distribution_of
from zoo_registry.plugin import OWN


def runtimes() -> dict[str, Runtime]:
    """All of them by name, installed or not."""
    return {name: entry.item for name, entry in discover().runtimes.items()}


def find_runtime(name: str) -> Runtime:
    """Return a runtime by name; raises UnknownRuntimeError, a BundleError, with a close match.

    For one of the zoo's own, whose names nobody else may register, no other plugin is loaded.
    """
    return (_own() if name in _own() else discover().runtimes)[name].item


@cache
def _own() -> Registry[Runtime]:
    points = entry_points(group=GROUP, name="runtimes")
    return discover_from(point for point in points if distribution_of(point)[0] == OWN).runtimes


def load_session(runtime: Runtime, folder: Path, onnx: bytes | None = None, **options: Any) -> Session:
    """Load a bundle whose integrity was checked; raises BundleError where the runtime is not installed.

    ``onnx`` is the content of its ``model.onnx``, so that what was checked is what is loaded. ``options`` are the
    runtime's own.
    """
    runtime.check_installed()
    if runtime.distribution == "tensorflow":
        import_tensorflow()
    return runtime.load(folder, *([onnx] if runtime.takes_bytes else []), **options)
