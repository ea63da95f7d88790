"""``zoo gc``: remove what killed exports and trainings left; no TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.atomic import check_folder
from zoo.cli.output import note, print_json, print_table


def gc(
    exported: Annotated[Path, typer.Argument(help="Folder of all models.")] = Path("exported"),
    runs: Annotated[Path, typer.Option(help="Folder of all runs.")] = Path("runs"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Remove what exports and trainings left that were killed: hidden staging folders, and models without a version.

    What a living process is writing into stays, as do all versions, runs and unfinished runs.

    Examples:
        zoo gc --dry-run
        zoo gc exported --runs runs
    """
    from zoo.export.leftovers import clean_exported, clean_runs

    check_folder(exported, "EXPORTED")
    check_folder(runs, "--runs")
    found = clean_exported(exported, dry_run=dry_run) + clean_runs(runs, dry_run=dry_run)
    removed = [leftover for leftover in found if not leftover.in_use]
    total = sum(leftover.size for leftover in removed)
    in_use = [leftover.path for leftover in found if leftover.in_use]
    for path in in_use:
        note(f"{path}: in use, it stays")
    if as_json:
        listed = [{"path": str(leftover.path), "bytes": leftover.size} for leftover in removed]
        print_json({"dry_run": dry_run, "removed": listed, "bytes": total, "in_use": list(map(str, in_use))})
    elif removed:
        heads = ("would be removed" if dry_run else "removed", "bytes")
        rows = [(str(leftover.path), f"{leftover.size:,}") for leftover in removed]
        print_table(heads, [*rows, ("total", f"{total:,}")])
    else:
        note(f"{exported}, {runs}: nothing was left by killed exports or trainings")
