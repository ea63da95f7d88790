"""``zoo export``: from a run to a bundle."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.atomic import check_folder
from zoo.cli.output import RUNS, Json, Runs, lifecycle_of, print_json, print_table, say
from zoo.cli.setting_options import export_settings, take, with_settings
from zoo.quiet import import_tensorflow

if TYPE_CHECKING:
    from zoo.bundle.loading import Bundle
    from zoo.run import Run


EXPORTED = Path("exported")


@with_settings(lambda: export_settings(without="export"))
def export(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(help="A run's id, the beginning of it, its folder, or latest.")],
    runs: Runs = RUNS,
    mlflow: Annotated[
        str | None,
        typer.Option(
            help="Log the bundle to MLflow, with its run: the URI given to zoo train [default: no log].", metavar="URI"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Export a run as the next version of a model: SavedModel and ONNX, raw units in and out, proven equal.

    Examples:
        zoo export latest --name co2
    """
    from zoo.runs.record import find_run, read_record
    from zoo.tracking.trackers import make_trackers

    given = take(ctx, export_settings())
    check_export(**given)
    folder = find_run(run, runs)
    read_record(folder)  # a broken one is told before TensorFlow is imported
    lifecycle = lifecycle_of(make_trackers(runs, mlflow=mlflow))
    import_tensorflow()
    from zoo.run import Run

    trained = Run(folder)
    trained.lifecycle = lifecycle
    bundle = export_as(trained, **given)
    if as_json:
        found = bundle.manifest.model_dump(mode="json", include={"parity", "onnx"})
        print_json({"bundle": str(bundle.folder)} | found)
        return
    rows = [(name, part.version, f"{part.difference:.1e}") for name, part in bundle.manifest.parity.items()]
    print_table(("runtime", "version", "largest difference (train deviations)"), rows)
    say(f"bundle: {bundle.folder}")
    say(f"next: zoo verify {shlex.quote(str(bundle.folder))}")


def check_export(
    *,
    exported: Path = EXPORTED,
    name: str | None = None,
    sign: Path | None = None,
    formats: Sequence[str] = (),
    batch: int | None = None,
    **others: Any,
) -> None:
    """Raise ConfigError for what can be told of an export before data or run are read."""
    from zoo.export.extra import choose_exporters

    check_folder(exported, "`exported`")
    if name is not None:
        from zoo.export.naming import check_model_name

        check_model_name(name)
    if sign is not None:
        from zoo.bundle.signatures import signer

        signer(sign)
    choose_exporters(formats, batch)


def export_as(run: Run, *, exported: Path = EXPORTED, serving_dtype: str = "auto", **settings: Any) -> Bundle:
    """Export a run with the settings of an export that were given."""
    return run.export(exported, dtype=serving_dtype, **settings)
