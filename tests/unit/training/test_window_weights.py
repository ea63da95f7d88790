"""Weights of rows: a window counts in the losses by the mean over the rows that it is judged by."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import zoo
from zoo.api import plan
from zoo.training.batches import ordered_batches, shuffled_batches
from zoo.training.trainer import fit, forecast_batches
from zoo.training.window_weights import window_weights
from zoo_registry import discover
from zoo_registry.errors import DataError

SMALL = {"window": 8, "horizon": 3, "epochs": 2, "patience": 0, "hyperparameters": {"units": 3}}


@pytest.fixture
def weighted(series):
    """Two series with a column of weights."""
    random = np.random.default_rng(0)
    two = pd.concat([series.assign(site="a"), series[100:].assign(site="b", load=-series["load"])], ignore_index=True)
    return two.assign(weight=random.integers(0, 4, len(two)))


def planned(frame, **settings):
    return plan("basic", frame, **({"target": "load", "series": "site", "weight": "weight"} | SMALL | settings))


def trained(frame, **settings):
    config, prepared = planned(frame, **settings)
    architecture = discover().catalogue["basic"].item
    return fit(architecture, architecture.configure(config.hyperparameters), prepared, config.training), prepared


@pytest.mark.parametrize("part", ["train", "validation"])
def test_the_mean_over_a_forecasts_horizon(weighted, part):
    _, prepared = planned(weighted)
    windows, weights = prepared.parts[part], window_weights(prepared, part)
    assert "weight" not in prepared.table.columns, "it is no feature"
    by_hand = weighted["weight"].to_numpy()[windows.target_rows()].mean(axis=1)
    assert weights.mean == pytest.approx(by_hand.mean())
    found = np.concatenate([batch[2] for batch in ordered_batches(windows, 16, weights).as_numpy_iterator()])
    np.testing.assert_allclose(found[:, 0], by_hand / by_hand.mean(), rtol=1e-6)
    for inputs, _, given in shuffled_batches(windows, 16, 0, weights=weights).take(3).as_numpy_iterator():
        for window, weight in zip(inputs, given, strict=True):
            (number,) = np.flatnonzero((windows.inputs() == window).all(axis=(1, 2)))
            assert weight == pytest.approx(by_hand[number] / by_hand.mean(), rel=1e-6)


def test_a_class_counts_by_its_own_row(weighted):
    frame = weighted.assign(kind=np.where(np.arange(len(weighted)) % 3, "a", "b"))
    _, prepared = planned(frame, target="kind", task="classify", horizon=None)
    windows = prepared.parts["train"]
    rows = frame["weight"].to_numpy()[windows.last_rows()]
    (batch,) = ordered_batches(windows, len(windows), window_weights(prepared, "train")).as_numpy_iterator()
    np.testing.assert_allclose(batch[2][:, 0], rows / rows.mean(), rtol=1e-6)


@pytest.mark.parametrize("loss", ["mse", "quantile"])
def test_the_validation_loss_is_a_weighted_mean(weighted, loss):
    settings = {"quantiles": (0.1, 0.5)} if loss == "quantile" else {}
    fitted, prepared = trained(weighted, **settings, keep="last", normalize_window="none")
    windows = prepared.parts["validation"]
    forecast = np.concatenate(list(forecast_batches(fitted.model, windows)))
    if loss == "quantile":
        error = windows.outputs()[..., None] - forecast
        each = np.maximum(np.array([0.1, 0.5]) * error, (np.array([0.1, 0.5]) - 1) * error).mean(axis=(1, 2, 3))
    else:
        each = ((forecast - windows.outputs()) ** 2).mean(axis=(1, 2))
    weights = weighted["weight"].to_numpy()[windows.target_rows()].mean(axis=1)
    assert fitted.val_loss == pytest.approx(np.average(each, weights=weights), rel=1e-4)
    assert fitted.val_loss != pytest.approx(each.mean(), rel=1e-3)


def test_rows_of_weight_0_teach_nothing(weighted):
    """What stands in rows that do not count may be anything, where no window that counts reaches them."""
    two = weighted.assign(weight=np.where(weighted["site"] == "a", 2.5, 0.0))
    other = two.assign(load=np.where(two["site"] == "a", two["load"], 100 + 10 * np.cos(np.arange(len(two)))))
    settings = {"scaler": "none", "features": "load", "learning_rate": 0.01}
    weights = [trained(frame, **settings)[0].model.get_weights() for frame in (two, other)]
    for one, another in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, another)


def test_equal_weights_change_nothing_but_the_rounding(weighted):
    equal, _ = trained(weighted.assign(weight=7.5))
    without, _ = trained(weighted.drop(columns="weight"), weight=None)
    assert equal.history["val_loss"] == pytest.approx(without.history["val_loss"], rel=1e-5)


def test_a_part_that_does_not_count(weighted):
    late = weighted.groupby("site").cumcount() >= 60
    for weight, part in ((late, "train"), (~late, "validation")):
        frame = weighted.assign(weight=weight.astype(float))
        with pytest.raises(DataError, match=f"column 'weight' gives every {part} window the weight 0, expected some"):
            trained(frame, split=(60, 20, 20))


def test_a_run_records_its_weights_and_measures_without_them(weighted, tmp_path):
    frame = weighted.assign(weight=(weighted["site"] == "a").astype(int))
    settings = SMALL | {"target": "load", "series": "site", "weight": "weight"}
    run = zoo.train("basic", frame, runs=tmp_path, **settings)
    assert run.config.data.weight == "weight"
    assert run.problem.features == ("load", "temperature")
    assert run.metrics["windows"] == run.record.data.split["test"].windows, "those without weight too"
    assert run.evaluate(frame)["network"] == run.metrics["network"]
