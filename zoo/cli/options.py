"""Options that several commands share; those of the data are settings of a run."""

from __future__ import annotations

from typing import Annotated, Any

import typer

DATA = "Data"

Delimiter = Annotated[
    str | None, typer.Option(help="Between the fields of a CSV file [default: ,].", rich_help_panel=DATA)
]
Decimal = Annotated[str | None, typer.Option(help="Decimal sign in a CSV file [default: .].", rich_help_panel=DATA)]
Encoding = Annotated[
    str | None,
    typer.Option(help="Of a CSV file [default: by its byte-order mark, else UTF-8].", rich_help_panel=DATA),
]

Data = Annotated[
    str | None, typer.Option(help="CSV or Parquet file, or example:co2 (the default).", rich_help_panel=DATA)
]
Target = Annotated[list[str] | None, typer.Option(help="Column to forecast; repeat it for more.", rich_help_panel=DATA)]
Features = Annotated[
    str | None, typer.Option(help="Input columns, by commas [default: all numeric columns].", rich_help_panel=DATA)
]
Time = Annotated[
    str | None, typer.Option(help="Column of times [default: found by type or name].", rich_help_panel=DATA)
]
Window = Annotated[
    int | None, typer.Option(help="Rows that a forecast is made from [default: 48].", rich_help_panel=DATA)
]
Horizon = Annotated[int | None, typer.Option(help="Rows that are forecast [default: 12].", rich_help_panel=DATA)]
Split = Annotated[
    str | None,
    typer.Option(
        help="Train, validation and test: fractions, or numbers of rows [default: 0.7,0.15,0.15].",
        rich_help_panel=DATA,
    ),
]
SplitDates = Annotated[
    str | None,
    typer.Option(
        help="Split by time instead: first of validation, first of test, perhaps end of test.", rich_help_panel=DATA
    ),
]
Embargo = Annotated[
    int | None,
    typer.Option(help="Rows left out at the end of train and of validation [default: 0].", rich_help_panel=DATA),
]
Stride = Annotated[
    int | None, typer.Option(help="Rows from one window to the next [default: 1].", rich_help_panel=DATA)
]
Context = Annotated[
    bool | None,
    typer.Option(
        "--context/--no-context",
        help="Whether windows may reach back into the rows before their part [default: context].",
        rich_help_panel=DATA,
    ),
]
Scaler = Annotated[
    str | None,
    typer.Option(
        help="minmax, standard, robust, huber, maxabs, log, none, or a plugin's [default: standard].",
        rich_help_panel=DATA,
    ),
]
ScalerFor = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN=SCALER", help="Another scaler for a column; repeat it for more.", rich_help_panel=DATA
    ),
]
TargetScaler = Annotated[str | None, typer.Option(help="Another scaler for the targets.", rich_help_panel=DATA)]
Missing = Annotated[
    str | None,
    typer.Option(help="Missing values: error, ffill or interpolate [default: error].", rich_help_panel=DATA),
]
Season = Annotated[
    int | None,
    typer.Option(
        help="Rows in a season, for the seasonal naive baseline [default: by the times].", rich_help_panel=DATA
    ),
]


def data_settings(ctx: typer.Context) -> dict[str, Any]:
    """Read the data's settings off a command that takes the options above."""
    from zoo.training.config import DataConfig

    given = {key: value for key, value in ctx.params.items() if key in DataConfig.model_fields}
    if (features := given.get("features")) is not None:
        given["features"] = [column.strip() for column in features.split(",")]
    return given | {"source": ctx.params["data"]}
