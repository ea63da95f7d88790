"""Measure how well architectures forecast ETTh1, beside what others have published and a ridge regression.

Run by hand, with the path of ``ETTh1.csv`` (Zhou et al., Informer, AAAI 2021; it is not part of the project); prints
the tables of docs/accuracy.md and writes ``results/accuracy.json`` beside this file, a training at a time: one that is
there already is not made anew unless its preset has changed. The usual split and all seven series, errors on the test
part in train deviations. Each training is a ``zoo train`` in a process of its own, with a preset of ``presets/`` that
was chosen by the validation part: ``NAME-HORIZON.toml``, or ``NAME.toml`` for all horizons.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean, median
from time import perf_counter
from typing import Any

from reporting import limit, machine, markdown

HERE = Path(__file__).parent
PRESETS, RESULTS = HERE / "presets", HERE / "results" / "accuracy.json"
SERIES = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
HORIZONS, SEEDS = (96, 192, 336, 720), (0, 1, 2)
# What is trained: horizons, seeds, and the most minutes that one training may last
TRAININGS: dict[str, tuple[tuple[int, ...], tuple[int, ...], float]] = {
    "linear": (HORIZONS, SEEDS, 3),
    "segmented": (HORIZONS, SEEDS, 8),
    "basic": ((96, 720), (0,), 30),
}
# MSE and MAE of the same split at each horizon, and where they stand: the published ones
PUBLISHED: dict[str, tuple[str, tuple[tuple[float, float], ...]]] = {
    "last value": ("LTSF-Linear, table 2", ((1.295, 0.713), (1.325, 0.733), (1.323, 0.744), (1.339, 0.756))),
    "DLinear": ("LTSF-Linear, window 336", ((0.375, 0.399), (0.405, 0.416), (0.439, 0.443), (0.472, 0.490))),
    "NLinear": ("LTSF-Linear, window 336", ((0.374, 0.394), (0.408, 0.415), (0.429, 0.427), (0.440, 0.453))),
    "PatchTST/64": ("PatchTST, window 512", ((0.370, 0.400), (0.413, 0.429), (0.422, 0.440), (0.447, 0.468))),
    "iTransformer": ("iTransformer, window 96", ((0.386, 0.405), (0.441, 0.436), (0.487, 0.458), (0.503, 0.491))),
    "SegRNN": ("its repository, window 96", ((0.368, 0.395), (0.408, 0.419), (0.444, 0.440), (0.446, 0.457))),
}
SEGMENTED_MEAN, LINEAR_MEAN, BASIC_96, BASIC_720 = 0.400, 0.413 * 1.03, 0.40, 0.50


def preset(name: str, horizon: int) -> Path:
    """The settings of a training."""
    own = PRESETS / f"{name}-{horizon}.toml"
    return own if own.exists() else PRESETS / f"{name}.toml"


def train(data: Path, name: str, horizon: int, seed: int) -> dict[str, Any]:
    """Train once; return the test errors of the network and of the baselines, epochs and minutes."""
    settings = preset(name, horizon)
    with tempfile.TemporaryDirectory() as runs:
        command = [sys.executable, "-m", "zoo", "train", "--config", settings, "--data", data, "--horizon", horizon]
        started = perf_counter()
        done = subprocess.run(
            [*map(str, command), "--seed", str(seed), "--runs", runs], capture_output=True, text=True, check=False
        )
        minutes = (perf_counter() - started) / 60
        if done.returncode:
            raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stderr[-2000:]}")
        record = json.loads(next(Path(runs).glob("*/run.json")).read_text(encoding="utf-8"))
    evaluation, training = record["evaluation"], record["training"]
    return {
        "name": name,
        "horizon": horizon,
        "seed": seed,
        "preset": digest(settings),
        **evaluation["network"]["scaled"],
        "windows": evaluation["windows"],
        "baselines": {baseline: found["scaled"] for baseline, found in evaluation["baselines"].items()},
        "parameters": training["parameters"],
        "epochs": training["epochs"],
        "best_epoch": training["best_epoch"],
        "val_loss": training["val_loss"],
        "minutes": minutes,
    }


def digest(path: Path) -> str:
    """What tells one content of a file from another."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def tables(rows: list[dict[str, Any]]) -> str:
    """Errors by horizon, those of several seeds as their median, beside the published; then each training."""
    shown = []
    for name in TRAININGS:
        of = {
            horizon: [row for row in rows if (row["name"], row["horizon"]) == (name, horizon)] for horizon in HORIZONS
        }
        if any(of.values()):
            seeds = max(map(len, of.values()))
            shown.append([f"**{name}**", f"this, median of {seeds} seeds" if seeds > 1 else "this, one seed"])
            shown[-1] += _errors([_median(found) if found else None for found in of.values()])
    ridge = [
        next((row["baselines"]["ridge"] for row in rows if row["horizon"] == horizon), None) for horizon in HORIZONS
    ]
    shown.append(["ridge regression", "this, the baseline of each run", *_errors([_pair(found) for found in ridge])])
    for name, (source, errors) in PUBLISHED.items():
        shown.append([name, source, *_errors(list(errors))])
    each = [
        [
            row["name"],
            *(str(row[key]) for key in ("horizon", "seed")),
            f"{row['mse']:.4f}",
            f"{row['mae']:.4f}",
            f"{row['best_epoch']} of {row['epochs']}",
            f"{row['parameters']:,}",
            f"{row['minutes']:.1f}",
        ]
        for row in rows
    ]
    titles = ["", "source", *(f"{horizon}: MSE/MAE" for horizon in HORIZONS), "mean MSE"]
    details = ["", "horizon", "seed", "MSE", "MAE", "best epoch", "parameters", "minutes"]
    return f"{markdown(titles, shown)}\n{markdown(details, each)}"


def _median(rows: list[dict[str, Any]]) -> tuple[float, float]:
    return median(row["mse"] for row in rows), median(row["mae"] for row in rows)


def _pair(errors: dict[str, float] | None) -> tuple[float, float] | None:
    return None if errors is None else (errors["mse"], errors["mae"])


def _errors(found: list[tuple[float, float] | None]) -> list[str]:
    told = ["-" if pair is None else f"{pair[0]:.3f}/{pair[1]:.3f}" for pair in found]
    whole = [pair[0] for pair in found if pair is not None]
    return [*told, f"{mean(whole):.3f}" if len(whole) == len(found) else "-"]


def limits(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the project promises, where all that it needs is there."""
    found = []
    for name, (horizons, seeds, minutes) in TRAININGS.items():
        own = [row for row in rows if row["name"] == name]
        if len(own) < len(horizons) * len(seeds):
            continue
        mse = {horizon: median(row["mse"] for row in own if row["horizon"] == horizon) for horizon in horizons}
        if name == "basic":
            found.append(limit("basic, MSE at 96", mse[96], most=BASIC_96))
            found.append(limit("basic, MSE at 720", mse[720], most=BASIC_720))
        else:
            most = SEGMENTED_MEAN if name == "segmented" else LINEAR_MEAN
            found.append(limit(f"{name}, mean MSE", mean(mse.values()), most=most))
        found.append(limit(f"{name}, minutes of a training, most", max(row["minutes"] for row in own), most=minutes))
    return found


def main() -> None:
    """Train, print, write; end with 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=os.environ.get("ZOO_ETTH1"), help="path of ETTh1.csv")
    parser.add_argument("--only", action="append", choices=list(TRAININGS), help="only these")
    given = parser.parse_args()
    if given.data is None or not given.data.is_file():
        parser.error("give the path of ETTh1.csv, or set ZOO_ETTH1 to it")
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"] if RESULTS.exists() else []
    rows = {
        (row["name"], row["horizon"], row["seed"]): row
        for row in kept
        if row["preset"] == digest(preset(row["name"], row["horizon"]))
    }
    for name in given.only or TRAININGS:
        horizons, seeds, _ = TRAININGS[name]
        for key in [(name, horizon, seed) for horizon in horizons for seed in seeds]:
            if key not in rows:
                rows[key] = train(given.data, *key)
                print(f"{key}: {rows[key]['mse']:.4f} in {rows[key]['minutes']:.1f} minutes", file=sys.stderr)
                content = {"machine": machine(), "rows": list(rows.values())}
                RESULTS.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    ordered = sorted(rows.values(), key=lambda row: (list(TRAININGS).index(row["name"]), row["horizon"], row["seed"]))
    print(tables(ordered))
    found = limits(ordered)
    kept_limits = [[one["what"], f"{one['found']:.3f}", one["limit"], one["kept"]] for one in found]
    print(markdown(["figure", "found", "limit", "kept"], kept_limits))
    if not all(one["kept"] for one in found):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
