"""``zoo export``: from a run to a bundle."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, get_args

import typer

from zoo.atomic import check_folder
from zoo.cli.output import Sign, lifecycle_of, print_json, print_table, say
from zoo.cli.tensorflow import import_tensorflow
from zoo.settings.choices import ServingDtype
from zoo_registry.errors import ConfigError


def export(
    run: Annotated[str, typer.Argument(help="A run's id, the beginning of it, its folder, or latest.")],
    name: Annotated[str | None, typer.Option(help="The model's name [default: by architecture and data].")] = None,
    exported: Annotated[Path, typer.Option(help="Folder of all models.")] = Path("exported"),
    runs: Annotated[Path, typer.Option(help="Folder of all runs.")] = Path("runs"),
    serving_dtype: Annotated[
        str,
        typer.Option(
            help="Numbers of the bundle's input and output: auto (as published, else by the columns), float32 or"
            " float64."
        ),
    ] = "auto",
    mlflow: Annotated[
        str | None,
        typer.Option(
            help="Log the bundle to MLflow, with its run: the URI given to zoo train [default: no log].", metavar="URI"
        ),
    ] = None,
    sign: Sign = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="Another format too: litert, openvino, or a plugin's; repeat it for more [default: none].",
        ),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help="Windows that the other format takes at once [default: 1 for litert, else any].")
    ] = None,
    warmup: Annotated[bool, typer.Option("--warmup", help="Add warm-up requests for TensorFlow Serving.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Export a run as the next version of a model: SavedModel and ONNX, raw units in and out, proven equal.

    Examples:
        zoo export latest --name co2
    """
    from zoo.runs.record import find_run, read_record
    from zoo.tracking.trackers import make_trackers

    check_folder(exported, "--exported")
    folder = find_run(run, runs)
    read_record(folder)  # a broken one is told before TensorFlow is imported
    if serving_dtype not in get_args(ServingDtype):
        raise ConfigError(f"--serving-dtype: expected auto, float32 or float64, found '{serving_dtype}'")
    if name is not None:
        from zoo.export.naming import check_model_name

        check_model_name(name)
    if sign is not None:
        from zoo.bundle.signatures import signer

        signer(sign)
    from zoo.export.extra import choose_exporters

    choose_exporters(formats or (), batch)
    lifecycle = lifecycle_of(make_trackers(runs, mlflow=mlflow))
    import_tensorflow()
    from zoo.run import Run

    trained = Run(folder)
    trained.lifecycle = lifecycle
    bundle = trained.export(
        exported, name=name, dtype=serving_dtype, sign=sign, formats=formats or (), batch=batch, warmup=warmup
    )
    if as_json:
        found = bundle.manifest.model_dump(mode="json", include={"parity", "onnx"})
        print_json({"bundle": str(bundle.folder)} | found)
        return
    rows = [(name, part.version, f"{part.difference:.1e}") for name, part in bundle.manifest.parity.items()]
    print_table(("runtime", "version", "largest difference (train deviations)"), rows)
    say(f"bundle: {bundle.folder}")
    say(f"next: zoo verify {shlex.quote(str(bundle.folder))}")
