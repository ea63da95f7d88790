"""Train a finished run again: its settings, on the same or newer rows, by its own split or on all of them."""

from __future__ import annotations

from zoo.data.reading_choice import without_calendar
from zoo.provenance import Retrained
from zoo.runs.record import RunRecord
from zoo.settings.choices import ARRAYS, FRAME
from zoo.settings.schema import DataConfig, RunConfig, TrainingConfig
from zoo.tasks import find_task
from zoo.training.step_count import lasting, total_steps
from zoo_registry import PlateauSchedule
from zoo_registry.errors import ConfigError, RunError


def check_retraining(record: RunRecord, *, all_rows: bool) -> None:
    """Raise ConfigError where a run cannot be trained again so."""
    config, who = record.config, f"run {record.id}"
    if not all_rows:
        if config.data.all_rows:
            raise ConfigError(f"{who} was trained on all rows and has no split to train again by; give `all_rows`")
        return
    if (why := find_task(config.task).unsuited.get("all_rows")) is not None:
        raise ConfigError(
            f"{who}: `all_rows` is not for `task='{config.task}'`, {why}; leave it out, to train on newer rows by the"
            " same split"
        )
    if isinstance(config.training.schedule, PlateauSchedule):
        raise ConfigError(
            f"{who}: `schedule='plateau'` lowers the learning rate by the validation loss, which a training on all rows"
            " has not; train a run with another one, such as cosine, or leave `all_rows` out"
        )


def data_again(record: RunRecord, source: str, *, all_rows: bool) -> DataConfig:
    """The settings of the data for another training: the columns are those of the run, whatever else a table has."""
    config, problem = record.config.data, record.problem
    columns = {"features": tuple(without_calendar(problem.features, config.calendar)), "target": problem.targets}
    cut = {"all_rows": True, "train_on_validation": False} if all_rows else {}
    return config.model_copy(update={"source": source, **columns, **cut})


def training_again(record: RunRecord, *, all_rows: bool, windows: int) -> TrainingConfig:
    """The settings of another training on so many windows.

    On all rows it lasts as long as the run's until the weights that were kept, with the learning rates of a training
    that could have gone on. Weights that the run began with are begun with again.
    """
    training, told = record.config.training, record.training
    if told.started_from is not None:
        training = training.model_copy(update={"start_from": told.started_from.run})
    if not all_rows:
        return training
    rates = lasting(training, total_steps(training, windows))
    length: dict[str, int | None] = {"epochs": told.best_epoch}
    if training.steps is not None and told.best_step is not None and told.validate_every is not None:
        length = {"steps": told.best_step, "validate_every": min(told.validate_every, told.best_step)}
    return rates.model_copy(update={**length, "keep": "last", "patience": 0})


def config_again(record: RunRecord, data: DataConfig, *, windows: int) -> RunConfig:
    """The configuration of another training; ``data`` is :func:`data_again`'s, and has so many train windows."""
    training = training_again(record, all_rows=data.all_rows, windows=windows)
    return record.config.model_copy(update={"data": data, "training": training})


def lineage(record: RunRecord) -> Retrained:
    """What the record of another training says of the run: of one without test figures, the run that it names."""
    if record.evaluation is None:
        return record.retrained_from or Retrained(run=record.id)
    return Retrained(run=record.id, verdict=record.evaluation["verdict"])


def check_source(record: RunRecord, source: object) -> None:
    """Raise RunError for a table of a program that is gone."""
    if isinstance(source, str) and source in (FRAME, ARRAYS):
        raise RunError(f"run {record.id} was trained on a {source} of a program; give it, or a newer one, as `data`")
