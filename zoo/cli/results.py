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
    if training.epochs and record.config.training.steps is not None:
        epochs += f" (step {training.best_step:,} of {training.steps:,})"
    loss = "" if training.val_loss is None else f", validation loss {training.val_loss:.4g}"
    if metrics is None and training.epochs:
        by_steps = record.config.training.steps is not None
        epochs = f"{training.steps:,} steps" if by_steps else f"{training.epochs} epochs"
        loss = f", train loss {training.loss:.4g}"
    who = f"{record.config.architecture} with {training.parameters:,} parameters"
    say(f"{who}: {epochs}{loss}, {training.seconds:.1f} s")
    parts = ", ".join(f"{name} {part.windows}" for name, part in data.split.items() if part.windows)
    if metrics is None:
        say(f"windows: {parts}\n")
        return
    task = find_task(record.config.task)
    left_out = f" ({metrics['left_out']} left out: {task.why_left_out})" if metrics.get("left_out") else ""
    say(f"windows: {parts}{left_out}; {task.tested}\n")
    print_told(task.results(metrics, record.problem.targets), whole_in)
    for name, reason in metrics["skipped"].items():
        say(f"{name}: not computed, {in_flags(reason)}")
    say()


def closing(record: RunRecord) -> str:
    """The last sentence: the verdict, or why there is none and which run's stands for it."""
    from zoo.provenance import why_untested

    if record.evaluation is not None:
        return record.evaluation["verdict"]
    retrained = record.retrained_from
    verdict = "" if retrained is None or retrained.verdict is None else f" {retrained.verdict}"
    return f"The network was {why_untested(retrained)}.{verdict}"


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
