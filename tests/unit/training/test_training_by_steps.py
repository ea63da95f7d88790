"""A training by steps: as many as asked for, validated every so often, each drawn as in a training by epochs."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from zoo.api import plan
from zoo.runs.claiming import begin_run, reopen_run
from zoo.runs.record import read_record
from zoo.settings.schema import TrainingConfig
from zoo.training.batches import feed
from zoo.training.settling import settled
from zoo.training.step_count import MOST_STEPS
from zoo.training.trainer import drawing, fit
from zoo_registry import CosineSchedule, Entry, TrainingDefaults
from zoo_registry.errors import ConfigError

STEPS = {"steps": 25, "validate_every": 7, "batch_size": 16, "seed": 3}


class Killed(BaseException):
    """As SIGKILL: nothing of ours is done about it."""


@pytest.fixture(scope="module")
def small(make_architecture):
    """A network with dropout, whose generators go on too."""

    def build(hp, shape):
        window = keras.Input(shape.input)
        hidden = keras.layers.Dropout(0.3)(keras.layers.Dense(4)(window[:, -1]))
        return keras.Model(window, keras.layers.Reshape(shape.output)(keras.layers.Dense(3)(hidden)))

    return make_architecture(build, defaults=TrainingDefaults(epochs=5))


def fitted_by(architecture, prepared, callbacks=(), run=None, **settings):
    config = TrainingConfig(**settings)
    return fit(architecture, architecture.configure({}), prepared, config, callbacks, run=run)


def assert_same(one, other):
    for first, second in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    assert one.history == other.history


@pytest.mark.parametrize("steps_per_execution", [1, 5])
def test_as_many_steps_as_asked_for(small, prepared, steps_per_execution):
    fitted = fitted_by(small, prepared, **STEPS, keep="last", steps_per_execution=steps_per_execution)
    assert int(fitted.model.optimizer.iterations) == 25
    assert [len(values) for values in fitted.history.values()] == [4] * len(fitted.history)
    assert (fitted.pace.total, fitted.pace.epochs, fitted.best_epoch) == (25, 4, 4)


def test_the_steps_of_whole_epochs_are_those_epochs(small, prepared):
    usual = {"batch_size": 16, "seed": 3, "schedule": CosineSchedule(warmup=4)}
    by_epochs = fitted_by(small, prepared, epochs=2, **usual)
    every = by_epochs.pace.validate_every
    by_steps = fitted_by(small, prepared, steps=2 * every, validate_every=every, **usual)
    assert_same(by_epochs, by_steps)
    rarely = fitted_by(small, prepared, steps=2 * every, validate_every=2 * every, **usual, keep="last")
    assert rarely.history["learning_rate"] == by_steps.history["learning_rate"][-1:], "the schedule has as many steps"


def test_patience_counts_validations(small, prepared):
    rising = {"optimizer": "sgd", "learning_rate": 5.0, "clip_norm": 1.0}
    fitted = fitted_by(small, prepared, **STEPS | {"steps": 700}, **rising, patience=2)
    assert len(fitted.history["val_loss"]) == fitted.best_epoch + 2 < 100
    assert fitted.pace.steps_after(fitted.best_epoch) == 7 * fitted.best_epoch


@pytest.mark.parametrize(("sample_by", "epoch"), [("windows", 3), ("series", 1)])
def test_it_goes_on_where_it_was_killed(small, prepared, trained, tmp_path, sample_by, epoch):
    settings = STEPS | {"sample_by": sample_by, "steps_per_execution": 3}
    kill = keras.callbacks.LambdaCallback(on_epoch_begin=lambda number, logs: stop(number == epoch))

    def stop(now):
        if now:
            raise Killed

    whole = fitted_by(small, prepared, **settings)
    with suppress(Killed), begin_run(tmp_path, trained.config, Entry(small, "a", "b", "1"), "") as run:
        fitted_by(small, prepared, [kill], run, **settings)
    assert run.epoch == epoch
    with reopen_run("latest", tmp_path) as run:
        resumed = fitted_by(small, prepared, run=run, **settings)
    assert_same(whole, resumed)
    assert int(resumed.model.optimizer.iterations) == 25


def test_draws_by_series_are_another_training(small, prepared):
    by_windows, by_series = (fitted_by(small, prepared, **STEPS, sample_by=by) for by in ("windows", "series"))
    assert by_windows.history["loss"] != by_series.history["loss"]
    config = TrainingConfig(**STEPS, sample_by="series")
    _, draw = feed(prepared.parts["train"], 16, 3, **drawing(prepared, config))
    assert len(draw(None, np.int64(0))[0]) == 16


def test_series_have_to_be_told_apart(series):
    settings = {"target": "load", "window": 8, "horizon": 3, "sample_by": "series"}
    with pytest.raises(ConfigError, match="DataFrame: `sample_by='series'` draws evenly by series, but nothing tells"):
        plan("basic", series, **settings)
    plan("basic", series.assign(site="a"), series="site", **settings)


def test_so_many_windows_have_steps_by_default(series):
    settings = {"target": "load", "window": 8, "horizon": 3, "batch_size": 1, "hyperparameters": {"units": 2}}
    config, prepared = plan("basic", series, **settings)
    windows = len(prepared.parts["train"])
    assert settled(config, prepared).training == config.training.model_copy(update={"epochs": 100}), f"{windows} steps"
    repeated = series.loc[series.index.repeat(4)].reset_index(drop=True).drop(columns="time")
    config, prepared = plan("basic", repeated, **settings)
    found = settled(config, prepared).training
    assert (found.epochs, found.steps, found.validate_every) == (None, MOST_STEPS, MOST_STEPS // 20)
    assert settled(config.model_copy(update={"training": found}), prepared).training == found
    for asked in ({"epochs": 500}, {"steps": 90_000}):
        config, _ = plan("basic", repeated, **settings, **asked)
        found = settled(config, prepared).training
        assert [getattr(found, name) for name in asked] == list(asked.values())


def test_the_run_says_what_its_steps_were(zoo_command, series_file):
    arguments = ("basic", "--data", series_file, "--target", "load", "--window", 8, "--horizon", 3, "--set", "units=2")
    done = zoo_command("train", *arguments, "--steps", 25, "--validate-every", 10, "--keep", "last")
    assert done.exit_code == 0, done.stderr
    assert "best epoch 3 of 3 (step 25 of 25)" in done.stdout
    folder = next(line for line in done.stdout.splitlines() if line.startswith("run: ")).removeprefix("run: ")
    record = read_record(Path(folder))
    told = record.training
    assert (told.epochs, told.best_epoch, told.steps, told.best_step, told.validate_every) == (3, 3, 25, 25, 10)
    assert (record.config.training.epochs, record.config.training.steps) == (None, 25)
    assert len((Path(folder) / "history.csv").read_text().splitlines()) == 1 + 3
    assert "25, validated every 10" in (Path(folder) / "report.html").read_text()
    again = zoo_command("train", "--from", record.id, "--epochs", 1)
    assert again.exit_code == 0, again.stderr
    assert "(step " not in again.stdout


@pytest.mark.full
def test_a_command_tells_its_steps_and_chooses_its_threads_first(tmp_path):
    """In a process of its own, as TensorFlow has begun in this one."""
    rows = np.arange(6000)
    pd.DataFrame({"y": np.sin(rows / 5) + rows % 7}).to_csv(tmp_path / "long.csv", index=False)
    options = "--data long.csv --target y --window 8 --horizon 2 --batch-size 1 --patience 1 --learning-rate 0.5"
    command = [sys.executable, "-m", "zoo", "train", "linear", *options.split()]
    threads = {name: value for name, value in os.environ.items() if not name.startswith("TF_NUM_")}
    done = subprocess.run(command, cwd=tmp_path, env=threads, capture_output=True, text=True, check=True)
    told = (
        "at most 40,000 steps, validated every 2,000, as 4,191 windows are many; give --epochs or --steps for another"
    )
    assert told in done.stderr
    assert "ThreadsWarning" not in done.stderr
    assert "(step " in done.stdout


def test_two_lengths_are_one_error(zoo_command, series_file):
    refused = zoo_command("train", "basic", "--data", series_file, "--target", "load", "--epochs", 3, "--steps", 25)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == "error: --epochs (3) and --steps (25) both say how long to train; give one of them\n"


def test_a_warm_up_longer_than_the_steps(small, prepared):
    with pytest.raises(ConfigError, match="a warm-up of 30 steps leaves nothing of the training, which has 25"):
        fitted_by(small, prepared, **STEPS, schedule=CosineSchedule(warmup=30))
