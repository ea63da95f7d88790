"""Measure what windows cost: memory, speed beside Keras, and tables that do not fit in memory.

Run by hand, with ``make bench``; prints Markdown tables and writes ``results/windows.json`` beside this file. Every
figure comes from a process of its own, which this one starts: it imports nothing large itself, as a process inherits
the peak memory of the one that starts it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from reporting import limit, machine, markdown

RESULTS = Path(__file__).parent / "results" / "windows.json"
WINDOW, BATCH, COLUMNS, SEED = 96, 256, 8, 7
WINDOWS = (24, 96, 336, 720)
SAMPLED_EVERY = 0.05  # seconds
MEMORY_MB, SPEED_RATIO, SPOOL_MB = 300, 3, 1500  # limits

# ---------------------------------------------------------------------------------------------------------------------
# In a process of its own: each part prints one JSON object a line


def imports() -> dict[str, Any]:
    """The peak of a process that only imports; what the others take is counted from there."""
    _libraries()
    return {"peak_mb": _peak_mb()}


def memory(loader: str, rows: int, window: int, batches: int) -> dict[str, Any]:
    """The peak of a process that draws shuffled batches from an array; 0 batches: of a whole epoch."""
    import tensorflow as tf

    _libraries()
    tf.config.experimental.enable_op_determinism()  # as a training does
    features, targets = _arrays(rows)
    count = rows - window
    batches = batches or -(-count // BATCH)
    drawn = 0
    for inputs, _ in _loader(loader)(features, targets, window).take(batches):
        drawn += len(inputs)
    array_mb = (features.nbytes + targets.nbytes) / 1e6
    return {"peak_mb": _peak_mb(), "array_mb": array_mb, "windows": drawn, "batch_mb": inputs.numpy().nbytes / 1e6}


def speed(rows: int, window: int, batches: int, turns: int) -> dict[str, Any]:
    """Windows a second of both loaders in turns, each warm before it is timed; their ratio is that of each turn."""
    from time import perf_counter

    _libraries()
    features, targets = _arrays(rows)
    loaders = {name: iter(_loader(name)(features, targets, window)) for name in ("zoo", "keras")}
    rates: dict[str, list[float]] = {name: [] for name in loaders}
    for _ in range(turns):
        for name, iterator in loaders.items():
            for _ in range(10):  # what lay ready, and was computed in the other's time
                next(iterator)
            started = perf_counter()
            for _ in range(batches):
                next(iterator)
            rates[name].append(batches * BATCH / (perf_counter() - started))
    ratios = [ours / theirs for ours, theirs in zip(rates["zoo"], rates["keras"], strict=True)]
    return {"zoo": median(rates["zoo"]), "keras": median(rates["keras"]), "ratio": median(ratios)}


def write(path: str, rows: int) -> dict[str, Any]:
    """Write a table of one-second times and float32 columns, row group by row group."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    random, size = np.random.default_rng(SEED), 2**20
    names = ["time", *(f"x{number}" for number in range(COLUMNS))]
    writer: Any = None
    for start in range(0, rows, size):
        count = min(size, rows - start)
        times = np.datetime64("2020-01-01", "ms") + np.arange(start, start + count) * np.timedelta64(1000, "ms")
        columns = random.normal(size=(COLUMNS, count)).astype(np.float32)
        if path.endswith(".csv"):
            columns = columns.round(4)
        table = pa.table([pa.array(times), *map(pa.array, columns)], names)
        if writer is None:
            opened = pyarrow.csv.CSVWriter if path.endswith(".csv") else pyarrow.parquet.ParquetWriter
            writer = opened(path, table.schema)
        writer.write_table(table)
    writer.close()
    return {"file_mb": Path(path).stat().st_size / 1e6}


def spool(path: str, folder: str, scaler: str, batches: int) -> Iterator[dict[str, Any]]:
    """Prepare a file through a folder, then draw batches from it."""
    from time import perf_counter

    _libraries()
    from zoo.settings.schema import DataConfig
    from zoo.training.batches import shuffled_batches
    from zoo.training.preparation import prepare

    yield {"stage": "imports"}
    config = DataConfig.model_validate({"target": ("x0",), "window": WINDOW, "horizon": 1, "scaler": scaler})
    started = perf_counter()
    prepared = prepare(config, path, spool=Path(folder))
    yield {"stage": "prepare", "seconds": perf_counter() - started, "rows": len(prepared.values)}
    started, drawn = perf_counter(), 0
    for inputs, _ in shuffled_batches(prepared.parts["train"], BATCH, SEED).take(batches):
        drawn += len(inputs)
    yield {"stage": "batches", "seconds": perf_counter() - started, "windows": drawn}


PARTS: dict[str, Callable[..., Any]] = {
    "imports": imports,
    "memory": memory,
    "speed": speed,
    "write": write,
    "spool": spool,
}


def _libraries() -> None:
    import keras  # noqa: F401
    import tensorflow as tf

    import zoo.training.batches
    import zoo.training.preparation  # noqa: F401

    tf.constant(0)  # starts the runtime


def _arrays(rows: int) -> tuple[Any, Any]:
    """Random features (rows, columns) and, as targets, a copy of one of them, (rows, 1); TensorFlow can share both."""
    import numpy as np

    from zoo.data.storage import collect, row_blocks

    random = np.random.default_rng(SEED)
    blocks = (random.random((part.stop - part.start, COLUMNS), np.float32) for part in row_blocks(0, rows))
    features = collect(blocks, (rows, COLUMNS), np.float32)
    targets = collect((features[part, :1] for part in row_blocks(0, rows)), (rows, 1), np.float32)
    return features, targets


def _loader(name: str) -> Callable[[Any, Any, int], Any]:
    """Shuffled batches whose targets are the row after the window, as a ``tf.data.Dataset``."""

    def zoo(features: Any, targets: Any, window: int) -> Any:
        import numpy as np

        from zoo.data.windows import Layout, Windows
        from zoo.training.batches import shuffled_batches

        offsets = np.array([0, len(features) - window])
        return shuffled_batches(Windows(features, targets, np.array([0]), offsets, Layout(window, 1, window)), BATCH, 0)

    def keras(features: Any, targets: Any, window: int) -> Any:
        from keras.utils import timeseries_dataset_from_array

        return timeseries_dataset_from_array(
            features, targets[window:], sequence_length=window, batch_size=BATCH, shuffle=True, seed=SEED
        ).repeat()

    return {"zoo": zoo, "keras": keras}[name]


def _peak_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


# ---------------------------------------------------------------------------------------------------------------------
# In this process


def measured(part: str, **arguments: Any) -> list[dict[str, Any]]:
    """Run a part in a process of its own; each of its lines gets the peak of anonymous memory since the one before."""
    command = [sys.executable, __file__, "--part", part, "--arguments", json.dumps(arguments)]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    found = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        peak, ended = [0.0], threading.Event()

        def sample() -> None:
            while not ended.wait(SAMPLED_EVERY):
                peak[0] = max(peak[0], anonymous_mb(process.pid))

        sampler = threading.Thread(target=sample)
        sampler.start()
        assert process.stdout is not None
        for line in process.stdout:
            found.append(json.loads(line) | {"anonymous_mb": max(peak[0], anonymous_mb(process.pid))})
            peak[0] = 0.0
        ended.set()
        sampler.join()
    if process.returncode:
        sys.exit(f"{part} ended with {process.returncode}")
    return found


def anonymous_mb(pid: int) -> float:
    """``RssAnon`` of a process: its memory without what is mapped from files."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    sizes = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(sizes[0]) * 1024 / 1e6 if sizes else 0.0


def measure_memory(rows: int, rounds: int) -> list[dict[str, Any]]:
    """Parts a and c: the peak beyond array and imports for each length of window, the zoo's and Keras'."""
    base = median(measured("imports")[0]["peak_mb"] for _ in range(rounds))
    found = []
    for window in WINDOWS:
        row: dict[str, Any] = {
            "rows": rows,
            "window": window,
            "as_arrays_gb": (rows - window) * window * COLUMNS * 4 / 1e9,
        }
        for loader in ("zoo", "keras"):
            batches = 1000 if loader == "keras" else 0 if window == WINDOW else 10_000
            arguments = {"loader": loader, "rows": rows, "window": window, "batches": batches}
            runs = [measured("memory", **arguments)[0] for _ in range(rounds)]
            row |= {"array_mb": runs[0]["array_mb"], "batch_mb": runs[0]["batch_mb"]}
            row[f"{loader}_windows"] = runs[0]["windows"]
            row[f"{loader}_mb"] = median(run["peak_mb"] - run["array_mb"] - base for run in runs)
        found.append(row)
    return found


def measure_speed(rows: int, rounds: int) -> dict[str, Any]:
    """Part b: windows a second beside Keras'."""
    runs = [measured("speed", rows=rows, window=WINDOW, batches=200, turns=5)[0] for _ in range(rounds)]
    return {name: median(run[name] for run in runs) for name in ("zoo", "keras", "ratio")} | {
        "ratios": sorted(run["ratio"] for run in runs)
    }


def measure_spool(kind: str, rows: int, folder: Path, scaler: str = "standard") -> dict[str, Any]:
    """Part d: the peak of anonymous memory while a file goes through a folder."""
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        path = str(Path(temporary) / f"table.{kind}")
        size = measured("write", path=path, rows=rows)[0]["file_mb"]
        before, prepared, drawn = measured("spool", path=path, folder=temporary, scaler=scaler, batches=2000)
    return {
        "file": kind,
        "rows": rows,
        "file_mb": size,
        "imports_mb": before["anonymous_mb"],
        "prepare_mb": prepared["anonymous_mb"],
        "batches_mb": drawn["anonymous_mb"],
        "prepare_seconds": prepared["seconds"],
        "windows_per_second": drawn["windows"] / drawn["seconds"],
    }


def main() -> None:
    """Measure all parts, print them, and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the array in memory")
    parser.add_argument("--parquet-rows", type=int, default=2**27, help="of the file that goes through a folder")
    parser.add_argument("--csv-rows", type=int, default=12_000_000, help="of the CSV file that does")
    parser.add_argument("--rounds", type=int, default=5, help="processes that a median is taken over")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="on a disk, for (d)")
    parser.add_argument("--only", choices=["memory", "speed", "spool"], help="one of the parts; writes no results")
    parser.add_argument("--part", choices=sorted(PARTS), help=argparse.SUPPRESS)
    parser.add_argument("--arguments", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        result = PARTS[given.part](**given.arguments)
        for line in [result] if isinstance(result, dict) else result:
            print(json.dumps(line), flush=True)
        return

    results: dict[str, Any] = {"machine": machine(), "columns": COLUMNS, "batch": BATCH}
    print(markdown(list(results["machine"]), [list(map(str, results["machine"].values()))]))
    results["limits"] = limits = []
    if given.only in (None, "memory"):
        results["memory"] = measure_memory(given.rows, given.rounds)
        limits += [limit(f"MB, window {row['window']}", row["zoo_mb"], most=MEMORY_MB) for row in results["memory"]]
        names = ["window", "all windows as one array, GB", "one batch, MB", "zoo, MB", "Keras, MB"]
        keys = ["window", "as_arrays_gb", "batch_mb", "zoo_mb", "keras_mb"]
        print(markdown(names, [[row[key] for key in keys] for row in results["memory"]]))
    if given.only in (None, "speed"):
        results["speed"] = measure_speed(given.rows, given.rounds)
        limits.append(limit("times as fast as Keras", results["speed"]["ratio"], least=SPEED_RATIO))
        names = ["zoo, windows/s", "Keras, windows/s", "ratio"]
        print(markdown(names, [[results["speed"][name] for name in ("zoo", "keras", "ratio")]]))
    if given.only in (None, "spool"):
        results["spool"] = [
            measure_spool("parquet", given.parquet_rows, given.folder),
            measure_spool("csv", given.csv_rows, given.folder),
        ]
        for row in results["spool"]:
            limits.append(limit(f"MB, {row['file']}", max(row["prepare_mb"], row["batches_mb"]), most=SPOOL_MB))
        names = ["file", "rows", "file, MB", "imports, MB", "prepare, MB", "batches, MB", "prepare, s", "windows/s"]
        print(markdown(names, [list(row.values()) for row in results["spool"]]))
    print(markdown(["found", "what", "limit", "kept"], [list(limit.values()) for limit in limits]))
    if given.only is None:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    if not all(limit["kept"] for limit in limits):
        sys.exit("a limit is missed")


if __name__ == "__main__":
    main()
