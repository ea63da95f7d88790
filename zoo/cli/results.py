"""What a training prints at its end."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from zoo.cli.flags import in_flags
from zoo.cli.output import RUNS, left_out_notes, note, print_table, repair_notes, say
from zoo.tasks import find_task
from zoo.tasks.base import TextTable
from zoo.texts import some

if TYPE_CHECKING:
    from zoo.run import Run
    from zoo.runs.record import RunRecord


def print_results(record: RunRecord, whole_in: str = "--json or run.json") -> None:
    """Write what was trained and how good it is to standard output, notes on the data to standard error.

    ``whole_in`` tells where all of a long table is.
    """
    data, training, metrics = record.data, record.training, record.evaluation
    for sentence in left_out_notes(data.ignored, "was not used"):
        note(sentence)
    for sentence in repair_notes(data.repairs):
        note(sentence)
    say(f"features: {some(record.problem.features)}; time: {data.time_column or 'none'}")
    epochs = f"best epoch {training.best_epoch} of {training.epochs}" if training.epochs else "not trained"
    say(
        f"{record.config.architecture} with {training.parameters:,} parameters: {epochs},"
        f" validation loss {training.val_loss:.4g}, {training.seconds:.1f} s"
    )
    parts = ", ".join(f"{name} {part.windows}" for name, part in data.split.items())
    task = find_task(record.config.task)
    left_out = f" ({metrics['left_out']} left out: {task.why_left_out})" if metrics.get("left_out") else ""
    say(f"windows: {parts}{left_out}; {task.tested}\n")
    print_told(task.results(metrics, record.problem.targets), whole_in)
    for name, reason in metrics["skipped"].items():
        say(f"{name}: not computed, {in_flags(reason)}")
    say()


def to_export(run: Run) -> str:
    """The command that exports a run."""
    runs = run.folder.parent
    return f"zoo export {run.id}" + ("" if runs == RUNS else f" --runs {shlex.quote(str(runs))}")


def print_told(parts: Iterable[str | TextTable], whole_in: str) -> None:
    """Write tables and lines; ``whole_in`` tells where all of a long table is."""
    for part in parts:
        if isinstance(part, TextTable):
            print_table(*part, whole_in=whole_in)
        else:
            say(part)
