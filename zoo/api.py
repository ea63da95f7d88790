"""The Python API: what the commands do, in a few calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from zoo.data.reading import Source, describe
from zoo.run import Run, measure
from zoo.training.config import DEFAULT_SOURCE, RunConfig, parse_schedule, resolve
from zoo.training.preparation import prepare
from zoo.training.progress import ProgressBar
from zoo.training.run_folder import make_record, new_run_id, write_run
from zoo.training.run_record import find_run
from zoo.training.trainer import fit
from zoo_registry import discover


def train(
    architecture: str,
    data: Source | None = None,
    *,
    target: str | Sequence[str] = (),
    features: str | Sequence[str] = (),
    time: str | None = None,
    window: int | None = None,
    horizon: int | None = None,
    split: Sequence[float] | None = None,
    scaler: str | None = None,
    missing: str | None = None,
    season: int | None = None,
    hyperparameters: Mapping[str, Any] | None = None,
    optimizer: str | None = None,
    learning_rate: float | None = None,
    schedule: str | Mapping[str, Any] | None = None,
    loss: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    patience: int | None = None,
    seed: int | None = None,
    runs: str | Path = "runs",
    progress: bool = False,
) -> Run:
    """Train an architecture on a table and return the run, evaluated on the untouched test split and saved.

    ``data`` is a CSV or Parquet file, a DataFrame, or ``"example:co2"``, the default. What is None takes the example's
    or the architecture's default, else the zoo's. Raises a :class:`zoo.ZooError` for anything that the caller can
    mend; nothing is written then.
    """
    entry = discover().catalogue[architecture]
    source = DEFAULT_SOURCE if data is None else data
    config = resolve(
        architecture,
        entry.architecture,
        hyperparameters=dict(hyperparameters or {}),
        data={
            "source": describe(source),
            "targets": _names(target),
            "features": _names(features),
            "time": time,
            "window": window,
            "horizon": horizon,
            "split": None if split is None else tuple(split),
            "scaler": scaler,
            "missing": missing,
            "season": season,
        },
        training={
            "optimizer": optimizer,
            "learning_rate": learning_rate,
            "schedule": parse_schedule(schedule) if isinstance(schedule, str) else schedule,
            "loss": loss,
            "epochs": epochs,
            "batch_size": batch_size,
            "patience": patience,
            "seed": seed,
        },
    )
    return run_training(config, source, runs=runs, progress=progress)


def run_training(config: RunConfig, source: Source, *, runs: str | Path = "runs", progress: bool = False) -> Run:
    """Train, evaluate and save what a resolved configuration describes."""
    entry = discover().catalogue[config.architecture]
    prepared = prepare(config.data, source)
    hp = entry.architecture.configure(config.hyperparameters)
    with ExitStack() as stack:
        callbacks = [stack.enter_context(ProgressBar())] if progress else []
        fitted = fit(entry.architecture, hp, prepared, config.training, callbacks)
    evaluation = measure(fitted.model, prepared)
    record = make_record(new_run_id(config.architecture), config, entry, prepared, fitted, evaluation)
    return Run(write_run(Path(runs), record, prepared, fitted), source=source)


def load_run(name: str | Path, *, runs: str | Path = "runs") -> Run:
    """Load a run by path, id, the beginning of an id, or ``"latest"``."""
    return Run(find_run(str(name), Path(runs)))


def _names(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)
