"""What is backtested: a run, a configuration or a bundle, each with a table and windows over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from zoo.backtesting.forecasting import Outputs
from zoo.bundle.loading import Bundle, load_bundle
from zoo.bundle.opening import is_bundle
from zoo.data.intervals import intervals
from zoo.data.readers.reading import Source
from zoo.data.reading_choice import way_to_fill, without_calendar
from zoo.data.series_splits import padded_series, validation_share
from zoo.data.splits import PARTS
from zoo.data.table import Table
from zoo.data.table_windows import TableWindows, lay_over
from zoo.inference.predictor import Predictor
from zoo.provenance import Retrained, first_fault, why_untested
from zoo.quiet import import_tensorflow
from zoo.runs.record import find_run
from zoo.settings.choices import ARRAYS, FRAME, Missing
from zoo.settings.resolve import resolve
from zoo.settings.schema import DataConfig, NetworkConfig, RunConfig
from zoo.settings.toml_file import read_config
from zoo.tasks import TASKS, find_task
from zoo.training.preparation import prepare_run, read_data, split_table
from zoo_registry import discover
from zoo_registry.errors import BundleError, ConfigError, DataError

if TYPE_CHECKING:
    from zoo.run import Run

_VALIDATION = 0.15  # where nothing tells the share that a run had


@dataclass(frozen=True)
class Subject:
    """A network, or what makes one, and the windows of a table.

    ``laid`` has a window for every row. ``tested`` gives by series the rows that are forecast unless asked otherwise,
    and ``unseen`` those that the network was not trained on; None where nothing tells. ``config`` trains it anew,
    ``outputs`` is it as it is; a bundle has no ``config``, and a configuration no ``outputs``. ``unit`` (n_targets,) is
    what its errors are divided by. ``validation`` is the share of the rows before an origin that stops a training, or
    their number in each series. ``doubt`` is to be told where all rows are forecast.
    """

    title: str
    kind: str
    laid: TableWindows
    tested: dict[str, range]
    data: DataConfig
    network: NetworkConfig
    unseen: dict[str, range] | None = None
    config: RunConfig | None = None
    outputs: Outputs | None = None
    unit: NDArray[np.float64] | None = None
    validation: float = _VALIDATION
    season: int | None = None
    remarks: tuple[str, ...] = ()
    doubt: str | None = None


def open_subject(
    subject: str | Path | Run | Bundle | RunConfig,
    data: Source | None,
    *,
    runs: Path,
    refit: bool,
    missing: Missing | None = None,
    require_signature: Sequence[str | Path] | None = None,
    reading: Mapping[str, Any] | None = None,
) -> Subject:
    """Find out what a subject is, read its table, and lay windows over it.

    A path is a TOML file, a bundle or a run; a name is a run's. To be fitted anew, a bundle needs the run that it is
    of, in ``runs``. ``require_signature`` is as for :func:`load_bundle`, and for a bundle alone. Raises RunError,
    BundleError, ConfigError and DataError.
    """
    found = _found(subject, runs, require_signature)
    if isinstance(found, Bundle) and refit:
        run = found.manifest.run
        if not (runs / run).is_dir():
            raise ConfigError(
                f"{found.folder}: a bundle does not hold what trains it anew, expected its run {run} in {runs}; give"
                " its folder of runs with `runs`, or leave `refit` out"
            )
        found = _load_run(runs / run)
    given = {name: value for name, value in (reading or {}).items() if value is not None}
    if isinstance(found, Bundle):
        return _of_bundle(found, data, missing, given)
    if given:
        raise ConfigError(
            f"`{next(iter(given))}` says how a bundle's table is read; a run and a configuration say"
            " so themselves: leave it out"
        )
    if isinstance(found, RunConfig):
        return _of_config(found, data, missing)
    return _of_run(found, data, missing, refit=refit)


def _found(
    subject: str | Path | Run | Bundle | RunConfig, runs: Path, require_signature: Sequence[str | Path] | None
) -> Run | Bundle | RunConfig:
    if isinstance(subject, (str, Path)) and is_bundle(subject):
        return load_bundle(subject, require_signature=require_signature)
    if require_signature:
        raise ConfigError(
            "`require_signature` is for a bundle that is loaded, and nothing else is signed; give a bundle's folder, or"
            " leave it out"
        )
    if not isinstance(subject, (str, Path)):
        return subject
    path = Path(subject)
    if path.suffix.lower() == ".toml":
        file = read_config(path)
        if file.architecture is None:
            raise ConfigError(f"{path}: it names no architecture; write one, as zoo train --print-config does")
        architecture = discover().catalogue[file.architecture].item
        return resolve(file.architecture, architecture, file.hyperparameters, file.settings)
    return _load_run(find_run(str(subject), runs))


def _load_run(folder: Path) -> Run:
    """A run, for which TensorFlow is imported; a bundle needs none."""
    import_tensorflow()
    from zoo.run import Run

    return Run(folder)


def _check_task(task: str) -> None:
    if not find_task(task).in_units:
        known = " or ".join(name for name in TASKS if find_task(name).in_units)
        raise ConfigError(
            f"a backtest measures values of targets, expected the task {known}, found {task}; zoo predict"
            " --backtest gives a bundle's answers to every window"
        )


def _of_config(config: RunConfig, data: Source | None, missing: Missing | None) -> Subject:
    """A configuration, whose test rows are those of a run by it."""
    _check_task(config.task)
    if missing is not None:
        config = config.model_copy(update={"data": config.data.model_copy(update={"missing": missing})})
    source: Source = config.data.source if data is None else data
    if isinstance(source, str) and source in (FRAME, ARRAYS):
        raise ConfigError(f"the table was a {source} of a program; give `data`, or backtest(..., data=...)")
    table = read_data(config.data, source)
    splits, left_out = split_table(table, config.data)
    if config.network.normalize_window == "auto":  # once, for all origins
        config = config.normalizing(prepare_run(config, table).window_scale.kind)
    part = "train" if config.data.all_rows else "test"  # any row may test what is trained anew before it
    tested = {name: getattr(split, part) for name, split in splits.items()}
    task, levels = find_task(config.task), config.network.quantiles
    padded = padded_series(splits, config.data, task.layout(config.data))
    masked = table.features if config.data.missing == "mask" or padded else ()
    problem = task.state(config.data, table.features, table.targets, (), levels, zone=table.zone, masked=masked)
    series = intervals([table.series[name] for name in splits])
    short = [table.series[name] for name in padded]
    return Subject(
        title=f"{config.architecture} on {table.source}",
        kind="config",
        laid=lay_over(table, problem, task.roles, series, missing=config.data.missing, padded=short),
        tested=tested,
        data=config.data,
        network=config.network,
        config=config,
        validation=validation_share(config.data, splits.values()) or _VALIDATION,
        season=config.data.season,
        remarks=tuple(f"series '{name}' is left out, as it is too short" for name in left_out),
    )


def _of_run(run: Run, data: Source | None, missing: Missing | None, *, refit: bool) -> Subject:
    """A run, whose network was trained on the rows before its test rows."""
    source = next(known for known in (data, run.source, run.config.data.source) if known is not None)
    found = replace(_of_config(run.config, source, missing), title=f"run {run.id}: {run.config.architecture}")
    if refit:
        return replace(found, kind="run", unit=run.preprocessor.targets_.unit)
    known = found.laid.table.fingerprint() == run.record.data.fingerprint
    if known and run.record.evaluation is None:
        raise _all_seen(f"run {run.id}", run.record.retrained_from, "`refit` with a `start`")
    return _trained(
        replace(found, kind="run", outputs=_outputs_of(run), unit=run.preprocessor.targets_.unit),
        found.tested if known else None,
    )


def _network_of(bundle: Bundle) -> NetworkConfig:
    """What stands around a bundle's network; earlier ones, which do not say so, normalized nothing for a baseline."""
    try:
        return NetworkConfig.model_validate({"normalize_window": "none"} | bundle.manifest.network)
    except ValidationError as error:
        raise BundleError(
            f"{bundle.folder}: its manifest's network is not one that this lstm-zoo knows ({first_fault(error)}); use"
            " the one that wrote it"
        ) from error


def _outputs_of(predictor: Predictor) -> Outputs:
    return lambda windows, series: predictor.run(predictor.check(windows), series)


def _of_bundle(bundle: Bundle, data: Source | None, missing: Missing | None, reading: Mapping[str, Any]) -> Subject:
    manifest = bundle.manifest
    problem, record = bundle.problem, bundle.trained_on
    _check_task(problem.task)
    if data is None:
        raise ConfigError(f"{bundle.folder}: a bundle has no table of its own; give `data`")
    missing = way_to_fill(data, missing)
    laid = bundle.lay(data, missing=missing, **reading)
    if absent := [name for name in problem.targets if name not in laid.table.targets]:
        raise DataError(
            f"{laid.table.source}: expected the target '{absent[0]}', found no such column; errors need the true values"
        )
    # of several series numbers of rows alone
    rows: dict[str, tuple[int, int]] = {
        n: part.rows for n, part in record.split.items() if isinstance(part.rows, tuple)
    }
    tested, validation = None, _VALIDATION
    known = laid.table.fingerprint() == record.fingerprint
    if known and manifest.metrics is None:
        raise _all_seen(str(bundle.folder), manifest.retrained_from, "the bundle of that run")
    if known and rows:
        train, later, test = (range(*rows[name]) for name in PARTS)
        tested = {next(iter(laid.table.series)): test}
        validation = len(later) / (len(train) + len(later))
    config = DataConfig.model_validate(
        {
            "source": laid.table.source,
            "task": problem.task,
            "target": problem.targets,
            "features": without_calendar(problem.features, record.calendar),
            "calendar": record.calendar,
            "series": laid.table.series_column,
            "window": problem.window,
            "horizon": problem.horizon,
            "gap": problem.gap,
            "missing": missing,
            "season": problem.season,
        }
    )
    found = Subject(
        title=f"bundle {manifest.model}/{bundle.folder.name}: {manifest.architecture.name}",
        kind="bundle",
        laid=laid,
        tested=dict(laid.table.series),
        data=config,
        network=_network_of(bundle),
        outputs=_outputs_of(bundle),
        validation=validation,
        unit=np.array([manifest.parity_unit[name] for name in problem.targets])
        if bundle.by_series is None
        else bundle.by_series.deviation,
    )
    return _trained(found, tested)


def _all_seen(who: str, retrained: Retrained | None, other: str) -> ConfigError:
    return ConfigError(f"{who}: it was {why_untested(retrained)}; give `data` with newer rows, or {other}")


def _trained(subject: Subject, unseen: dict[str, range] | None) -> Subject:
    """A network as it is: its own test rows, where nothing tells them all rows."""
    if unseen is not None:
        return replace(subject, tested=unseen, unseen=unseen)
    table: Table = subject.laid.table
    remark = (
        "nothing tells which of these rows the network was trained on, so all of them are forecast; errors on rows of"
        " its training flatter it: give a `start` behind them"
    )
    return replace(subject, tested=dict(table.series), doubt=remark)
