"""How steps are computed: chosen, recorded, repeated, and without a trace in what is trained."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

import zoo
from zoo.acceleration.step_plan import Plan
from zoo.runs.checkpoints import read_checkpoint
from zoo.runs.unfinished import UnfinishedRun
from zoo.settings.schema import TrainingConfig
from zoo.settings.toml_file import config_text
from zoo.training import plan_choice
from zoo.training.plan_choice import choose_plan
from zoo_registry import discover
from zoo_registry.errors import ConfigError
from zoo_registry.hyperparameters import validated

SMALL = {"target": "load", "window": 8, "horizon": 2, "epochs": 3, "patience": 0}


@pytest.mark.parametrize(
    ("name", "wide", "fused"),
    [
        ("basic", {"units": 8}, ["LSTM(8)"]),
        pytest.param("stacked", {"units": 6}, ["LSTM(6)"] * 2, marks=pytest.mark.full),
        ("bidirectional", {"units": 6, "second_units": 4, "dropout": 0.3}, ["LSTM(6)"] * 2 + ["LSTM(4)"] * 2),
    ],
)
def test_a_whole_training_is_the_unfused_one(name, wide, fused, series, tmp_path):
    runs = {
        engine: zoo.train(name, series, hyperparameters=wide, runs=tmp_path / engine, engine=engine, **SMALL)
        for engine in ("keras", "fused")
    }
    for one, other in zip(*(run.network.get_weights() for run in runs.values()), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    losses = [run.record.training.val_loss for run in runs.values()]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    assert runs["keras"].record.training.engine.fused == ()
    assert sorted(runs["fused"].record.training.engine.fused) == sorted(fused)


def test_the_same_seed_gives_the_same_weights_with_parts(series, tmp_path):
    settings = SMALL | {"hyperparameters": {"units": 4, "dropout": 0.2}, "batch_parts": 2}
    runs = [zoo.train("basic", series, runs=tmp_path / name, **settings) for name in ("one", "other")]
    weights = [run.network.get_weights() for run in runs]
    assert all(np.array_equal(one, other) for one, other in zip(*weights, strict=True))


@pytest.fixture
def network(make_architecture, prepared):
    """``network(**hyperparameters)``: the compiled network of ``basic``."""
    from zoo.training.trainer import compiled

    architecture = discover().catalogue["basic"].item

    def build(**hyperparameters):
        hp = architecture.configure({"units": 4} | hyperparameters)
        return compiled(architecture, hp, prepared, TrainingConfig()).trained

    return build


def test_what_was_given_is_taken(network, prepared, monkeypatch):
    monkeypatch.setattr(plan_choice, "at_once", lambda: 2)
    model, windows = network(), prepared.parts["train"]

    def chosen(**settings):
        return choose_plan(model, network, windows, TrainingConfig(**settings))

    assert chosen() == Plan("fused", 2, 5)  # five batches in an epoch
    assert chosen(batch_parts=3, steps_per_execution=4) == Plan("fused", 3, 4)
    assert chosen(engine="keras") == Plan("keras", 1, 5)
    assert chosen(engine="keras", xla=True) == Plan("keras", 1, 5, jit=True)


def test_a_trial_is_asked_where_it_should_be(network, prepared, monkeypatch):
    asked = []

    def trial(build, batches, draw, plans, steps_per_epoch):
        asked.append({plan.engine for plan in plans})
        return plans[-1]

    monkeypatch.setattr(plan_choice, "plan_by_trial", trial)
    for engine in ("auto", "keras", "fused"):
        plan = choose_plan(network(), network, prepared.parts["train"], TrainingConfig(engine=engine, autotune=True))
        assert plan.engine in asked[-1]
    assert asked == [{"keras", "fused"}, {"keras"}, {"fused"}]


def test_nothing_to_fuse(network, prepared):
    with pytest.raises(ConfigError, match=r"no layer of this network can be fused \(LSTM\(4\): recurrent dropout\)"):
        choose_plan(network(recurrent_dropout=0.2), network, prepared.parts["train"], TrainingConfig(engine="fused"))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"engine": "fused", "xla": True}, "`xla` is for `engine='keras'`, found fused"),
        ({"engine": "keras", "batch_parts": 2}, "`batch_parts` is for fused layers, found `engine='keras'`"),
    ],
)
def test_settings_that_rule_each_other_out(settings, sentence):
    with pytest.raises(ConfigError, match=sentence):
        validated(TrainingConfig, settings, "setting")


def test_a_trial_is_recorded_and_repeated(series, tmp_path, monkeypatch):
    """The run's configuration says what was chosen; with it, no trial is made, and the weights are the same."""
    tried = []

    def trial(*arguments):
        tried.append(arguments)
        return Plan("fused", 1, 2)

    monkeypatch.setattr(plan_choice, "plan_by_trial", trial)
    first = zoo.train("basic", series, hyperparameters={"units": 4}, runs=tmp_path, autotune=True, **SMALL)
    chosen = first.config.training
    assert (chosen.engine, chosen.autotune, chosen.batch_parts, chosen.steps_per_execution) == ("fused", False, 1, 2)
    assert first.record.training.engine.parts == 1
    settings = {"engine": chosen.engine, "batch_parts": 1, "steps_per_execution": 2}
    again = zoo.train("basic", series, hyperparameters={"units": 4}, runs=tmp_path, **SMALL, **settings)
    assert len(tried) == 1
    assert "steps_per_execution = 2" in config_text(again.config)
    for one, other in zip(first.network.get_weights(), again.network.get_weights(), strict=True):
        assert np.array_equal(one, other)


def test_a_checkpoint_holds_the_plan(series, tmp_path, monkeypatch):
    """A training goes on by the plan that it began with, wherever the rule would lead now."""

    class Killed(BaseException):
        pass

    def killed(self, epoch, logs=None):
        raise Killed

    monkeypatch.setattr(plan_choice, "at_once", lambda: 1)
    monkeypatch.setattr("zoo.training.trainer.RecordRate.on_epoch_begin", killed)
    with pytest.raises(Killed):
        zoo.train("basic", series, hyperparameters={"units": 4}, runs=tmp_path, **SMALL)
    monkeypatch.undo()
    (folder,) = (tmp_path / "unfinished").iterdir()
    assert read_checkpoint(UnfinishedRun.read(folder)).state.plan == asdict(Plan("fused", 1, 5))
    monkeypatch.setattr(plan_choice, "at_once", lambda: 4)
    assert zoo.resume("latest", series, runs=tmp_path).record.training.engine.parts == 1
