"""Options that several commands take, listed once: the settings of a run, and of workers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo_registry import BUILT_IN_LOSSES, SCHEDULES

if TYPE_CHECKING:
    from zoo.data.readers.csv_files import CsvFormat


def _option(kind: Any, text: str, *names: str, **more: Any) -> Any:
    return Annotated[kind, typer.Option(*names, help=text, **more)]


def _panel(title: str, options: dict[str, Any]) -> dict[str, Any]:
    """Put options under one title of the help page."""
    for option in options.values():
        option.__metadata__[0].rich_help_panel = title
    return options


# Each is named after its field in zoo.settings.schema; None is left out
_DATA: dict[str, Any] = {
    "data": _option(str | None, "CSV or Parquet file, or example:co2 or example:ticks [default: example:co2]."),
    "task": _option(
        str | None, "What is asked of a window: forecast, regress, classify or anomaly [default: forecast]."
    ),
    "target": _option(
        list[str] | None,
        "Column to forecast, or column of classes; repeat it, or separate several by commas [default: the example's;"
        " for anomalies all features].",
        metavar="COLUMN,...",
    ),
    "features": _option(
        list[str] | None,
        "Input column; repeat it, or separate several by commas, with quotes around a name that has one: '\"a,b\",c'"
        " [default: all numeric columns].",
        metavar="COLUMN,...",
    ),
    "label": _option(str | None, "For task anomaly: column of 0 and 1, used for scoring alone [default: none]."),
    "time": _option(str | None, "Column of times, or of whole numbers that count up [default: found by type or name]."),
    "time_format": _option(
        str | None,
        "How times are written: s, ms, us, ns (since 1970), yyyymmdd or a pattern such as '%d.%m.%Y %H:%M'"
        " [default: as 2020-01-31 13:00].",
    ),
    "zone": _option(
        str | None,
        "Time zone to convert the times to, or of times that have none, such as Europe/Berlin [default: their own].",
    ),
    "series": _option(
        str | None, "Column that tells several series apart; no window crosses them [default: one series]."
    ),
    "short_series": _option(str | None, "Series too short for a window: error or drop [default: error]."),
    "delimiter": _option(str | None, "Character between the fields of a CSV file [default: ,]."),
    "decimal": _option(str | None, "Decimal sign in a CSV file [default: .]."),
    "encoding": _option(str | None, "Encoding of a CSV file [default: by its byte-order mark, else UTF-8]."),
    "comment": _option(str | None, "Skip the lines of a CSV file that begin with this character [default: none]."),
    "thousands": _option(str | None, "Separator of thousands in a CSV file's numbers [default: none]."),
    "sort": _option(bool | None, "Sort the rows by time [default: no-sort].", "--sort/--no-sort"),
    "resample": _option(
        str | None, "Resample the rows to an even step, such as 15min, 1h or 1D [default: leave them]."
    ),
    "aggregate": _option(str | None, "With --resample: mean, last or sum [default: mean]."),
    "gaps": _option(str | None, "Uneven steps: error, break (no window crosses one) or ignore [default: error]."),
    "missing": _option(
        str | None, "Missing values: error, drop, ffill or interpolate [default: the example's, else error]."
    ),
    "calendar": _option(
        list[str] | None,
        "Calendar features: minute, hour, weekday, day or month; repeat it, or separate several by commas [default:"
        " none].",
        metavar="FIELD,...",
    ),
    "window": _option(int | None, "Rows that a forecast is made from [default: the example's, else 48]."),
    "horizon": _option(int | None, "Rows that are forecast [default: the example's, else 12; for other tasks 1]."),
    "gap": _option(int | None, "Rows between the window and the first that is forecast [default: 0]."),
    "split": _option(str | None, "Train, validation, test: fractions, or numbers of rows [default: 0.7,0.15,0.15]."),
    "split_dates": _option(
        str | None,
        "Split at these times instead, such as 2019-01-01,2020-01-01: where validation begins, where test begins and,"
        " if wanted, where test ends"
        " [default: as --split says].",
    ),
    "embargo": _option(int | None, "Rows left out at the end of train and of validation [default: 0]."),
    "train_on_validation": _option(
        bool | None,
        "Train on the validation rows too; needs --keep last --patience 0 [default: no-train-on-validation].",
        "--train-on-validation/--no-train-on-validation",
    ),
    "stride": _option(int | None, "Rows from one window to the next [default: 1]."),
    "context": _option(
        bool | None,
        "Whether windows may reach back into the rows before their part [default: context].",
        "--context/--no-context",
    ),
    "scaler": _option(
        str | None,
        "Scaler of all columns: minmax, standard, robust, huber, maxabs, log, none, or a plugin's [default: standard].",
    ),
    "scaler_for": _option(
        list[str] | None,
        "Another scaler for a column; repeat it for more [default: that of --scaler for all].",
        metavar="COLUMN=SCALER",
    ),
    "target_scaler": _option(str | None, "Another scaler for the targets [default: as for features]."),
    "season": _option(
        int | None, "Rows in a season, for the seasonal naive baseline [default: the example's, else by the times]."
    ),
    "spool": _option(
        Path | None, "Folder for temporary files, for data that does not fit in memory [default: none, all in memory]."
    ),
}


_NETWORK: dict[str, Any] = {
    "settings": _option(
        list[str] | None,
        "A hyperparameter that zoo show lists; repeat it for more [default: the architecture's].",
        "--set",
        metavar="NAME=VALUE",
    ),
    "normalize_window": _option(
        str | None,
        "Subtract each window's last value (last), or its mean, and divide by its deviation (instance), or do neither"
        " (none) [default: none].",
    ),
    "channels": _option(
        str | None, "One network of all columns (joint), or one for each target on its own (shared) [default: joint]."
    ),
    "quantiles": _option(str | None, "Forecast these quantiles too, such as 0.1,0.5,0.9 [default: none]."),
    "threshold": _option(
        float | None,
        "For task anomaly: quantile of the validation scores above which a row is flagged [default: 0.995].",
    ),
    "anomaly_rate": _option(
        float | None, "For task anomaly: the expected share of anomalies, instead of --threshold [default: none]."
    ),
}
_TRAINING: dict[str, Any] = {
    "optimizer": _option(
        str | None, "Optimizer: adam, adamw, rmsprop, sgd, nadam or lion [default: the architecture's, else adam]."
    ),
    "learning_rate": _option(
        float | None, "Initial learning rate; see --schedule [default: the architecture's, else 0.001]."
    ),
    "weight_decay": _option(float | None, "Decoupled weight decay [default: 0.004 for adamw, else 0]."),
    "momentum": _option(float | None, "Momentum of sgd and rmsprop [default: 0]."),
    "nesterov": _option(
        bool | None, "Look ahead along sgd's momentum [default: no-nesterov].", "--nesterov/--no-nesterov"
    ),
    "clip_norm": _option(float | None, "Largest norm of all gradients together [default: no limit]."),
    "clip_value": _option(float | None, "Largest absolute value of a gradient [default: no limit]."),
    "schedule": _option(
        str | None,
        f"How the learning rate changes: {', '.join(SCHEDULES)}; with parameters: cosine:steps=5000,warmup=200"
        " [default: the architecture's, else constant].",
        metavar="KIND[:KEY=VALUE,...]",
    ),
    "loss": _option(
        str | None,
        f"Loss: {', '.join(BUILT_IN_LOSSES)}, a plugin's, or architecture (its own); with parameters: huber:delta=0.5"
        " [default: the architecture's, else by the task].",
        metavar="NAME[:KEY=VALUE,...]",
    ),
    "class_weights": _option(
        str | None,
        "For task classify: let rare classes count as much as frequent ones (balanced), or not (none) [default: none].",
    ),
    "epochs": _option(int | None, "Epochs to train at most [default: the architecture's, else 100]."),
    "batch_size": _option(int | None, "Windows in a batch [default: the architecture's, else 32]."),
    "patience": _option(int | None, "Stop after so many epochs without improvement; 0: never [default: 10]."),
    "keep": _option(str | None, "Which epoch's weights: best (by validation loss) or last [default: best]."),
    "seed": _option(int | None, "Seed of all random numbers: the same seed gives the same result [default: 0]."),
    "start_from": _option(
        str | None,
        "Begin with the weights of a run, finished or not; without an architecture, with its settings too [default:"
        " random weights].",
        "--from",
        metavar="RUN",
    ),
    "checkpoint_every": _option(int | None, "Epochs from one checkpoint to the next; 0: none [default: 1]."),
}
_SPEED: dict[str, Any] = {
    "engine": _option(
        str | None,
        "What computes recurrent layers: keras, fused (the same, quicker), or auto: fused where it can be [default:"
        " auto].",
    ),
    "autotune": _option(
        bool | None,
        "Choose the settings of this panel by a short measured trial [default: no-autotune].",
        "--autotune/--no-autotune",
    ),
    "batch_parts": _option(int | None, "Parts of a batch that fused layers compute in parallel [default: by a rule]."),
    "steps_per_execution": _option(int | None, "Steps in one call of the compiled function [default: by a rule]."),
    "xla": _option(
        bool | None, "With --engine keras: let XLA compile a whole step [default: by a rule].", "--xla/--no-xla"
    ),
}
_SCALING: dict[str, Any] = {
    "jobs": _option(int | None, "How many processes work at a time [default: 1; dask: as many as workers]."),
    "threads": _option(int | None, "Threads of each process [default: the cores divided among them]."),
    "backend": _option(
        str | None, "Where they work: loky (processes of this host) or dask (a cluster) [default: loky]."
    ),
    "address": _option(str | None, "With --backend dask: its scheduler [default: none].", metavar="tcp://HOST:PORT"),
}
DATA_OPTIONS = _panel("Data", _DATA)
BUNDLE_OPTIONS = DATA_OPTIONS | _panel(  # where a bundle knows how its training read a table
    "Data",
    {
        "time": _option(str | None, "Column of times [default: the training's, else found by type or name]."),
        "time_format": _option(
            str | None,
            "How times are written: s, ms, us, ns (since 1970), yyyymmdd or a pattern such as '%d.%m.%Y %H:%M'"
            " [default: the training's].",
        ),
        "zone": _option(
            str | None,
            "Time zone to convert the times to, or of times that have none, such as Europe/Berlin [default: the"
            " training's].",
        ),
        "series": _option(str | None, "Column that tells several series apart [default: the training's]."),
        "gaps": _option(
            str | None, "Uneven steps: error, break (no window crosses one) or ignore [default: the training's]."
        ),
    },
)
FORMAT = ("delimiter", "decimal", "encoding", "comment", "thousands")  # of a CSV file
RUN_OPTIONS = DATA_OPTIONS | _panel("Network", _NETWORK) | _panel("Training", _TRAINING) | _panel("Speed", _SPEED)
SCALING_OPTIONS = _panel("Workers", _SCALING)


def with_options(options: dict[str, Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command these options before its own; it reads them off its context."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(**parameters: Any) -> None:
            command(**{name: value for name, value in parameters.items() if name not in options})

        signature = inspect.signature(command, eval_str=True)
        own = [part.replace(kind=inspect.Parameter.KEYWORD_ONLY) for part in signature.parameters.values()]
        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
            for name, option in options.items()
        ]
        first = [part for part in own if part.default is inspect.Parameter.empty]
        run.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[*first, *added, *(part for part in own if part not in first)]
        )
        run.__annotations__ = {part.name: part.annotation for part in [*own, *added]}
        return run

    return decorate


def settings_of(ctx: typer.Context) -> dict[str, Any]:
    """Read what was given of a run's settings off a command with :func:`with_options`."""
    from zoo.settings.schema import DataConfig, NetworkConfig, TrainingConfig

    fields = {**DataConfig.model_fields, **NetworkConfig.model_fields, **TrainingConfig.model_fields}
    given = {key: value for key, value in ctx.params.items() if key in fields and value not in (None, [], ())}
    if (listed := given.get("calendar")) is not None:
        given["calendar"] = [part.strip() for text in listed for part in text.split(",")]
    return given


def csv_format_of(ctx: typer.Context) -> CsvFormat:
    """Read how a CSV file is written off a command with the options of ``FORMAT``."""
    from zoo.data.readers.csv_files import CsvFormat

    return CsvFormat(**{name: ctx.params[name] for name in FORMAT if ctx.params[name] is not None})


def workers_of(ctx: typer.Context) -> dict[str, Any]:
    """Read what was given of workers off a command with :func:`with_options`; raises ConfigError for what clashes."""
    from zoo.workers.executors import check_workers

    given = {name: ctx.params[name] for name in SCALING_OPTIONS if ctx.params[name] is not None}
    check_workers(**given)
    return given
