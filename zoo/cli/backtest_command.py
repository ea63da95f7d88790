"""``zoo backtest``: how good a run, a configuration or a bundle would have been, origin by origin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from zoo.atomic import check_folder
from zoo.cli.flags import in_flags
from zoo.cli.output import (
    RUNS,
    Json,
    RequireSignature,
    Runs,
    catalogue,
    check_apart,
    note,
    print_json,
    print_table,
    say,
    tell_layout,
)
from zoo.cli.prediction_output import progress_bar
from zoo.cli.results import print_told
from zoo.cli.setting_options import (
    DATA,
    Spool,
    backtest_settings,
    reading_settings,
    take,
    take_reading,
    take_workers,
    with_settings,
    worker_settings,
)
from zoo.quiet import import_tensorflow
from zoo.settings.choices import Missing
from zoo.tasks import find_task
from zoo_registry.errors import ConfigError

if TYPE_CHECKING:
    from zoo.backtesting.result import Backtested

_STEPS, _SERIES, _ORIGINS = 6, 5, 3  # rows of a table


@with_settings(reading_settings, worker_settings, backtest_settings)
def backtest(
    ctx: typer.Context,
    subject: Annotated[
        str,
        typer.Argument(
            metavar="SUBJECT",
            help="A run (id, the beginning of it, folder, latest), a TOML file, or a bundle's folder.",
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option(
            help="CSV, Parquet or .tsf file, folder of files, or example:co2 [default: the run's; a bundle has none].",
            rich_help_panel=DATA,
        ),
    ] = None,
    spool: Spool = None,
    missing: Annotated[
        str | None,
        typer.Option(
            help="Missing values: error, ffill, interpolate, mask or drop [default: the run's way, else error].",
            rich_help_panel=DATA,
        ),
    ] = None,
    runs: Runs = RUNS,
    output: Annotated[Path, typer.Option(help="Folder of all backtests.")] = Path("backtests"),
    require_signature: RequireSignature = None,
    as_json: Json = False,
) -> None:
    """Forecast from one origin after the other, and measure it beside baselines on the same origins.

    The network of a run or a bundle stays as it is, that of a TOML file is trained on the rows before the first origin;
    with --refit it is retrained as the origin moves on, in parallel with --jobs or on a cluster. All forecasts, errors
    and a report are kept in a folder of their own. Options on how a table is read are for bundles.

    Examples:
        zoo backtest latest
        zoo backtest latest --refit-every 10 --origins 100
        zoo backtest latest --refit --jobs 2
        zoo backtest config.toml --start 2019-01-01 --stride 24
        zoo backtest exported/basic-co2 --data example:co2
    """
    from zoo.settings.setting import given_of

    if missing is not None and missing not in get_args(Missing):
        raise ConfigError(f"`missing` is one of {', '.join(get_args(Missing))}, found '{missing}'")
    reading = take_reading(ctx) | given_of({"spool": spool})
    asked = take(ctx, backtest_settings())
    check_folder(output, "`output`")
    workers = take_workers(ctx)
    from zoo.bundle.opening import find_bundle, is_bundle

    if is_bundle(subject):
        check_apart(output, "--output", find_bundle(subject))
    refit = asked.get("refit") or "refit_every" in asked
    if refit or not is_bundle(subject):  # a bundle as it is needs no plugin, no TensorFlow
        catalogue()
        if not workers or Path(subject).suffix.lower() != ".toml":  # whose trainings are all in workers
            import_tensorflow()
    from zoo.backtesting.backtest import backtest as run_backtest

    if data is not None:
        tell_layout(data, reading)
    with progress_bar() as show:
        show("reading", 0, None)
        found = run_backtest(
            subject,
            data,
            missing=missing,  # type: ignore[arg-type]  # checked above
            runs=runs,
            require_signature=require_signature or None,
            **asked,
            **workers,
            **reading,
            on_block=lambda done, total: show("trainings", done, total),
        )
        folder = found.save(output)
    for remark in found.evaluation["remarks"]:
        note(f"warning: {remark}")
    if as_json:
        print_json({**found.evaluation, "folder": str(folder)})
        return
    _print(found)
    say(f"forecasts: {folder / 'forecasts.parquet'}")
    say(f"report: {folder / 'report.html'}")
    say(found.verdict)


def _print(found: Backtested) -> None:
    """Write the errors over all origins, by step, by series and of the worst origins to standard output."""
    from zoo.evaluation.headline import everybody
    from zoo.reports.backtest_report import worst_origins

    measured = found.evaluation
    names = list(everybody(measured))
    left_out = f" ({measured['left_out']} left out: their truth is missing)" if measured["left_out"] else ""
    fits = f"; {len(measured['fits'])} trainings" if measured["fits"] else ""
    say(
        f"{measured['subject']}: {measured['origins']} origins, {measured['first_origin']} to"
        f" {measured['last_origin']}, {measured['windows']} windows{left_out}{fits}; errors in original units\n"
    )
    told = find_task(measured["task"]).results(measured, list(measured["network"]["targets"]))
    print_told(told, "--json or backtest.json")
    steps = len(measured["by_step"]["network"])
    if steps > 1:
        shown = sorted(
            {round(1 + place * (steps - 1) / (min(steps, _STEPS) - 1)) for place in range(min(steps, _STEPS))}
        )
        say()
        rows = [(str(step), *(f"{measured['by_step'][name][step - 1]:.4f}" for name in names)) for step in shown]
        print_table(("step, scaled MAE", *names), rows)
    if measured["by_series"]:
        worst = sorted(measured["by_series"].items(), key=lambda item: -item[1]["scaled_mae"]["network"])[:_SERIES]
        say()
        rows = [(series, *(_written(own["scaled_mae"].get(name)) for name in names)) for series, own in worst]
        print_table(("worst series, scaled MAE", *names), rows)
    say()
    labels = ("worst origins, scaled MAE", *(["series"] if measured["by_series"] else []))
    print_table((*labels, *names), worst_origins(measured, found.by_origin, _ORIGINS))
    for name, reason in measured["skipped"].items():
        say(f"{name}: not computed, {in_flags(reason)}")
    say()


def _written(error: float | None) -> str:
    return "" if error is None else f"{error:.4f}"
