"""``zoo plugin``: begin a plugin, check it, and list those that are installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.help_pages import HelpfulCommand, HelpfulGroup
from zoo.cli.output import Json, note, print_json, print_table, say
from zoo_registry.forgotten import forgotten
from zoo_registry.registry import KINDS

if TYPE_CHECKING:
    from zoo_registry import Plugin
    from zoo_registry.discovery import Discovery

FAILED = 1

plugin = typer.Typer(
    cls=HelpfulGroup,
    help="Start a plugin, check it, and list those that are installed.",
    epilog="Examples:\nzoo plugin new tide\nzoo plugin check tide\nzoo plugin list",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@plugin.command("new", cls=HelpfulCommand)
def new(
    name: Annotated[str, typer.Argument(help="The architecture's name: a-z, 0-9 and '-'.")],
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Where to write it [default: zoo-NAME].", show_default=False)
    ] = None,
) -> None:
    """Write a small distribution with one architecture, its test and a README, ready to be installed and checked.

    Examples:
        zoo plugin new tide
    """
    from zoo.cli.output import catalogue
    from zoo.scaffold.scaffold import check_name, write_plugin

    check_name(name, catalogue())
    written = write_plugin(name, folder)
    for path in written.files:
        say(str(path))
    say(f"\nThe network is built in {written.module}. Next:\n")
    for command in written.commands:
        say(f"    {command}")


@plugin.command("check", cls=HelpfulCommand)
def check(
    target: Annotated[
        str,
        typer.Argument(
            metavar="NAME|PATH|DISTRIBUTION",
            help="An architecture's name, a distribution, or a folder or .py file that need not be installed.",
        ),
    ],
    quick: Annotated[bool, typer.Option("--quick", help="The main checks alone; what is found is not kept.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Let warnings, such as an ONNX loop, count as failures.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run the conformance kit in a process of its own, and tell the verdict of each check.

    Exits with 1 where a check fails, with 2 where there is nothing of that name. What a full check finds is kept for
    zoo list --exports where it passes, in $ZOO_CACHE or the platform's folder for caches.

    Examples:
        zoo plugin check tide
        zoo plugin check ./zoo-tide
    """
    from zoo.cli.plugin_check import run_checks, show_report
    from zoo.testing.targets import find_target

    found = find_target(target)
    reports = run_checks(found, quick=quick)
    passed = all(report.passed and not (strict and report.warnings) for report in reports)
    if as_json:
        print_json({"target": target, "passed": passed, "reports": [report.to_json() for report in reports]})
    else:
        for report in reports:
            show_report(report)
    if not passed:
        raise typer.Exit(FAILED)


@plugin.command("list", cls=HelpfulCommand)
def list_plugins(
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 where a plugin is broken.")] = False,
    as_json: Json = False,
) -> None:
    """List all plugins with what they contribute and how long each takes to load, and the broken ones with the reason.

    Examples:
        zoo plugin list
        zoo plugin list --strict
    """
    from zoo_registry import discover
    from zoo_registry.discovery import DISABLE_VARIABLE

    found = discover()
    if as_json:
        print_json([_described(one) for one in found.plugins])
    else:
        heads = ("plugin", "distribution", "version", "ms", "contributes")
        print_table(heads, [_row(one) for one in found.plugins])
    _complain(found)
    broken = sum(one.status == "broken" for one in found.plugins)
    if disabled := [one.name for one in found.plugins if one.disabled]:
        note(f"{DISABLE_VARIABLE} switches off: {', '.join(disabled)}")
    if broken and not as_json:
        note(f"{broken} of {len(found.plugins)} plugins are broken and left out")
    if strict and broken:  # found something wrong, as zoo verify does: the command itself was sound, which 2 would deny
        raise typer.Exit(FAILED)


def _complain(found: Discovery) -> None:
    """Name on standard error what is no failure: plugins that are slow, names of two, and ones that are not there."""
    from zoo_registry.discovery import DISABLE_VARIABLE, disabled_names

    for sentence in (*found.warnings, *forgotten()):
        note(f"warning: {sentence}")
    kept = sorted(disabled_names() & {one.name for one in found.plugins if one.essential})
    if kept:
        note(
            f"warning: {DISABLE_VARIABLE} names {', '.join(kept)} of lstm-zoo, which everything needs and which stay on"
        )
    known = {name for one in found.plugins for name in (one.name, one.distribution)}
    for name in sorted(disabled_names() - known):
        note(f"warning: {DISABLE_VARIABLE} names '{name}', which is no plugin and no distribution")


def _described(one: Plugin) -> dict[str, Any]:
    names = {kind.plural: one.contributions.get(kind.plural, ()) for kind in KINDS}
    told = {key: value for key, value in vars(one).items() if key != "contributions"}
    return {**told, **names, "status": one.status, "seconds": round(one.seconds, 4)}


def _row(one: Plugin) -> tuple[str, ...]:
    milliseconds = "-" if one.disabled else f"{one.seconds * 1e3:.0f}"
    return (one.name, one.distribution, one.version or "-", milliseconds, _contributions(one))


def _contributions(one: Plugin) -> str:
    if one.disabled:
        return "switched off"
    if one.error:
        return f"BROKEN: {one.error}"
    told = [f"{kind.name} {', '.join(names)}" for kind in KINDS if (names := one.contributions.get(kind.plural))]
    return "; ".join(told) or "hooks alone"
