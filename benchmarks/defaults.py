"""Measure what a first training gives: architectures at their defaults, beside seasonal naive and the last value.

Run by hand, with the folder of ETTh1.csv, NP.csv, bike-hour.csv and m4/Hourly-train.csv (docs/accuracy.md says whose
they are; they are not part of the project); prints the table of docs/accuracy.md and writes ``results/defaults.json``
beside this file, a training at a time. Nothing but columns, season, window and horizon is told. Errors are those of the
run's own test part, the mean MASE over the series. With ``--held-out validation`` the test part is cut off before: a
default is chosen by what is then the test part, and the true one is looked at when all are settled.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import pandas as pd
from panels import zoo
from reporting import machine, markdown

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "defaults.json"
ARCHITECTURES = ("basic", "segmented", "linear")
BASELINES = ("seasonal naive", "last value")
MOST_MINUTES = 10
TEST = 0.15  # of each series' rows, by the split that holds without a choice


class Data(NamedTuple):
    """A file or an example, what is told of it, and how its rows without the test part are written to a file."""

    source: str
    told: tuple[str, ...]
    without_test: Callable[[str, Path], None]


def _without_last_rows(source: str, into: Path, **reading: Any) -> None:
    frame = pd.read_csv(source, **reading)
    frame.iloc[: -int(len(frame) * TEST)].to_csv(into, index=False, sep=reading.get("sep", ","), decimal=".")


def _bike(source: str, into: Path) -> None:
    frame = pd.read_csv(source, sep=";", decimal=",")
    frame.iloc[: -int(len(frame) * TEST)].to_csv(into, index=False, sep=";", decimal=",")


def _lines(source: str, into: Path) -> None:
    """Of a file with a series a line."""
    lines = [line.rstrip().rstrip(',"').split(",") for line in Path(source).read_text(encoding="utf-8").splitlines()]
    cut = [lines[0], *(line[: len(line) - int((len(line) - 1) * TEST)] for line in lines[1:])]
    into.write_text("".join(",".join(line) + "\n" for line in cut), encoding="utf-8")


def _example(source: str, into: Path) -> None:
    from zoo.data.readers.examples import find_example

    example = find_example(source)
    assert example is not None
    frame = example.load()
    parts = [frame] if example.series is None else [part for _, part in frame.groupby(example.series, sort=False)]
    pd.concat(part.iloc[: -int(len(part) * TEST)] for part in parts).to_csv(into, index=False)


HOURLY = ("--window", "168", "--horizon", "24")
DATA = {
    "co2": Data("example:co2", (), _example),
    "panel": Data("example:panel", (), _example),
    "ticks": Data("example:ticks", (), _example),
    "ETTh1": Data("ETTh1.csv", ("--target", "OT", *HOURLY), _without_last_rows),
    "NP": Data("NP.csv", ("--target", " Price", *HOURLY), _without_last_rows),
    "bike": Data(
        "bike-hour.csv",
        ("--delimiter", ";", "--decimal", ",", "--time", "instant", "--target", "cnt", "--season", "24", *HOURLY),
        _bike,
    ),
    "M4 Hourly": Data("m4/Hourly-train.csv", ("--season", "24", "--window", "168", "--horizon", "48"), _lines),
}


def of_example(name: str) -> tuple[str, ...]:
    """What an embedded series tells of itself, for its rows in a file."""
    from zoo.data.readers.examples import EXAMPLES

    example = EXAMPLES[name]
    sizes = {"window": example.window, "horizon": example.horizon, "season": example.season}
    told = {"target": example.target, "features": ",".join(example.features), "time": example.time, **sizes}
    told |= {"missing": example.missing} | ({"series": example.series} if example.series else {})
    return tuple(word for key, value in told.items() for word in (f"--{key}", str(value)))


def train(folder: Path, name: str, architecture: str, seed: int, held_out: str, more: list[str]) -> dict[str, Any]:
    """Train once; return the mean MASE of the network and of the baselines, and what the training was."""
    data = DATA[name]
    embedded = data.source.startswith("example:")
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary)
        source, told = (data.source if embedded else str(folder / data.source)), data.told
        if held_out == "validation":
            data.without_test(source, here / "cut.csv")
            source, told = str(here / "cut.csv"), of_example(name) if embedded else told
        cost = zoo("train", architecture, "--data", source, *told, "--seed", seed, "--runs", here / "runs", *more)
        record = json.loads(next((here / "runs").glob("*/run.json")).read_text(encoding="utf-8"))
    evaluation, training = record["evaluation"], record["training"]

    def mase(measured: dict[str, Any]) -> float | None:
        if "series" in measured:
            return float(measured["series"]["mase"])
        found = [target["mase"] for target in measured["targets"].values()]
        return sum(found) / len(found) if None not in found else None

    return {
        "data": name,
        "architecture": architecture,
        "seed": seed,
        "network": mase(evaluation["network"]),
        **{baseline: mase(found) for baseline, found in evaluation["baselines"].items()},
        "normalization": record["config"]["network"]["normalize_window"],
        "val_loss": training["val_loss"],
        "steps": training["steps"],
        "best_step": training["best_step"],
        "minutes": cost.seconds / 60,
        "cpu": cost.cpu,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The errors of each architecture on each data beside the baselines', losers in brackets; costs are the largest."""
    shown = []
    for name in DATA:
        own = [row for row in rows if row["data"] == name]
        if not own:
            continue
        others = {baseline: own[0].get(baseline) for baseline in (*BASELINES, "ridge")}
        cells = []
        for architecture in ARCHITECTURES:
            found = [row["network"] for row in own if row["architecture"] == architecture]
            beaten = found and all(median(found) < others[baseline] for baseline in BASELINES if others[baseline])
            cells.append("-" if not found else f"{median(found):.3f}" if beaten else f"({median(found):.3f})")
        told = ["-" if value is None else f"{value:.3f}" for value in others.values()]
        most = (f"{max(row[cost] for row in own):.{digits}f}" for cost, digits in (("minutes", 1), ("cpu", 0)))
        shown.append([name, own[0]["normalization"], *cells, *told, *most])
    return markdown(["", "windows", *ARCHITECTURES, *BASELINES, "ridge", "minutes", "CPU, s"], shown)


def main() -> None:
    """Train, print, write; end with 1 where a network loses or a training lasts too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of the files")
    parser.add_argument("--held-out", choices=["test", "validation"], default="test")
    parser.add_argument("--data", action="append", choices=list(DATA), help="only these")
    parser.add_argument("--only", action="append", choices=[*ARCHITECTURES, "gru"], help="only these architectures")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--more", type=shlex.split, default=[], help="further options of zoo train, to try a default")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name in given.data or DATA:
        for architecture in given.only or ARCHITECTURES:
            for seed in given.seeds:
                rows.append(train(given.folder, name, architecture, seed, given.held_out, given.more))
                print(rows[-1], file=sys.stderr, flush=True)
                if given.held_out == "test" and not given.more:
                    kept = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"] if RESULTS.exists() else []
                    own = [tuple(row[key] for key in ("data", "architecture", "seed")) for row in rows]
                    kept = [row for row in kept if (row["data"], row["architecture"], row["seed"]) not in own]
                    content = {"machine": machine(), "rows": kept + rows}
                    RESULTS.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print(table(rows))
    lost = [
        row
        for row in rows
        if any(row.get(baseline) and row["network"] >= row[baseline] for baseline in BASELINES)
        or row["minutes"] > MOST_MINUTES
    ]
    if lost:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
