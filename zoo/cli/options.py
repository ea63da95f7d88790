"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

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
