"""``zoo runs``: the trainings so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from zoo.cli.output import Json, note, print_json, print_table, say

if TYPE_CHECKING:
    from zoo.runs.record import RunRecord
    from zoo.runs.unfinished import UnfinishedRun

UNREADABLE = "UNREADABLE"
Record = TypeVar("Record")


def runs(
    folder: Annotated[Path, typer.Option("--runs", help="Folder of all runs.")] = Path("runs"),
    as_json: Json = False,
) -> None:
    """List the runs, oldest first, with their errors on the test split; of unfinished ones, how to continue them.

    An unfinished run that nobody will continue, such as one that diverged, is listed until its folder in
    runs/unfinished is removed.

    Examples:
        zoo runs --json
    """
    from zoo.runs.finding import list_unfinished
    from zoo.runs.record import list_runs, read_record
    from zoo.runs.unfinished import UnfinishedRun

    finished = [_look(path, read_record, _told) for path in list_runs(folder)]
    unfinished = [_look(path, UnfinishedRun.read, _told_unfinished) for path in list_unfinished(folder)]
    for run in (*finished, *unfinished):
        if run.error is not None:
            note(f"warning: {run.error}")
    if not finished and not unfinished:
        note(f"{folder}: there are no runs; train one with: zoo train basic")
    if as_json:
        print_json([run.values for run in (*finished, *unfinished)])
        return
    if finished or not unfinished:
        _print(("run", "data", "window", "horizon", "epochs", "measure", "network", "best baseline"), finished)
    if unfinished:
        if finished:
            say()
        _print(("unfinished", "data", "epoch", "go on with"), unfinished)


@dataclass(frozen=True)
class _Listed:
    """A run as JSON and as a row of the table; ``error`` is why there is no more of it."""

    values: dict[str, Any]
    row: tuple[str, ...]
    error: str | None = None


def _look(path: Path, read: Callable[[Path], Record], tell: Callable[[Record], _Listed]) -> _Listed:
    """What is told of a run; of an unreadable one, or one that something else wrote, that it is there."""
    from zoo_registry.errors import RunError

    try:
        return tell(read(path))
    except RunError as error:
        reason = str(error)
    except OSError as error:
        reason = f"{path}: cannot be read ({error.strerror}); look at its permissions"
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        reason = f"{path}: not a record of this version ({type(error).__name__}: {error}); train again"
    return _Listed({"id": path.name, "folder": str(path), "error": reason}, (path.name, UNREADABLE), reason)


def _print(heads: Sequence[str], runs: Sequence[_Listed]) -> None:
    print_table(heads, [(*run.row, *("-" for _ in heads[len(run.row) :])) for run in runs])


def _told(record: RunRecord) -> _Listed:
    from zoo.evaluation.headline import headline
    from zoo.tasks import find_task

    problem, evaluation = record.problem, record.evaluation
    if evaluation is None:
        of = "" if record.retrained_from is None else f"; figures: {record.retrained_from.run}"
        measured = ("-", "-", f"none, trained on all rows{of}")
    else:
        found = headline(evaluation, find_task(record.config.task).measures_of(evaluation))
        measured = (found.measure, f"{found.network:.4f}", f"{found.baseline} {found.other:.4f}")
    row = (
        record.id,
        Path(record.data.source).name,
        str(problem.window),
        str(problem.horizon),
        str(record.training.epochs),
        *measured,
    )
    return _Listed(record.model_dump(mode="json"), row)


def _told_unfinished(run: UnfinishedRun) -> _Listed:
    """As JSON what config.json says of it, and ``unfinished``, which records of finished runs do not have."""
    from zoo.training.step_count import epochs_of

    config, running, command = run.record.config, run.is_running(), run.command
    state = {"epoch": run.epoch, "epochs": epochs_of(config.training), "running": running}
    values = run.record.model_dump(mode="json") | {"unfinished": state | {"folder": str(run.folder), "resume": command}}
    epoch = f"{run.epoch} of {epochs_of(config.training)}"
    return _Listed(values, (run.id, Path(config.data.source).name, epoch, "(being trained)" if running else command))
