"""The Python API: what the commands do, in a few calls. TensorFlow is imported only when a training begins."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.reading import Source, describe
from zoo.training.config import DEFAULT_SOURCE, RunConfig, resolve
from zoo.training.preparation import Prepared, prepare_run
from zoo.training.run_record import find_run
from zoo_registry import discover

if TYPE_CHECKING:
    from zoo.run import Run


def train(
    architecture: str,
    data: Source | None = None,
    *,
    hyperparameters: Mapping[str, Any] | None = None,
    runs: str | Path = "runs",
    spool: str | Path | None = None,
    progress: bool = False,
    **settings: Any,
) -> Run:
    """Train an architecture on a table and return the run, evaluated on the untouched test split and saved.

    ``data`` is a CSV or Parquet file, a DataFrame, arrays ``(values, times, columns)``, or ``"example:co2"``, the
    default. ``settings`` are the fields of :class:`zoo.training.config.DataConfig` (task, target, features, time,
    series, missing, window, horizon, split, scaler and more) and :class:`zoo.training.config.TrainingConfig`
    (optimizer, learning_rate, schedule, loss, epochs, batch_size, patience, keep, seed); one that is left out takes the
    example's or the architecture's default, else the zoo's. ``spool`` is a folder for temporary files, through which
    data goes that does not fit in memory.

    Raises a :class:`zoo.ZooError` for anything that the caller can mend; nothing is written then.
    """
    config, prepared = plan(architecture, data, hyperparameters=hyperparameters, spool=spool, **settings)
    run = train_prepared(config, prepared, runs=runs, progress=progress)
    run.source = data
    return run


def plan(
    architecture: str,
    data: Source | None = None,
    *,
    hyperparameters: Mapping[str, Any] | None = None,
    spool: str | Path | None = None,
    **settings: Any,
) -> tuple[RunConfig, Prepared]:
    """Resolve a configuration and prepare its data, as :func:`train` does, without training; raises what it raises."""
    entry = discover().catalogue[architecture]
    source = DEFAULT_SOURCE if data is None else data
    config = resolve(architecture, entry.architecture, hyperparameters or {}, {**settings, "source": describe(source)})
    return config, prepare_run(config, source, spool=None if spool is None else Path(spool))


def train_prepared(config: RunConfig, prepared: Prepared, *, runs: str | Path = "runs", progress: bool = False) -> Run:
    """Train what :func:`plan` gave, measure it on the test split, and save the run with its report."""
    from zoo.run import Run, measure
    from zoo.training.progress import ProgressBar
    from zoo.training.run_folder import make_record, new_run_id, write_run
    from zoo.training.run_report import make_details, run_report
    from zoo.training.trainer import fit

    entry = discover().catalogue[config.architecture]
    hp = entry.architecture.configure(config.hyperparameters)
    with ExitStack() as stack:
        callbacks = [stack.enter_context(ProgressBar())] if progress else []
        fitted = fit(entry.architecture, hp, prepared, config.training, callbacks, network=config.network)
    details = make_details(prepared)
    evaluation = measure(fitted.model, prepared, details)
    record = make_record(new_run_id(config.architecture), config, entry, prepared, fitted, evaluation)
    return Run(write_run(Path(runs), record, prepared, fitted, run_report(record, fitted, details)))


def load_run(name: str | Path, *, runs: str | Path = "runs") -> Run:
    """Load a run by path, id, the beginning of an id, or ``"latest"``."""
    from zoo.run import Run

    return Run(find_run(str(name), Path(runs)))
