"""Training on the validation rows too: what sees them, what may not, and what baselines choose by."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from zoo.data.splits import TRAIN_ALONE
from zoo.evaluation.baselines import RidgeBaseline
from zoo.settings.resolve import resolve
from zoo.settings.schema import DataConfig
from zoo.training.preparation import prepare
from zoo_registry import discover
from zoo_registry.errors import ConfigError

USUAL = {"source": "DataFrame", "target": "load", "window": 8, "horizon": 3}


def test_train_windows_and_scalers_see_the_validation_rows_and_no_others(series):
    usual = prepare(DataConfig(**USUAL), series)
    both = prepare(DataConfig(**USUAL, train_on_validation=True), series)
    end = usual.rows("validation")[0].stop
    assert both.rows("train") == [range(end)]
    assert (both.rows("validation"), both.rows("test")) == (usual.rows("validation"), usual.rows("test"))
    assert both.parts["train"].target_rows().max() == end - 1
    assert len(both.parts[TRAIN_ALONE]) == len(usual.parts["train"])
    assert TRAIN_ALONE not in usual.parts
    assert both.preprocessor.parameters() != usual.preprocessor.parameters()
    later = series.copy()
    later.loc[end:, ["load", "temperature"]] += 1e3
    again = prepare(DataConfig(**USUAL, train_on_validation=True), later)
    assert again.preprocessor.parameters() == both.preprocessor.parameters()
    np.testing.assert_array_equal(again.parts["train"].inputs(), both.parts["train"].inputs())


def test_the_ridge_baseline_chooses_its_penalty_by_rows_that_it_was_not_fitted_on(series):
    parts = prepare(DataConfig(**USUAL, train_on_validation=True), series).parts
    alone = RidgeBaseline((0,)).fit(parts[TRAIN_ALONE], parts["validation"])
    both = RidgeBaseline((0,)).fit(parts["train"], parts["validation"], parts[TRAIN_ALONE])
    assert both.penalty_ == alone.penalty_
    assert not np.array_equal(both.coefficients_, alone.coefficients_)


def test_classes_too(series, tmp_path):
    table = series.assign(state=np.where(series["load"] > 100, "high", "low"))
    settings = {"task": "classify", "target": "state", "window": 4, "epochs": 1, "runs": tmp_path}
    run = zoo.train("basic", table, train_on_validation=True, keep="last", patience=0, **settings)
    assert run.metrics["network"]["log_loss"] > 0
    assert run.record.data.split["train"].rows == (0, 204)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "give `keep='last'`, `patience=0`"),
        ({"keep": "last"}, "give `keep='last'`, `patience=0`"),
        (
            {"keep": "last", "patience": 0, "task": "anomaly", "target": None, "horizon": None},
            "not for `task='anomaly'`",
        ),
    ],
)
def test_what_would_decide_by_rows_that_are_trained_on_is_refused(settings, words):
    basic = discover().catalogue["basic"].item
    with pytest.raises(ConfigError, match=words):
        resolve("basic", basic, {}, {**USUAL, "train_on_validation": True, **settings})
