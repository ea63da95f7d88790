"""A training that was stopped goes on, and ends with the weights of one that never was."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.runs import resumption
from zoo.runs.claiming import reopen_run
from zoo.runs.finding import find_unfinished, list_unfinished
from zoo.runs.unfinished import UnfinishedRun
from zoo_registry.errors import ConfigError, RunError

SMALL = {"target": "load", "window": 8, "horizon": 3, "batch_size": 64}
DROPOUT = {"units": 2, "dropout": 0.3, "recurrent_dropout": 0.2}  # which is not fused
FUSED = {"units": 2, "dropout": 0.3}
STRESS = Path(__file__).parents[1] / "stress" / "kills.py"


class Killed(BaseException):
    """As SIGKILL: nothing of ours is done about it."""


@pytest.fixture
def kill_after(monkeypatch):
    """``kill_after(epoch)``: a training ends when the checkpoint of an epoch was written."""

    original = resumption.write_checkpoint

    def kill(epoch):
        def write(run, checkpoint):
            original(run, checkpoint)
            if checkpoint.state.epoch == epoch:
                raise Killed

        monkeypatch.setattr(resumption, "write_checkpoint", write)

    return kill


def assert_equal(one, other):
    for first, second in zip(one.network.get_weights(), other.network.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    assert (one.folder / "history.csv").read_bytes() == (other.folder / "history.csv").read_bytes()
    assert one.metrics == other.metrics
    told = [run.record.training.model_dump(exclude={"seconds"}) for run in (one, other)]
    assert told[0] == told[1]


# What is kept beside the weights: dropout's generators, the plateaus' and the stopper's counters, the best weights
SETTINGS = {
    "dropout, plateaus, decay": (
        {"optimizer": "adamw", "learning_rate": 0.03, "schedule": "plateau:patience=1,min_delta=0.05", "epochs": 6},
        (0, 3, 5),
    ),
    "best weights that are not the last": ({"learning_rate": 0.5, "epochs": 12, "patience": 0}, (11,)),
    "stopped early": ({"learning_rate": 0.3, "epochs": 30, "patience": 1}, ("last",)),
    "last weights, momentum, a schedule by steps": (
        {"keep": "last", "optimizer": "sgd", "momentum": 0.9, "schedule": "cosine:warmup=4", "epochs": 4},
        (2,),
    ),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if "best" in name else pytest.mark.full) for name in SETTINGS]
)
def test_weights_are_bit_equal(name, series, tmp_path, kill_after, monkeypatch):
    settings, epochs = SETTINGS[name]
    settings = SMALL | settings | {"hyperparameters": DROPOUT if "dropout" in name else FUSED, "seed": 5}
    whole = zoo.train("basic", series, runs=tmp_path / "whole", **settings)
    assert whole.record.training.engine.engine == ("keras" if "dropout" in name else "fused")
    ended = whole.record.training.epochs
    if "best" in name:
        assert whole.record.training.best_epoch < epochs[0], "a checkpoint must hold other weights than the last"
    if name == "stopped early":
        assert ended < 30
    if "plateaus" in name:
        rates = [row.split(",")[3] for row in (whole.folder / "history.csv").read_text().splitlines()[1:]]
        assert len(set(rates)) > 1, "a plateau must be met"
    runs = tmp_path / "killed"
    for number, epoch in enumerate(epochs):
        kill_after(ended if epoch == "last" else epoch)
        with pytest.raises(Killed):
            zoo.resume("latest", series, runs=runs) if number else zoo.train("basic", series, runs=runs, **settings)
        (folder,) = list_unfinished(runs)
        assert UnfinishedRun.read(folder).epoch == (ended if epoch == "last" else epoch)
    monkeypatch.undo()
    resumed = zoo.resume("latest", series, runs=runs)
    assert resumed.id == folder.name
    assert [path.name for path in runs.iterdir()] == [resumed.id]
    assert_equal(whole, resumed)


@pytest.mark.parametrize(("every", "left"), [(2, 2), pytest.param(0, 0, marks=pytest.mark.full)])
def test_fewer_checkpoints(every, left, series, tmp_path, kill_after, monkeypatch):
    settings = SMALL | {"hyperparameters": DROPOUT, "epochs": 4, "checkpoint_every": every}
    whole = zoo.train("basic", series, runs=tmp_path / "whole", **settings)
    runs = tmp_path / "killed"

    def killed(self, epoch, logs=None):
        if epoch == 2:
            raise Killed

    monkeypatch.setattr("zoo.training.trainer.RecordRate.on_epoch_begin", killed)
    with pytest.raises(Killed):
        zoo.train("basic", series, runs=runs, **settings)
    run = find_unfinished("latest", runs)
    assert (run.epoch, run.checkpoint is None) == (left, every == 0)
    monkeypatch.undo()
    assert_equal(whole, zoo.resume("latest", series, runs=runs))


def test_the_command_goes_on(zoo_command, series_file, kill_after, monkeypatch, tmp_path):
    whole = zoo.train("basic", str(series_file), runs=tmp_path / "whole", hyperparameters=DROPOUT, epochs=3, **SMALL)
    kill_after(1)
    with pytest.raises(Killed):
        zoo.train("basic", str(series_file), runs="runs", hyperparameters=DROPOUT, epochs=3, **SMALL)
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    run = find_unfinished("latest", Path("runs"))

    listed = zoo_command("runs")
    assert listed.exit_code == 0
    heads, row = (line.split(maxsplit=3) for line in listed.stdout.splitlines())
    assert heads == ["unfinished", "data", "epoch", "go on with"]
    assert row[0] == run.id
    assert listed.stdout.endswith(f"1 of 3  zoo train --resume {run.id}\n")
    (told,) = json.loads(zoo_command("runs", "--json").stdout)
    assert told["id"] == run.id
    assert told["unfinished"] == {
        "epoch": 1,
        "epochs": 3,
        "running": False,
        "folder": f"runs/unfinished/{run.id}",
        "resume": f"zoo train --resume {run.id}",
    }

    for more in (
        ("basic",),
        ("--epochs", 9),
        ("--set", "units=3"),
        ("--from", "x"),
        ("--patience", 0),
        ("--no-context",),
    ):
        refused = zoo_command("train", "--resume", run.id, *more)
        option = "architecture" if more == ("basic",) else "--context" if more == ("--no-context",) else more[0]
        assert refused.exit_code == 2
        assert f"--resume goes on with the run's own settings; leave {option} out" in refused.stderr
    with suppress(Killed), reopen_run(run.id, Path("runs")):
        refused = zoo_command("train", "--resume", run.id)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert "is being trained by another process" in refused.stderr
        assert "(being trained)" in zoo_command("runs").stdout
        raise Killed
    text = series_file.read_text()
    series_file.write_text(text.replace("2024-01-02 00:00:00,", "2024-01-02 00:00:00,1"))
    refused = zoo_command("train", "--resume", run.id)
    assert refused.exit_code == 2
    assert f"expected the table that run {run.id} trains on, with the fingerprint" in refused.stderr
    series_file.write_text(text)

    done = zoo_command("train", "--resume", run.id[:-1], "--json")
    assert done.exit_code == 0, done.output
    assert f"going on with run {run.id} after epoch 1" in done.stderr
    assert json.loads(done.stdout)["id"] == run.id
    assert_equal(whole, zoo.load_run(run.id))
    refused = zoo_command("train", "--resume", run.id)
    assert refused.exit_code == 2
    assert f"run {run.id} is finished, expected an unfinished one" in refused.stderr


def test_a_frame_is_given_again(series, tmp_path, kill_after, monkeypatch):
    kill_after(0)
    with pytest.raises(Killed):
        zoo.train("basic", series, runs=tmp_path, hyperparameters={"units": 2}, epochs=1, **SMALL)
    monkeypatch.undo()
    with pytest.raises(RunError, match=r"trains on a DataFrame of a program; give it: zoo\.resume\(name, data\)"):
        zoo.resume("latest", runs=tmp_path)
    with pytest.raises(RunError, match="expected the table that run"):
        zoo.resume("latest", series.assign(load=series["load"] + 1), runs=tmp_path)
    resumed = zoo.resume("latest", series, runs=tmp_path)
    assert resumed.evaluate() == resumed.metrics
    whole = zoo.train("basic", series, runs=tmp_path / "whole", hyperparameters={"units": 2}, epochs=1, **SMALL)
    assert_equal(whole, resumed)


def test_another_runs_weights(zoo_command, trained, series_file, series, tmp_path):
    runs = trained.folder.parent
    started = zoo_command(
        *("train", "--from", trained.id, "--runs", runs, "--data", series_file, "--learning-rate", 1e-9, "--epochs", 1),
        "--json",
    )
    assert started.exit_code == 0, started.output
    record = json.loads(started.stdout)
    assert record["training"]["started_from"] == {"run": trained.id, "epoch": trained.record.training.best_epoch}
    assert record["config"]["hyperparameters"] == trained.config.hyperparameters
    assert record["training"]["val_loss"] == pytest.approx(trained.record.training.val_loss, rel=1e-5)
    for one, other in zip(
        trained.network.get_weights(), zoo.load_run(record["folder"]).network.get_weights(), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-6)

    printed = zoo_command("train", "--from", trained.id, "--runs", runs, "--data", series_file, "--print-config")
    assert f'start_from = "{trained.id}"' in printed.stdout
    settings = SMALL | {"runs": runs, "start_from": trained.id, "epochs": 1}
    with pytest.raises(
        ConfigError, match=rf"`start_from` {trained.id}: expected '.*' of shape \(2, 8\), found \(2, 16\); give"
    ):
        zoo.train("basic", series, hyperparameters={"units": 2}, **settings)
    with pytest.raises(ConfigError, match="expected a run of the architecture 'stacked', found one of 'basic'"):
        zoo.train("stacked", series, **settings)
    with pytest.raises(ConfigError, match="expected a run of the task 'regress', found one of 'forecast'; name"):
        zoo.train("basic", series, task="regress", **(settings | {"horizon": 1}))
    for architecture in ((), ("basic",)):
        given = (*architecture, "--from", trained.id, "--task", "anomaly", "--data", series_file)
        refused = zoo_command("train", *given, "--runs", runs)
        assert refused.exit_code == 2
        assert refused.stderr == (
            f"error: --from {trained.id}: expected a run of the task 'anomaly', found one of 'forecast'; name another"
            " run, or give --task forecast\n"
        )
    assert not (runs / "unfinished").exists()
    refused = zoo_command("train", "basic", "--from", "nowhere", "--runs", runs)
    assert refused.exit_code == 2
    assert "there is no run 'nowhere'" in refused.stderr


@pytest.fixture
def under_way(series_file, tmp_path):
    """A real ``zoo train`` that is past some epochs: the process and its run."""
    command = [
        sys.executable,
        "-m",
        "zoo",
        "train",
        "basic",
        "--data",
        series_file,
        "--target",
        "load",
        "--epochs",
        5000,
    ]
    command += ["--patience", 0, "--window", 8, "--horizon", 3, "--set", "units=2"]
    process = subprocess.Popen(
        list(map(str, command)),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    end = time.monotonic() + 120
    try:
        while not any(UnfinishedRun.read(folder).epoch >= 2 for folder in list_unfinished(tmp_path / "runs")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end, "it trains no epoch"
            time.sleep(0.05)
        yield process, find_unfinished("latest", tmp_path / "runs")
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), pytest.param(signal.SIGTERM, 143, "terminated", marks=pytest.mark.full)],
)
def test_a_stopped_command_says_how_to_go_on(under_way, number, code, word):
    process, run = under_way
    process.send_signal(number)
    output, errors = process.communicate(timeout=180)
    assert (process.returncode, output) == (code, b"")
    assert errors.decode().splitlines()[-1] == f"{word}; go on with: zoo train --resume {run.id}"
    left = {"config.json", "files.sha256", "lock", f"checkpoint-{run.epoch}"}
    assert {path.name for path in run.folder.iterdir()} == left
    assert resumption.read_checkpoint(run).state.epoch == run.epoch >= 2
    assert not run.is_running()


@pytest.mark.full
@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="files of another process are limited on Linux alone")
def test_a_full_disk_is_told_and_the_last_checkpoint_is_whole(under_way):
    process, run = under_way
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1000, 1000))
    output, errors = process.communicate(timeout=180)
    assert (process.returncode, output) == (2, b"")
    sentence = errors.decode().splitlines()[-1]
    assert sentence.startswith("error: ")
    assert f": File too large; the last checkpoint, of epoch {run.epoch}, is whole; make room, then" in sentence
    assert sentence.endswith(f"go on with: zoo train --resume {run.id}")
    left = {"config.json", "files.sha256", "lock", f"checkpoint-{run.epoch}"}
    assert {path.name for path in run.folder.iterdir()} == left
    assert resumption.read_checkpoint(run).state.epoch == run.epoch


@pytest.mark.full
def test_three_kills(tmp_path):
    """``make stress`` does it twenty times."""
    done = subprocess.run([sys.executable, STRESS, "--kills", "3", "--folder", tmp_path], check=False, timeout=550)
    assert done.returncode == 0
