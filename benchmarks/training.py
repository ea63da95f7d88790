"""Measure how fast a training is beside textbook Keras, PyTorch and neuralforecast, and that it comes to the same.

Run by hand, with ``make bench``; prints Markdown tables and writes ``results/training.json`` beside this file. What is
compared takes turns, in processes of their own, and ratios are medians of the ratios of each turn. PyTorch and
neuralforecast are installed into environments of their own, in the folder ``--environments``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from itertools import product
from pathlib import Path
from statistics import geometric_mean, median
from time import perf_counter
from typing import Any

from environments import cache, python_of, run
from reporting import limit, machine, markdown

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "training.json"
WINDOWS, UNITS, BATCHES = (30, 96, 336), (64, 128), (32, 256)
KERAS_MEAN, KERAS_LEAST, TORCH_MEAN, TORCH_CELL, END_TO_END, LOSS = 2.0, 1.0, 1.0, 0.9, 2.0, 0.01
SEEDS, ARCHITECTURES = (0, 1, 2), ("basic", "stacked", "bidirectional", "custom-loss")

# From a table to forecasts: the same window, horizon, units, one layer, batch, steps, Adam and rate. batch_size counts
# series at neuralforecast, windows_batch_size windows: each step draws 64 of all windows. What differs: its head
# maps each of the last 24 states to one number, the zoo's the last state to 24; it scales each window by itself, the
# zoo the whole table; its loss is the MAE, the zoo's the MSE; it trains on all rows and nothing more, the zoo on 8,115,
# and validates 8 times, measures on the test part, and writes run and report
NEURALFORECAST = """
import sys, warnings, logging
warnings.simplefilter("ignore"); logging.disable(logging.CRITICAL)
import pandas as pd
from neuralforecast import NeuralForecast
from neuralforecast.models import LSTM
frame = pd.read_csv(sys.argv[1], parse_dates=["time"])
frame = frame.rename(columns={"time": "ds"}).assign(unique_id="a")
model = LSTM(h=24, input_size=96, encoder_n_layers=1, encoder_hidden_size=64, decoder_layers=1, max_steps=1000,
    learning_rate=1e-3, batch_size=1, windows_batch_size=64, scaler_type="standard", val_check_steps=1000,
    enable_progress_bar=False, logger=False, enable_checkpointing=False, enable_model_summary=False)
forecaster = NeuralForecast(models=[model], freq="h")
forecaster.fit(frame)
assert len(forecaster.predict()) == 24
"""
ZOO = """
import sys
import pandas as pd, zoo
frame = pd.read_csv(sys.argv[1], parse_dates=["time"])
run = zoo.train("basic", frame, target="y", window=96, horizon=24, hyperparameters={"units": 64}, batch_size=64,
    split=(8115, 943, 942), epochs=8, patience=0, runs=sys.argv[2])
assert 1000 <= 8 * -(-(8115 - 96 - 24 + 1) // 64)
assert len(run.predict(frame)) == 24
"""
SAME = """
import json, sys, tempfile, zoo
name, engine, seed = sys.argv[1:]
with tempfile.TemporaryDirectory() as runs:
    run = zoo.train(name, "example:co2", engine=engine, seed=int(seed), epochs=5, patience=0, runs=runs)
    history = (run.folder / "history.csv").read_text().splitlines()
    print(json.dumps(float(dict(zip(history[0].split(","), history[-1].split(",")))["val_loss"])))
"""


def cells(wanted: str = "") -> list[dict[str, Any]]:
    """The grid, and what the textbooks have beside it."""
    found = []
    for window, units, batch in product(WINDOWS, UNITS, BATCHES):
        for kind, layers in (("basic", 1), ("stacked", 2), ("bidirectional", 2)):
            name = f"{kind} T={window} U={units} B={batch}"
            sizes = {"window": window, "units": units, "batch": batch}
            found.append({"name": name, "kind": kind, "layers": layers, **sizes})
    textbook = {"kind": "bidirectional", "layers": 2, "window": 30, "units": 128, "batch": 64}
    found.append({"name": "bidirectional T=30 U=128 B=64", **textbook})
    return [cell for cell in found if wanted in cell["name"]]


def throughput(environments: Path, rounds: int, wanted: str) -> dict[str, Any]:
    """Milliseconds of a step of each peer, for each cell, and the zoo's ratios to them."""
    torch = python_of(environments, "torch")
    peers = {"keras": sys.executable, "zoo": sys.executable, "torch-1": torch, "torch-all": torch}
    times: dict[str, dict[str, list[float]]] = {cell["name"]: {peer: [] for peer in peers} for cell in cells(wanted)}
    for number in range(rounds):
        for window in WINDOWS:
            some = [cell for cell in cells(wanted) if cell["window"] == window]
            for peer, python in peers.items() if some else ():
                for line in run(python, HERE / "training_peers.py", peer, json.dumps(some)).splitlines():
                    found = json.loads(line)
                    times[found["name"]][peer].append(found["ms"])
                print(f"round {number + 1}, T={window}: {peer}", file=sys.stderr)
    rows = []
    for name, of in times.items():
        best = [min(pair) for pair in zip(of["torch-1"], of["torch-all"], strict=True)]
        rows.append(
            {
                "cell": name,
                **{peer: median(values) for peer, values in of.items()},
                "to_keras": median(other / own for own, other in zip(of["zoo"], of["keras"], strict=True)),
                "to_torch": median(other / own for own, other in zip(of["zoo"], best, strict=True)),
            }
        )
    columns = ["cell", *peers, "to_keras", "to_torch"]
    titles = ["", "Keras, ms", "zoo, ms", "PyTorch, 1 thread, ms", "all threads, ms", "to Keras", "to PyTorch"]
    shown = [[f"{row[key]:.2f}" if key != "cell" else row[key] for key in columns] for row in rows]
    print(markdown(titles, shown))
    to_keras, to_torch = [row["to_keras"] for row in rows], [row["to_torch"] for row in rows]
    return {
        "rows": rows,
        "limits": [
            limit("throughput to Keras, geometric mean", geometric_mean(to_keras), least=KERAS_MEAN),
            limit("throughput to Keras, least", min(to_keras), least=KERAS_LEAST),
            limit("throughput to PyTorch, geometric mean", geometric_mean(to_torch), least=TORCH_MEAN),
            limit("throughput to PyTorch, least", min(to_torch), least=TORCH_CELL),
        ],
    }


def end_to_end(environments: Path, rounds: int) -> dict[str, Any]:
    """Seconds of whole processes, from a CSV file to forecasts past its end."""
    import numpy as np
    import pandas as pd

    python = python_of(environments, "nf")
    seconds: dict[str, list[float]] = {"zoo": [], "neuralforecast": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "series.csv"
        steps = np.arange(10_000)
        y = 100 + 10 * np.sin(steps / 4) + np.random.default_rng(0).normal(size=len(steps))
        pd.DataFrame({"time": pd.date_range("2024-01-01", periods=len(y), freq="h"), "y": y}).to_csv(path, index=False)
        for number in range(rounds):
            for name, program, code in (("zoo", sys.executable, ZOO), ("neuralforecast", python, NEURALFORECAST)):
                started = perf_counter()
                run(program, "-c", code, path, Path(folder) / f"runs{number}")
                seconds[name].append(perf_counter() - started)
    ratio = median(other / own for own, other in zip(seconds["zoo"], seconds["neuralforecast"], strict=True))
    rows = [[name, f"{median(seconds[name]):.1f}"] for name in seconds]
    print(markdown(["from file to forecasts", "seconds"], [*rows, ["ratio", f"{ratio:.2f}"]]))
    return {
        "seconds": seconds,
        "limits": [limit("end to end to neuralforecast", ratio, least=END_TO_END)],
    }


def losses() -> dict[str, Any]:
    """The last validation loss of the fused and the unfused engine, over seeds."""
    rows, worst = [], 0.0
    for name in ARCHITECTURES:
        found = {
            engine: [float(run(sys.executable, "-c", SAME, name, engine, seed)) for seed in SEEDS]
            for engine in ("keras", "fused")
        }
        apart = [abs(own / other - 1) for own, other in zip(found["fused"], found["keras"], strict=True)]
        worst = max(worst, *apart)
        rows.append([name, *(f"{loss:.6f}" for engine in found.values() for loss in engine), f"{max(apart):.1e}"])
    seeds = [f"{engine}, seed {seed}" for engine in ("Keras", "fused") for seed in SEEDS]
    print(markdown(["validation loss", *seeds, "largest difference"], rows))
    return {"rows": rows, "limits": [limit("validation loss, largest difference", worst, most=LOSS)]}


def main() -> None:
    """Measure, print, write; end with 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=Path, default=cache(), help="folder of the peers' environments")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each part")
    parser.add_argument("--cells", default="", help="of these only, 'basic T=30'; writes no results")
    parser.add_argument("--part", action="append", choices=["throughput", "end-to-end", "losses"], help="only these")
    given = parser.parse_args()
    parts = given.part or ["throughput", "end-to-end", "losses"]
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    found: dict[str, Any] = {"machine": machine()}
    measure = {
        "throughput": lambda: throughput(given.environments, given.rounds, given.cells),
        "end-to-end": lambda: end_to_end(given.environments, given.rounds),
        "losses": losses,
    }
    for part in parts:
        found[part] = measure[part]()
        if not given.cells:  # as soon as there is something: the next part may take an hour
            RESULTS.write_text(json.dumps(kept | found, indent=2) + "\n", encoding="utf-8")
    limits = [one for part in parts for one in found[part]["limits"]]
    print(
        markdown(
            ["figure", "found", "limit", "kept"],
            [[one["what"], f"{one['found']:.3g}", one["limit"], one["kept"]] for one in limits],
        )
    )
    if not all(one["kept"] for one in limits):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
