"""Measure what serving costs: the start of ``zoo predict``, the latency of a bundle, an export, and a backtest.

Run by hand, with ``make bench``; prints Markdown tables and writes ``results/serving.json`` beside this file. What is
compared takes turns, in processes of their own, and ratios are medians of the ratios of each turn: so they hold where
other programs run too.
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
from time import perf_counter, sleep
from typing import Any

from reporting import limit, machine, markdown
from windows import SAMPLED_EVERY, anonymous_mb, measured

RESULTS = Path(__file__).parent / "results" / "serving.json"
ZOO = Path(sys.executable).with_name("zoo")
ROWS, WINDOW, HORIZON = 2000, 48, 12
START_SECONDS, TENSORFLOW_SECONDS, START_RATIO = 1.3, 5, 1.2
LATENCY_RATIO, EXPORT_SECONDS, BACKTEST_MB = 1.15, 15, 500

BARE = """
import json, sys
import numpy as np, onnxruntime, pandas as pd
frame = pd.read_csv(sys.argv[2], parse_dates=["time"])
session = onnxruntime.InferenceSession(sys.argv[1] + "/model.onnx", providers=["CPUExecutionProvider"])
window = frame.iloc[-48:, 1:].to_numpy(np.float32)[None]
(forecast,) = session.run(["forecast"], {"window": window})
times = pd.date_range(frame["time"].iloc[-1], periods=forecast.shape[1] + 1, freq="s")[1:]
print(json.dumps([{"time": str(time), "x0": float(x)} for time, x in zip(times, forecast[0, :, 0])], indent=2))
"""

# The same network without scaling, and both in turns in one process: prints the ratio and both medians in microseconds
WITHOUT_SCALING = """
import sys
import tensorflow as tf, tf2onnx, zoo
network = zoo.load_run(sys.argv[1]).network
signature = [tf.TensorSpec((None, *network.input_shape[1:]), tf.float32, name="window")]
function = tf.function(lambda window: {"forecast": network(window, training=False)}, input_signature=signature)
with tf.device("/CPU:0"):
    tf2onnx.convert.from_function(function, signature, opset=18, output_path=sys.argv[2])
"""
LATENCY = """
import json, sys
from statistics import median
from time import perf_counter
import numpy as np, onnxruntime
sessions, times = [], [[], []]
for path in sys.argv[1:3]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    shape = [1, *session.get_inputs()[0].shape[1:]]
    sessions.append((session, {session.get_inputs()[0].name: np.zeros(shape, np.float32)}))
for turn in range(3000):
    for (session, window), kept in zip(sessions, times):
        started = perf_counter()
        session.run(None, window)
        if turn >= 300:
            kept.append(perf_counter() - started)
raw, bare = (1e6 * median(kept) for kept in times)
print(json.dumps({"raw_us": raw, "bare_us": bare, "ratio": median(a / b for a, b in zip(*times))}))
"""


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a program, and return what it prints; an error shows what it said."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def seconds(*command: str | Path, cwd: Path | None = None) -> float:
    """From the start of a program to its end."""
    started = perf_counter()
    run(*command, cwd=cwd)
    return perf_counter() - started


def train(folder: Path) -> dict[str, str]:
    """Train ``basic`` and ``stacked`` for an epoch, and export them; returns the runs' ids."""
    measured("write", path=str(folder / "table.csv"), rows=ROWS)
    settings = ("--data", "table.csv", "--target", "x0", "--window", WINDOW, "--horizon", HORIZON, "--epochs", 1)
    found = {}
    for name in ("basic", "stacked"):
        told = run(ZOO, "train", name, *map(str, settings), "--export", "--name", name, "--json", cwd=folder)
        found[name] = json.loads(told)["id"]
    return found


def measure_start(folder: Path, rounds: int) -> dict[str, Any]:
    """The whole of ``zoo predict`` on one window, of a script that does the same, and of importing TensorFlow."""
    bundle, table = "exported/basic/1", "table.csv"
    commands = {
        "zoo": (ZOO, "predict", bundle, "--data", table, "--json"),
        "bare": (sys.executable, "-c", BARE, bundle, table),
        "tensorflow": (sys.executable, "-c", "import tensorflow"),
    }
    ours, bares = (json.loads(run(*commands[name], cwd=folder)) for name in ("zoo", "bare"))
    for one, other in zip(ours, bares, strict=True):
        assert one["time"] == other["time"]
        assert abs(one["x0"] - other["x0"]) < 1e-4, "both do the same"
    turns = []
    for number in range(rounds):  # in another order each time: what comes after TensorFlow finds empty caches
        names = [*commands][number % len(commands) :] + [*commands][: number % len(commands)]
        turns.append({name: seconds(*commands[name], cwd=folder) for name in names})
    return {f"{name}_seconds": median(turn[name] for turn in turns) for name in commands} | {
        "ratio": median(turn["zoo"] / turn["bare"] for turn in turns),
        "share_of_tensorflow": median(turn["zoo"] / turn["tensorflow"] for turn in turns),
        "ratios": sorted(turn["zoo"] / turn["bare"] for turn in turns),
    }


def measure_latency(folder: Path, runs: dict[str, str], rounds: int) -> list[dict[str, Any]]:
    """One window on ONNX Runtime: raw units in and out, beside the same network without scaling."""
    found = []
    for name, trained in runs.items():
        run(sys.executable, "-c", WITHOUT_SCALING, trained, f"{name}.onnx", cwd=folder)
        models = (f"exported/{name}/1/model.onnx", f"{name}.onnx")
        turns = [json.loads(run(sys.executable, "-c", LATENCY, *models, cwd=folder)) for _ in range(rounds)]
        found.append({"network": name} | {key: median(turn[key] for turn in turns) for key in turns[0]})
    return found


def measure_export(folder: Path, trained: str, rounds: int) -> float:
    """The whole of ``zoo export``, with its gate on both runtimes, from the start of the process."""
    return median(seconds(ZOO, "export", trained, "--name", "again", cwd=folder) for _ in range(rounds))


def measure_backtest(folder: Path, rows: int) -> dict[str, Any]:
    """A file that is gone over, a window every 16 rows, and the peak of the process's anonymous memory."""
    path = folder / "long.parquet"
    size = measured("write", path=str(path), rows=rows)[0]["file_mb"]
    settings = ("--backtest", "--stride", "16", "--spool", folder, "--output", "out.parquet")
    command = [ZOO, "predict", "exported/basic/1", "--data", path, *settings]
    started, peak = perf_counter(), 0.0
    with subprocess.Popen(list(map(str, command)), cwd=folder, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, anonymous_mb(process.pid))
            sleep(SAMPLED_EVERY)
    if process.returncode:
        sys.exit(f"the backtest ended with {process.returncode}")
    took = perf_counter() - started
    windows = -(-(rows - WINDOW + 1) // 16)
    return {"rows": rows, "file_mb": size, "windows": windows, "seconds": took, "peak_mb": peak}


def main() -> None:
    """Measure all parts, print them, and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="turns that a median is taken over; of exports a third")
    parser.add_argument("--rows", type=int, default=4_000_000, help="of the file that a backtest goes over")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="on a disk")
    given = parser.parse_args()
    results: dict[str, Any] = {"machine": machine()}
    print(markdown(list(results["machine"]), [list(map(str, results["machine"].values()))]))
    with tempfile.TemporaryDirectory(dir=given.folder) as temporary:
        folder = Path(temporary)
        runs = train(folder)
        results["start"] = start = measure_start(folder, given.rounds)
        results["latency"] = latency = measure_latency(folder, runs, given.rounds // 3)
        results["export_seconds"] = measure_export(folder, runs["stacked"], max(given.rounds // 3, 1))
        results["backtest"] = [measure_backtest(folder, rows) for rows in (given.rows // 4, given.rows)]
    names = ["zoo_seconds", "bare_seconds", "tensorflow_seconds", "ratio", "share_of_tensorflow"]
    print(
        table(
            ["zoo predict, s", "bare script, s", "import tensorflow, s", "zoo / bare", "zoo / tensorflow"],
            [start],
            names,
        )
    )
    heads = ["network", "raw units, µs", "without scaling, µs", "ratio"]
    print(table(heads, latency, ["network", "raw_us", "bare_us", "ratio"]))
    print(table(["zoo export of stacked, s"], [results], ["export_seconds"]))
    heads = ["rows", "file, MB", "windows", "seconds", "peak, MB"]
    print(table(heads, results["backtest"], ["rows", "file_mb", "windows", "seconds", "peak_mb"]))
    share = START_SECONDS / TENSORFLOW_SECONDS
    results["limits"] = limits = [
        limit("of the time to import TensorFlow, zoo predict", start["share_of_tensorflow"], most=share),
        limit("times the bare script, zoo predict", start["ratio"], most=START_RATIO),
        *(limit(f"times as long for raw units, {row['network']}", row["ratio"], most=LATENCY_RATIO) for row in latency),
        limit("s, export of stacked", results["export_seconds"], most=EXPORT_SECONDS),
        *(
            limit(f"MB, backtest of {row['rows']:,} rows", row["peak_mb"], most=BACKTEST_MB)
            for row in results["backtest"]
        ),
    ]
    print(table(["found", "what", "limit", "kept"], limits, ["found", "what", "limit", "kept"]))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    if not all(row["kept"] for row in limits):
        sys.exit("a limit is missed")


def table(heads: list[str], rows: list[dict[str, Any]], keys: list[str]) -> str:
    """Some keys of some results, with three digits where numbers are small."""
    shown = [
        [f"{row[key]:.3g}" if isinstance(row[key], float) and row[key] < 100 else row[key] for key in keys]
        for row in rows
    ]
    return markdown(heads, shown)


if __name__ == "__main__":
    main()
