"""``zoo backtest`` with workers: the same forecasts wherever trainings run, and whatever becomes of a worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import zoo
from zoo.backtesting.result import Backtested
from zoo.settings.toml_file import config_text

pytestmark = pytest.mark.full
ORIGINS = 4
ONE_BY_ONE = ("--refit", "--origins", str(ORIGINS), "--train-rows", "60", "--threads", "1")


def command(*more: str) -> list[str]:
    return [sys.executable, "-m", "zoo", "backtest", "c.toml", *more]


def write_config(config, folder: Path, data: Path, **training) -> Path:
    """A TOML file of a run's configuration, on a table and with other settings of its training."""
    changed = {
        "data": config.data.model_copy(update={"source": str(data)}),
        "training": config.training.model_copy(update=training),
    }
    path = folder / "c.toml"
    path.write_text(config_text(config.model_copy(update=changed)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def alone(trained, tmp_path_factory):
    """The configuration's file, and its backtest by the command with one worker: record and forecasts."""
    folder = tmp_path_factory.mktemp("alone")
    trained.source.to_csv(folder / "series.csv", index=False)
    path = write_config(trained.config, folder, folder / "series.csv")
    done = subprocess.run(
        command(*ONE_BY_ONE, "--jobs", "1", "--json"), cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    record = json.loads(done.stdout)
    return path, record, pd.read_parquet(folder / record["folder"] / "forecasts.parquet")


def again(path: Path, **workers) -> Backtested:
    """The same backtest in Python, with other workers."""
    return zoo.backtest(path, refit=True, origins=ORIGINS, train_rows=60, threads=1, **workers)


def is_the_same(found, alone) -> None:
    _, record, forecasts = alone
    pd.testing.assert_frame_equal(found.forecasts, forecasts, rtol=0, atol=0)
    assert found.evaluation["network"] == record["network"]
    untimed = [[{**fit, "seconds": 0} for fit in fits] for fits in (found.evaluation["fits"], record["fits"])]
    assert len(untimed[0]) == ORIGINS
    assert untimed[0] == untimed[1]


def test_two_processes_give_the_same_and_a_killed_one_costs_nothing(alone):
    psutil = pytest.importorskip("psutil")
    killed, told = [], []

    def kill_one(done: int, total: int) -> None:
        told.append((done, total))
        if done and not killed:
            children = psutil.Process().children(recursive=True)
            workers = [child for child in children if "popen_loky" in " ".join(child.cmdline())]
            assert len(workers) == 2
            killed.append(max(workers, key=lambda worker: sum(worker.cpu_times()[:2])))
            killed[0].kill()

    found = again(alone[0], jobs=2, on_block=kill_one)
    assert killed
    assert told == [(done, ORIGINS) for done in range(ORIGINS + 1)]
    is_the_same(found, alone)


def test_a_dask_cluster_gives_the_same_and_a_killed_worker_costs_nothing(alone):
    distributed = pytest.importorskip("distributed")
    killed: list[int] = []
    how = {"threads_per_worker": 1, "processes": True, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(n_workers=2, **how) as cluster:

        def kill_one(done: int, total: int) -> None:
            if done and not killed:
                killed.append(next(iter(cluster.workers.values())).pid)
                os.kill(killed[0], signal.SIGKILL)

        found = again(alone[0], backend="dask", address=cluster.scheduler_address, on_block=kill_one)
    assert killed
    is_the_same(found, alone)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="it asks /proc whether a worker has begun")
def test_ctrl_c_ends_it_at_once_and_leaves_nothing(trained, series_file, tmp_path):
    psutil = pytest.importorskip("psutil")
    write_config(trained.config, tmp_path, series_file, epochs=1_000_000, patience=0)
    (tmp_path / "tmp").mkdir()
    process = subprocess.Popen(
        command(*ONE_BY_ONE, "--jobs", "2"),
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(tmp_path / "tmp")},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        end, workers = time.monotonic() + 90, []
        while len(workers) < 2 and time.monotonic() < end:
            time.sleep(0.5)
            children = psutil.Process(process.pid).children(recursive=True)
            workers = [child for child in children if "tensorflow" in Path(f"/proc/{child.pid}/maps").read_text()]
        assert len(workers) == 2, process.communicate()
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, output) == (130, "")
    assert errors == "interrupted; nothing half-written is left\n"
    assert time.monotonic() - began < 20
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    assert not (tmp_path / "backtests").exists()
    assert list((tmp_path / "tmp").glob("zoo-*")) == []
