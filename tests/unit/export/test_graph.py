"""The serving graph: scaling, network and inverse scaling, as scikit-learn and Keras do them one after the other."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import softmax

from zoo.export.graph import raw_function, scaled_function
from zoo_registry import BUILT_IN_SCALERS


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scaler", BUILT_IN_SCALERS)
def test_raw_in_raw_out(make_trained, served, series, scaler, dtype):
    trained = make_trained(series, scaler=scaler, target=["temperature", "load"])
    windows = series[["load", "temperature"]].to_numpy()[:40].reshape(5, 8, 2).astype(dtype)
    forecast = raw_function(served(trained), dtype)(tf.constant(windows))
    assert set(forecast) == {"forecast"}
    assert forecast["forecast"].dtype == dtype
    features, targets = trained.preprocessor.features_, trained.preprocessor.targets_
    expected = targets.inverse_transform(trained.network.predict(features.transform(windows), verbose=0))
    assert (np.abs(forecast["forecast"] - expected) / targets.deviation).max() <= 1e-5


def test_scaled_in_scaled_out(make_trained, served, series):
    trained = make_trained(series)
    network = trained.network
    windows = np.random.default_rng(0).normal(size=(5, 8, 2)).astype(np.float32)
    forecast = scaled_function(served(trained))(tf.constant(windows))
    assert set(forecast) == {"forecast"}
    np.testing.assert_array_equal(forecast["forecast"], network(windows))


def labelled(series):
    """The series with a class of three, and an anomaly here and there."""
    kinds = np.array(["low", "middle", "high"])[np.digitize(series["load"], [95, 105])]
    return series.assign(kind=kinds, odd=(np.arange(len(series)) % 50 == 0).astype(int))


def test_probabilities(make_trained, served, series):
    trained = make_trained(
        labelled(series), target="kind", features=["load", "temperature"], task="classify", horizon=1
    )
    assert trained.record.problem.classes == ("high", "low", "middle")
    windows = series[["load", "temperature"]].to_numpy()[:40].reshape(5, 8, 2)
    answer = raw_function(served(trained), "float64")(tf.constant(windows))
    assert {name: value.dtype for name, value in answer.items()} == {"probabilities": tf.float64}
    logits = trained.network.predict(trained.preprocessor.transform(windows), verbose=0)
    np.testing.assert_allclose(answer["probabilities"], softmax(logits, axis=1), atol=1e-6)
    np.testing.assert_allclose(answer["probabilities"].numpy().sum(axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize("targets", [["temperature"], ["load", "temperature"]])
def test_scores_and_flags(make_trained, served, series, targets):
    """The network sees all rows but the last; the score is the root of the mean square of the last one's errors."""
    trained = make_trained(labelled(series), target=targets, task="anomaly", label="odd", horizon=1, threshold=0.9)
    threshold = trained.record.evaluation["threshold"]
    windows = series[["load", "temperature"]].to_numpy()[:160].reshape(20, 8, 2)
    answer = raw_function(served(trained), "float32")(tf.constant(windows.astype(np.float32)))
    assert {name: value.dtype for name, value in answer.items()} == {"score": tf.float32, "is_anomaly": tf.bool}
    scaled = trained.preprocessor.transform(windows)
    columns = [["load", "temperature"].index(name) for name in targets]
    error = trained.network.predict(scaled[:, :7], verbose=0)[:, 0] - scaled[:, 7][:, columns]
    expected = np.sqrt(np.square(error).mean(axis=1))[:, None]
    np.testing.assert_allclose(answer["score"], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(answer["is_anomaly"], expected > threshold)
    assert 0 < np.count_nonzero(answer["is_anomaly"]) < 20


def test_scores_of_an_architecture_that_reconstructs(make_trained, served, series):
    """It sees the whole window and gives it back; its last row counts."""
    trained = make_trained(series, anomaly="reconstruct", target=[], task="anomaly", horizon=1)
    assert trained.record.config.data.reconstruct
    assert trained.network.output_shape == (None, 8, 2)
    windows = series[["load", "temperature"]].to_numpy()[:40].reshape(5, 8, 2)
    answer = raw_function(served(trained), "float64")(tf.constant(windows))
    scaled = trained.preprocessor.transform(windows)
    error = trained.network.predict(scaled, verbose=0)[:, 7] - scaled[:, 7]
    np.testing.assert_allclose(answer["score"], np.sqrt(np.square(error).mean(axis=1))[:, None], rtol=1e-5, atol=1e-6)


def test_a_score_beyond_what_float32_can_square(make_trained, served, series):
    trained = make_trained(series, target=[], task="anomaly", horizon=1)
    windows = series[["load", "temperature"]].to_numpy()[None, :8].copy()
    windows[0, -1, 0] = 1e25
    answer = raw_function(served(trained), "float32")(tf.constant(windows.astype(np.float32)))
    scaled = trained.preprocessor.transform(windows)[0, -1, 0].astype(np.float64)
    np.testing.assert_allclose(answer["score"], [[scaled / np.sqrt(2)]], rtol=1e-5)
    assert answer["is_anomaly"].numpy().all()
