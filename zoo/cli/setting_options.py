"""Options made of the schema's settings: built for the command that runs alone, and read off its context."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field, make_dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from zoo.cli.flags import in_flags
from zoo.cli.help_pages import HelpfulCommand
from zoo_registry.errors import ConfigError

if TYPE_CHECKING:
    from zoo.settings.setting import Described

Command = TypeVar("Command", bound=Callable[..., Any])

DATA, NETWORK = "Data", "Network"  # panels of the schema that commands add to
Spool = Annotated[
    Path | None,
    typer.Option(
        help="Folder for temporary files, for data that does not fit in memory [default: none, all in memory].",
        rich_help_panel=DATA,
    ),
]
Hyperparameters = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="A hyperparameter that zoo show lists; repeat it for more [default: the architecture's].",
        metavar="NAME=VALUE",
        rich_help_panel=NETWORK,
    ),
]


def with_settings(*makers: Callable[[], Iterable[Described]]) -> Callable[[Command], Command]:
    """Give a command an option for each of these settings; what was given of them is the ``obj`` of its context."""

    def decorate(command: Command) -> Command:
        command.settings = lambda: [found for make in makers for found in make()]  # type: ignore[attr-defined]
        return command

    return decorate


class SettingsCommand(HelpfulCommand):
    """A command whose options are the settings that :func:`with_settings` named, and its own."""

    @cached_property
    def setting_options(self) -> list[Any]:
        """The options of settings."""
        make = getattr(self.callback, "settings", None)
        return [] if make is None else options_of(make())

    def get_params(self, ctx: Any) -> list[Any]:
        """Arguments, settings, and the command's own options."""
        own = super().get_params(ctx)
        arguments = [parameter for parameter in own if parameter.param_type_name == "argument"]
        return [*arguments, *self.setting_options, *(parameter for parameter in own if parameter not in arguments)]

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        from zoo.settings.setting import given_of

        ctx.obj = given_of({option.name: ctx.params.pop(option.name) for option in self.setting_options})
        return super().invoke(ctx)


def options_of(settings: Iterable[Described]) -> list[Any]:
    """An option for each setting, as Typer makes them of a callable's parameters."""
    fields = [(found.name, _annotation(found), field(default=None)) for found in settings]
    app = typer.Typer(add_completion=False)
    app.command()(make_dataclass("Options", fields))
    return list(typer.main.get_command(app).params)


def _annotation(setting: Described) -> Any:
    kind = setting.kind if setting.kind in (bool, int, float, Path) else list[str] if setting.mark.many else str
    default, names = setting.default, [setting.flag]
    if kind is bool:
        off = setting.flag.replace("--", "--no-", 1)
        names = [f"{setting.flag}/{off}"]
        default = {"true": setting.flag[2:], "false": off[2:]}.get(default, default)
    told = "; ".join(filter(None, (default, setting.bounds)))
    text = in_flags(f"{setting.help} [default: {told}].")
    option = typer.Option(*names, help=text, metavar=setting.mark.metavar, rich_help_panel=setting.panel)
    return Annotated[kind | None, option]


def run_settings() -> list[Described]:
    """The settings of a run that a user gives."""
    from zoo.settings.schema import RunConfig
    from zoo.settings.setting import settings_of

    return [found for found in settings_of(RunConfig).values() if found.mark.asked]


def trial_settings() -> list[Described]:
    """Those that trials of a study may have."""
    return [found for found in run_settings() if found.mark.trials]


def data_settings() -> list[Described]:
    """Those of a run's data."""
    return [found for found in run_settings() if found.panel == DATA]


def reading_settings() -> list[Described]:
    """How a bundle's table is read."""
    return [
        replace(found, mark=replace(found.mark, unset=found.mark.bundles or found.mark.unset))
        for found in data_settings()
        if found.mark.bundles is not None
    ]


def _of_session(model: str, title: str) -> list[Described]:
    """Those of a model in zoo.settings.sessions, which is loaded by the command that runs alone."""
    from zoo.settings import sessions
    from zoo.settings.setting import settings_of

    return list(settings_of(getattr(sessions, model), title).values())


study_settings = partial(_of_session, "StudySettings", "Search")
backtest_settings = partial(_of_session, "BacktestSettings", "Options")
worker_settings = partial(_of_session, "WorkerSettings", "Workers")


def export_settings(title: str = "Options", without: str = "") -> list[Described]:
    """Those of an export."""
    return [found for found in _of_session("ExportSettings", title) if found.name != without]


def take(ctx: typer.Context, settings: Iterable[Described]) -> dict[str, Any]:
    """Take what was given of these settings from a command's others; raises ConfigError for one that is no choice."""
    given = {found.name: ctx.obj.pop(found.name) for found in settings if found.name in ctx.obj}
    for found in settings:
        if found.choices and (value := given.get(found.name, found.choices[0])) not in found.choices:
            raise ConfigError(f"`{found.name}` is one of {', '.join(found.choices)}, found '{value}'")
    return given


def take_reading(ctx: typer.Context) -> dict[str, Any]:
    """Take what was given of how a table is read."""
    from zoo.data.readers.csv_files import CsvFormat

    given = take(ctx, reading_settings())
    if form := {name: given.pop(name) for name in CsvFormat.__dataclass_fields__ if name in given}:
        given["csv"] = CsvFormat(**form)
    return given


def take_workers(ctx: typer.Context) -> dict[str, Any]:
    """Take what was given of workers; raises ConfigError for what clashes."""
    from zoo.workers.executors import check_workers

    given = take(ctx, worker_settings())
    check_workers(**given)
    return given
