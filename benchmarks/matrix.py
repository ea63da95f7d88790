"""Export and verify every built-in architecture on every task, in every format, on every runtime that is installed.

Run by hand, with the extras ``litert`` and ``openvino``; prints the table of docs/runtimes.md and writes
``results/matrix.json`` beside this file. ``make test-full`` has the same matrix as a test, of tiny networks.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pandas as pd

import zoo
from zoo.bundle.verification import verify_bundle
from zoo_registry import Architecture, discover

RESULTS = Path(__file__).parent / "results" / "matrix.json"
LIMIT = 1e-5
ROWS, WINDOW = 2000, 24
# What is trained: name -> task and settings
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "forecast": ("forecast", {"target": "load", "horizon": 6}),
    "forecast, quantiles": ("forecast", {"target": "load", "horizon": 6, "quantiles": [0.1, 0.5, 0.9]}),
    "forecast, instance, shared": (
        "forecast",
        {"target": ["load", "temperature"], "horizon": 6, "normalize_window": "instance", "channels": "shared"},
    ),
    "regress": ("regress", {"target": "load"}),
    "classify": ("classify", {"target": "kind", "features": ["load", "temperature"]}),
    "anomaly": ("anomaly", {}),
}


def table() -> pd.DataFrame:
    """Two columns that follow each other, and a class."""
    random, steps = np.random.default_rng(0), np.arange(ROWS)
    load = 100 + 10 * np.sin(steps / 4) + random.normal(0, 0.5, ROWS)
    temperature = 20 + 3 * np.cos(steps / 4) + random.normal(0, 0.2, ROWS)
    return pd.DataFrame(
        {"load": load, "temperature": temperature, "kind": np.where(load > 100, "high", "low")},
        index=pd.date_range("2024-01-01", periods=ROWS, freq="h", name="time"),
    )


def measure(architecture: Architecture, folder: Path) -> Iterator[dict[str, Any]]:
    """The largest difference of each case on each runtime, or why there is none."""
    for case, (task, settings) in CASES.items():
        if task not in architecture.tasks or ("quantiles" in settings and architecture.loss is not None):
            continue
        run = zoo.train(
            architecture.name, table(), task=task, window=WINDOW, epochs=1, runs=folder / "runs", **settings
        )
        name = f"{architecture.name}-{len(list(folder.glob('exported/*')))}"
        bundle = run.export(folder / "exported", name=name, formats=["litert", "openvino"], batch=1)
        verdicts = {verdict.runtime: verdict for verdict in verify_bundle(bundle.folder, ["all"])}
        yield {
            "architecture": architecture.name,
            "case": case,
            "loops": bundle.manifest.onnx["operators"].get("Loop", 0),
            "difference": {name: None if verdict.refused else verdict.difference for name, verdict in verdicts.items()},
            "refused": {name: verdict.refused for name, verdict in verdicts.items() if verdict.refused},
        }


def main() -> None:
    """Print the table; end with 1 where a difference is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", action="append", help="one of them alone; repeat it for more")
    chosen = parser.parse_args().architecture
    rows: list[dict[str, Any]] = []
    for name, entry in discover().catalogue.items():
        if chosen is None or name in chosen:
            with tempfile.TemporaryDirectory() as folder:
                rows += measure(entry.item, Path(folder))
    runtimes = list(rows[0]["difference"])
    print(f"| architecture | case | {' | '.join(runtimes)} |\n| --- | --- |{' --: |' * len(runtimes)}")
    for row in rows:
        shown = [
            "refused" if row["difference"][name] is None else f"{row['difference'][name]:.1e}" for name in runtimes
        ]
        print(f"| `{row['architecture']}` | {row['case']} | {' | '.join(shown)} |")
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n")
    worst = max(value for row in rows for value in row["difference"].values() if value is not None)
    print(f"\nLargest difference: {worst:.1e}, limit {LIMIT:g}; Loop nodes: {sum(row['loops'] for row in rows)}")
    if worst > LIMIT:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
