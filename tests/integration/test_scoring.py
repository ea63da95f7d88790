"""``zoo predict`` of a folder, as it is called: by worker processes, killed and called again, on a dask cluster."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import zoo

BUNDLE = Path(__file__).parents[1] / "fixtures" / "bundle-v1"
FILES = 30


def write_tables(folder: Path, number: int, rows: int) -> None:
    """Write so many Parquet files, some of them in folders of their own, within the bundle's range."""
    for index in range(number):
        draw = np.random.default_rng(index)
        place = folder / f"part{index % 3}"
        place.mkdir(parents=True, exist_ok=True)
        frame = pd.DataFrame(
            {
                "time": pd.date_range("2020-01-01", periods=rows, freq="h"),
                "load": 100 + draw.uniform(-1, 1, rows),
                "temperature": 20 + draw.uniform(-1, 1, rows),
            }
        )
        frame.to_parquet(place / f"{index:03}.parquet", index=False)


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def published(folder: Path) -> dict[str, bytes]:
    """The results; workers of a killed command may still be writing hidden files for a moment."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*/[0-9]*.parquet")}


def command(*more: object) -> list[str]:
    return [sys.executable, "-m", "zoo", "predict", str(BUNDLE), *map(str, more)]


@pytest.fixture
def few(tmp_path):
    write_tables(tmp_path / "data", 3, 30)
    (tmp_path / "data" / "broken.parquet").write_bytes(b"PAR1")
    (tmp_path / "data" / "notes.txt").write_text("x")
    return tmp_path / "data"


def test_the_command_scores_names_what_failed_and_skips_what_is_there(zoo_command, few, tmp_path):
    over = ("predict", BUNDLE, "--data", few, "--output", "out")
    first = zoo_command(*over, "--jobs", "2")
    assert first.exit_code == 2
    table, count = first.stdout.split("\n\n")
    assert table.splitlines()[1].startswith("broken.parquet  ")
    assert count == "4 files: 3 done, 0 skipped, 1 failed; 6 rows written to out\n"
    told = first.stderr.splitlines()
    assert told[0].startswith("failed: broken.parquet: ")
    assert told[1] == "left out, as neither Parquet nor CSV: 1 file (notes.txt)"
    assert told[2].startswith("error: out: expected a result of each of 4 files, but 1 failed (broken.parquet)")
    again = zoo_command(*over, "--json")
    assert again.exit_code == 2
    found = json.loads(again.stdout)
    names = ["part0/000.parquet", "part1/001.parquet", "part2/002.parquet"]
    assert [one["file"] for one in found["skipped"]] == names
    assert ([one["file"] for one in found["failed"]], found["ignored"]) == (["broken.parquet"], ["notes.txt"])
    (few / "broken.parquet").unlink()
    over_all = zoo_command(*over, "--backtest", "--stride", "5")
    assert over_all.exit_code == 0, over_all.output
    single = ("predict", BUNDLE, "--data", few / names[0], "--backtest", "--stride", "5", "--output", "one.parquet")
    assert zoo_command(*single).exit_code == 0
    rows = 3 * len(pd.read_parquet("one.parquet"))
    assert over_all.stdout == f"3 files: 3 done, 0 skipped, 0 failed; {rows} rows written to out\n"
    pd.testing.assert_frame_equal(pd.read_parquet("one.parquet"), pd.read_parquet(Path("out") / names[0]))
    assert sorted(content(tmp_path / "out")) == names


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("--data data", "a folder of files needs --output FOLDER"),
        ("--data data --output data/out", "expected a folder apart from the data"),
        ("--data data --output data/notes.txt", "expected a folder for the results, found the file"),
        ("--data data --output out --stride 2", "--stride is for --backtest"),
        ("--data data --output out --missing drop", "--missing is one of error, ffill, interpolate"),
        ("--data data --output out --jobs 0", "--jobs: expected 1 or more"),
        ("--data data --output out --backend dask", "--backend dask needs the scheduler's --address"),
        ("--data data --output out --address tcp://127.0.0.1:9", "--address is for --backend dask"),
        ("--data data --output out --require-signature none.pub", "sign"),
        ("--data data/part0/000.parquet --jobs 2 --threads 1", "--jobs, --threads: for a folder of files"),
        ("--data example:co2 --backend loky", "--backend: for a folder of files"),
        ("--data data/empty --output out", "expected Parquet or CSV files"),
    ],
)
@pytest.mark.usefixtures("few")
def test_bad_input_is_told_in_a_sentence(refused, tmp_path, more, words):
    (tmp_path / "data" / "empty").mkdir()
    refused(f"predict {BUNDLE} {more}", words)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Files that take a while, and what one process makes of them."""
    folder = tmp_path_factory.mktemp("many")
    write_tables(folder / "data", FILES, 6000)
    scored = zoo.score(BUNDLE, folder / "data", folder / "serial", backtest=True)
    assert len(scored.done) == FILES
    return folder / "data", content(folder / "serial")


@pytest.mark.full
def test_a_cluster_gives_the_same_bytes_though_a_worker_is_killed(many, tmp_path):
    distributed = pytest.importorskip("distributed")
    data, serial = many
    killed: list[int] = []
    how = {"threads_per_worker": 1, "processes": True, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(n_workers=2, **how) as cluster:

        def kill_one(outcome) -> None:
            ended.append(outcome)
            if len(ended) == 5:
                killed.append(cluster.workers[0].pid)
                os.kill(killed[0], signal.SIGKILL)

        ended: list[zoo.inference.outcome.FileOutcome] = []
        address = cluster.scheduler_address
        scored = zoo.score(
            BUNDLE, data, tmp_path / "out", backtest=True, backend="dask", address=address, on_file=kill_one
        )
        again = zoo.score(BUNDLE, data, tmp_path / "out", backtest=True, backend="dask", address=address)
    assert killed
    assert (len(scored.done), len(scored.failed)) == (FILES, 0)
    assert len(again.skipped) == FILES
    assert content(tmp_path / "out") == serial


@pytest.mark.full
def test_killed_worker_processes_cost_nothing(many, tmp_path):
    psutil = pytest.importorskip("psutil")
    data, serial = many
    ended, killed = [], []

    def kill_one(outcome) -> None:
        ended.append(outcome)
        if len(ended) in (4, 12):
            children = psutil.Process().children(recursive=True)
            victim = next(child for child in children if "popen_loky" in " ".join(child.cmdline()))
            killed.append(victim.pid)
            victim.kill()

    scored = zoo.score(BUNDLE, data, tmp_path / "out", backtest=True, jobs=2, on_file=kill_one)
    assert len(killed) == 2
    assert (len(scored.done), len(scored.failed)) == (FILES, 0)
    assert content(tmp_path / "out") == serial


@pytest.mark.full
def test_a_command_that_is_killed_again_and_again_leaves_neither_holes_nor_halves(many, tmp_path):
    data, serial = many
    out, chance, before = tmp_path / "out", random.Random(7), {}
    arguments = command("--data", data, "--output", out, "--backtest", "--jobs", "2", "--json")
    for _ in range(3):
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        enough, end = len(before) + chance.randint(1, 5), time.monotonic() + 60
        while len(published(out)) < enough and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.1))
        process.kill()
        assert process.wait() == -signal.SIGKILL
        now = published(out)
        assert [name for name in now if now[name] != serial[name]] == [], "a half or a wrong result"
        assert [name for name in before if name not in now] == [], "a result was lost"
        before = now
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["skipped"]) >= len(before) > 0
    assert len(found["done"]) == FILES - len(found["skipped"]) > 0
    assert content(out) == serial, "nothing hidden is left either"


@pytest.mark.full
@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_at_once_and_leaves_whole_results(many, tmp_path, stop, code):
    data, serial = many
    out = tmp_path / "out"
    arguments = command("--data", data, "--output", out, "--backtest", "--jobs", "2")
    process = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        end = time.monotonic() + 60
        while not list(out.rglob("*/[0-9]*.parquet")) and time.monotonic() < end:
            time.sleep(0.02)
        os.killpg(process.pid, stop)
        began = time.monotonic()
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == code
    assert time.monotonic() - began < 10
    assert "results that are there are whole; the same command goes on" in errors
    assert "Traceback" not in errors
    found = content(out)
    assert 0 < len(found) < FILES
    assert all(serial[name] == whole for name, whole in found.items()), "nothing hidden is left"


@pytest.fixture
def own_cluster(tmp_path):
    """The scheduler of a cluster, which can be killed, and its address."""
    pytest.importorskip("distributed")

    def start(kind: str, *more: str) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *more, "--no-dashboard"]
        with (tmp_path / f"{kind}.log").open("wb") as log:
            return subprocess.Popen(line, cwd=tmp_path, stdout=log, stderr=log)

    place = tmp_path / "scheduler.json"
    scheduler = start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(place))
    end = time.monotonic() + 60
    while not (place.exists() and place.read_text().endswith("}")) and time.monotonic() < end:
        time.sleep(0.05)
    address = json.loads(place.read_text())["address"]
    worker = start("worker", address, "--nthreads", "1", "--nworkers", "2", "--death-timeout", "20")
    yield scheduler, address
    for process in (worker, scheduler):
        process.terminate()
        process.wait(60)


@pytest.mark.full
def test_a_cluster_that_is_lost_is_told_in_a_sentence_and_the_rest_is_made_without_it(own_cluster, many, tmp_path):
    data, serial = many
    scheduler, address = own_cluster
    out = tmp_path / "out"
    arguments = command("--data", data, "--output", out, "--backtest")
    process = subprocess.Popen(
        [*arguments, "--backend", "dask", "--address", address],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 60
    while len(published(out)) < 3 and time.monotonic() < end:
        time.sleep(0.02)
    scheduler.kill()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert errors.startswith("error: the dask scheduler is gone")
    assert errors.endswith("; results that are there are whole; the same command goes on\n")
    assert len(errors.splitlines()) == 1
    kept = published(out)
    assert 3 <= len(kept) < FILES
    done = subprocess.run([*arguments, "--json"], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["skipped"]) >= len(kept)
    assert published(out) == serial
