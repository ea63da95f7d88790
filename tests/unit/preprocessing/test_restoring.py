"""Fitted scalers of plain numbers: every built-in and any plugin's gives what it gave, and no pickle is read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, QuantileTransformer, StandardScaler

from zoo.preprocessing import scalers
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.preprocessing.restoring import plain_attributes, restore
from zoo.preprocessing.scalers import find_scaler, fit_scaler
from zoo.preprocessing.statistics import ColumnStatistics
from zoo_registry import BUILT_IN_SCALERS, Scaler
from zoo_registry.errors import PluginError

VALUES = np.random.default_rng(0).gamma(4.0, 25.0, size=(200, 2))


def through_json(value):
    return json.loads(json.dumps(value))


@pytest.mark.parametrize("scaler", BUILT_IN_SCALERS)
@pytest.mark.parametrize("earlier", [False, True], ids=["now", "earlier version"])
def test_repair_19_a_run_is_read_without_its_pickle(tmp_path: Path, poison, scaler: str, earlier: bool):
    parts = (lambda: [VALUES]), (lambda: [VALUES[:, 1:]])
    preprocessor = Preprocessor(scaler).fit(*parts, ("load", "wind"), ("wind",), where="table")
    preprocessor.save(tmp_path)
    poison(tmp_path / "scalers.joblib", tmp_path / "canary")
    if earlier:  # whose runs hold the forms' parameters alone
        told = json.loads((tmp_path / "preprocessing.json").read_text())
        del told["fitted"]
        (tmp_path / "preprocessing.json").write_text(json.dumps(told))
    read = Preprocessor.load(tmp_path)
    assert not (tmp_path / "canary").exists()
    np.testing.assert_array_equal(read.features_.scale(VALUES), preprocessor.features_.scale(VALUES))
    np.testing.assert_array_equal(
        read.inverse_transform_targets(VALUES[:, :1]), preprocessor.inverse_transform_targets(VALUES[:, :1])
    )
    assert read.parameters() == preprocessor.parameters()
    read.save_portable(tmp_path)


MAKES = {
    "quantiles": lambda: QuantileTransformer(n_quantiles=50, output_distribution="normal"),
    "powers": PowerTransformer,
    "pipeline": lambda: make_pipeline(PowerTransformer(), StandardScaler()),
    "functions": lambda: FunctionTransformer(np.log1p, np.expm1),
}


@pytest.mark.parametrize("kind", MAKES)
def test_repair_19_a_plugins_scaler_is_made_again(kind: str):
    scaler = Scaler(name=kind, summary="A plugin's.", make=MAKES[kind])
    fitted = scaler.make().fit(VALUES)
    again = restore(scaler, 2, {}, through_json(plain_attributes(fitted)))
    assert type(again) is type(fitted)
    scaled = fitted.transform(VALUES)
    np.testing.assert_array_equal(again.transform(VALUES), scaled)
    np.testing.assert_array_equal(again.inverse_transform(scaled), fitted.inverse_transform(scaled))


class Secretive(BaseEstimator):
    """Keeps what it learns in an object of its own."""

    def fit(self, X, y=None):
        self.inner_ = type("Inner", (), {"unit": X.std(axis=0)})()
        return self

    def transform(self, X):
        return X / self.inner_.unit

    def inverse_transform(self, X):
        return X * self.inner_.unit


def test_repair_19_a_scaler_that_cannot_be_made_again_is_told_before_any_training(monkeypatch):
    scaler = Scaler(name="secretive", summary="A plugin's.", make=Secretive)
    monkeypatch.setattr(scalers, "find_scaler", lambda name: scaler)
    monkeypatch.setattr(scalers.joblib, "dump", lambda *_: None)  # a pickle would take it
    statistics = ColumnStatistics(2)
    statistics.add(VALUES)
    with pytest.raises(PluginError, match="scaler 'secretive' cannot be used: ValueError: it cannot be made again"):
        fit_scaler("secretive", lambda: [VALUES], statistics, ("load", "wind"), "table")


@pytest.mark.parametrize(
    "value",
    [
        {"array": ["x"], "dtype": "|O", "shape": [1]},
        {"array": [1.0], "dtype": "<f8", "shape": [2]},
        {"sklearn": "os", "attributes": {}},
        {"sklearn": "scale", "attributes": {}},
        {"other": 1},
    ],
)
def test_repair_19_attributes_that_are_none(value):
    with pytest.raises((ValueError, KeyError, TypeError)):
        restore(find_scaler("standard"), 1, {}, {"mean_": value})
