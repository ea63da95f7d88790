"""A folder of tables, a tiny published bundle, and workers that are this very process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from zoo.inference.folders import score
from zoo.workers.messages import Workers
from zoo.workers.process_pool import LocalFile

BUNDLE = Path(__file__).parents[2] / "fixtures" / "bundle-v1"


class InlineReporter:
    """Keeps what is told; tests may ask the task to stop."""

    def __init__(self):
        self.told, self.stop = [], False

    def send(self, message):
        self.told.append(message)

    def stopped(self):
        return self.stop


class InlineWorkers(Workers):
    """Runs tasks in this process, one after the other; ``lost`` raises what a lost worker does for some files."""

    def __init__(self, lost=lambda file: None):
        super().__init__(jobs=1)
        self.lost, self.spoken = lost, InlineReporter()

    def _run(self, fn, args, kwargs):
        self.lost(args[1])
        return fn(*args, **kwargs)

    def share(self, path):
        return LocalFile(str(path))

    def reporter(self, key):
        return self.spoken

    def messages(self):
        told, self.spoken.told = self.spoken.told, []
        return [("scoring", message) for message in told]

    def stop(self, key):
        self.spoken.stop = True


def make_table(seed: int = 0, rows: int = 30) -> pd.DataFrame:
    """Hourly rows within the range that the bundle was trained on."""
    draw = np.random.default_rng(seed)
    times = pd.date_range("2024-01-01", periods=rows, freq="h")
    load, temperature = 100 + draw.uniform(-1, 1, rows), 20 + draw.uniform(-1, 1, rows)
    return pd.DataFrame({"time": times, "load": load, "temperature": temperature})


@pytest.fixture(scope="session")
def published() -> Path:
    """A bundle of features load and temperature and target load, which no test changes."""
    return BUNDLE


@pytest.fixture(scope="session")
def table():
    """Make a table of that bundle by a seed and a number of rows."""
    return make_table


@pytest.fixture
def reporter() -> InlineReporter:
    """What a task talks through."""
    return InlineReporter()


@pytest.fixture(scope="session")
def inline():
    """Workers that are this process."""
    return InlineWorkers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four tables: two Parquet files, one of them in a folder of its own, and two CSV files, one of them likewise."""
    data = tmp_path / "data"
    (data / "north").mkdir(parents=True)
    make_table(0).to_parquet(data / "a.parquet")
    make_table(1).to_parquet(data / "north" / "a.pq")
    make_table(2).to_csv(data / "b.csv", index=False)
    make_table(3).to_csv(data / "north" / "c.CSV", index=False)
    return data


@pytest.fixture
def scored(folder: Path, tmp_path: Path):
    """Score the folder into ``out`` in this process, with other settings perhaps."""

    def run(bundle=BUNDLE, output=tmp_path / "out", **settings):
        return score(bundle, folder, output, **{"workers": InlineWorkers, **settings})

    return run
