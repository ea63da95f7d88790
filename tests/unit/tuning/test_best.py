"""The best configuration is trained on train and validation rows, for as long as the folds took."""

from __future__ import annotations

from dataclasses import replace

import pytest

from zoo.training.preparation import prepare_run
from zoo.training.step_count import lasting
from zoo.tuning.best import refit_config, retrain
from zoo.tuning.trial_record import COMPLETE, TrialRecord
from zoo_registry import ConstantSchedule, CosineSchedule, OneCycleSchedule
from zoo_registry.errors import ConfigError

TRIAL = TrialRecord(3, COMPLETE, "basic", {}, 1, 1.0, 0.1, None, {"folds": [{"best_epoch": n} for n in (9, 2, 4)]})


def test_it_trains_for_the_median_of_the_folds_and_stops_by_nothing(make_config, series):
    config = refit_config(make_config(epochs=50, patience=5), TRIAL)
    assert (config.training.epochs, config.training.keep, config.training.patience) == (4, "last", 0)
    usual, wanted = prepare_run(make_config(), series), prepare_run(config, series)
    assert wanted.rows("train") == [range(usual.rows("validation")[0].stop)]
    assert wanted.rows("test") == usual.rows("test")


def test_folds_that_trained_by_steps_are_followed_by_their_steps(make_config, series):
    """Also where the zoo chose the steps of a configuration that names none."""
    length = {"steps": 100, "validate_every": 30}
    folds = [{"best_epoch": n, "best_step": min(30 * n, 100), "length": length} for n in (4, 1, 3)]
    for asked in ({**length, "epochs": None}, {"epochs": None}):
        training = refit_config(make_config(**asked), replace(TRIAL, result={"folds": folds})).training
        assert (training.epochs, training.steps, training.validate_every) == (None, 90, 30)
    early = [{**fold, "best_step": 20} for fold in folds]
    training = refit_config(make_config(epochs=None), replace(TRIAL, result={"folds": early})).training
    assert (training.steps, training.validate_every) == (20, 20)


def test_weights_that_no_fold_trained_are_left_as_they_are(make_config):
    untrained = replace(TRIAL, result={"folds": [{"best_epoch": 0}] * 3})
    assert refit_config(make_config(), untrained).training.epochs == 0


@pytest.mark.parametrize(
    ("schedule", "steps"),
    [
        (CosineSchedule(), 1000),
        (CosineSchedule(warmup=100), 900),
        (CosineSchedule(steps=70), 70),
        (OneCycleSchedule(), 1000),
        (OneCycleSchedule(steps=70), 70),
    ],
)
def test_schedules_go_on_as_they_did(make_config, schedule, steps):
    training = make_config().training.model_copy(update={"schedule": schedule})
    assert lasting(training, 1000).schedule.steps == steps


def test_a_constant_rate_has_no_steps(make_config):
    assert lasting(make_config().training, 1000).schedule == ConstantSchedule()


def test_anomalies_are_refused(make_config, series, tmp_path):
    config = make_config(task="anomaly", target=None, horizon=None)
    with pytest.raises(ConfigError, match="`retrain` is not for `task='anomaly'`"):
        retrain(config, TRIAL, series, runs=tmp_path, progress=False)
