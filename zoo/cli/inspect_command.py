"""``zoo inspect``: look at the data before a training; needs no TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.cli.output import (
    Json,
    check_apart,
    check_picture,
    left_out_notes,
    note,
    print_json,
    print_table,
    repair_notes,
    say,
    tell_form,
)
from zoo.cli.setting_options import Spool, data_settings, with_settings
from zoo.texts import some


@with_settings(data_settings)
def inspect(
    ctx: typer.Context,
    spool: Spool = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw all this too, as a .png, .svg or .pdf file [default: no picture].")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what the checks found, the parts of the split, each column's statistics in them, and what the scaler does.

    Examples:
        zoo inspect --data example:ticks --plot ticks.png
        zoo inspect --data ETTh1.csv --target OT --window 96 --horizon 24 --split 8640,2880,2880
    """
    check_picture(plot, "--plot")
    check_apart(plot, "--plot", ctx.obj.get("source"))
    from zoo.inspection import draw
    from zoo.inspection import inspect as describe
    from zoo.settings.resolve import resolve_data
    from zoo.settings.schema import DEFAULT_SOURCE
    from zoo.training.preparation import prepare

    tell_form(ctx.obj.get("source", DEFAULT_SOURCE), ctx.obj)
    config = resolve_data(ctx.obj)
    prepared = prepare(config, config.source, spool=spool)
    found = describe(prepared)
    if plot is not None:
        draw(prepared, plot)
        note(f"drawn: {plot}")
    if as_json:
        print_json(found)
    else:
        _print(found)


def print_classes(label: str, classes: dict[str, dict[str, int]]) -> None:
    """Show how many windows of each part end in each class, and how far the train windows are from even."""
    totals = {part: sum(counts[part] for counts in classes.values()) for part in next(iter(classes.values()))}
    rows = [
        (name, *(f"{count} ({count / max(totals[part], 1):.1%})" for part, count in counts.items()))
        for name, counts in classes.items()
    ]
    print_table((f"class of {label}", *(f"{part} windows" for part in totals)), rows, whole_in="--json")
    train = [counts["train"] for counts in classes.values()]
    if min(train):
        say(f"the most common class has {max(train) / min(train):.1f} times as many train windows as the rarest")
    say()


def _print(found: dict[str, Any]) -> None:
    from zoo.provenance import Repairs

    say(f"{found['source']}: {found['rows']} rows, {len(found['columns'])} columns")
    targets = some(found["targets"]) if found["targets"] else f"{found['label']} (classes)"
    say(f"task: {found['task']}; targets: {targets}; features: {some(found['features'])}")
    for sentence in left_out_notes(found["ignored"], "is not used"):
        say(sentence)
    time, series = found["time"], found["series"]
    if time["column"] is None:
        say("time: none")
    else:
        even = f"{time['uneven_steps']} uneven steps, first: {time['first_uneven']}" if time["uneven_steps"] else "even"
        say(f"time: {time['column']}, zone {time['zone'] or 'none'}, step {time['step']}, {even}")
    if series["column"] is not None:
        left_out = f", {series['left_out']} left out as too short" if series["left_out"] else ""
        lengths = f"{series['shortest']} to {series['longest']} rows"
        say(f"series: {series['used']} by '{series['column']}', {lengths}{left_out}")
    for sentence in repair_notes(Repairs.model_validate(found["repairs"])):
        say(sentence)
    season = "unknown" if found["season"] is None else f"{found['season']} rows"
    say(f"season: {season}; an exported model computes in {found['serving_dtype']}\n")
    parts = [
        (name, str(part["rows"]), str(part["windows"]), part["first"], part["last"])
        for name, part in found["parts"].items()
    ]
    print_table(("part", "rows", "windows", "first", "last"), parts)
    say()
    if found["classes"] is not None:
        print_classes(found["label"], found["classes"])
    rows = []
    for name, column in found["columns"].items():
        for part, measured in column["parts"].items():
            numbers = [f"{measured[key]:.4g}" for key in ("mean", "deviation", "minimum", "maximum") if key in measured]
            drift = f"{measured['drift']:+.2f}" if "drift" in measured else ""
            outside = f"{measured['outside']:.1%}" if "outside" in measured else ""
            rows.append((name, part, str(measured["missing"]), *(numbers or [""] * 4), drift, outside))
    heads = ("column", "part", "missing", "mean", "deviation", "minimum", "maximum", "drift", "outside")
    print_table(heads, rows, whole_in="--json")
    say("drift: the mean's distance from train's, in train deviations; outside: values beyond train's range\n")
    scaled = [
        (name, column["scaler"], f"{column['scaled_range'][0]:.2f} to {column['scaled_range'][1]:.2f}")
        for name, column in found["columns"].items()
    ]
    print_table(("column", "scaler", "train values become"), scaled, whole_in="--json")
