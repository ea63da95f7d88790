"""Commands that are loaded when they are asked for, so that each pays for what it needs alone."""

from __future__ import annotations

from collections import UserDict
from importlib import import_module
from typing import Any

import typer


class LazyCommands(UserDict[str, Any]):
    """Commands by name; each begins as the name of the function, or Typer, in ``zoo.cli.NAME_command`` that it is."""

    def __getitem__(self, name: str) -> Any:
        if isinstance(found := self.data[name], str):
            found = self.data[name] = _load(name, found)
        return found


def _load(name: str, function: str) -> Any:
    from zoo.cli.setting_options import SettingsCommand

    command = getattr(import_module(f"zoo.cli.{name}_command"), function)
    if isinstance(command, typer.Typer):
        command = typer.main.get_group(command)
    else:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name, cls=SettingsCommand)(command)
        command = typer.main.get_command(app)
    command.name = name
    return command
