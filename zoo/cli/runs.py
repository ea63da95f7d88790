"""``zoo runs``: the trainings so far."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.output import note, print_json, print_table


def runs(
    folder: Annotated[Path, typer.Option("--runs", help="Folder of all runs.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """List the runs, oldest first, with their errors on the test split.

    Example: zoo runs --json
    """
    from zoo.training.run_record import list_runs, read_record
    from zoo_registry.errors import RunError

    records = []
    for path in list_runs(folder):
        try:
            records.append(read_record(path))
        except RunError as error:
            note(f"warning: {error}")
    if not records:
        note(f"{folder}: there are no runs; train one with: zoo train basic")
    if as_json:
        print_json([record.model_dump(mode="json") for record in records])
        return
    heads = ("run", "data", "window", "horizon", "epochs", "scaled MAE", "best baseline")
    rows = []
    for record in records:
        baselines = {name: measured["scaled"]["mae"] for name, measured in record.evaluation["baselines"].items()}
        best = min(baselines, key=lambda name: baselines[name])
        rows.append(
            (
                record.id,
                Path(record.data["source"]).name,
                str(record.config.data.window),
                str(record.config.data.horizon),
                str(record.training["epochs"]),
                f"{record.evaluation['network']['scaled']['mae']:.4f}",
                f"{best} {baselines[best]:.4f}",
            )
        )
    print_table(heads, rows)
