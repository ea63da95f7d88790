"""``zoo runs``: the trainings so far."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.output import note, print_json, print_table

if TYPE_CHECKING:
    from zoo.training.unfinished import UnfinishedRun


def runs(
    folder: Annotated[Path, typer.Option("--runs", help="Folder of all runs.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """List the runs, oldest first, with their errors on the test split, and the unfinished ones with how to go on.

    Those that nobody will go on with, such as one that diverged, stand there until their folder in runs/unfinished is
    removed.

    Examples:
        zoo runs --json
    """
    from zoo.evaluation.headline import headline
    from zoo.training.run_record import list_runs, read_record
    from zoo.training.unfinished import UnfinishedRun, list_unfinished
    from zoo_registry.errors import RunError

    records = []
    for path in list_runs(folder):
        try:
            records.append(read_record(path))
        except RunError as error:
            note(f"warning: {error}")
    unfinished = []
    for path in list_unfinished(folder):
        try:
            unfinished.append(UnfinishedRun.read(path))
        except RunError as error:
            note(f"warning: {error}")
    if not records and not unfinished:
        note(f"{folder}: there are no runs; train one with: zoo train basic")
    if as_json:
        finished = [record.model_dump(mode="json") for record in records]
        print_json(finished + [_as_json(run) for run in unfinished])
        return
    heads = ("run", "data", "window", "horizon", "epochs", "measure", "network", "best baseline")
    rows = []
    for record in records:
        found = headline(record.evaluation)
        rows.append(
            (
                record.id,
                Path(record.data["source"]).name,
                str(record.config.data.window),
                str(record.config.data.horizon),
                str(record.training["epochs"]),
                found.measure,
                f"{found.network:.4f}",
                f"{found.baseline} {found.other:.4f}",
            )
        )
    if rows or not unfinished:
        print_table(heads, rows)
    if unfinished:
        if rows:
            typer.echo("")
        print_table(("unfinished", "data", "epoch", "go on with"), map(_row, unfinished))


def _row(run: UnfinishedRun) -> tuple[str, ...]:
    config = run.record.config
    epoch = f"{run.epoch} of {config.training.epochs}"
    return run.id, Path(config.data.source).name, epoch, "(being trained)" if run.is_running() else run.command


def _as_json(run: UnfinishedRun) -> dict[str, Any]:
    """What config.json says of it, and ``unfinished``, which records of finished runs do not have."""
    state = {"epoch": run.epoch, "epochs": run.record.config.training.epochs, "running": run.is_running()}
    return run.record.model_dump(mode="json") | {
        "unfinished": state | {"folder": str(run.folder), "resume": run.command}
    }
