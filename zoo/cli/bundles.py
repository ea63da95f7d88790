"""``zoo verify`` and ``zoo predict``: what a deployer does with a bundle; no TensorFlow unless it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from zoo.cli.output import print_json, print_table
from zoo.cli.tensorflow import import_tensorflow

if TYPE_CHECKING:
    from zoo.options import Missing

BundlePath = Annotated[Path, typer.Argument(help="exported/NAME/N, or exported/NAME for its highest version.")]
FAILED = 1


def verify(
    bundle: BundlePath,
    runtime: Annotated[
        list[str] | None,
        typer.Option(help="Replay on this runtime alone; repeat it for more [default: all installed]."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Check every file's hash, then replay the golden windows on each installed runtime.

    Example: zoo verify exported/basic-co2
    """
    from zoo.bundle.integrity import check_integrity
    from zoo.bundle.loading import find_bundle
    from zoo.bundle.verification import choose_runtimes, parity_unit, replay

    names = choose_runtimes(runtime or ())
    folder = find_bundle(bundle)
    manifest = check_integrity(folder)  # before any parser, and before anything slow
    if "tensorflow" in names:
        import_tensorflow()
    verdicts = replay(folder, names, parity_unit(manifest))
    passed = all(verdict.passed for verdict in verdicts)
    if as_json:
        replays = [vars(verdict) | {"passed": verdict.passed} for verdict in verdicts]
        print_json({"bundle": str(folder), "passed": passed, "runtimes": replays})
    else:
        rows = [
            (v.runtime, v.version, f"{v.difference:.1e}", f"{v.milliseconds:.2f}", "equal" if v.passed else "DIFFERS")
            for v in verdicts
        ]
        print_table(("runtime", "version", "largest difference (train deviations)", "ms, one window", "verdict"), rows)
        typer.echo(f"{folder}: hashes hold, {'all runtimes agree' if passed else 'it FAILS, do not serve it'}")
    if not passed:
        raise typer.Exit(FAILED)


def predict(
    bundle: BundlePath,
    data: Annotated[str, typer.Option(help="CSV or Parquet file with the bundle's columns, or example:co2.")],
    time: Annotated[str | None, typer.Option(help="Column of times [default: as in training].")] = None,
    missing: Annotated[
        str | None, typer.Option(help="Missing values: error, ffill or interpolate [default: error].")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write a CSV or Parquet file instead of a table.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Forecast what comes after the data's last row, in original units, on ONNX Runtime.

    Example: zoo predict exported/basic-co2 --data example:co2
    """
    from zoo.bundle.loading import load_bundle
    from zoo_registry.errors import ConfigError

    if output is not None and (output.is_dir() or not output.parent.is_dir()):
        raise ConfigError(f"--output: expected a file in a folder that is there, found {output}; name another")
    if missing not in (None, "error", "ffill", "interpolate"):
        raise ConfigError(f"--missing is error, ffill or interpolate, found '{missing}'")
    forecast = load_bundle(bundle).predict(data, time=time, missing=cast("Missing | None", missing))
    frame = forecast.reset_index()
    if output is not None:
        if output.suffix.lower() in (".parquet", ".pq"):
            frame.to_parquet(output, index=False)
        else:
            frame.to_csv(output, index=False)
        typer.echo(f"{len(frame)} rows: {output}", err=True)
    elif as_json:
        frame[frame.columns[0]] = (
            frame[frame.columns[0]].astype(str) if forecast.index.name == "time" else frame["step"]
        )
        print_json(frame.to_dict(orient="records"))
    else:
        print_table(tuple(frame.columns), [tuple(map(_cell, row)) for row in frame.itertuples(index=False)])


def _cell(value: object) -> str:
    return f"{value:.7g}" if isinstance(value, float) else str(value)
