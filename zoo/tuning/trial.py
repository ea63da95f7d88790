"""A trial, as a worker process runs it: cross-validate one configuration, tell each epoch, and stop where asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.data.table import Table
from zoo.settings.schema import RunConfig
from zoo.training.preparation import split_table
from zoo.training.step_count import epochs_of
from zoo.tuning.folds import Fold
from zoo.tuning.trial_record import COMPLETE, FAILED, PRUNED
from zoo.workers.messages import Reporter, SharedFile
from zoo.workers.sharing import read_shared, write_value
from zoo.workers.training_tasks import keras_session
from zoo_registry.errors import ZooError


@dataclass(frozen=True)
class TrialTask:
    """What a worker is given: ``data`` holds the table and the folds, which it reads once for all its trials.

    ``by_series`` says that the mean MASE over the series decides.
    """

    config: RunConfig
    data: SharedFile
    reporter: Reporter
    tell_epochs: bool
    by_series: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: the state, what was measured, and why not more was."""

    state: str
    result: dict[str, Any] | None = None
    reason: str = ""


class _Stopped(Exception):  # noqa: N818  # nothing went wrong
    """The study wants no more of this trial."""


def write_data(path: Path, table: Table, folds: Sequence[Fold]) -> None:
    """Write what all trials read."""
    write_value(path, (table, list(folds)))


def run_trial(task: TrialTask) -> Outcome:
    """Cross-validate a configuration in this process; what it raises is told as the reason of a failed trial."""
    table, folds = read_shared(task.data)
    with keras_session():
        return _outcome(task, table, folds)


def _outcome(task: TrialTask, table: Table, folds: Sequence[Fold]) -> Outcome:
    from zoo.tuning.cross_validation import FoldResult, cross_validate, settled_for

    def on_epoch(fold: int, epoch: int, error: float) -> None:
        task.reporter.send({"fold": fold, "epoch": epoch, "epochs": epochs, "error": error})
        if task.reporter.stopped():
            raise _Stopped

    def on_fold(result: FoldResult) -> None:
        task.reporter.send({"fold": result.number, "measured": result.error})
        if task.reporter.stopped():
            raise _Stopped

    try:
        split_table(table, task.config.data)  # as a training of it will need
        config = settled_for(task.config, table, folds)
        epochs = epochs_of(config.training)
        told = on_epoch if task.tell_epochs else None
        found = cross_validate(config, table, folds, on_epoch=told, on_fold=on_fold, by_series=task.by_series)
    except _Stopped:
        return Outcome(PRUNED)
    except ZooError as error:
        return Outcome(FAILED, reason=str(error))
    except Exception as error:  # of a plugin, or of TensorFlow: the search goes on
        return Outcome(FAILED, reason=f"{type(error).__name__}: {str(error)[:500]}")
    if not math.isfinite(found.error):
        return Outcome(FAILED, reason=f"its error is {found.error}; try smaller learning rates, or another scaler")
    return Outcome(COMPLETE, found.plain())
