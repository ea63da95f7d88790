"""The options of the data, which several commands share; they are settings of a run."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer


def _option(kind: Any, text: str, *names: str, **more: Any) -> Any:
    return Annotated[kind, typer.Option(*names, help=text, rich_help_panel="Data", **more)]


# Each is a field of zoo.training.config.DataConfig, and keeps its name; None is left out
DATA_OPTIONS: dict[str, Any] = {
    "data": _option(str | None, "CSV or Parquet file, or example:co2 (the default) or example:ticks."),
    "task": _option(str | None, "forecast, regress, classify or anomaly [default: forecast]."),
    "target": _option(list[str] | None, "Column to forecast, or of classes; repeat it for more."),
    "features": _option(str | None, "Input columns, by commas [default: all numeric columns]."),
    "label": _option(str | None, "Task anomaly: column of 0 and 1, for scoring alone."),
    "time": _option(str | None, "Column of times, or of whole numbers that count up [default: found by type or name]."),
    "series": _option(str | None, "Column that tells several series apart; no window crosses them."),
    "short_series": _option(str | None, "Series too short for a window: error or drop [default: error]."),
    "delimiter": _option(str | None, "Between the fields of a CSV file [default: ,]."),
    "decimal": _option(str | None, "Decimal sign in a CSV file [default: .]."),
    "encoding": _option(str | None, "Of a CSV file [default: by its byte-order mark, else UTF-8]."),
    "sort": _option(bool | None, "Sort the rows by time.", "--sort/--no-sort"),
    "resample": _option(str | None, "Bring the rows to an even step, such as 15min, 1h or 1D."),
    "aggregate": _option(str | None, "With --resample: mean, last or sum [default: mean]."),
    "gaps": _option(str | None, "Uneven steps: error, break (no window crosses one) or ignore [default: error]."),
    "missing": _option(str | None, "Missing values: error, drop, ffill or interpolate [default: error]."),
    "calendar": _option(str | None, "Calendar features, by commas: minute, hour, weekday, day, month."),
    "window": _option(int | None, "Rows that a forecast is made from [default: 48]."),
    "horizon": _option(int | None, "Rows that are forecast [default: 12]."),
    "gap": _option(int | None, "Rows between the window and the first that is forecast [default: 0]."),
    "split": _option(str | None, "Train, validation, test: fractions, or numbers of rows [default: 0.7,0.15,0.15]."),
    "split_dates": _option(
        str | None, "Split by time instead: first of validation, first of test, perhaps end of test."
    ),
    "embargo": _option(int | None, "Rows left out at the end of train and of validation [default: 0]."),
    "stride": _option(int | None, "Rows from one window to the next [default: 1]."),
    "context": _option(
        bool | None,
        "Whether windows may reach back into the rows before their part [default: context].",
        "--context/--no-context",
    ),
    "scaler": _option(
        str | None, "minmax, standard, robust, huber, maxabs, log, none, or a plugin's [default: standard]."
    ),
    "scaler_for": _option(
        list[str] | None, "Another scaler for a column; repeat it for more.", metavar="COLUMN=SCALER"
    ),
    "target_scaler": _option(str | None, "Another scaler for the targets."),
    "season": _option(int | None, "Rows in a season, for the seasonal naive baseline [default: by the times]."),
    "spool": _option(Path | None, "Folder for temporary files, where the data does not fit in memory."),
}


def data_options(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command these options of the data, or all of them, before its own; it reads them off its context."""
    chosen = {name: DATA_OPTIONS[name] for name in names or DATA_OPTIONS}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(**parameters: Any) -> None:
            command(**{name: value for name, value in parameters.items() if name not in chosen})

        signature = inspect.signature(command, eval_str=True)
        own = [part.replace(kind=inspect.Parameter.KEYWORD_ONLY) for part in signature.parameters.values()]
        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
            for name, option in chosen.items()
        ]
        first = [part for part in own if part.default is inspect.Parameter.empty]
        run.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[*first, *added, *(part for part in own if part not in first)]
        )
        run.__annotations__ = {part.name: part.annotation for part in [*own, *added]}
        return run

    return decorate


def data_settings(ctx: typer.Context) -> dict[str, Any]:
    """Read the data's settings off a command with :func:`data_options`."""
    from zoo.training.config import DataConfig

    given = {key: value for key, value in ctx.params.items() if key in DataConfig.model_fields}
    for name in ("features", "calendar"):
        if (listed := given.get(name)) is not None:
            given[name] = [part.strip() for part in listed.split(",")]
    return given | {"source": ctx.params["data"]}
