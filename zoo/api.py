"""The Python API: what the commands do, in a few calls. TensorFlow is imported only when a training begins."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from zoo.data.readers.reading import Source, describe
from zoo.importing import uncollected
from zoo.preprocessing.prepared import Prepared
from zoo.provenance import Retrained
from zoo.quiet import import_tensorflow
from zoo.runs.claiming import begin_run, reopen_run
from zoo.runs.finding import normalized_as_start
from zoo.runs.record import RunRecord, find_run, read_record
from zoo.runs.retraining import check_retraining, check_source, config_again, data_again, lineage
from zoo.runs.unfinished import UnfinishedRun
from zoo.settings.choices import ARRAYS, FRAME
from zoo.settings.resolve import form_of, resolve
from zoo.settings.schema import DEFAULT_SOURCE, RunConfig
from zoo.settings.setting import given_of
from zoo.tracking.lifecycle import Lifecycle
from zoo.tracking.mlflow_tracker import require_mlflow
from zoo.tracking.trackers import make_trackers
from zoo.training.preparation import check_season, prepare_run, with_names
from zoo.training.step_count import pace_of
from zoo_registry import discover
from zoo_registry.errors import RunError

if TYPE_CHECKING:
    from zoo.run import Run
    from zoo.runs.resumption import Start
    from zoo.settings.keywords import RunKeywords


def train(
    architecture: str,
    data: Source | None = None,
    *,
    hyperparameters: Mapping[str, Any] | None = None,
    runs: str | Path = "runs",
    spool: str | Path | None = None,
    progress: bool = False,
    tensorboard: bool = False,
    mlflow: str | None = None,
    **settings: Unpack[RunKeywords],
) -> Run:
    """Train an architecture on a table and return the run, evaluated on the untouched test split and saved.

    ``data`` is a CSV, Parquet or .tsf file, a folder of files, one a series, a DataFrame of pandas or polars, arrays
    ``(values, times, columns)``, or ``"example:co2"``, the default. A table with the columns unique_id, ds and y needs
    no names of them. ``settings`` are those of docs/settings.md (task, target, window, horizon, scaler,
    optimizer, loss, epochs and more); one that is left out takes the example's or the architecture's default, else the
    zoo's. ``spool`` is a folder for temporary files, through which data goes that does not fit in memory.
    ``tensorboard`` writes logs below ``runs/tensorboard``; ``mlflow`` is the URI of a tracking server or database, such
    as ``sqlite:///mlflow.db``, that the run and its bundles are logged to.

    Raises a :class:`zoo.ZooError` for anything that the caller can mend; nothing is written then.
    """
    if mlflow is not None:
        require_mlflow()  # told before anything slow is done
    config, prepared = plan(architecture, data, hyperparameters=hyperparameters, runs=runs, spool=spool, **settings)
    lifecycle = Lifecycle(make_trackers(Path(runs), tensorboard=tensorboard, mlflow=mlflow))
    run = train_prepared(config, prepared, runs=runs, progress=progress, lifecycle=lifecycle)
    run.source = data
    return run


def plan(
    architecture: str,
    data: Source | None = None,
    *,
    hyperparameters: Mapping[str, Any] | None = None,
    runs: str | Path = "runs",
    spool: str | Path | None = None,
    **settings: Unpack[RunKeywords],
) -> tuple[RunConfig, Prepared]:
    """Resolve a configuration and prepare its data, as :func:`train` does, without training; raises what it raises."""
    entry = discover().catalogue[architecture]
    source = DEFAULT_SOURCE if data is None else data
    asked = {**form_of(source, settings).settings, **given_of(settings), "source": describe(source)}
    config = normalized_as_start(resolve(architecture, entry.item, hyperparameters or {}, asked), Path(runs))
    prepared = prepare_run(config, source, spool=None if spool is None else Path(spool))
    check_season(config.data, prepared.table)
    return with_names(config.normalizing(prepared.window_scale.kind), prepared.table), prepared


def train_prepared(
    config: RunConfig,
    prepared: Prepared,
    *,
    runs: str | Path = "runs",
    progress: bool = False,
    unfinished: UnfinishedRun | None = None,
    lifecycle: Lifecycle | None = None,
    retrained_from: Retrained | None = None,
) -> Run:
    """Train what :func:`plan` gave, measure it on the test split where it has one, and save the run with its report.

    ``unfinished`` is the training to go on with, reopened; a new one is begun in ``runs`` otherwise. ``lifecycle`` has
    the hooks that are told of it, those of the installed plugins alone where it is left out. ``retrained_from`` is the
    run that this one trains again, for its record.
    """
    import_tensorflow()
    from zoo.acceleration.tensorflow_threads import choose_threads
    from zoo.runs.warm_start import load_start
    from zoo.training.seeding import alone
    from zoo.training.settling import settled

    config = config.normalizing(prepared.window_scale.kind)
    lifecycle = Lifecycle() if lifecycle is None else lifecycle
    source, start = config.training.start_from, None
    with ExitStack() as stack:
        stack.enter_context(alone())
        choose_threads()  # loading another run's weights starts TensorFlow
        if unfinished is None:
            config = settled(config, prepared)
        if source is not None and (unfinished is None or unfinished.checkpoint is None):
            start = load_start(source, Path(runs), config)
        if unfinished is None:
            entry, fingerprint = discover().catalogue[config.architecture], prepared.table.fingerprint()
            origin = None if start is None else start.origin
            unfinished = stack.enter_context(begin_run(Path(runs), config, entry, fingerprint, origin, retrained_from))
        stack.enter_context(lifecycle.watching(unfinished.id, config.model_dump(mode="json")))
        run = _train(unfinished, prepared, start, lifecycle, progress=progress)
        lifecycle.run_finished(run.id, str(run.folder), run.record.model_dump(mode="json"))
    run.lifecycle = lifecycle  # which a bundle of this run is told to
    return run


def _train(
    unfinished: UnfinishedRun,
    prepared: Prepared,
    start: Start | None,
    lifecycle: Lifecycle,
    *,
    progress: bool,
) -> Run:
    """Train a run that was begun or reopened to its end; its id is known before and stays."""
    with uncollected():
        from zoo.run import Run
        from zoo.runs.store import make_record, write_run
        from zoo.training.progress import ProgressBar
        from zoo.training.run_report import run_report
        from zoo.training.trainer import fit, measure

    config = unfinished.record.config
    entry = discover().catalogue[config.architecture]
    hp = entry.item.configure(config.hyperparameters)
    with ExitStack() as stack:
        callbacks = [lifecycle.epochs(unfinished.id)]
        if progress:
            pace = pace_of(config.training, len(prepared.parts["train"]))
            callbacks.append(stack.enter_context(ProgressBar(pace.total)))
        fitted = fit(
            entry.item,
            hp,
            prepared,
            config.training,
            callbacks,
            network=config.network,
            start=start,
            run=unfinished,
        )
    measured = None if config.data.all_rows else measure(fitted.model, prepared, config)
    evaluation, details, tables = (
        (None, None, None) if measured is None else (measured.evaluation, measured.details, measured.tables)
    )
    record = make_record(unfinished.id, config, entry, prepared, fitted, evaluation, unfinished.record)
    report = run_report(record, fitted.history, fitted.best_epoch, details)
    return Run(write_run(unfinished.runs, record, prepared, fitted, report, tables, staging=unfinished.folder))


def retrain(
    run: str | Path | Run,
    data: Source | None = None,
    *,
    all_rows: bool = False,
    runs: str | Path = "runs",
    spool: str | Path | None = None,
    progress: bool = False,
    tensorboard: bool = False,
    mlflow: str | None = None,
) -> Run:
    """Train a finished run again, with fresh weights and its settings, and return the new run.

    ``run`` is a run, or its path or id, the beginning of its id, or ``"latest"``; ``data`` is a table with the same
    columns, such as one with newer rows, else the run's own. Its split is that of the run, so that the new run is
    measured too. With ``all_rows`` all rows are trained on, for as many epochs as the run's best one: nothing is left
    for validation and test, the new run has no test figures, and its record names the run whose figures stand for it.
    The other arguments are as in :func:`train`. Raises a :class:`zoo.ZooError` for anything that the caller can mend.
    """
    if mlflow is not None:
        require_mlflow()
    record, source = _of_run(run, Path(runs), data)
    spool = None if spool is None else Path(spool)
    config, prepared = plan_again(record, source, all_rows=all_rows, spool=spool)
    lifecycle = Lifecycle(make_trackers(Path(runs), tensorboard=tensorboard, mlflow=mlflow))
    made = train_prepared(
        config, prepared, runs=runs, progress=progress, lifecycle=lifecycle, retrained_from=lineage(record)
    )
    made.source = source
    return made


def _of_run(run: str | Path | Run, runs: Path, data: Source | None) -> tuple[RunRecord, Source]:
    """The record of a run, and the table to train it again on: the run's own unless given."""
    if isinstance(run, (str, Path)):
        record, own = read_record(find_run(str(run), runs)), None
    else:
        record, own = run.record, run.source
    return record, next(known for known in (data, own, record.config.data.source) if known is not None)


def plan_again(
    record: RunRecord, source: Source, *, all_rows: bool = False, spool: Path | None = None
) -> tuple[RunConfig, Prepared]:
    """Make the configuration of another training of a run and prepare its data; raises what :func:`retrain` raises."""
    check_retraining(record, all_rows=all_rows)
    check_source(record, source)
    data = data_again(record, describe(source), all_rows=all_rows)
    prepared = prepare_run(record.config.model_copy(update={"data": data}), source, spool=spool)
    return config_again(record, data, windows=len(prepared.parts["train"])), prepared


def resume(
    name: str | Path,
    data: Source | None = None,
    *,
    runs: str | Path = "runs",
    spool: str | Path | None = None,
    progress: bool = False,
    tensorboard: bool = False,
    mlflow: str | None = None,
) -> Run:
    """Go on with a training that was killed or interrupted, from its last whole checkpoint, and return the run.

    On one machine, on CPU, its weights are bit for bit those of a training that was never stopped. ``name`` is the
    path or id of the unfinished run, the beginning of its id, or ``"latest"``; ``data`` is the table of the training,
    needed where that was a DataFrame or arrays. Raises RunError where there is no such run, where it is finished or
    being trained, where the table is another one, and for a checkpoint that is broken. ``tensorboard`` and ``mlflow``
    are as in :func:`train`; the logs go on where they ended.
    """
    if mlflow is not None:
        require_mlflow()
    with reopen_run(str(name), Path(runs)) as unfinished:
        prepared = prepare_resumed(unfinished, data, None if spool is None else Path(spool))
        lifecycle = Lifecycle(make_trackers(Path(runs), tensorboard=tensorboard, mlflow=mlflow))
        config = unfinished.record.config
        run = train_prepared(config, prepared, runs=runs, progress=progress, unfinished=unfinished, lifecycle=lifecycle)
    run.source = data
    return run


def prepare_resumed(unfinished: UnfinishedRun, data: Source | None = None, spool: Path | None = None) -> Prepared:
    """Read and prepare the table of an unfinished training again; raises RunError where it is another one."""
    record = unfinished.record
    source = record.config.data.source if data is None else data
    if isinstance(source, str) and source in (FRAME, ARRAYS):
        raise RunError(f"run {unfinished.id} trains on a {source} of a program; give it: zoo.resume(name, data)")
    prepared = prepare_run(record.config, source, spool=spool)
    if (found := prepared.table.fingerprint()) != record.fingerprint:
        raise RunError(
            f"{prepared.table.source}: expected the table that run {unfinished.id} trains on, with the fingerprint"
            f" {record.fingerprint[:12]}…, found one with {found[:12]}…; put that one back, or train anew"
        )
    return prepared.judged_as_scaled() if record.loss_scale == "scaled" else prepared


def load_run(name: str | Path, *, runs: str | Path = "runs") -> Run:
    """Load a run by path, id, the beginning of an id, or ``"latest"``."""
    import_tensorflow()
    from zoo.run import Run

    return Run(find_run(str(name), Path(runs)))
