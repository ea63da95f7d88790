"""Help pages: options in panels, examples line by line; text is shown as it stands, on a terminal and in a pipe."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from rich.console import Console

WIDEST, PIPED = 120, 100  # columns: lines of text that are longer are hard to read; what has no width gets the other
TERM = 28  # columns at most for the names of options; longer ones take several lines
_OPTIONS = "Options"  # the panel of what names no other, which is the last


class HelpfulCommand(TyperCommand):
    """A command whose help page has panels."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page."""
        formatter.write(_page(self, ctx))


class HelpfulGroup(TyperGroup):
    """A group of commands whose help page has panels."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page."""
        formatter.write(_page(self, ctx))


def _page(command: TyperCommand | TyperGroup, ctx: Any) -> str:
    from rich.console import Console

    console = Console(markup=False, emoji=False, highlight=False)
    unknown = not console.is_terminal and "COLUMNS" not in os.environ
    console.width = PIPED if unknown else min(console.width, WIDEST)
    with console.capture() as capture:
        _say(console, [command.get_usage(ctx), *inspect.cleandoc(command.help or "").split("\n\n")])
        panels = _panels(command, ctx)
        if isinstance(command, TyperGroup):
            named = ((name, command.get_command(ctx, name)) for name in command.list_commands(ctx))
            panels["Commands"] = [(name, _summary(found.help)) for name, found in named if found is not None]
        width = min(TERM, max(len(term) for rows in panels.values() for term, _ in rows))
        for title, rows in panels.items():
            _draw(console, title, rows, width)
        if command.epilog:
            console.print()
            _say(console, [command.epilog])
    return "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines()) + "\n"


def _say(console: Console, paragraphs: Iterable[str]) -> None:
    """Write paragraphs; lines of examples, which follow a line that ends with a colon, stay as they are."""
    from rich.text import Text

    for paragraph in filter(None, paragraphs):
        head, _, rest = paragraph.partition("\n")
        if head.endswith(":"):
            console.print(Text(head, "bold"))
            for line in rest.splitlines():
                console.print(Text(f"  {line.strip()}"), soft_wrap=True)
        else:
            console.print(Text(" ".join(paragraph.split())))
        console.print()


def _panels(command: TyperCommand | TyperGroup, ctx: Any) -> dict[str, list[tuple[str, str]]]:
    """By title, the names and the text of arguments and options, in their order."""
    found: dict[str, list[tuple[str, str]]] = {"Arguments": []}
    for parameter in command.get_params(ctx):
        if (record := parameter.get_help_record(ctx)) is None:
            continue
        title = "Arguments" if parameter.param_type_name == "argument" else None
        title = title or getattr(parameter, "rich_help_panel", None) or _OPTIONS
        term = re.sub(r"<list\[(\w+)\]>", r"<\1>", record[0])  # which is typer's way to say that it may be repeated
        found.setdefault(title, []).append((term, _sentence(record[1])))
    found[_OPTIONS] = found.pop(_OPTIONS)
    return {title: rows for title, rows in found.items() if rows}


def _sentence(text: str) -> str:
    """Put what typer says in brackets after a sentence before its full stop, and into brackets that are there."""
    found = re.fullmatch(r"(.*?)(\])?(\.)?  \[(.*)\]", text, re.DOTALL)
    if found is None:
        return text
    said, bracket, stop, more = found.groups("")
    more = re.sub(r"x>=(\S+)", r"at least \1", more)
    return f"{said}; {more}]{stop}" if bracket else f"{said} [{more}]{stop}"


def _summary(text: str | None) -> str:
    """The first paragraph of a command's text."""
    return " ".join(inspect.cleandoc(text or "").partition("\n\n")[0].split())


def _draw(console: Console, title: str, rows: Iterable[tuple[str, str]], width: int) -> None:
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(width=width, overflow="fold")
    table.add_column(ratio=1, overflow="fold")
    for term, text in rows:
        table.add_row(Text(term, "bold"), Text(text))
    console.print(Panel(table, title=Text(title, "bold"), title_align="left", border_style="dim"))
