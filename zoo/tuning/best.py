"""The best configuration of a study: as a file, and as a run on train and validation rows together."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from zoo.api import train_prepared
from zoo.data.table import Table
from zoo.settings.schema import RunConfig
from zoo.tasks import find_task
from zoo.training.preparation import prepare_run, with_names
from zoo.training.step_count import lasting, total_steps
from zoo.tuning.trial_record import TrialRecord
from zoo_registry.errors import ConfigError

if TYPE_CHECKING:
    from zoo.run import Run


def refit_config(config: RunConfig, trial: TrialRecord) -> RunConfig:
    """A trial's configuration for training on train and validation rows together, with nothing left to stop by.

    It trains for the median over the folds of their best epochs, or of their best steps where they trained by steps,
    and keeps the last one's weights.
    """
    length: dict[str, int | None] = {"epochs": round(median(trial.best_epochs))}  # 0 where none was trained
    if "steps" in trial.length:
        steps = round(median(trial.best_steps))
        length = {"epochs": None, "steps": steps, "validate_every": min(trial.length["validate_every"], steps)}
    training = config.training.model_copy(update={**length, "keep": "last", "patience": 0})
    return config.model_copy(
        update={"training": training, "data": config.data.model_copy(update={"train_on_validation": True})}
    )


def retrain(config: RunConfig, trial: TrialRecord, source: Table, *, runs: str | Path, progress: bool) -> Run:
    """Train a trial's configuration on train and validation rows, and measure it on the untouched test rows.

    The learning rate goes on as it did in the folds: a schedule over the whole training has the steps of all epochs
    that were allowed there. Raises ConfigError for a task that needs rows that were not trained on.
    """
    if (why := find_task(config.task).unsuited.get("train_on_validation")) is not None:
        raise ConfigError(f"`retrain` is not for `task='{config.task}'`, {why}; train the best configuration instead")
    wanted = refit_config(config, trial)
    prepared = prepare_run(wanted, source)
    wanted = with_names(wanted, source)
    allowed = config.training.model_copy(update=trial.length)
    training = lasting(wanted.training, total_steps(allowed, len(prepared.parts["train"])))
    return train_prepared(wanted.model_copy(update={"training": training}), prepared, runs=runs, progress=progress)
