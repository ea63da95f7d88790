"""``zoo predict``: what a bundle makes of a table, or of a folder of them, on ONNX Runtime; no TensorFlow."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from zoo.cli.flags import in_flags
from zoo.cli.output import (
    BundlePath,
    Json,
    RequireSignature,
    check_apart,
    note,
    print_json,
    print_table,
    tell_apart,
    tell_layout,
)
from zoo.cli.predict_folder import is_scored, predict_folder
from zoo.cli.prediction_output import cells, check_output, progress_bar, staged_writer
from zoo.cli.setting_options import (
    DATA,
    Spool,
    reading_settings,
    take_reading,
    take_workers,
    with_settings,
    worker_settings,
)
from zoo.settings.choices import Missing
from zoo_registry.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from zoo.bundle.loading import Bundle
    from zoo.inference.ranges import Outside

FILLS = tuple(name for name in get_args(Missing) if name != "drop")  # no newest row can be left out
KEEP_GOING, UNANSWERED = "keep-going", 3  # the latter is an exit code
SHOWN = 5  # rows at either end of a backtest
MOST_JSON = 100_000  # rows of a backtest


@with_settings(reading_settings, worker_settings)
def predict(
    ctx: typer.Context,
    bundle: BundlePath,
    data: Annotated[
        str,
        typer.Option(
            help="CSV, Parquet or .tsf file with the bundle's columns, a folder of such files, or example:co2.",
            rich_help_panel=DATA,
        ),
    ],
    spool: Spool = None,
    backtest: Annotated[
        bool, typer.Option("--backtest", help="Give an answer for every window in the data, not only for the last.")
    ] = False,
    stride: Annotated[
        int | None,
        typer.Option(help="With --backtest: rows from one window to the next [default: 1].", min=1, metavar="ROWS"),
    ] = None,
    missing: Annotated[
        str | None,
        typer.Option(
            help="Missing values: error, ffill, interpolate, mask, or drop with --backtest [default: mask where the"
            " training's was, else error].",
            rich_help_panel=DATA,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Write a .csv or .parquet file; of a folder of files, the folder where each gets its results [default:"
            " a table on the terminal]."
        ),
    ] = None,
    errors: Annotated[
        str | None,
        typer.Option(
            help="A series that cannot be answered: raise (nothing is written) or keep-going (it gets a status, the"
            " others their answers; exit code 3) [default: raise].",
            metavar="WAY",
        ),
    ] = None,
    strict_range: Annotated[
        bool,
        typer.Option(
            "--strict-range", help="Refuse values outside the training's range; without it they are only reported."
        ),
    ] = False,
    require_signature: RequireSignature = None,
    as_json: Json = False,
) -> None:
    """Forecast what comes after the data's last row, in original units, on ONNX Runtime; or, backtesting, over it.

    A folder is one table, of which each file is a series. With a folder as --output, each Parquet or CSV file in it is
    a table of its own and gets a Parquet file of the same name there, whole or not at all. The same command again makes
    only what is missing, or was made of other data, by another bundle or in another way. A file that fails is reported
    and makes the exit code 2; the others are still done. So are, within a table, the other series where --errors is
    keep-going: a status says what is wrong with a bad one, and the exit code is 3.

    Examples:
        zoo predict exported/basic-co2 --data example:co2
        zoo predict exported/load --data meters --output forecasts --jobs 2
        zoo predict exported/load --data meters --output forecasts --backend dask --address tcp://10.0.0.1:8786
    """
    from zoo.data.readers.csv_files import CsvFormat

    ways = get_args(Missing) if backtest else FILLS
    if missing is not None and missing not in ways:
        raise ConfigError(f"`missing` is one of {', '.join(ways)}, found '{missing}'")
    reading = {"csv": CsvFormat(), **take_reading(ctx), "missing": missing, "spool": spool}
    if stride is not None and not backtest:
        raise ConfigError("--stride is for --backtest, which is not given; give both or neither")
    workers, folder = take_workers(ctx), is_scored(data, output)
    _check_errors(errors, backtest=backtest, folder=folder)
    if workers and not folder:
        given = ", ".join(f"`{name}`" for name in workers)
        raise ConfigError(
            f"{given}: for a folder of files whose results go to a folder `output`, found `data={data!r}`; leave it"
            " out, or name both"
        )
    if output is not None and not folder:
        check_output(output)
        check_apart(output, "--output", data, *(require_signature or ()))
        if as_json:
            raise ConfigError(f"--output writes .csv or .parquet, and --json to the terminal; found {output}; take one")
    if folder:
        assert output is not None
        settings = reading | {"backtest": backtest, "stride": stride or 1, "strict_range": strict_range}
        keys = require_signature or None
        predict_folder(bundle, data, output, settings | workers | {"require_signature": keys}, as_json=as_json)
        return
    from zoo.bundle.loading import load_bundle
    from zoo.bundle.opening import find_bundle
    from zoo.inference.ranges import refuse_outside

    if output is not None:
        check_apart(output, "--output", find_bundle(bundle))
    loaded = load_bundle(bundle, require_signature=require_signature or None)
    tell_layout(data, reading, loaded.problem.features)
    if backtest:
        _backtest(loaded, data, reading | {"stride": stride or 1}, output, strict=strict_range, as_json=as_json)
        return
    from zoo.inference.frames import UnknownTimesWarning

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UnknownTimesWarning)
        forecast, outside = loaded.predict_table(data, errors="report" if errors == KEEP_GOING else "raise", **reading)
    for warning in told:
        note(str(warning.message))
    if strict_range:
        refuse_outside(outside, data)
    _tell(outside)
    forecast = forecast.reset_index()
    unanswered = errors == KEEP_GOING and _tell_statuses(forecast, loaded.problem.horizon)
    if output is None:
        _show([forecast], as_json=as_json)
    else:
        with staged_writer(output) as writer:
            writer.write(forecast)
        note(f"{len(forecast)} rows: {output}")
    if unanswered:
        raise typer.Exit(UNANSWERED)


def _check_errors(errors: str | None, *, backtest: bool, folder: bool) -> None:
    """Raise ConfigError for what is no way to take errors, and where they are taken otherwise."""
    if errors not in (None, "raise", KEEP_GOING):
        raise ConfigError(f"--errors is raise or {KEEP_GOING}, found '{errors}'; take one of them")
    if errors == KEEP_GOING and folder:
        raise ConfigError(f"--errors {KEEP_GOING}: of a folder each file fails by itself anyway; leave it out")
    if errors == KEEP_GOING and backtest:
        raise ConfigError(f"--errors {KEEP_GOING} is for the series' last windows, found --backtest; take one of them")


def _tell_statuses(frame: pd.DataFrame, steps: int) -> bool:
    """Name the settings in the statuses, the frame's last column, as options, and tell how many series have one.

    Each series has so many ``steps``; where there are several, their names follow the first column, of times.
    """
    name = frame.columns[-1]
    frame[name] = frame[name].map({text: in_flags(text) for text in frame[name].unique()})
    bad = frame[frame[name] != ""]
    if bad.empty:
        return False
    found, total = len(bad) // steps, len(frame) // steps
    if total == 1:
        note(f"the series has a status: {bad[name].iloc[0]}")
    else:
        note(f"{found} of {total} series have a status; the first, '{bad.iloc[:, 1].iloc[0]}': {bad[name].iloc[0]}")
    return True


def _backtest(
    bundle: Bundle, data: str, settings: dict[str, Any], output: Path | None, *, strict: bool, as_json: bool
) -> None:
    """Go over the data, frame by frame, of which only what is shown is kept."""
    from zoo.inference.ranges import refuse_outside

    with progress_bar() as show:
        show("reading", 0, None)
        backtest = bundle.backtest(data, **settings)
        rows = len(backtest) * backtest.rows_per_window
        if as_json and rows > MOST_JSON:
            raise ConfigError(f"--json is for {MOST_JSON} rows at most, found {rows}; give --output FILE instead")

        def frames() -> Iterator[pd.DataFrame]:
            for frame in backtest:
                yield frame
                show("windows", (frame.index[-1] + 1) // backtest.rows_per_window, len(backtest))
            if strict:
                refuse_outside(backtest.outside, data)

        kept: list[pd.DataFrame] = []
        if output is not None:
            with staged_writer(output, backtest.times) as writer:
                for frame in frames():
                    writer.write(frame)
        else:
            for frame in frames():
                kept.append(frame if as_json else _ends(frame))
                if not as_json:
                    del kept[1:-1]
    _tell(backtest.outside)
    if output is not None:
        note(f"{rows} rows: {output}")
    else:
        _show(kept, as_json=as_json)


def _ends(frame: pd.DataFrame) -> pd.DataFrame:
    """The first and the last rows of a frame."""
    kept: pd.DataFrame = frame[(frame.index < frame.index[0] + SHOWN) | (frame.index > frame.index[-1] - SHOWN)]
    return kept


def _tell(outside: Sequence[Outside]) -> None:
    for found in outside:
        note(f"outside the training's range: {found}")


def _show(frames: Sequence[pd.DataFrame], *, as_json: bool) -> None:
    """Print a table, of many rows the first and the last, or JSON."""
    parts = [cells(frame) for frame in frames]
    heads, rows = parts[0][0], [row for _, part in parts for row in part]
    if as_json:
        print_json([dict(zip(heads, row, strict=True)) for row in rows])
        return
    total = frames[-1].index[-1] + 1
    texts = list(zip(*tell_apart(list(zip(*rows, strict=True))), strict=True))
    if total > len(texts):
        texts[SHOWN:-SHOWN] = [tuple("…" for _ in heads)]
    print_table(heads, texts)
    if total > len(texts):
        note(f"{total} rows in all; --output FILE writes them")
