"""Kill trainings with SIGKILL at random moments, go on with them, and compare what they come to, bit for bit.

    python tests/stress/kills.py --kills 20 --seed 0

Each training is a real ``zoo train``; a moment is drawn evenly over most of the time from its first file to its end.
Half of the resumed ones are killed again. Kills that come after the run has finished are not counted. Ends with 1 where
weights or histories differ.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

COMMON = "--data series.csv --target load --window 12 --horizon 4 --batch-size 16 --set units=6 --set dropout=0.3"
SETTINGS = {
    "best weights, plateaus, weight decay, early stop": (
        f"{COMMON} --set recurrent_dropout=0.2 --optimizer adamw --learning-rate 0.02 --epochs 24 --patience 8"
        " --schedule plateau:patience=2,min_delta=0.01"
    ),
    "last weights, momentum, cosine, every third epoch": (
        f"{COMMON} --optimizer sgd --momentum 0.9 --learning-rate 0.05 --keep last --epochs 20 --patience 0"
        " --schedule cosine:warmup=20 --checkpoint-every 3"
    ),
}


def write_series(path: Path) -> None:
    """400 hourly rows."""
    draw, steps = np.random.default_rng(0), np.arange(400)
    load = 100 + 10 * np.sin(steps / 4) + draw.normal(0, 0.5, len(steps))
    frame = pd.DataFrame({"time": pd.date_range("2024-01-01", periods=len(steps), freq="h"), "load": load})
    frame.to_csv(path, index=False)


def start(folder: Path, runs: str, arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "zoo", "train", *arguments.split(), "--runs", runs]
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(
        command, cwd=folder, env=quiet, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def wait_for_first_file(process: subprocess.Popen[str], runs: Path, resumed: bool) -> None:
    """Until the training is claimed; a resumed one is given a moment of its start-up."""
    if resumed:
        time.sleep(3)
        return
    while process.poll() is None and not list(runs.glob("unfinished/*/config.json")):
        time.sleep(0.005)


def result(runs: Path) -> tuple[dict[str, bytes], bytes]:
    """The one finished run's weights, as the bytes of each dataset, and its history."""
    import h5py

    (folder,) = (path.parent for path in runs.glob("*/run.json"))
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(folder / "model.keras") as archive, archive.open("model.weights.h5") as file:
        h5py.File(file).visititems(
            lambda name, item: found.update({name: item[()].tobytes()}) if isinstance(item, h5py.Dataset) else None
        )
    return found, (folder / "history.csv").read_bytes()


def where(runs: Path) -> str:
    """What a kill has left."""
    if finished := list(runs.glob("*/run.json")):
        return f"finished {finished[0].parent.name}"
    left = sorted(
        path.name for path in runs.glob("unfinished/*/*") if path.name not in ("config.json", "files.sha256", "lock")
    )
    return ", ".join(left) or "nothing but its configuration"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=None, help="where the runs go [default: a temporary folder]")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="zoo-stress-"))
    draw = random.Random(options.seed)
    write_series(folder / "series.csv")

    references, seconds = {}, {}
    for number, (name, settings) in enumerate(SETTINGS.items()):
        runs = folder / f"whole-{number}"
        process = start(folder, runs.name, f"basic {settings}")
        wait_for_first_file(process, runs, resumed=False)
        began = time.perf_counter()
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        references[name], seconds[name] = result(runs), time.perf_counter() - began
        print(f"{name}: uninterrupted, {seconds[name]:.1f} s from its first file on", flush=True)

    kills = trainings = different = 0
    while kills < options.kills:
        name = list(SETTINGS)[trainings % len(SETTINGS)]
        runs = folder / f"killed-{trainings}"
        trainings += 1
        process, resumed, told = start(folder, runs.name, f"basic {SETTINGS[name]}"), False, []
        while True:
            if kills < options.kills and (not resumed or draw.random() < 0.5):
                wait_for_first_file(process, runs, resumed)
                time.sleep(draw.uniform(0, 0.9 * seconds[name]))
                process.kill()
                process.communicate()
                if process.returncode == -9:
                    told.append(where(runs))
                    kills += not list(runs.glob("*/run.json"))  # one that came too late does not count
            else:
                process.communicate()
            if list(runs.glob("*/run.json")):
                break
            if process.returncode not in (0, -9):
                told.append(f"ended with {process.returncode}")
                break
            process, resumed = start(folder, runs.name, "--resume latest"), True
        try:
            equal = result(runs) == references[name]
        except ValueError:
            equal = False
        different += not equal
        print(
            f"{trainings}. {name}: killed at {'; '.join(told) or 'no moment'}: {'bit-equal' if equal else 'DIFFERENT'}",
            flush=True,
        )
    print(f"{kills} kills in {trainings} trainings: {trainings - different} bit-equal, {different} different")
    return 1 if different else 0


if __name__ == "__main__":
    raise SystemExit(main())
