"""``zoo train``: from a table to an evaluated run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.options import RUN_OPTIONS, settings_of, with_options
from zoo.cli.output import catalogue, check_folder, check_picture, note, print_json, print_table, repair_notes
from zoo.cli.tensorflow import import_tensorflow
from zoo_registry.errors import ConfigError

if TYPE_CHECKING:
    from zoo.run import Run
    from zoo.training.config import RunConfig
    from zoo.training.preparation import Prepared
    from zoo_registry import Architecture

RESULT = "Result"


@with_options(RUN_OPTIONS)
def train(
    ctx: typer.Context,
    architecture: Annotated[
        str | None, typer.Argument(help="An architecture's name, as zoo list gives it [default: the file's].")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="A TOML file with settings, as --print-config writes it; flags win.", rich_help_panel=RESULT),
    ] = None,
    print_config: Annotated[
        bool,
        typer.Option("--print-config", help="Write the TOML that repeats this run, and stop.", rich_help_panel=RESULT),
    ] = False,
    find_lr: Annotated[
        bool,
        typer.Option(
            "--find-lr", help="Suggest a learning rate by a few batches, and save nothing.", rich_help_panel=RESULT
        ),
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(help="With --find-lr: draw it, as a .png, .svg or .pdf file.", rich_help_panel=RESULT),
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
            help="With --export: auto (by the columns), float32 or float64 [default: auto].", rich_help_panel=RESULT
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.", rich_help_panel=RESULT)] = False,
) -> None:
    """Train an architecture, measure it on the untouched test split beside three baselines, and save the run.

    Examples: zoo train basic --export

    zoo train stacked --data ETTh1.csv --target OT --window 48 --horizon 24 --set units=32 --set layers=3

    zoo train basic --find-lr --plot find-lr.png
    """
    _check_find_lr(find_lr, plot, export)
    known = catalogue()
    from zoo.api import train_prepared
    from zoo.training.config import DEFAULT_SOURCE, parse_settings, resolve
    from zoo.training.config_file import NOTHING, config_text, read_config

    file = NOTHING if config is None else read_config(config)
    if (name_of := architecture or file.architecture) is None:
        raise ConfigError("Missing argument 'architecture': give a name that zoo list shows, or --config FILE")
    entry = known[name_of]  # an unknown name is told before anything slow is imported
    settings = file.settings | settings_of(ctx)
    if ctx.params["data"] is not None:
        settings["source"] = ctx.params["data"]
    if "source" not in settings:
        note(f"no --data: training on {DEFAULT_SOURCE}, weekly CO2 at Mauna Loa")
    given = parse_settings(ctx.params["settings"] or [], "--set")
    resolved = resolve(name_of, entry.architecture, file.hyperparameters | given, settings)
    if print_config:
        typer.echo(config_text(resolved), nl=False)
        return
    from zoo.training.preparation import prepare_run

    prepared = prepare_run(resolved, resolved.data.source, spool=ctx.params["spool"])
    check_folder(runs, "--runs")
    if name is not None and not export:
        raise ConfigError("--name names the exported model, but --export was not given; add it, or leave --name out")
    if serving_dtype is not None and not export:
        raise ConfigError("--serving-dtype belongs to the export, but --export was not given; add it, or leave it out")
    if find_lr:
        _find_lr(resolved, prepared, entry.architecture, plot, as_json=as_json)
        return
    dtype = serving_dtype or "auto"
    if export:
        from zoo.export.naming import check_interface, check_model_name, choose_dtype, default_name, interface_of

        check_folder(exported, "--exported")
        name = default_name(resolved) if name is None else name
        check_model_name(name)
        table, preprocessor = prepared.table, prepared.preprocessor
        dtype = choose_dtype(preprocessor, dtype)
        check_interface(
            exported / name, interface_of(resolved, table.features, table.targets, dtype, preprocessor.units)
        )
    import_tensorflow()
    run = train_prepared(resolved, prepared, runs=runs, progress=True)
    bundle = run.export(exported, name=name, dtype=dtype) if export else None
    if as_json:
        print_json(
            run.record.model_dump(mode="json") | {"folder": str(run.folder), "bundle": bundle and str(bundle.folder)}
        )
        return
    _print_run(run)
    typer.echo(f"run: {run.folder}")
    typer.echo(f"report: {run.folder / 'report.html'}")
    typer.echo(f"bundle: {bundle.folder}" if bundle else f"next: zoo export {run.id}")
    typer.echo(run.metrics["verdict"])


def _check_find_lr(find_lr: bool, plot: Path | None, export: bool) -> None:
    if find_lr and export:
        raise ConfigError("--find-lr trains nothing that could be exported; leave --export out")
    if plot is not None and not find_lr:
        raise ConfigError("--plot draws what --find-lr finds, but that was not given; add it, or leave --plot out")
    check_picture(plot, "--plot")


def _find_lr(
    config: RunConfig, prepared: Prepared, architecture: Architecture, plot: Path | None, *, as_json: bool
) -> None:
    import_tensorflow()
    from zoo.training.rate_range import BATCHES, draw, find_rate

    hp = architecture.configure(config.hyperparameters)
    found = find_rate(architecture, hp, prepared, config.training, config.network)
    if plot is not None:
        draw(found, plot)
        note(f"drawn: {plot}")
    if as_json:
        print_json({"suggestion": found.suggestion, "rates": found.rates, "losses": found.losses})
        return
    typer.echo(
        f"suggested: --learning-rate {found.suggestion:.2g}, a tenth of the rate with the least smoothed loss"
        f" ({found.losses[found.lowest]:.4g}, after {found.lowest + 1} batches; tried: {len(found.rates)} of {BATCHES},"
        f" rates from {found.rates[0]:.0e} to {found.rates[-1]:.2g})"
    )


def _print_quantiles(measured: dict[str, Any]) -> None:
    typer.echo("")
    levels = zip(measured["levels"], measured["below"], measured["pinball"], strict=True)
    rows = [(f"{level:g}", f"{below:.1%}", f"{pinball:.4f}") for level, below, pinball in levels]
    print_table(("quantile", "truths at or below it", "scaled pinball loss"), rows)
    interval = measured["interval"]
    typer.echo(
        f"between the outermost two: {interval['inside']:.1%} of the truths, nominally {interval['nominal']:.1%}"
    )


def _print_run(run: Run) -> None:
    record, metrics = run.record, run.metrics
    data, training = record.data, record.training
    for column in data["ignored"]:
        note(f"column '{column}' is not numeric and was not used")
    for sentence in repair_notes(data["repairs"]):
        note(sentence)
    typer.echo(f"features: {', '.join(data['features'])}; time: {data['time_column'] or 'none'}")
    typer.echo(
        f"{record.config.architecture} with {training['parameters']:,} parameters: best epoch {training['best_epoch']}"
        f" of {training['epochs']}, validation loss {training['val_loss']:.4g}, {training['seconds']:.1f} s"
    )
    parts = ", ".join(f"{name} {part['windows']}" for name, part in data["split"].items())
    left_out = f" ({metrics['left_out']} left out: their truth is missing)" if metrics["left_out"] else ""
    typer.echo(f"windows: {parts}{left_out}; errors on the test windows, in original units\n")
    rows = [
        (target, name, *(f"{measured['targets'][target][error]:.4g}" for error in ("mae", "rmse", "mase")))
        for target in data["targets"]
        for name, measured in ({"network": metrics["network"]} | metrics["baselines"]).items()
    ]
    print_table(("target", "forecast", "MAE", "RMSE", "MASE"), rows)
    if len(data["targets"]) > 1:
        typer.echo("")
        rows = [
            (name, f"{measured['scaled']['mae']:.4f}", f"{measured['scaled']['mse']:.4f}")
            for name, measured in ({"network": metrics["network"]} | metrics["baselines"]).items()
        ]
        print_table(("forecast", "scaled MAE over all targets", "scaled MSE"), rows)
    if metrics["quantiles"] is not None:
        _print_quantiles(metrics["quantiles"])
    for name, reason in metrics["skipped"].items():
        typer.echo(f"{name}: not computed, {reason}")
    typer.echo("")
