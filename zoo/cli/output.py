"""What commands share in talking: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from zoo_registry.errors import ConfigError

if TYPE_CHECKING:
    from zoo_registry import Catalogue


def print_json(value: Any) -> None:
    """Write one JSON document to standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table of plain text to standard output: the first column is never broken, the last may be wrapped.

    On a terminal it fits the width; a file or a program gets each row on one line.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, head in enumerate(heads):
        table.add_column(Text(head), no_wrap=index == 0, overflow="fold", min_width=len(head) if index == 0 else None)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=100_000)
    with console.capture() as capture:
        console.print(table)
    for line in capture.get().splitlines():
        typer.echo(line.rstrip())


def note(text: str) -> None:
    """Say something on standard error."""
    typer.echo(text, err=True)


def check_folder(folder: Path, option: str) -> None:
    """Raise ConfigError where something that is no folder stands in its place; told before anything slow is done."""
    for place in (folder, *folder.parents):
        if place.exists():
            if not place.is_dir():
                raise ConfigError(f"{option}: expected a folder, found the file {place}; name another")
            return


def catalogue() -> Catalogue:
    """Discover the plugins; the broken ones are named on standard error."""
    from zoo_registry import discover

    found = discover()
    for failure in found.failures:
        note(f"warning: {failure}")
    for ambiguity in (*found.catalogue.ambiguities, *found.scalers.ambiguities):
        note(f"warning: {ambiguity}")
    return found.catalogue
