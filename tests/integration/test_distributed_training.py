"""``zoo train --distribute``, as it is called: several processes of this host train what one does, and end together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.api import plan, train_prepared
from zoo.training.cluster import local_cluster

REPLICA = "zoo.training.replica"
SECONDS = 60  # that a lost process may go unnoticed; ten were seen


def command(data: Path, runs: Path, *more: str) -> list[str]:
    settings = (
        f"--data {data} --target load --window 8 --horizon 4 --set units=4 --patience 0 --keep last --runs {runs}"
    )
    return [sys.executable, "-m", "zoo", *f"train basic {settings} --json".split(), *more]


STARTED: list[subprocess.Popen[str]] = []


def start(arguments: list[str], **environment: str) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    STARTED.append(subprocess.Popen(arguments, text=True, env={**os.environ, **environment}, **pipes))
    return STARTED[-1]


@pytest.fixture(autouse=True)
def nothing_goes_on():
    """What a test that fails has left running ends with it."""
    yield
    while STARTED:
        STARTED.pop().kill()


def run_of(process: subprocess.Popen[str]) -> zoo.Run:
    out, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return zoo.load_run(json.loads(out)["folder"])


def history(run: zoo.Run) -> np.ndarray:
    return np.loadtxt(run.folder / "history.csv", delimiter=",", skiprows=1)


def until_epoch(runs: Path, epoch: int, process: subprocess.Popen[str]) -> None:
    """Wait until a checkpoint of this epoch or a later one is there."""
    while not any(int(path.name.rpartition("-")[2]) >= epoch for path in runs.glob("unfinished/*/checkpoint-*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def children(process: subprocess.Popen[str]) -> list[int]:
    """The processes that a command has started to train with it, by their ids."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            asked = (path / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile
            continue
        if parent == process.pid and REPLICA.encode() in asked:
            found.append(int(path.name))
    return found


def is_running(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.full
def test_two_processes_have_the_loss_curve_of_one(series_file, tmp_path):
    settings = {"target": "load", "window": 8, "horizon": 4, "patience": 0, "keep": "last", "batch_size": 39}
    shared = {"epochs": 4, "optimizer": "adamw", "clip_norm": 0.1, "schedule": "plateau:patience=1,min_delta=1.0"}
    config, prepared = plan("basic", str(series_file), hyperparameters={"units": 4}, **settings, **shared)
    assert len(prepared.parts["train"]) % 39 == 1, "in each epoch there is a batch of which one process has nothing"
    one = train_prepared(config, prepared, runs=tmp_path / "one")
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in shared.items()]
    arguments = command(series_file, tmp_path / "two", *flags, "--batch-size=39", "--distribute=2")
    two = run_of(start(arguments))
    np.testing.assert_allclose(history(two), history(one), rtol=1e-5)
    for first, second in zip(one.network.get_weights(), two.network.get_weights(), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-6)
    assert two.record.training["engine"]["processes"] == 2
    assert "processes" not in one.record.training["engine"]
    assert two.metrics.keys() == one.metrics.keys()


@pytest.mark.full
def test_a_killed_process_ends_all_and_the_run_goes_on_as_if_it_had_not(series_file, tmp_path):
    more = ["--set", "dropout=0.3", "--epochs", "60", "--seed", "5", "--distribute", "2"]
    killed = start(command(series_file, tmp_path / "killed", *more))
    until_epoch(tmp_path / "killed", 1, killed)
    (replica,) = children(killed)
    os.kill(replica, signal.SIGKILL)
    out, said = killed.communicate(timeout=SECONDS)
    assert killed.returncode == 2, "or did it end before it was killed?"
    assert out == ""
    (sentence,) = (line for line in said.splitlines() if line.startswith("error: "))
    assert "another of the 2 processes has ended or cannot be reached; the checkpoint of epoch " in sentence
    assert sentence.endswith("--distribute 2; process 1 of --distribute: was killed by signal 9")
    assert "Traceback" not in said
    expected = history(run_of(start(command(series_file, tmp_path / "whole", *more))))
    resumed = ["train", "--resume", "latest", "--json", "--distribute", "2", "--runs"]
    again = run_of(start([sys.executable, "-m", "zoo", *resumed, str(tmp_path / "killed")]))
    np.testing.assert_array_equal(history(again), expected)


@pytest.mark.full
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_the_others_end_with_the_first(series_file, tmp_path, number, code):
    process = start(command(series_file, tmp_path / "runs", "--epochs", "100000", "--distribute", "2"))
    until_epoch(tmp_path / "runs", 1, process)
    (replica,) = children(process)
    process.send_signal(number)
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == code
    assert code < 0 or "go on with: zoo train --resume" in said
    end = time.monotonic() + SECONDS
    while is_running(replica) and time.monotonic() < end:
        time.sleep(0.05)
    assert not is_running(replica)
    assert list((tmp_path / "runs" / "unfinished").glob("*/checkpoint-*"))


@pytest.mark.full
@pytest.mark.parametrize("seed", ["0", "1"])
def test_processes_of_tf_config_train_together_or_say_what_differs(series_file, tmp_path, seed):
    workers = list(local_cluster(2).addresses)
    started = []
    for rank, own in enumerate(("0", seed)):
        told = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": rank}}
        more = ["--epochs", "2", "--seed", own, "--distribute", "tf-config"]
        started.append(start(command(series_file, tmp_path / str(rank), *more), TF_CONFIG=json.dumps(told)))
    (_, first), (_, second) = (process.communicate(timeout=300) for process in started)
    assert not (tmp_path / "1").exists(), "process 0 alone keeps the run"
    if seed == "0":
        assert [process.returncode for process in started] == [0, 0], first + second
        assert "the training has ended; process 0 has the run" in second
        (record,) = (tmp_path / "0").glob("*/run.json")
        assert json.loads(record.read_text())["training"]["engine"]["processes"] == 2
    else:
        assert [process.returncode for process in started] == [2, 2], first + second
        assert "error: --distribute: process 1 has other settings: seed; give the same command to all" in second
        assert "error: --distribute: another of the 2 processes has ended" in first
        assert not list((tmp_path / "0").glob("*"))


@pytest.mark.full
def test_processes_that_do_not_come_are_waited_for_so_long(tmp_path):
    code = f"from zoo.engine.collective import Group\nGroup({local_cluster(2).addresses!r}, 0, patience=3)"
    process = start([sys.executable, "-c", code], TF_CPP_MIN_LOG_LEVEL="3")
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "TrainingError: --distribute: process 0 waited 3 s for process 1 (127.0.0.1:" in said


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("--distribute 1", "expected a number of processes on this host, 2 to 64, or tf-config, found '1'"),
        ("--distribute tf-config", "reads the variable TF_CONFIG, which is not set"),
        ("--distribute 2 --find-lr", "--find-lr trains in one process"),
        ("--distribute 2 --autotune", "--autotune tries the steps of one process"),
        ("--distribute 2 --batch-size 1", "expected a window for each"),
    ],
)
def test_what_cannot_be_shared_is_refused(refused, monkeypatch, more, words):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    refused(f"train basic {more}", words)
