"""What commands share in talking: results on standard output, everything else on standard error.

All that they say goes through here, and what could act on a terminal becomes an escape.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.atomic import lies_in
from zoo.cli.flags import in_flags
from zoo.texts import printable, printable_json, some
from zoo_registry.errors import ConfigError

if TYPE_CHECKING:
    from zoo.provenance import Repairs
    from zoo.tracking.lifecycle import Lifecycle, Tracker
    from zoo_registry import Architecture, Registry


_MOST_LINES = 20  # of a table with a line for each target, column or series
_DIGITS, _MOST_DIGITS = 7, 17  # of a number; no two floats agree in 17

BundlePath = Annotated[Path, typer.Argument(help="exported/NAME/N, or exported/NAME for its highest version.")]
RequireSignature = Annotated[
    list[Path] | None,
    typer.Option(
        help="Refuse the bundle unless this public key signed it, or one of several [default: $ZOO_REQUIRE_SIGNATURE].",
        metavar="KEY",
    ),
]
RUNS = Path("runs")
Runs = Annotated[Path, typer.Option(help="Folder of all runs.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def print_json(value: Any) -> None:
    """Write one JSON document to standard output: null for a number that is not finite, which JSON does not know."""
    typer.echo(printable_json(json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False)))


def print_toml(text: str) -> None:
    """Write a TOML document to standard output, with TOML's own escapes for what could act on a terminal."""
    typer.echo("".join(c if c.isprintable() or c == "\n" else f"\\U{ord(c):08x}" for c in text), nl=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, whole_in: str | None = None) -> None:
    """Write a table of plain text to standard output: the first column is never broken, the last may be wrapped.

    On a terminal it fits the width; a file or a program gets each row on one line. ``whole_in`` tells where all of it
    is, of a table that ends after some lines with the number of those that are left out.
    """
    rows = list(rows)
    if whole_in is None or len(rows) <= _MOST_LINES + 1:  # a line that tells of one more would take its place
        _print_lines(heads, rows)
    else:
        _print_lines(heads, rows[:_MOST_LINES])
        say(f"… and {len(rows) - _MOST_LINES:,} more; {whole_in} has all")


def _print_lines(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    lines = [tuple(map(printable, line)) for line in (heads, *rows)]
    if not sys.stdout.isatty() and all(cell.isascii() for line in lines for cell in line):
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


def tell_apart(columns: Iterable[Sequence[object]]) -> list[list[str]]:
    """Write columns of values as text, numbers with as many digits as tell the rows of their column apart.

    Those are 7 or more, and at least all before the decimal point.
    """
    return [_written(values) for values in columns]


def _written(values: Sequence[object]) -> list[str]:
    numbers = {value for value in values if isinstance(value, float) and math.isfinite(value)}
    whole = max((math.floor(math.log10(abs(number))) + 1 for number in numbers if number), default=0)
    digits = max(_DIGITS, min(whole, _MOST_DIGITS - 1))
    while digits < _MOST_DIGITS and len({f"{number:.{digits}g}" for number in numbers}) < len(numbers):
        digits += 1
    return [
        f"{value:.{digits}g}" if isinstance(value, float) else "" if value is None else str(value) for value in values
    ]


def say(text: str = "") -> None:
    """Write a line of the result to standard output; a line's end before or after it leaves a line empty."""
    _echo(text, err=False)


def note(text: str) -> None:
    """Say something on standard error, settings as options."""
    _echo(in_flags(text), err=True)


def tell_form(source: str, settings: Mapping[str, Any]) -> None:
    """Say on standard error what a table's form gives that the settings do not."""
    from zoo.settings.resolve import form_of

    if (told := form_of(source, settings).told) is not None:
        note(told)


def tell_layout(source: str, reading: Mapping[str, Any], features: Sequence[str] = ()) -> None:
    """Say on standard error where a table for a network that reads these features becomes many series by its form."""
    from zoo.data.readers.recognition import recognise

    form = recognise(source, {"features": features, "layout": reading.get("layout", "auto")}, reading.get("csv"))
    if "layout" in form.settings and form.told is not None:
        note(form.told)


def _echo(text: str, *, err: bool) -> None:
    """The one way of a sentence to the terminal: names in it may come from anybody."""
    inner = text.strip("\n")
    before, _, after = text.partition(inner) if inner else (text, "", "")
    typer.echo(f"{before}{printable(inner)}{after}", err=err)


def left_out_notes(columns: Sequence[str], end: str) -> list[str]:
    """Why each column that nobody named is left out, with ``end`` behind it; of very many in one sentence."""
    if len(columns) > _MOST_LINES:
        return [f"{len(columns):,} columns are not numeric ({some(columns, 5)}), and each {end}"]
    return [f"{_left_out_note(column)} and {end}" for column in columns]


def _left_out_note(column: str) -> str:
    if column.startswith("Unnamed: "):
        return f"column '{column}' has neither name nor data (it numbers rows, or is empty),"
    return f"column '{column}' is not numeric"


def repair_notes(repairs: Repairs) -> list[str]:
    """One sentence for each repair that a run records."""
    notes = []
    if (resampled := repairs.resample) is not None:
        notes.append(
            f"resampled to {resampled.rule} by {resampled.aggregate}: {resampled.rows_before} rows became"
            f" {resampled.rows_after}, {resampled.rows_without_values} of them without values"
        )
    if repairs.sort is not None:
        notes.append(f"sorted by time: {repairs.sort.rows_moved} rows moved")
    if repairs.short_series is not None:
        dropped = repairs.short_series.dropped
        named = ", ".join(dropped[:5]) + (", …" if len(dropped) > 5 else "")
        notes.append(f"series left out as too short: {len(dropped)} ({named})")
    if repairs.padded is not None:
        padded = repairs.padded.series
        named = ", ".join(padded[:5]) + (", …" if len(padded) > 5 else "")
        notes.append(f"short series, windows filled up in front: {len(padded)} ({named})")
    if (missing := repairs.missing) is not None:
        counts = some([f"{count} in '{column}'" for column, count in missing.values.items()])
        done = {"drop": "windows left out", "mask": "masked"}.get(missing.method, f"filled by {missing.method}")
        notes.append(f"missing values, {done}: {counts}")
    return notes


def check_picture(path: Path | None, option: str) -> None:
    """Raise ConfigError where a picture cannot be drawn; None is none."""
    if path is not None and (path.suffix.lower() not in (".png", ".svg", ".pdf") or not path.parent.is_dir()):
        raise ConfigError(f"{option}: expected a .png, .svg or .pdf file in a folder that is there, found {path}")


def check_apart(place: Path | None, option: str, *inputs: str | Path | None) -> None:
    """Raise ConfigError where what is to be written is something that is read, by whatever name, or lies in it."""
    for given in inputs:
        if place is not None and given is not None and lies_in(place, Path(given)):
            raise ConfigError(f"{option}: expected another place than the input {given}, found {place}; name one")


def catalogue() -> Registry[Architecture]:
    """Discover the plugins; the broken ones, and those that keep everybody waiting, are named on standard error."""
    from zoo_registry import discover

    found = discover()
    for sentence in (*(plugin.failure for plugin in found.failures), *found.warnings):
        note(f"warning: {sentence}")
    return found.catalogue


def lifecycle_of(trackers: Sequence[Tracker]) -> Lifecycle:
    """The hooks of one run; a plugin that fails in one is named on standard error."""
    from zoo.tracking.lifecycle import Lifecycle

    return Lifecycle(trackers, lambda text: note(f"warning: {text}"))
