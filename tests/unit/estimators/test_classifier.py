"""The classifier keeps scikit-learn's habits, and tells what the zoo's own parts do."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, log_loss
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_validate

import zoo
from zoo.settings.schema import DataConfig, NetworkConfig, TrainingConfig
from zoo_registry.errors import ConfigError, DataError

WINDOW = 6


def classifier(**changes):
    settings = {"target": "phase", "window": WINDOW, "epochs": 1, "learning_rate": 0.02, "batch_size": 8}
    return zoo.SequenceClassifier(**{**settings, "hyperparameters": {"units": 4}, **changes})


@pytest.fixture(scope="module")
def frame():
    """Hourly rows of a wave, and whether it is low, rising or high, which the row before gives away."""
    steps = np.arange(160)
    load = 100 + 10 * np.sin(steps / 4)
    phase = np.array(["low", "between", "top"])[np.digitize(load, [95, 105])]
    times = pd.date_range("2024-01-01", periods=160, freq="h")
    return pd.DataFrame({"time": times, "load": load, "slope": np.cos(steps / 4), "phase": phase})


@pytest.fixture(scope="module")
def fitted(frame):
    return classifier(epochs=8).fit(frame)


def test_parameters_are_kept_as_given_and_cloned():
    own = classifier(learning_rate=np.float32(0.01), metric="nonsense")  # nothing is checked before fit
    assert clone(own).get_params() == own.get_params()
    assert own.set_params(window=5).window == 5
    assert is_classifier(own)
    settings = {*DataConfig.model_fields, *NetworkConfig.model_fields, *TrainingConfig.model_fields}
    assert set(own.get_params()) - settings == {"architecture", "hyperparameters", "validation", "metric"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "accurcy"}, r"metric: expected accuracy or .*, found 'accurcy'; did you mean 'accuracy'"),
        ({"target": None}, "give `target` with the column of classes"),
        ({"loss": "mse"}, "loss 'mse' does not serve the task 'classify'"),
        ({"class_weights": "even"}, "class_weights"),
    ],
)
def test_wrong_parameters_are_told_by_fit(frame, changes, message):
    with pytest.raises(ConfigError, match=message):
        classifier(**changes).fit(frame)


def test_an_unfitted_one_says_so(frame):
    for ask in (classifier().predict, classifier().predict_proba, classifier().score):
        with pytest.raises(NotFittedError):
            ask(frame)


def test_a_row_has_the_class_that_its_window_ends_in(frame, fitted):
    assert fitted.classes_.tolist() == ["between", "low", "top"]
    assert (fitted.features_, fitted.targets_) == (("load", "slope"), ("phase",))
    shares = fitted.predict_proba(frame)
    assert shares.shape == (160, 3)
    assert np.isnan(shares[: WINDOW - 1]).all()
    np.testing.assert_allclose(shares[WINDOW - 1 :].sum(axis=1), 1.0)
    scaled = fitted.preprocessor_.transform(frame[["load", "slope"]].to_numpy()[34 - WINDOW + 1 : 35])
    expected = softmax(fitted.network_.predict(scaled[None], verbose=0)[0])
    np.testing.assert_allclose(shares[34], expected, atol=1e-6)
    told = fitted.predict(frame)
    assert told[: WINDOW - 1].tolist() == [None] * (WINDOW - 1)
    assert (told[WINDOW - 1 :] == fitted.classes_[shares[WINDOW - 1 :].argmax(axis=1)]).all()
    without = fitted.predict(frame.drop(columns="phase"))
    assert (without == told).all()


def test_scores_are_scikit_learns(frame, fitted):
    truth, shares = frame["phase"].to_numpy()[WINDOW - 1 :], fitted.predict_proba(frame)[WINDOW - 1 :]
    told = fitted.predict(frame)[WINDOW - 1 :].astype(str)
    expected = {
        "accuracy": accuracy_score(truth, told),
        "balanced_accuracy": balanced_accuracy_score(truth, told),
        "f1": f1_score(truth, told, average="macro"),
        "neg_log_loss": -log_loss(truth, shares),
    }
    assert set(expected) == set(fitted.METRICS)
    for metric, value in expected.items():
        other = pickle.loads(pickle.dumps(fitted)).set_params(metric=metric)
        assert other.score(frame) == pytest.approx(value, rel=1e-6)
    assert fitted.score(frame) > 0.75  # it is learnable


def test_classes_keep_their_type_and_order(frame):
    numbered = frame.assign(phase=frame["phase"].map({"low": 10, "between": 9, "top": -1}))
    own = classifier(target=["phase"]).fit(numbered)
    assert own.classes_.tolist() == [-1, 9, 10]
    assert set(own.predict(numbered)[WINDOW:]) <= {-1, 9, 10}


def test_a_class_that_the_training_did_not_have(frame, fitted):
    odd = frame.assign(phase=frame["phase"].replace("top", "storm"))
    with pytest.raises(DataError, match=r"expected one of the training's classes, .*, found 'storm'"):
        fitted.score(odd)
    fewer = frame[frame["phase"] != "top"].drop(columns="time")
    assert 0 <= fitted.set_params(time=None).score(fewer) <= 1


def test_rows_without_a_label_are_for_predict_alone(frame):
    some = frame.assign(phase=frame["phase"].where(np.arange(160) != 150, None))
    own = classifier(missing="drop").fit(some.iloc[:140])
    assert own.predict(some)[150] in {"low", "between", "top"}
    truth, told = frame["phase"].to_numpy(), own.predict(some)
    rows = np.setdiff1d(np.arange(WINDOW - 1, 160), [150])
    assert own.score(some) == pytest.approx((told[rows] == truth[rows]).mean())


def test_one_seed_gives_one_result_and_it_is_pickled(frame, fitted):
    again = classifier(epochs=8).fit(frame)
    np.testing.assert_array_equal(again.predict_proba(frame), fitted.predict_proba(frame))
    copied = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copied.predict_proba(frame), fitted.predict_proba(frame))
    assert copied.classes_.tolist() == fitted.classes_.tolist()


@pytest.mark.full
def test_cross_validation_and_grid_search(frame):
    found = cross_validate(classifier(), frame, cv=TimeSeriesSplit(2), return_train_score=True)
    assert ((found["test_score"] >= 0) & (found["test_score"] <= 1)).all()
    search = GridSearchCV(classifier(), {"window": [3, 6]}, cv=TimeSeriesSplit(2)).fit(frame)
    assert search.best_params_["window"] in {3, 6}
    assert len(search.predict(frame)) == 160
