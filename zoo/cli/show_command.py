"""``zoo show``: one architecture in full, and what it costs at given shapes."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from zoo.cli.output import Json, catalogue, print_json, print_table, say
from zoo.quiet import import_tensorflow
from zoo.tasks import find_task
from zoo_registry import Architecture, SequenceShape, Task
from zoo_registry.errors import ConfigError

WINDOW, HORIZON, FEATURES, TARGETS, CLASSES = 48, 12, 1, 1, 2  # where they are left out


def show(
    architecture: Annotated[str, typer.Argument(help="An architecture's name, as zoo list gives it.")],
    window: Annotated[int | None, typer.Option(help=f"Rows in a window [default: {WINDOW}].")] = None,
    horizon: Annotated[int | None, typer.Option(help=f"Rows that are forecast [default: {HORIZON}].")] = None,
    features: Annotated[
        int | None, typer.Option(help=f"Input columns [default: {FEATURES}, or as many as targets].")
    ] = None,
    targets: Annotated[int | None, typer.Option(help=f"Columns that are forecast [default: {TARGETS}].")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="A hyperparameter; repeat it for more [default: as the table shows].", metavar="NAME=VALUE"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show an architecture: reference, training defaults, hyperparameters with bounds and search ranges.

    With a shape or a hyperparameter its network is built, which takes TensorFlow some seconds, and its parameters and
    the multiply-adds of one window are counted. The network is the architecture's own, joint over all targets; its
    targets are features. One that cannot forecast is built for its own task.

    Examples:
        zoo show stacked
        zoo show segmented --window 720 --horizon 96 --set units=128
    """
    from zoo.listing import describe_entry

    entry = catalogue()[architecture]
    described = describe_entry(architecture, entry)
    asked = any(value is not None for value in (window, horizon, features, targets, settings or None))
    shape = _shape(entry.item, window, horizon, features, targets)
    cost = _cost(entry.item, shape, settings or []) if asked else {}
    schema = entry.item.hyperparameters.model_json_schema()
    defaults = {name: value for name, value in vars(entry.item.defaults).items() if value is not None}
    if (schedule := defaults.get("schedule")) is not None:
        defaults["schedule"] = spelled(schedule)
    if entry.item.loss is not None:
        defaults.setdefault("loss", "architecture")
    if as_json:
        network = {"network": cost} if cost else {}
        print_json(described | {"defaults": defaults, "hyperparameters": schema} | network)
        return
    say(f"{architecture}: {described['summary']}")
    say(f"reference: {described['reference'] or '-'}")
    say(f"from: {described['distribution']} {described['version']}   tasks: {', '.join(described['tasks'])}")
    say(f"training defaults: {', '.join(f'{name} {value}' for name, value in defaults.items()) or '-'}")
    say(f"{_told(cost)}\n" if cost else "")
    space = entry.item.hyperparameters.search_space()
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


def _shape(
    architecture: Architecture, window: int | None, horizon: int | None, features: int | None, targets: int | None
) -> SequenceShape:
    """The shape of a forecast, else of the first task that the architecture has; raises ConfigError for bad sizes."""
    given = {"window": window, "horizon": horizon, "features": features, "targets": targets}
    for name, size in given.items():
        if size is not None and size < 1:
            raise ConfigError(f"--{name}: expected at least 1, found {size}")
    targets = targets or TARGETS
    features = features or max(FEATURES, targets)
    if targets > features:
        raise ConfigError(f"--targets: expected at most the {features} of --features, found {targets}")
    window = window or WINDOW
    task = find_task(Task.FORECAST if Task.FORECAST in architecture.tasks else architecture.tasks[0])
    return task.sized(window, features, horizon or HORIZON, targets, CLASSES, architecture)


def _cost(architecture: Architecture, shape: SequenceShape, settings: list[str]) -> dict[str, Any]:
    """Build the network and count it; raises ConfigError for hyperparameters that are not sound, or do not fit."""
    from zoo.settings.parse import parse_settings

    hp = architecture.configure(parse_settings(settings, "--set"))
    import_tensorflow()
    from zoo.acceleration.complexity import complexity
    from zoo.models.network import build_network

    found = complexity(build_network(architecture, hp, shape))
    return {
        "task": str(shape.task),
        "window": shape.window,
        "horizon": shape.horizon,
        "features": shape.n_features,
        "targets": shape.n_targets,
        "hyperparameters": hp.model_dump(mode="json"),
        "parameters": found.parameters,
        "multiply_adds": found.multiply_adds,
        "uncounted": list(found.uncounted),
    }


def _told(cost: dict[str, Any]) -> str:
    sizes = ", ".join(f"{name} {cost[name]}" for name in ("window", "horizon", "features", "targets"))
    left_out = f", without {', '.join(cost['uncounted'])}, which no rule counts" if cost["uncounted"] else ""
    return (
        f"network ({cost['task']}; {sizes}): {cost['parameters']:,} parameters,"
        f" {cost['multiply_adds']:,} multiply-adds per window{left_out}"
    )


def spelled(schedule: Any) -> str:
    """Write a schedule as --schedule takes it."""
    from zoo.settings.parse import spell

    return spell(schedule.kind, schedule.model_dump(exclude={"kind"}))


def _bounds(field: dict[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(map(str, field["enum"]))
    signs = (("minimum", ">="), ("exclusiveMinimum", ">"), ("maximum", "<="), ("exclusiveMaximum", "<"))
    return ", ".join(f"{sign} {field[key]:g}" for key, sign in signs if key in field)


def _range(search: Any) -> str:
    if search.kind == "choice":
        return ", ".join(map(str, search.choices))
    return f"{search.low:g} to {search.high:g}{' (log)' if search.log else ''}"
