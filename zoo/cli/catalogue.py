"""``zoo list`` and ``zoo show``: what there is, without loading any of it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from zoo.cli.output import catalogue, print_json, print_table

Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]


def list_architectures(as_json: Json = False) -> None:
    """List the architectures of all installed plugins.

    Examples: zoo list; zoo list --json
    """
    from zoo.listing import list_architectures as listed

    catalogue()
    found = listed()
    if as_json:
        print_json(found)
    else:
        heads = ("architecture", "tasks", "from", "summary")
        rows = [(a["name"], ", ".join(a["tasks"]), a["distribution"], a["summary"]) for a in found]
        print_table(heads, rows)


def show(
    architecture: Annotated[str, typer.Argument(help="An architecture's name, as zoo list gives it.")],
    as_json: Json = False,
) -> None:
    """Show an architecture: reference, training defaults, hyperparameters with bounds and search ranges.

    Example: zoo show stacked
    """
    from zoo.listing import describe_entry

    entry = catalogue()[architecture]
    schema = entry.architecture.hyperparameters.model_json_schema()
    defaults = {name: value for name, value in vars(entry.architecture.defaults).items() if value is not None}
    if (schedule := defaults.get("schedule")) is not None:
        defaults["schedule"] = spelled(schedule)
    if entry.architecture.loss is not None:
        defaults.setdefault("loss", "architecture")
    described = describe_entry(architecture, entry)
    if as_json:
        print_json(described | {"defaults": defaults, "hyperparameters": schema})
        return
    typer.echo(f"{architecture}: {described['summary']}")
    typer.echo(f"reference: {described['reference'] or '-'}")
    typer.echo(f"from: {described['distribution']} {described['version']}   tasks: {', '.join(described['tasks'])}")
    typer.echo(f"training defaults: {', '.join(f'{name} {value}' for name, value in defaults.items()) or '-'}\n")
    space = entry.architecture.hyperparameters.search_space()
    rows = []
    for name, field in schema.get("properties", {}).items():
        search = space.get(name)
        tuned = "" if search is None else _range(search)
        rows.append(
            (
                name,
                field.get("type", "-"),
                str(field.get("default", "-")),
                _bounds(field),
                tuned,
                field.get("description", ""),
            )
        )
    print_table(("hyperparameter", "type", "default", "bounds", "searched", "what it is"), rows)


def spelled(schedule: Any) -> str:
    """Write a schedule as --schedule takes it."""
    from zoo.training.spelling import spell

    return spell(schedule.kind, schedule.model_dump(exclude={"kind"}))


def _bounds(field: dict[str, Any]) -> str:
    signs = (("minimum", ">="), ("exclusiveMinimum", ">"), ("maximum", "<="), ("exclusiveMaximum", "<"))
    return ", ".join(f"{sign} {field[key]:g}" for key, sign in signs if key in field)


def _range(search: Any) -> str:
    if search.kind == "choice":
        return ", ".join(map(str, search.choices))
    return f"{search.low:g} to {search.high:g}{' (log)' if search.log else ''}"
