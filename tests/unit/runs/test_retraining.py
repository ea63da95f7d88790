"""What another training of a run takes over from it."""

from __future__ import annotations

import pytest

from zoo.provenance import Retrained, why_untested
from zoo.runs.record import Origin
from zoo.runs.retraining import check_retraining, check_source, config_again, data_again, lineage
from zoo_registry import CosineSchedule, OneCycleSchedule, PlateauSchedule
from zoo_registry.errors import ConfigError, RunError


@pytest.fixture
def told(trained):
    """``told(training={…}, data={…}, epochs=…)``: the record of the tiny run with other settings and another end."""

    def make(training=None, data=None, **ended):
        record = trained.record
        config = record.config.model_copy(
            update={
                "training": record.config.training.model_copy(update=training or {}),
                "data": record.config.data.model_copy(update=data or {}),
            }
        )
        return record.model_copy(update={"config": config, "training": record.training.model_copy(update=ended)})

    return make


def test_on_all_rows_it_lasts_as_long_as_the_best_epoch_and_nothing_decides(told):
    record = told({"epochs": 80, "patience": 7}, {"train_on_validation": True}, epochs=30, best_epoch=23)
    data = data_again(record, "newer.csv", all_rows=True)
    config = config_again(record, data, windows=1000)
    assert (config.training.epochs, config.training.keep, config.training.patience) == (23, "last", 0)
    assert (config.data.all_rows, config.data.train_on_validation, config.data.source) == (True, False, "newer.csv")
    usual = record.config
    assert config.training.model_copy(update={"epochs": 80, "keep": "best", "patience": 7}) == usual.training
    assert config.hyperparameters == usual.hyperparameters


def test_by_its_own_split_everything_is_as_it_was(told):
    record = told({"epochs": 80}, epochs=30, best_epoch=23)
    data = data_again(record, record.config.data.source, all_rows=False)
    assert data.model_copy(update={"features": (), "target": ("load",)}) == record.config.data
    assert config_again(record, data, windows=1000).training == record.config.training


def test_the_columns_are_those_of_the_run_whatever_else_a_table_has(told):
    record = told(data={"features": (), "calendar": ()})
    assert data_again(record, "newer.csv", all_rows=True).features == ("load", "temperature")
    record = record.model_copy(
        update={"problem": record.problem.model_copy(update={"targets": ("load", "temperature")})}
    )
    assert data_again(record, "newer.csv", all_rows=True).target == ("load", "temperature")


@pytest.mark.parametrize(
    ("schedule", "steps"),
    [
        (CosineSchedule(warmup=10), 80 * 32 - 10),  # 1,000 windows, 32 in a batch, 80 epochs that were allowed
        (CosineSchedule(steps=70), 70),
        (OneCycleSchedule(), 80 * 32),
    ],
)
def test_the_learning_rate_goes_on_as_it_did(told, schedule, steps):
    record = told({"epochs": 80, "schedule": schedule}, best_epoch=3)
    config = config_again(record, data_again(record, "a.csv", all_rows=True), windows=1000)
    assert config.training.schedule.steps == steps
    again = config_again(record, data_again(record, "a.csv", all_rows=False), windows=1000)
    assert again.training.schedule == schedule


def test_weights_that_it_began_with_are_begun_with_again(told):
    record = told({"start_from": "latest"}, started_from=Origin(run="20250101-basic", epoch=4))
    for all_rows in (True, False):
        config = config_again(record, data_again(record, "a.csv", all_rows=all_rows), windows=100)
        assert config.training.start_from == "20250101-basic"


def test_what_needs_rows_that_were_not_trained_on_is_refused(told):
    check_retraining(told(), all_rows=True)
    anomaly, plateau = told(data={"task": "anomaly"}), told({"schedule": PlateauSchedule()})
    for record, words in ((anomaly, "not for `task='anomaly'`, whose threshold is set by rows"), (plateau, "plateau")):
        with pytest.raises(ConfigError, match=rf"^run {record.id}: .*{words}"):
            check_retraining(record, all_rows=True)
        check_retraining(record, all_rows=False)
    with pytest.raises(
        ConfigError, match="was trained on all rows and has no split to train again by; give `all_rows`"
    ):
        check_retraining(told(data={"all_rows": True}), all_rows=False)


def test_the_figures_are_those_of_the_last_run_that_was_tested(told):
    tested = told()
    assert lineage(tested) == Retrained(run=tested.id, verdict=tested.evaluation["verdict"])
    first = tested.model_copy(update={"evaluation": None, "retrained_from": lineage(tested)})
    assert lineage(first) == lineage(tested)
    nobody = tested.model_copy(update={"evaluation": None})
    assert lineage(nobody) == Retrained(run=tested.id)
    assert why_untested(lineage(first)).endswith(
        f"the figures of run {tested.id}, whose settings and length of training it has, stand for it"
    )
    assert why_untested(None) == "trained on all rows, so that none is left to test it on"


def test_a_table_of_a_program_is_given_again(told):
    with pytest.raises(RunError, match="was trained on a DataFrame of a program; give it, or a newer one, as `data`"):
        check_source(told(), "DataFrame")
    check_source(told(), "a.csv")
