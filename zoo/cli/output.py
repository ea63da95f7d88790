"""What commands share in talking: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.atomic import lies_in
from zoo_registry.errors import ConfigError

if TYPE_CHECKING:
    from zoo.tracking.lifecycle import Lifecycle, Tracker
    from zoo_registry import Catalogue


BundlePath = Annotated[Path, typer.Argument(help="exported/NAME/N, or exported/NAME for its highest version.")]
RequireSignature = Annotated[
    list[Path] | None,
    typer.Option(
        help="Refuse the bundle unless this public key signed it, or one of several [default: $ZOO_REQUIRE_SIGNATURE].",
        metavar="KEY",
    ),
]
Sign = Annotated[
    Path | None,
    typer.Option(
        help="Sign the bundle with this private key (PEM; its password in $ZOO_SIGN_PASSWORD).", metavar="KEY"
    ),
]


def print_json(value: Any) -> None:
    """Write one JSON document to standard output: null for a number that is not finite, which JSON does not know."""
    typer.echo(json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table of plain text to standard output: the first column is never broken, the last may be wrapped.

    On a terminal it fits the width; a file or a program gets each row on one line.
    """
    lines = [tuple(heads), *map(tuple, rows)]
    if not sys.stdout.isatty() and all(cell.isascii() and cell.isprintable() for line in lines for cell in line):
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:  # as rich would, without the time to load it
            typer.echo("  ".join(map(str.ljust, line, widths)).rstrip())
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, head in enumerate(heads):
        table.add_column(Text(head), no_wrap=index == 0, overflow="fold", min_width=len(head) if index == 0 else None)
    for line in lines[1:]:
        table.add_row(*(Text(cell) for cell in line))
    console = Console()
    if not console.is_terminal:
        console = Console(width=100_000)
    with console.capture() as capture:
        console.print(table)
    for text in capture.get().splitlines():
        typer.echo(text.rstrip())


def note(text: str) -> None:
    """Say something on standard error."""
    typer.echo(text, err=True)


def repair_notes(repairs: dict[str, Any]) -> list[str]:
    """One sentence for each repair that a run records."""
    notes = []
    if (resampled := repairs.get("resample")) is not None:
        notes.append(
            f"resampled to {resampled['rule']} by {resampled['aggregate']}: {resampled['rows_before']} rows became"
            f" {resampled['rows_after']}, {resampled['rows_without_values']} of them without values"
        )
    if (moved := repairs.get("sort")) is not None:
        notes.append(f"sorted by time: {moved['rows_moved']} rows moved")
    if (short := repairs.get("short_series")) is not None:
        dropped = short["dropped"]
        named = ", ".join(dropped[:5]) + (", …" if len(dropped) > 5 else "")
        notes.append(f"series left out as too short: {len(dropped)} ({named})")
    if (missing := repairs.get("missing")) is not None:
        counts = ", ".join(f"{count} in '{column}'" for column, count in missing["values"].items())
        done = "windows left out" if missing["method"] == "drop" else f"filled by {missing['method']}"
        notes.append(f"missing values, {done}: {counts}")
    return notes


def check_folder(folder: Path, option: str) -> None:
    """Raise ConfigError where something that is no folder stands in its place; told before anything slow is done."""
    for place in (folder, *folder.parents):
        if place.exists():
            if not place.is_dir():
                raise ConfigError(f"{option}: expected a folder, found the file {place}; name another")
            return


def check_picture(path: Path | None, option: str) -> None:
    """Raise ConfigError where a picture cannot be drawn; None is none."""
    if path is not None and (path.suffix.lower() not in (".png", ".svg", ".pdf") or not path.parent.is_dir()):
        raise ConfigError(f"{option}: expected a .png, .svg or .pdf file in a folder that is there, found {path}")


def check_apart(place: Path | None, option: str, *inputs: str | Path | None) -> None:
    """Raise ConfigError where what is to be written is something that is read, by whatever name, or lies in it."""
    for given in inputs:
        if place is not None and given is not None and lies_in(place, Path(given)):
            raise ConfigError(f"{option}: expected another place than the input {given}, found {place}; name one")


def catalogue() -> Catalogue:
    """Discover the plugins; the broken ones, and those that keep everybody waiting, are named on standard error."""
    from zoo_registry import discover

    found = discover()
    for failure in found.failures:
        note(f"warning: {failure}")
    for plugin in found.plugins:
        if plugin.complaint:
            note(f"warning: {plugin.complaint}")
    catalogues = (found.catalogue, found.scalers, found.losses, found.exporters)
    for ambiguity in (sentence for known in catalogues for sentence in known.ambiguities):
        note(f"warning: {ambiguity}")
    return found.catalogue


def lifecycle_of(trackers: Sequence[Tracker]) -> Lifecycle:
    """The hooks of one run; a plugin that fails in one is named on standard error."""
    from zoo.tracking.lifecycle import Lifecycle

    return Lifecycle(trackers, lambda text: note(f"warning: {text}"))
