"""``zoo tune``, as it is called: with worker processes, killed and gone on with, and on a dask cluster."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import zoo
from zoo.tuning.search import Watcher
from zoo.tuning.study_store import StudyStore
from zoo.tuning.trial_record import COMPLETE, FINISHED

SEARCH = "--search units=2,4 --search dropout=0,0.3 --search learning_rate=1e-3..1e-1:log --only scaler"
STUDY = "basic --data {data} --target load --window 8 --horizon 3 --epochs 2 --sampler random --pruner none --folds 2"
ARGUMENTS = f"tune {STUDY} {SEARCH} --threads 1"


def command(data: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "zoo", *ARGUMENTS.format(data=data).split(), *more]


def run(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False, timeout=500)


def scores(trials) -> list:
    return [(trial.number, trial.parameters, trial.seed, trial.error, trial.state) for trial in trials]


def found_in(folder: Path, name: str) -> list:
    return scores(StudyStore.reopen(name, folder / "studies").records())


def test_from_the_command_to_a_bundle(series_file, tmp_path):
    done = run(command(series_file, "--trials", "2", "--jobs", "2", "--study", "mine", "--retrain", "--json"), tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["name"], found["complete"], found["measure"]) == ("mine", 2, "MAE")
    told = [line for line in done.stderr.splitlines() if line.startswith("trial ")]
    assert sorted(line.split(":")[0] for line in told) == ["trial 0 basic", "trial 1 basic"]
    assert "oneDNN" not in done.stderr, "TensorFlow's greetings are kept off"
    best = next(trial for trial in found["trials"] if trial["number"] == found["best"]["number"])
    assert best["error"] == min(trial["error"] for trial in found["trials"])
    bundle = zoo.load_run(tmp_path / found["run"]).export(tmp_path / "exported")
    assert bundle.manifest.architecture.name == "basic"
    shown = run([sys.executable, "-m", "zoo", "train", "--config", found["config"], "--print-config"], tmp_path)
    assert shown.stdout == (tmp_path / found["config"]).read_text(encoding="utf-8")
    again = run([sys.executable, "-m", "zoo", "tune", "--resume", "mine"], tmp_path)
    assert again.returncode == 0, again.stderr
    assert "trials: 2 complete, 0 pruned, 0 failed" in again.stdout
    assert f"next: zoo train --config {found['config']} --export" in again.stdout


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("--search unit=2", "no such setting or hyperparameter; did you mean 'units'"),
        ("--search units=2 --search units=3", "a name is given more than once"),
        ("--search units=9..2", "low up to high"),
        ("--sampler best", "--sampler: expected"),
        ("--folds 1", "--folds: expected"),
        ("--folds 90", "give fewer folds"),
        ("--fold-train-rows 50", "train rows are for sliding folds"),
        ("--backend dask", "--backend dask needs the scheduler's --address"),
        ("--storage nonsense", "expected a database's URL"),
        ("--study a/b", "expected a name of letters"),
        ("--set unit=2", "did you mean 'units'"),
        ("--resume latest", "leave --target, "),
        ("--studies {data}", "--studies: expected a folder"),
    ],
)
def test_bad_input_is_told_in_a_sentence(zoo_command, series_file, more, words):
    before = sorted(series_file.parent.rglob("*"))
    result = zoo_command(*f"tune {STUDY} {more}".format(data=series_file).split())
    assert result.exit_code == 2, result.output
    (sentence,) = (line for line in result.stderr.splitlines() if line.startswith("error: "))
    assert words in sentence
    assert sorted(series_file.parent.rglob("*")) == before


def test_resume_takes_no_settings(zoo_command):
    result = zoo_command("tune", "gru", "--resume", "mine", "--window", "9", "--folds", "4")
    assert result.exit_code == 2
    assert "leave --window, --folds, architectures out" in result.stderr


@pytest.mark.full
def test_a_study_that_is_killed_again_and_again_is_the_same_as_one_that_is_not(series_file, tmp_path):
    whole = run(command(series_file, "--trials", "8", "--jobs", "2", "--study", "whole"), tmp_path)
    assert whole.returncode == 0, whole.stderr
    chance, kept, kills = random.Random(7), [], 0
    arguments = command(series_file, "--trials", "8", "--jobs", "2", "--study", "killed")
    for _ in range(30):
        process = subprocess.Popen(arguments, cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            process.wait(chance.uniform(9, 18))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
        if (tmp_path / "studies" / "killed" / "study.db").exists():
            now = [record for record in found_in(tmp_path, "killed") if record[-1] in FINISHED]
            assert [record for record in kept if record not in now] == [], "a finished trial was lost"
            kept = now
        if process.returncode == 0:
            break
    assert process.returncode == 0
    assert kills >= 2
    assert found_in(tmp_path, "killed") == found_in(tmp_path, "whole")


@pytest.mark.full
def test_ctrl_c_ends_it_at_once_and_says_how_to_go_on(series_file, tmp_path):
    arguments = command(series_file, "--trials", "30", "--study", "mine")
    process = subprocess.Popen(
        arguments, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        line = process.stderr.readline()
        assert line.startswith("trial 0 basic: ")
        os.killpg(process.pid, signal.SIGINT)
        began = time.monotonic()
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert time.monotonic() - began < 20
    assert "interrupted; finished trials are kept; go on with: zoo tune --resume mine" in errors
    assert "Traceback" not in errors
    states = [record[-1] for record in found_in(tmp_path, "mine")]
    assert states[0] == COMPLETE
    assert set(states[1:]) <= {COMPLETE, "waiting"}


def study_of(data: Path, tmp_path: Path, **more) -> list:
    search = {"units": [2, 4], "dropout": [0.0, 0.3], "learning_rate": {"low": 1e-3, "high": 1e-1, "log": True}}
    settings = {"target": "load", "window": 8, "horizon": 3, "epochs": 2, "folds": 2}
    how = {"studies": tmp_path / "studies", "threads": 1, "sampler": "random", "pruner": "none", "trials": 6}
    return scores(zoo.tune("basic", data, search=search, only="scaler", **{**settings, **how, **more}).trials)


@pytest.mark.full
def test_a_killed_worker_costs_nothing(series_file, tmp_path):
    psutil = pytest.importorskip("psutil")
    killed: list[int] = []

    def kill_one(running, done, total) -> None:
        if len(running) == 2 and done >= 1 and not killed:
            children = psutil.Process().children(recursive=True)
            (victim, *_) = (child for child in children if "popen_loky" in " ".join(child.cmdline()))
            killed.append(victim.pid)
            victim.kill()

    disturbed = study_of(series_file, tmp_path, jobs=2, watcher=Watcher(on_progress=kill_one))
    assert killed
    assert disturbed == study_of(series_file, tmp_path)
    assert {record[-1] for record in disturbed} == {COMPLETE}


@pytest.mark.full
@pytest.mark.parametrize("sampler", ["random", "grid"])
def test_a_dask_cluster_gives_the_same_trials_and_scores_and_a_killed_worker_costs_nothing(
    series_file, tmp_path, sampler
):
    distributed = pytest.importorskip("distributed")
    killed: list[int] = []
    how = {"threads_per_worker": 1, "processes": True, "dashboard_address": "127.0.0.1:0"}
    more = {"sampler": "grid", "grid_points": 1} if sampler == "grid" else {}
    with distributed.LocalCluster(n_workers=2, **how) as cluster:

        def kill_one(running, done, total) -> None:
            if len(running) == 2 and done >= 1 and not killed:
                killed.append(next(iter(cluster.workers.values())).pid)
                os.kill(killed[0], signal.SIGKILL)

        address, watcher = cluster.scheduler_address, Watcher(on_progress=kill_one)
        clustered = study_of(series_file, tmp_path, **more, backend="dask", address=address, watcher=watcher)
    assert killed
    assert clustered == study_of(series_file, tmp_path, **more, jobs=2)
    assert {record[-1] for record in clustered} == {COMPLETE}
    assert len(clustered) == 6


@pytest.mark.full
def test_what_a_cluster_is_refused_for(series_file, tmp_path):
    distributed = pytest.importorskip("distributed")
    with pytest.raises(zoo.ZooError, match="no dask scheduler answers there"):
        study_of(series_file, tmp_path, backend="dask", address="tcp://127.0.0.1:9")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address="127.0.0.1:0") as cluster,
        pytest.raises(zoo.ZooError, match="expected dask workers of one thread each, found 2 in"),
    ):
        study_of(series_file, tmp_path, backend="dask", address=cluster.scheduler_address)
