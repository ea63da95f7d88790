"""``zoo retrain``: a finished run trained again, on newer rows or on all of them."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from zoo.cli.output import RUNS, Json, Runs, catalogue, note
from zoo.cli.setting_options import DATA, Spool, export_settings, take, with_settings
from zoo.cli.train_command import check_bundle, check_places, check_tracking, export_and_tell, train_as
from zoo.settings.schema import TrainingConfig

_result = partial(typer.Option, rich_help_panel="Result")


@with_settings(lambda: export_settings("Export"))
def retrain(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(help="A run's id, the beginning of it, its folder, or latest.")],
    all_rows: Annotated[
        bool,
        typer.Option(
            "--all-rows",
            help="Train on all rows, for the run's best number of epochs, and test nothing.",
            rich_help_panel=DATA,
        ),
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(
            help="A table with the same columns, such as one with newer rows [default: the run's].",
            rich_help_panel=DATA,
        ),
    ] = None,
    spool: Spool = None,
    runs: Runs = RUNS,
    tensorboard: Annotated[bool, _result("--tensorboard", help="Write logs for TensorBoard.")] = False,
    mlflow: Annotated[
        str | None, _result(help="Log run and bundle to MLflow, as for zoo train [default: no log].", metavar="URI")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a run again with fresh weights and its settings: on newer rows, or for production on all rows.

    Without --all-rows the run's own split says which rows are trained on and which ones test the new network. With it
    nothing is left to stop by or to test on: the new run has no test figures, and names the run whose figures stand for
    it.

    Examples:
        zoo retrain latest --data newer.csv
        zoo retrain latest --all-rows --export
        zoo retrain 20250101-101500-basic --all-rows --data newer.csv --export --name co2
    """
    exporting = take(ctx, export_settings())
    export = exporting.pop("export", False)
    check_tracking(mlflow)
    from zoo.runs.record import find_run, read_record
    from zoo.runs.retraining import check_retraining, lineage

    record = read_record(find_run(run, runs))
    check_retraining(record, all_rows=all_rows)
    catalogue()
    check_places(runs, exporting, export=export)
    from zoo.api import plan_again

    config, prepared = plan_again(record, data or record.config.data.source, all_rows=all_rows, spool=spool)
    if export:
        exporting["name"] = check_bundle(config, prepared, **exporting)
    told = f"all rows, {length_of(config.training)}" if all_rows else "its own split"
    note(f"training run {record.id} again on {prepared.table.source}: {config.architecture}, {told}")
    made = train_as(config, prepared, runs, tensorboard=tensorboard, mlflow=mlflow, retrained_from=lineage(record))
    export_and_tell(made, exporting, export=export, tensorboard=tensorboard, as_json=as_json)


def length_of(training: TrainingConfig) -> str:
    """How long a training lasts, in words."""
    number, what = (training.epochs, "epoch") if training.steps is None else (training.steps, "step")
    return f"{number} {what}{'' if number == 1 else 's'}"
