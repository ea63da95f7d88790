"""``zoo train``: from a table to an evaluated run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.atomic import check_folder
from zoo.cli.learning_rate import check_find_lr, suggest_rate
from zoo.cli.output import catalogue, lifecycle_of, note, print_json, print_toml, say
from zoo.cli.results import print_results
from zoo.cli.shared_options import RUN_OPTIONS, settings_of, with_options
from zoo.cli.tensorflow import import_tensorflow
from zoo_registry.errors import ConfigError

if TYPE_CHECKING:
    from zoo.bundle.loading import Bundle
    from zoo.run import Run
    from zoo.runs.unfinished import UnfinishedRun
    from zoo.settings.schema import RunConfig
    from zoo_registry import Architecture, Registry

RESULT = "Result"
_OF_EXPORT = {
    "name": "--name names the exported model",
    "serving_dtype": "--serving-dtype belongs to the export",
    "formats": "--format and --batch belong to the export",
    "batch": "--format and --batch belong to the export",
    "sign": "--sign signs the bundle",
    "warmup": "--warmup belongs to the export",
}


@with_options(RUN_OPTIONS)
def train(
    ctx: typer.Context,
    architecture: Annotated[
        str | None, typer.Argument(help="An architecture's name, as zoo list gives it [default: that of --config].")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="A TOML file with settings, as --print-config writes it; flags win [default: none].",
            rich_help_panel=RESULT,
        ),
    ] = None,
    print_config: Annotated[
        bool,
        typer.Option("--print-config", help="Print the TOML that repeats this run, and exit.", rich_help_panel=RESULT),
    ] = False,
    find_lr: Annotated[
        bool,
        typer.Option(
            "--find-lr", help="Suggest a learning rate from a few batches, and save nothing.", rich_help_panel=RESULT
        ),
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="With --find-lr: draw it, as a .png, .svg or .pdf file [default: no picture].", rich_help_panel=RESULT
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            help="Continue an unfinished run: its id, the beginning of it, its folder, or latest; it keeps its settings"
            " [default: a new run].",
            metavar="RUN",
            rich_help_panel=RESULT,
        ),
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of all runs.", rich_help_panel=RESULT)] = Path("runs"),
    export: Annotated[
        bool, typer.Option("--export", help="Export the run at the end.", rich_help_panel=RESULT)
    ] = False,
    exported: Annotated[Path, typer.Option(help="Folder of all models.", rich_help_panel=RESULT)] = Path("exported"),
    name: Annotated[
        str | None,
        typer.Option(help="The exported model's name [default: by architecture and data].", rich_help_panel=RESULT),
    ] = None,
    serving_dtype: Annotated[
        str | None,
        typer.Option(
            help="With --export: numbers of the bundle's input and output, auto (as published, else by the columns),"
            " float32 or float64 [default: auto].",
            rich_help_panel=RESULT,
        ),
    ] = None,
    sign: Annotated[
        Path | None,
        typer.Option(
            help="With --export: sign the bundle with this private key (PEM; its password in $ZOO_SIGN_PASSWORD)"
            " [default: no signature].",
            metavar="KEY",
            rich_help_panel=RESULT,
        ),
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="With --export: another format too, litert, openvino, or a plugin's; repeat it for more [default:"
            " none].",
            rich_help_panel=RESULT,
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            help="Windows that the other format takes at once [default: 1 for litert, else any].",
            rich_help_panel=RESULT,
        ),
    ] = None,
    warmup: Annotated[
        bool,
        typer.Option(
            "--warmup", help="With --export: add warm-up requests for TensorFlow Serving.", rich_help_panel=RESULT
        ),
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write logs for TensorBoard.", rich_help_panel=RESULT)
    ] = False,
    mlflow: Annotated[
        str | None,
        typer.Option(
            help="Log run and bundle to MLflow: http://127.0.0.1:5000, or sqlite:///mlflow.db [default: no log].",
            metavar="URI",
            rich_help_panel=RESULT,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.", rich_help_panel=RESULT)] = False,
) -> None:
    """Train an architecture, measure it on the untouched test split beside baselines, and save the run.

    Examples:
        zoo train basic --export
        zoo train stacked --data ETTh1.csv --target OT --window 48 --horizon 24 --set units=32 --set layers=3
        zoo train basic --find-lr --plot find-lr.png
        zoo train --resume latest
    """
    check_find_lr(find_lr, plot, export, config)
    _check_tracking(tensorboard, mlflow, find_lr)
    known = catalogue()
    from zoo.settings.toml_file import config_text

    with ExitStack() as stack:
        unfinished = None
        if resume is None:
            resolved = _resolve(ctx, known, architecture, config, runs)
        else:
            _check_resume(ctx)
            unfinished = stack.enter_context(_reopen(resume, runs))
            resolved = unfinished.record.config
        if print_config:
            print_toml(config_text(resolved))
            return
        from zoo.api import prepare_resumed, train_prepared
        from zoo.tracking.trackers import TENSORBOARD_FOLDER, make_trackers

        check_folder(runs, "--runs")
        _check_export(ctx, export, exported)
        if find_lr and resolved.training.start_from is not None:
            raise ConfigError("--find-lr tests a new network, expected no --from; leave one of them out")
        from zoo.training.preparation import prepare_run

        if unfinished is None:
            prepared = prepare_run(resolved, resolved.data.source, spool=ctx.params["spool"])
        else:
            prepared = prepare_resumed(unfinished, ctx.params["data"], ctx.params["spool"])
        if find_lr:
            suggest_rate(resolved, prepared, known[resolved.architecture].item, plot, as_json=as_json)
            return
        dtype = serving_dtype or "auto"
        if export:
            from zoo.export.extra import choose_exporters
            from zoo.export.naming import (
                check_interface,
                choose_dtype,
                default_name,
                interface_of,
                newest_interface,
            )

            name = default_name(resolved) if name is None else name
            problem, preprocessor = prepared.problem, prepared.preprocessor
            chosen = choose_dtype(preprocessor, dtype, newest_interface(exported / name))
            interface = interface_of(
                resolved, problem.features, problem.targets, chosen, preprocessor.units, problem.classes
            )
            check_interface(exported / name, interface)
            choose_exporters(formats or (), batch, interface)
        lifecycle = lifecycle_of(make_trackers(runs, tensorboard=tensorboard, mlflow=mlflow))
        if tensorboard:
            note(f"to watch: tensorboard --logdir {shlex.quote(str(runs / TENSORBOARD_FOLDER))}")
        import_tensorflow()
        run = train_prepared(resolved, prepared, runs=runs, progress=True, unfinished=unfinished, lifecycle=lifecycle)
    bundle, failure = None, None
    if export:
        try:
            bundle = run.export(
                exported, name=name, dtype=dtype, sign=sign, formats=formats or (), batch=batch, warmup=warmup
            )
        except Exception as error:  # raised below: the run is whole, and is told of first
            failure = error
    _tell(run, bundle, as_json=as_json, logs=runs / TENSORBOARD_FOLDER / run.id if tensorboard else None)
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
    say(f"bundle: {bundle.folder}" if bundle else f"next: zoo export {run.id}")
    say(run.metrics["verdict"])


def _resolve(
    ctx: typer.Context, known: Registry[Architecture], architecture: str | None, config: Path | None, runs: Path
) -> RunConfig:
    """The configuration by file and flags; of a run that is started from, its own where no other is named."""
    from zoo.runs.unfinished import config_of, find_start
    from zoo.settings.parse import parse_settings
    from zoo.settings.resolve import resolve
    from zoo.settings.schema import DEFAULT_SOURCE
    from zoo.settings.toml_file import NOTHING, as_file, read_config
    from zoo_registry import Task

    file = NOTHING if config is None else read_config(config)
    start = ctx.params["start_from"] or file.settings.get("start_from")
    if start is not None and architecture is None and config is None:
        file = as_file(config_of(find_start(start, runs)))
    if (name := architecture or file.architecture) is None:
        raise ConfigError("Missing argument 'architecture': give a name that zoo list shows, or --config FILE")
    entry = known[name]  # an unknown name is told before anything slow is imported
    settings = file.settings | settings_of(ctx)
    if start is not None:  # before settings of that run are told not to suit another task
        find_start(start, runs, name, settings.get("task", Task.FORECAST))
    if ctx.params["data"] is not None:
        settings["source"] = ctx.params["data"]
    if "source" not in settings:
        note(f"no --data: training on {DEFAULT_SOURCE}, weekly CO2 at Mauna Loa")
    given = parse_settings(ctx.params["settings"] or [], "--set")
    return resolve(name, entry.item, file.hyperparameters | given, settings)


def _check_resume(ctx: typer.Context) -> None:
    """Raise ConfigError for settings beside --resume, but for where the table is now."""
    refused = {*RUN_OPTIONS, "architecture", "config", "print_config", "find_lr"} - {"data", "spool"}
    left_out: dict[str, tuple[Any, ...]] = {
        name: (False,) if name in ("print_config", "find_lr") else (None, [], ()) for name in refused
    }
    given = [
        parameter.opts[0]
        for parameter in ctx.command.params
        if parameter.name in refused and ctx.params[parameter.name] not in left_out[parameter.name]
    ]
    if given:
        raise ConfigError(f"--resume goes on with the run's own settings; leave {', '.join(given)} out")


@contextmanager
def _reopen(name: str, runs: Path) -> Iterator[UnfinishedRun]:
    from zoo.runs.unfinished import reopen_run
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


def _check_export(ctx: typer.Context, export: bool, exported: Path) -> None:
    """Raise ConfigError for what can be told of an export before the data is read."""
    for name, words in _OF_EXPORT.items():
        if not export and ctx.params[name] not in (None, False, [], ()):
            raise ConfigError(f"{words}, but --export was not given; add it")
    if export:
        check_folder(exported, "--exported")
    if ctx.params["name"] is not None:
        from zoo.export.naming import check_model_name

        check_model_name(ctx.params["name"])
    if ctx.params["sign"] is not None:
        from zoo.bundle.signatures import signer

        signer(ctx.params["sign"])


def _check_tracking(tensorboard: bool, mlflow: str | None, find_lr: bool) -> None:
    if find_lr and (tensorboard or mlflow is not None):
        raise ConfigError("--find-lr trains nothing that could be logged; leave --tensorboard and --mlflow out")
    if mlflow is not None:
        from zoo.tracking.mlflow_tracker import require_mlflow

        require_mlflow()
