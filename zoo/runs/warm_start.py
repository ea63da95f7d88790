"""Begin a training with another run's weights."""

from __future__ import annotations

from pathlib import Path

from zoo.runs.checkpoints import read_checkpoint
from zoo.runs.finding import find_start
from zoo.runs.record import Origin, read_record
from zoo.runs.resumption import WEIGHTS, Start
from zoo.runs.store import load_network
from zoo.runs.unfinished import UnfinishedRun
from zoo.settings.schema import RunConfig
from zoo_registry.errors import ConfigError, RunError


def load_start(name: str, runs: Path, config: RunConfig) -> Start:
    """Load the weights that a training by ``config`` begins with, of a finished run or an unfinished one's checkpoint.

    Raises RunError where there are none, and ConfigError where they are another architecture's or task's, or have seen
    all rows.
    """
    found = find_start(name, runs, config.architecture, config.task)
    if not isinstance(found, UnfinishedRun):
        record = read_record(found)
        if record.evaluation is None and not config.data.all_rows:
            other = "another run" if record.retrained_from is None else f"run {record.retrained_from.run}"
            raise ConfigError(
                f"`start_from` {name}: it was trained on all rows, so that its weights may have seen the rows that test"
                f" them here; begin with {other}, or train it again on newer rows: zoo retrain {record.id} --all-rows"
            )
        origin = Origin(run=record.id, epoch=record.training.best_epoch)
        return Start(origin, load_network(found).get_weights())
    if (checkpoint := read_checkpoint(found)) is None:
        raise RunError(f"`start_from` {name}: run {found.id} has no checkpoint; train it on first: {found.command}")
    return Start(Origin(run=found.id, epoch=checkpoint.state.epoch), checkpoint.group(WEIGHTS))
