"""``zoo list``: what there is, without loading any of it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from zoo.cli.output import Json, catalogue, note, print_json, print_table
from zoo_registry.errors import ConfigError


def list_architectures(
    exports: Annotated[
        str | None,
        typer.Option(
            help="Only those whose bundles can be exported to, or run on, all of these [default: all].",
            metavar="NAME,NAME",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the architectures of all installed plugins.

    Examples:
        zoo list
        zoo list --exports onnx,openvino
        zoo list --json
    """
    from zoo.listing import list_architectures as listed

    wanted = [] if exports is None else asked_exports(exports)
    catalogue()
    found = [a for a in listed() if not wanted or _is_had_as(a, wanted)]
    if as_json:
        print_json(found)
        return
    heads: tuple[str, ...] = ("architecture", "tasks", "from", "summary")
    rows: list[tuple[str, ...]] = [(a["name"], ", ".join(a["tasks"]), a["distribution"], a["summary"]) for a in found]
    if wanted:
        heads = (*heads[:-1], "exports", heads[-1])
        rows = [(*row[:-1], ", ".join(a["exports"]), row[-1]) for row, a in zip(rows, found, strict=True)]
    print_table(heads, rows)


def asked_exports(text: str) -> list[str]:
    """Split names at commas; raises ConfigError, with a close match, for one that there is not, or for none."""
    from zoo.capabilities import EXPORTS, check_exports

    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise ConfigError(f"--exports: expected one or more of {', '.join(EXPORTS)}, found none")
    check_exports(names)
    return names


def _is_had_as(listed: dict[str, Any], wanted: list[str]) -> bool:
    """Whether an architecture's bundles can be had as all of these; where that is not known, say so."""
    from zoo.capabilities import known_capabilities

    architecture = listed["name"].rpartition(":")[2]
    capabilities = known_capabilities(listed["distribution"], architecture, listed["version"])
    if capabilities is None:
        note(f"left out: {listed['name']}, whose exports are not known; run: zoo plugin check {listed['name']}")
        return False
    answers = {name: capabilities.exports(name) for name in wanted}
    untried = [name for name, answer in answers.items() if answer is None]
    if untried and False not in answers.values():
        note(
            f"left out: {listed['name']}, which was not tried as {', '.join(untried)}; install that and run:"
            f" zoo plugin check {listed['name']}"
        )
    return all(answers.values())
