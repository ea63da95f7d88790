"""``zoo predict``: what a bundle makes of a table, on ONNX Runtime; no TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from zoo.cli.options import DATA_OPTIONS, with_options
from zoo.cli.output import BundlePath, note, print_json, print_table
from zoo.options import Aggregate, Gaps, Missing
from zoo_registry.errors import ConfigError

FILLS = tuple(name for name in get_args(Missing) if name != "drop")  # no newest row can be left out
READING = ("time", "series", "short_series", "sort", "resample", "aggregate", "gaps")
FORMAT = ("delimiter", "decimal", "encoding")


@with_options({name: DATA_OPTIONS[name] for name in (*READING, *FORMAT)})
def predict(
    ctx: typer.Context,
    bundle: BundlePath,
    data: Annotated[str, typer.Option(help="CSV or Parquet file with the bundle's columns, or example:co2.")],
    missing: Annotated[
        str | None, typer.Option(help="Missing values: error, ffill or interpolate [default: error].")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write a .csv or .parquet file instead of a table.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Forecast what comes after the data's last row, in original units, on ONNX Runtime.

    Example: zoo predict exported/basic-co2 --data example:co2
    """
    from zoo.bundle.loading import load_bundle

    for name, known in (("missing", FILLS), ("gaps", get_args(Gaps)), ("aggregate", get_args(Aggregate))):
        if (value := missing if name == "missing" else ctx.params[name]) is not None and value not in known:
            raise ConfigError(f"--{name} is one of {', '.join(known)}, found '{value}'")
    if output is not None:
        if output.is_dir() or not output.parent.is_dir():
            raise ConfigError(f"--output: expected a file in a folder that is there, found {output}; name another")
        if output.suffix.lower() not in (".csv", ".parquet") or as_json:
            raise ConfigError(f"--output writes .csv or .parquet, and --json to the terminal; found {output}; take one")
    from zoo.data.csv_files import CsvFormat

    delimiter, decimal, encoding = (ctx.params[name] for name in FORMAT)
    reading = {name: ctx.params[name] for name in READING}
    csv = CsvFormat(delimiter or ",", decimal or ".", encoding)
    forecast = load_bundle(bundle).predict(data, missing=cast("Missing | None", missing), csv=csv, **reading)
    if output is not None:
        staged = output.with_name(f".staging-{output.name}")
        try:
            if output.suffix.lower() == ".csv":
                forecast.to_csv(staged)
            else:
                forecast.reset_index().to_parquet(staged, index=False)
            staged.replace(output)
        finally:
            staged.unlink(missing_ok=True)
        note(f"{len(forecast)} rows: {output}")
        return
    steps = forecast.index if forecast.index.dtype.kind == "i" else forecast.index.astype(str)
    rows = [(step, *values) for step, values in zip(steps, forecast.itertuples(index=False), strict=True)]
    heads = (forecast.index.name, *forecast.columns)
    if as_json:
        print_json([dict(zip(heads, row, strict=True)) for row in rows])
    else:
        print_table(heads, [tuple(map(_cell, row)) for row in rows])


def _cell(value: object) -> str:
    return f"{value:.7g}" if isinstance(value, float) else str(value)
