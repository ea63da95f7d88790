"""``zoo train``: from a table to an evaluated run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.atomic import check_folder
from zoo.cli.export_command import EXPORTED, check_export, export_as
from zoo.cli.learning_rate import check_find_lr, suggest_rate
from zoo.cli.output import Json, catalogue, lifecycle_of, note, print_json, print_toml, say, tell_form
from zoo.cli.results import closing, print_results, to_export
from zoo.cli.setting_options import Hyperparameters, Spool, export_settings, run_settings, take, with_settings
from zoo.quiet import import_tensorflow
from zoo_registry.errors import ConfigError

if TYPE_CHECKING:
    from zoo.bundle.loading import Bundle
    from zoo.preprocessing.prepared import Prepared
    from zoo.run import Run
    from zoo.runs.unfinished import UnfinishedRun
    from zoo.settings.schema import RunConfig
    from zoo_registry import Architecture, Registry

_result = partial(typer.Option, rich_help_panel="Result")


@with_settings(run_settings, lambda: export_settings("Export"))
def train(
    ctx: typer.Context,
    architecture: Annotated[
        str | None, typer.Argument(help="An architecture's name, as zoo list gives it [default: that of --config].")
    ] = None,
    hyperparameters: Hyperparameters = None,
    spool: Spool = None,
    config: Annotated[
        Path | None,
        _result(help="A TOML file with settings, as --print-config writes it; flags win [default: none]."),
    ] = None,
    print_config: Annotated[
        bool, _result("--print-config", help="Print the TOML that repeats this run, and exit.")
    ] = False,
    find_lr: Annotated[
        bool, _result("--find-lr", help="Suggest a learning rate from a few batches, and save nothing.")
    ] = False,
    plot: Annotated[
        Path | None, _result(help="With --find-lr: draw it, as a .png, .svg or .pdf file [default: no picture].")
    ] = None,
    resume: Annotated[
        str | None,
        _result(
            help="Continue an unfinished run: its id, the beginning of it, its folder, or latest; it keeps its settings"
            " [default: a new run].",
            metavar="RUN",
        ),
    ] = None,
    runs: Annotated[Path, _result(help="Folder of all runs.")] = Path("runs"),
    tensorboard: Annotated[bool, _result("--tensorboard", help="Write logs for TensorBoard.")] = False,
    mlflow: Annotated[
        str | None,
        _result(
            help="Log run and bundle to MLflow: http://127.0.0.1:5000, or sqlite:///mlflow.db [default: no log].",
            metavar="URI",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train an architecture, measure it on the untouched test split beside baselines, and save the run.

    Examples:
        zoo train basic --export
        zoo train stacked --data ETTh1.csv --target OT --window 48 --horizon 24 --set units=32 --set layers=3
        zoo train basic --find-lr --plot find-lr.png
        zoo train --resume latest
    """
    exporting = take(ctx, export_settings())
    export = exporting.pop("export", False)
    check_find_lr(find_lr, plot, export, config)
    check_tracking(mlflow, tensorboard=tensorboard, find_lr=find_lr)
    known = catalogue()
    from zoo.settings.toml_file import config_text

    with ExitStack() as stack:
        unfinished = None
        if resume is None:
            resolved = _resolve(known, architecture, hyperparameters or [], ctx.obj, config, runs)
        else:
            _check_resume(ctx)
            unfinished = stack.enter_context(_reopen(resume, runs))
            resolved = unfinished.record.config
        if print_config:
            print_toml(config_text(resolved))
            return
        from zoo.api import prepare_resumed

        check_places(runs, exporting, export=export)
        if find_lr and resolved.training.start_from is not None:
            raise ConfigError("`find_lr` tests a new network, expected no `start_from`; leave one of them out")
        from zoo.training.preparation import check_season, prepare_run, with_names

        if unfinished is None:
            prepared = prepare_run(resolved, resolved.data.source, spool=spool)
            check_season(resolved.data, prepared.table)
            resolved = with_names(resolved.normalizing(prepared.window_scale.kind), prepared.table)
            if prepared.reason is not None:
                note(f"windows are normalized by {prepared.window_scale.kind}: {prepared.reason}")
        else:
            prepared = prepare_resumed(unfinished, ctx.obj.get("source"), spool)
        if find_lr:
            suggest_rate(resolved, prepared, known[resolved.architecture].item, plot, as_json=as_json)
            return
        if export:
            exporting["name"] = check_bundle(resolved, prepared, **exporting)
        if unfinished is None:
            import_tensorflow()
            resolved = _settled(resolved, prepared)
        run = train_as(resolved, prepared, runs, unfinished=unfinished, tensorboard=tensorboard, mlflow=mlflow)
    export_and_tell(run, exporting, export=export, tensorboard=tensorboard, as_json=as_json)


def check_places(runs: Path, exporting: dict[str, Any], *, export: bool) -> None:
    """Raise ConfigError for folders that cannot be written to, and for what does not suit an export."""
    check_folder(runs, "--runs")
    if exporting and not export:
        raise ConfigError(f"`{next(iter(exporting))}` is for an export, but `export` was not given; add it")
    if export:
        check_export(**exporting)


def train_as(
    config: RunConfig, prepared: Prepared, runs: Path, *, tensorboard: bool, mlflow: str | None, **more: Any
) -> Run:
    """Train with the trackers that were asked for, as ``train_prepared`` does, which gets the rest."""
    from zoo.api import train_prepared
    from zoo.tracking.trackers import TENSORBOARD_FOLDER, make_trackers

    lifecycle = lifecycle_of(make_trackers(runs, tensorboard=tensorboard, mlflow=mlflow))
    if tensorboard:
        note(f"to watch: tensorboard --logdir {shlex.quote(str(runs / TENSORBOARD_FOLDER))}")
    import_tensorflow()
    return train_prepared(config, prepared, runs=runs, progress=True, lifecycle=lifecycle, **more)


def export_and_tell(run: Run, exporting: dict[str, Any], *, export: bool, tensorboard: bool, as_json: bool) -> None:
    """Export a run where that was asked for, and tell of both; raises what failed of the export at the end."""
    from zoo.tracking.trackers import TENSORBOARD_FOLDER

    bundle, failure = None, None
    if export:
        try:
            bundle = export_as(run, **exporting)
        except Exception as error:  # raised below: the run is whole, and is told of first
            failure = error
    logs = run.folder.parent / TENSORBOARD_FOLDER / run.id if tensorboard else None
    _tell(run, bundle, as_json=as_json, logs=logs)
    if failure is not None:
        raise failure


def _tell(run: Run, bundle: Bundle | None, *, as_json: bool, logs: Path | None) -> None:
    """Write what was trained, how good it is, where it lies, and ``logs`` for TensorBoard where there are some."""
    if as_json:
        print_json(
            run.record.model_dump(mode="json") | {"folder": str(run.folder), "bundle": bundle and str(bundle.folder)}
        )
        return
    print_results(run.record)
    say(f"run: {run.folder}")
    say(f"report: {run.folder / 'report.html'}")
    if logs is not None:
        say(f"tensorboard: {logs}")
    say(f"bundle: {bundle.folder}" if bundle else f"next: {to_export(run)}")
    say(closing(run.record))


def check_bundle(config: RunConfig, prepared: Prepared, exported: Path = EXPORTED, **exporting: Any) -> str:
    """Raise what can be told of the bundle before the training; return the model's name."""
    from zoo.export.extra import choose_exporters
    from zoo.export.naming import check_interface, choose_dtype, default_name, newest_problem

    name: str = exporting.get("name") or default_name(config)
    folder = exported / name
    dtype = choose_dtype(prepared.preprocessor, exporting.get("serving_dtype", "auto"), newest_problem(folder))
    problem = prepared.problem.served(dtype, prepared.preprocessor.units)
    check_interface(folder, problem)
    choose_exporters(exporting.get("formats", ()), exporting.get("batch"), problem)
    return name


def _resolve(
    known: Registry[Architecture],
    architecture: str | None,
    hyperparameters: list[str],
    settings: dict[str, Any],
    config: Path | None,
    runs: Path,
) -> RunConfig:
    """The configuration by file and flags; of a run that is started from, its own where no other is named."""
    from zoo.runs.finding import config_of, find_start, normalized_as_start
    from zoo.settings.parse import parse_settings
    from zoo.settings.resolve import resolve
    from zoo.settings.schema import DEFAULT_SOURCE
    from zoo.settings.setting import laid_over
    from zoo.settings.toml_file import NOTHING, as_file, read_config
    from zoo_registry import Task

    file = NOTHING if config is None else read_config(config)
    start = settings.get("start_from") or file.settings.get("start_from")
    if start is not None and architecture is None and config is None:
        file = as_file(config_of(find_start(start, runs)))
    if (name := architecture or file.architecture) is None:
        raise ConfigError("Missing argument 'architecture': give a name that zoo list shows, or --config FILE")
    entry = known[name]  # an unknown name is told before anything slow is imported
    asked, settings = settings, laid_over(file.settings, settings)
    if start is not None:  # before settings of that run are told not to suit another task
        find_start(start, runs, name, settings.get("task", Task.FORECAST))
    if "source" not in settings:
        note(f"no --data: training on {DEFAULT_SOURCE}, weekly CO2 at Mauna Loa")
    else:
        tell_form(settings["source"], settings)
    given = parse_settings(hyperparameters, "`hyperparameters`")
    try:
        found = resolve(name, entry.item, file.hyperparameters | given, settings)
    except ConfigError as error:
        named = re.match(r"setting '(\w+)", str(error))
        if config is None or named is None or named[1] in asked:
            raise
        raise ConfigError(f"{config}: {error}") from error  # it stands in the file
    return normalized_as_start(found, runs)


def _settled(config: RunConfig, prepared: Prepared) -> RunConfig:
    """The configuration with its length, which is told where the zoo chose it by steps."""
    from zoo.training.settling import settled

    found = settled(config, prepared)
    if config.training.steps is None and (steps := found.training.steps) is not None:
        note(
            f"at most {steps:,} steps, validated every {found.training.validate_every:,}, as"
            f" {len(prepared.parts['train']):,} windows are many; give --epochs or --steps for another length"
        )
    return found


def _check_resume(ctx: typer.Context) -> None:
    """Raise ConfigError for settings beside --resume, but for where the table is now."""
    own = ("architecture", "hyperparameters", "config", "print_config", "find_lr")
    names = [*(name for name in ctx.obj if name != "source"), *(name for name in own if ctx.params[name])]
    if given := [f"`{name}`" for name in names]:
        raise ConfigError(f"`resume` goes on with the run's own settings; leave {', '.join(given)} out")


@contextmanager
def _reopen(name: str, runs: Path) -> Iterator[UnfinishedRun]:
    from zoo.runs.claiming import reopen_run
    from zoo.versions import library_versions

    with reopen_run(name, runs) as unfinished:
        now = library_versions()
        for library, version in unfinished.record.versions.items():
            if library in ("lstm-zoo", "tensorflow", "keras", "numpy") and now.get(library) != version:
                note(
                    f"warning: run {unfinished.id} began with {library} {version}, found {now.get(library)}: the result"
                    " may differ from that of an uninterrupted training"
                )
        note(f"going on with run {unfinished.id} after epoch {unfinished.epoch}")
        yield unfinished


def check_tracking(mlflow: str | None, *, tensorboard: bool = False, find_lr: bool = False) -> None:
    """Raise ConfigError for trackers of nothing, and where MLflow is not installed."""
    if find_lr and (tensorboard or mlflow is not None):
        raise ConfigError("`find_lr` trains nothing that could be logged; leave `tensorboard` and `mlflow` out")
    if mlflow is not None:
        from zoo.tracking.mlflow_tracker import require_mlflow

        require_mlflow()
