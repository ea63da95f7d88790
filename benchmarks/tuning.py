"""Measure whether two trials at a time are worth it: a study of equal trials with one job, two jobs, and all cores.

Run by hand, with ``make bench``; prints the table of docs/tuning.md and writes ``results/tuning.json`` beside this
file. The three take turns, each a whole ``zoo tune`` of its own from start to end, and ratios are medians of the ratios
of each turn: so they hold where other programs run too.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from reporting import limit, machine, markdown

RESULTS = Path(__file__).parent / "results" / "tuning.json"
# The seed of a trial decides its weights, and the learning rate nothing of its time: all trials cost the same
STUDY = (
    "tune basic --data example:co2 --window 104 --horizon 12 --set units=64 --set dropout=0.2 --batch-size 64"
    " --epochs {epochs} --patience 0 --only learning_rate --search learning_rate=1e-4..1e-2:log --sampler random"
    " --pruner none --folds 2 --trials {trials}"
)
WAYS = {"one job, one thread": "--jobs 1 --threads 1", "two jobs, one thread each": "--jobs 2 --threads 1"}
WAYS["one job, all cores"] = "--jobs 1"
SPEED_UP = 1.6


def measure(way: str, trials: int, epochs: int) -> float:
    """Seconds of a whole study."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "zoo", *STUDY.format(trials=trials, epochs=epochs).split(), *WAYS[way].split()]
        started = perf_counter()
        done = subprocess.run([*command, "--json"], cwd=folder, capture_output=True, text=True, check=False)
        seconds = perf_counter() - started
    if done.returncode or json.loads(done.stdout)["complete"] != trials:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return seconds


def main() -> None:
    """Measure, print, write; end with 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=16)
    given = parser.parse_args()
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for turn in range(given.rounds):
        for way in sorted(WAYS, reverse=turn % 2 == 1):
            seconds[way].append(measure(way, given.trials, given.epochs))
            print(f"{way}: {seconds[way][-1]:.1f} s", file=sys.stderr)
    two = seconds["two jobs, one thread each"]
    ratios = {way: median(one / other for one, other in zip(own, two, strict=True)) for way, own in seconds.items()}
    rows: list[dict[str, Any]] = [
        {"way": way, "seconds": median(own), "two_jobs_are_quicker_by": ratios[way]} for way, own in seconds.items()
    ]
    found = [
        limit("two jobs over one, one thread each", ratios["one job, one thread"], least=SPEED_UP),
        limit("two jobs over one with all cores", ratios["one job, all cores"], least=1.0),
    ]
    content = {"machine": machine(), "trials": given.trials, "epochs": given.epochs, "rows": rows, "limits": found}
    RESULTS.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    shown = [[row["way"], f"{row['seconds']:.0f}", f"{row['two_jobs_are_quicker_by']:.2f}"] for row in rows]
    print(markdown(["", "seconds", "two jobs are quicker by"], shown))
    if not all(one["kept"] for one in found):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
