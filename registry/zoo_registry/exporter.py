"""The contract of an exporter: what a plugin registers so that bundles can hold one more format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from zoo_registry.contribution import Contribution, contract
from zoo_registry.errors import ExportError


@dataclass(frozen=True, kw_only=True)
class ExportContext:
    """What an exporter works on: plain paths and data.

    ``bundle`` is the folder of the bundle that is being made, with the SavedModel and ``model.onnx`` in it and not yet
    published; it is read, never changed. ``folder`` is empty and the exporter's own, ``extra/<name>`` in that bundle.
    ``interface`` is that of the manifest's problem: names, dtypes, shapes and columns of ``inputs`` and ``outputs``,
    ``window``, ``features``, ``targets`` and the rest. ``batch`` is the fixed number of windows that was asked for, or
    None. ``fixed`` is the folder of a SavedModel with the same ``serving_default`` for exactly ``batch`` windows (1
    where none was asked for), computed in float32 throughout: for exporters with ``fixed_batch`` alone, else None.
    """

    bundle: Path
    folder: Path
    interface: Mapping[str, Any]
    batch: int | None = None
    fixed: Path | None = None


@contract("exporter")
class Exporter(Contribution):
    """One more format of a bundle.

    ``write(context)`` writes files into ``context.folder``, and may return facts about them as a JSON object for the
    manifest; import what it needs inside it. It raises ExportError with a sentence where a bundle has no such form:
    nothing is published then. ``requires`` are the distributions that have to be installed for it, and ``install``
    what pip is to be given where one is missing. ``fixed_batch`` says that the format knows no dynamic batch.
    ``refuses(interface)`` may return, before anything slow, why a bundle cannot have this format, or None.

    Raises ValueError for a malformed name or a field of the wrong type.
    """

    write: Callable[[ExportContext], Mapping[str, Any] | None]
    requires: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    install: str = ""
    fixed_batch: bool = False
    refuses: Callable[[Mapping[str, Any]], str | None] | None = None

    def require(self) -> None:
        """Raise ExportError, with what to install, where a distribution is missing."""
        for name in self.requires:
            try:
                version(name)
            except PackageNotFoundError as error:
                raise ExportError(
                    f"`formats` {self.name}: expected the distribution '{name}', which is missing; run: pip install"
                    f" '{self.install or name}'"
                ) from error
