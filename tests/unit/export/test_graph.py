"""The serving graph: scaling, network and inverse scaling, as scikit-learn and Keras do them one after the other."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from zoo.export.graph import input_spec, raw_function, scaled_function
from zoo_registry import BUILT_IN_SCALERS


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scaler", BUILT_IN_SCALERS)
def test_raw_in_raw_out(make_trained, series, scaler, dtype):
    trained = make_trained(series, scaler=scaler, target=["temperature", "load"])
    windows = series[["load", "temperature"]].to_numpy()[:40].reshape(5, 8, 2).astype(dtype)
    forecast = raw_function(trained.network, trained.preprocessor, dtype)(tf.constant(windows))
    assert set(forecast) == {"forecast"}
    assert forecast["forecast"].dtype == dtype
    features, targets = trained.preprocessor.features_, trained.preprocessor.targets_
    expected = targets.inverse_transform(trained.network.predict(features.transform(windows), verbose=0))
    assert (np.abs(forecast["forecast"] - expected) / targets.deviation).max() <= 1e-5


def test_scaled_in_scaled_out(make_trained, series):
    network = make_trained(series).network
    windows = np.random.default_rng(0).normal(size=(5, 8, 2)).astype(np.float32)
    forecast = scaled_function(network)(tf.constant(windows))
    assert set(forecast) == {"forecast"}
    np.testing.assert_array_equal(forecast["forecast"], network(windows))


def test_the_input(make_trained, series):
    network = make_trained(series).network
    assert input_spec(network, "float64") == tf.TensorSpec((None, 8, 2), "float64", name="window")
