"""Commands that are loaded when they are asked for, so that each pays for what it needs alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any

import typer


class LazyCommands(MutableMapping[str, Any]):
    """Commands by name: ``train`` is made of the function, or Typer, of ``zoo.cli.train_command`` that is named."""

    def __init__(self, made_of: Mapping[str, str]) -> None:
        self._made_of = made_of
        self._found: dict[str, Any] = dict.fromkeys(made_of)

    def __getitem__(self, name: str) -> Any:
        if (found := self._found[name]) is None:
            found = self._found[name] = _load(name, self._made_of[name])
        return found

    def __setitem__(self, name: str, command: Any) -> None:
        self._found[name] = command

    def __delitem__(self, name: str) -> None:
        del self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def _load(name: str, made_of: str) -> Any:
    from zoo.cli.setting_options import SettingsCommand

    command = getattr(import_module(f"zoo.cli.{name}_command"), made_of)
    if isinstance(command, typer.Typer):
        command = typer.main.get_group(command)
    else:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name, cls=SettingsCommand)(command)
        command = typer.main.get_command(app)
    command.name = name
    return command
