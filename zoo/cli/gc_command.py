"""``zoo gc``: remove what killed commands left; no TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.atomic import check_folder
from zoo.cli.output import RUNS, Json, Runs, note, print_json, print_table


def gc(
    exported: Annotated[Path, typer.Argument(help="Folder of all models.")] = Path("exported"),
    runs: Runs = RUNS,
    also: Annotated[
        list[Path] | None,
        typer.Option(
            help="Look in this folder too, and in all below it; repeat it for more [default: none].", metavar="FOLDER"
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Remove what killed commands left: hidden staging, models without a version, remains of finished runs.

    It looks in the folders of models and runs, in backtests, studies and this folder itself, and wherever --also says.
    What a living process is writing into stays, as do all versions, runs and unfinished runs, and whatever does not
    bear the zoo's mark.

    Examples:
        zoo gc --dry-run
        zoo gc exported --runs runs
        zoo gc --also forecasts
    """
    from zoo.export.leftovers import clean_exported, clean_folder, clean_runs, clean_tree

    check_folder(exported, "EXPORTED")
    check_folder(runs, "--runs")
    for folder in also or ():
        check_folder(folder, "--also")
    found = clean_exported(exported, dry_run=dry_run) + clean_runs(runs, dry_run=dry_run)
    found += clean_folder(Path(), dry_run=dry_run)
    for folder in (Path("backtests"), Path("studies"), *(also or ())):
        found += clean_tree(folder, dry_run=dry_run)
    found = list({leftover.path.resolve(): leftover for leftover in found}.values())  # folders may lie in one another
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
        places = ", ".join(map(str, (exported, runs, *(also or ()))))
        note(f"{places}: nothing was left by killed exports, trainings or predictions")
