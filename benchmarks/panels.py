"""Measure how well and how fast many series are forecast, beside statsforecast and neuralforecast.

Run by hand, with the folder of M4's ``Hourly-train.csv`` and ``Hourly-test.csv`` (Makridakis, Spiliotis &
Assimakopoulos, The M4 Competition, International Journal of Forecasting 36(1), 2020; they are not part of the project);
prints the tables of docs/panels.md and writes ``results/panels.json`` beside this file. Peers run in environments of
their own, and what is compared takes turns; times are medians of the ratios of each turn, errors medians over seeds.
sMAPE, MASE and OWA are M4's own. With ``--held-out validation`` the last 48 values of each train series are forecast
instead of the official test, which is for the end.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from environments import cache, python_of
from numpy.typing import NDArray
from reporting import limit, machine, markdown

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "panels.json"
WINDOW, HORIZON, SEASON = 168, 48, 24
SEEDS = (0, 1, 2)
ARCHITECTURES = ("segmented", "basic", "linear", "gru")
PEERS = {"seasonal-naive": "stats", "theta": "stats", "ets": "stats", "lstm": "nf", "nhits": "nf"}
SEEDED = ("lstm", "nhits")
NAIVE_2 = (18.383, 2.395)  # sMAPE and MASE of M4's yardstick on Hourly, from its own tables; OWA is the mean of ratios
OWA, MASE, OTHERS = 0.60, 1.10, 1.5
SIZES = ((10_000, 200, 1.0), (50_000, 100, 4.0))  # series, rows, seconds beyond reading
WIDE, WIDE_ROWS, WIDE_MEMORY = 321, 26_304, 1.2
DLINEAR_TIME, DLINEAR_MEMORY, ONE_SERIES = 0.8, 1.0, 3.0


class Cost(NamedTuple):
    """What a process took: seconds by the clock, seconds of all cores, and gigabytes at its peak."""

    seconds: float
    cpu: float
    memory: float


def run(*command: Any) -> Cost:
    """Run a process to its end."""
    started = perf_counter()
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL, stderr=told)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            told.seek(0)
            raise SystemExit(f"{' '.join(map(str, command))} failed:\n{told.read().decode()[-2000:]}")
    return Cost(perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6)


def zoo(*command: Any) -> Cost:
    """Run a command of the zoo."""
    return run(sys.executable, "-m", "zoo", *command)


def read_wide(path: Path) -> dict[str, NDArray[np.float64]]:
    """The series of one of M4's files by name, without the empty ends of their lines."""
    frame = pd.read_csv(path, index_col=0)
    return {str(name): row[~np.isnan(row)] for name, row in zip(frame.index, frame.to_numpy(np.float64), strict=True)}


def errors(past: dict[str, NDArray[Any]], truth: dict[str, NDArray[Any]], told: pd.DataFrame) -> dict[str, float]:
    """M4's measures of forecasts with the columns unique_id and forecast, in the order of time."""
    smape, mase = [], []
    for name, forecast in told.groupby("unique_id")["forecast"]:
        y, f = truth[str(name)], forecast.to_numpy()
        smape.append(200 * np.mean(np.abs(y - f) / (np.abs(y) + np.abs(f))))
        mase.append(np.mean(np.abs(y - f)) / np.mean(np.abs(past[str(name)][SEASON:] - past[str(name)][:-SEASON])))
    if len(smape) != len(truth):
        raise SystemExit(f"expected forecasts of {len(truth)} series, found {len(smape)}")
    found = {"smape": float(np.mean(smape)), "mase": float(np.mean(mase))}
    return found | {"owa": (found["smape"] / NAIVE_2[0] + found["mase"] / NAIVE_2[1]) / 2}


def exported(here: Path, name: str) -> tuple[Any, ...]:
    """What lets a training export its run by a name."""
    return "--runs", here / "runs", "--export", "--exported", here / "exported", "--name", name


def accuracy(
    folder: Path, environments: Path, seeds: tuple[int, ...], held_out: str, only: list[str], kept: dict[str, Any]
) -> dict[str, Any]:
    """Errors and costs of architectures at their defaults, and of peers, on M4 Hourly, beside what is ``kept``."""
    past, truth = read_wide(folder / "Hourly-train.csv"), read_wide(folder / "Hourly-test.csv")
    rows: dict[str, list[dict[str, Any]]] = kept.get("all", {})
    for name in only:
        rows[name] = [row for row in rows.get(name, []) if row["seed"] not in seeds]
    with tempfile.TemporaryDirectory() as temporary:
        here, source = Path(temporary), folder / "Hourly-train.csv"
        if held_out == "validation":
            truth = {name: values[-HORIZON:] for name, values in past.items()}
            past = {name: values[:-HORIZON] for name, values in past.items()}
            source = here / "Hourly-train.csv"
            wide = pd.DataFrame({name: pd.Series(values) for name, values in past.items()}).T
            wide.set_axis([f"V{number}" for number in range(2, wide.shape[1] + 2)], axis=1).rename_axis("V1").to_csv(
                source
            )
        long = pd.concat(
            pd.DataFrame({"unique_id": name, "ds": np.arange(len(values)), "y": values})
            for name, values in past.items()
        )
        long.to_parquet(here / "train.parquet")
        for seed in seeds:
            for name in [name for name in ARCHITECTURES if name in only]:
                into = here / "told.csv"
                sizes = ("--window", WINDOW, "--season", SEASON, "--horizon", HORIZON)
                places = exported(here, f"{name}-{seed}")
                trained = zoo("train", name, "--data", source, *sizes, "--seed", seed, *places)
                zoo("predict", here / "exported" / f"{name}-{seed}", "--data", source, "--output", into)
                told = pd.read_csv(into).rename(columns={"y": "forecast"})
                rows[name].append({"seed": seed} | errors(past, truth, told) | trained._asdict())
                print(f"{name}: {rows[name][-1]}", file=sys.stderr, flush=True)
            for name, environment in PEERS.items():
                if name in only and (name in SEEDED or seed == seeds[0]):
                    python, into = python_of(environments, environment), here / "told.parquet"
                    cost = run(
                        python, HERE / "panels_peers.py", name, here / "train.parquet", into, HORIZON, SEASON, seed
                    )
                    rows[name].append({"seed": seed} | errors(past, truth, pd.read_parquet(into)) | cost._asdict())
                    print(f"{name}: {rows[name][-1]}", file=sys.stderr, flush=True)
    heads = ("smape", "mase", "owa", "cpu", "seconds", "memory")
    found = {name: {head: median(row[head] for row in of) for head in heads} for name, of in rows.items()}
    shown = [[name, *(f"{values[head]:.3g}" for head in heads)] for name, values in found.items()]
    print(markdown(["", "sMAPE", "MASE", "OWA", "CPU, s", "seconds", "GB"], shown))
    most = dict.fromkeys(ARCHITECTURES, OTHERS) | {"segmented": MASE}
    limits = [limit(f"{name}, MASE", found[name]["mase"], most=most[name]) for name in ARCHITECTURES if name in found]
    if "segmented" in found:
        limits.append(limit("segmented, OWA", found["segmented"]["owa"], most=OWA))
    return {"held_out": held_out, "medians": found, "all": rows, "limits": limits}


def made_up(series: int, rows: int, into: Path) -> None:
    """A long table of so many daily series of one length."""
    random = np.random.default_rng(0)
    level = 10 ** random.uniform(1, 5, (series, 1))
    week = 1 + 0.3 * np.sin(2 * np.pi * (np.arange(rows) + random.integers(0, 7, (series, 1))) / 7)
    values = level * week * np.exp(0.1 * random.standard_normal((series, rows)))
    pd.DataFrame(
        {
            "unique_id": np.repeat([f"s{number:05}" for number in range(series)], rows),
            "ds": np.tile(pd.date_range("2020-01-01", periods=rows), series),
            "y": values.ravel(),
        }
    ).to_csv(into, index=False)


def speed(environments: Path, rounds: int) -> dict[str, Any]:
    """What zoo predict and zoo inspect take beyond reading the file with pandas, and a whole job beside DLinear's."""
    rows, limits = [], []
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary)
        for series, length, most in SIZES:
            source = here / f"{series}.csv"
            made_up(series, length, source)
            sizes = ("--window", 28, "--horizon", 14)
            zoo("train", "linear", "--data", source, *sizes, "--steps", 80, *exported(here, f"linear-{series}"))
            read = f"import pandas; pandas.read_csv({str(source)!r})"
            bundle = here / "exported" / f"linear-{series}"
            ask = ("predict", bundle, "--data", source, "--output", here / "told.csv")
            turns = [
                {
                    "pandas": run(sys.executable, "-c", read).seconds,
                    "predict": zoo(*ask).seconds,
                    "inspect": zoo("inspect", "--data", source, *sizes).seconds,
                }
                for _ in range(rounds)
            ]
            for command in ("predict", "inspect"):
                beyond = median(turn[command] - turn["pandas"] for turn in turns)
                limits.append(limit(f"zoo {command}, {series} x {length}: seconds beyond pandas", beyond, most=most))
            rows.append([f"{series} x {length}", *(f"{median(t[key] for t in turns):.2f}" for key in turns[0])])
        ratios = job(here / "10000.csv", here, environments, rounds)
        limits.append(limit("10,000 series, whole job: time over DLinear's", ratios["seconds"], most=DLINEAR_TIME))
        limits.append(limit("10,000 series, whole job: memory over DLinear's", ratios["memory"], most=DLINEAR_MEMORY))
    print(markdown(["series x rows", "pandas, s", "zoo predict, s", "zoo inspect, s"], rows))
    return {"rows": rows, "job": ratios, "limits": limits}


JOB = """
import sys, zoo
run = zoo.train("linear", sys.argv[1], window=28, horizon=14, steps=80, runs=sys.argv[2])
run.predict(sys.argv[1]).to_parquet(sys.argv[3])
"""


def job(source: Path, here: Path, environments: Path, rounds: int) -> dict[str, float]:
    """Read, train 80 steps, forecast and save: medians of the ratios of time and memory to DLinear's."""
    frame = pd.read_csv(source, parse_dates=["ds"])
    frame.assign(ds=frame.groupby("unique_id").cumcount()).to_parquet(here / "long.parquet")
    python, ratios = python_of(environments, "nf"), []
    for number in range(rounds):
        own = run(sys.executable, "-c", JOB, source, here / f"job-{number}", here / "own.parquet")
        peer = run(
            python, HERE / "panels_peers.py", "dlinear", here / "long.parquet", here / "peer.parquet", 14, 7, number
        )
        ratios.append((own.seconds / peer.seconds, own.memory / peer.memory))
    return {"seconds": median(ratio for ratio, _ in ratios), "memory": median(ratio for _, ratio in ratios)}


def wide() -> dict[str, Any]:
    """The memory of a training of one network that 321 targets share."""
    with tempfile.TemporaryDirectory() as temporary:
        source, random = Path(temporary) / "wide.parquet", np.random.default_rng(0)
        hours = np.arange(WIDE_ROWS)[:, None]
        values = 100 + 20 * np.sin(2 * np.pi * (hours + random.integers(0, 24, WIDE)) / 24)
        frame = pd.DataFrame(values + random.standard_normal(values.shape), columns=[f"c{n}" for n in range(WIDE)])
        frame.insert(0, "time", pd.date_range("2012-01-01", periods=WIDE_ROWS, freq="h"))
        frame.to_parquet(source)
        sizes = ("--window", 96, "--horizon", 96, "--channels", "shared", "--target", "*", "--steps", 40)
        cost = zoo("train", "segmented", "--data", source, *sizes, "--runs", Path(temporary) / "runs")
    return {**cost._asdict(), "limits": [limit("321 targets, shared: peak GB", cost.memory, most=WIDE_MEMORY)]}


ONE = """
import sys, timeit, zoo
import numpy as np, pandas as pd
bundle, rows = zoo.load_bundle(sys.argv[1]), 400
frame = pd.DataFrame({"ds": pd.date_range("2020-01-01", periods=rows), "y": np.sin(np.arange(rows)) + 10})
window = frame[["y"]].to_numpy()[None, -28:].astype(bundle.problem.dtype)
bundle.predict(frame), bundle.predict(window)
times = [[timeit.timeit(lambda: bundle.predict(given), number=1) for given in (frame, window)] for _ in range(200)]
print(1e3 * float(np.median([table - own for table, own in times])))
"""


def one_series() -> dict[str, Any]:
    """Milliseconds that the forecast of one table takes beyond the runtime's own, in a warm process."""
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary)
        random = np.random.default_rng(0)
        days = np.arange(400)
        y = 10 + np.sin(2 * np.pi * days / 7) + 0.1 * random.standard_normal(400)
        pd.DataFrame({"ds": pd.date_range("2020-01-01", periods=400), "y": y}).to_csv(here / "one.csv", index=False)
        sizes = ("--window", 28, "--horizon", 14, "--target", "y", "--epochs", 1)
        zoo("train", "basic", "--data", here / "one.csv", *sizes, *exported(here, "one"))
        command = [sys.executable, "-c", ONE, here / "exported" / "one"]
        beyond = float(subprocess.run([*map(str, command)], capture_output=True, text=True, check=True).stdout)
    return {"ms": beyond, "limits": [limit("one series: ms beyond the runtime's own", beyond, most=ONE_SERIES)]}


def main() -> None:
    """Measure, print, write; end with 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with M4's Hourly-train.csv and Hourly-test.csv")
    parser.add_argument("--environments", type=Path, default=cache(), help="folder of the peers' environments")
    parser.add_argument("--rounds", type=int, default=5, help="turns of what is timed")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--held-out", choices=["test", "validation"], default="test")
    parser.add_argument("--part", action="append", choices=["accuracy", "speed", "wide", "one"], help="only these")
    models = [*ARCHITECTURES, *PEERS]
    parser.add_argument("--only", action="append", choices=models, help="of the accuracy these alone, beside the rest")
    given = parser.parse_args()
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    before = kept.get("accuracy", {}) if given.held_out == "test" else {}
    measure = {
        "accuracy": lambda: accuracy(
            given.folder, given.environments, tuple(given.seeds), given.held_out, given.only or models, before
        ),
        "speed": lambda: speed(given.environments, given.rounds),
        "wide": wide,
        "one": one_series,
    }
    parts = given.part or list(measure)
    found: dict[str, Any] = {"machine": machine()}
    for part in parts:
        found[part] = measure[part]()
        if given.held_out == "test":  # as soon as there is something
            RESULTS.write_text(json.dumps(kept | found, indent=2) + "\n", encoding="utf-8")
    limits = [one for part in parts for one in found[part]["limits"]]
    shown = [[one["what"], f"{one['found']:.3g}", one["limit"], one["kept"]] for one in limits]
    print(markdown(["figure", "found", "limit", "kept"], shown))
    if not all(one["kept"] for one in limits):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
