"""The estimator keeps scikit-learn's habits, and forecasts what the zoo's own parts do."""

from __future__ import annotations

import inspect
import pickle
from copy import copy

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_validate

import zoo
from zoo.settings.schema import DataConfig, NetworkConfig, TrainingConfig
from zoo_registry.errors import ConfigError, DataError

WINDOW, HORIZON, GAP = 8, 3, 1


def regressor(**changes):
    settings = {"target": "load", "window": WINDOW, "horizon": HORIZON, "gap": GAP, "epochs": 1}
    return zoo.SequenceRegressor(**{**settings, "hyperparameters": {"units": 4}, **changes})


@pytest.fixture(scope="module")
def frame():
    random = np.random.default_rng(0)
    steps = np.arange(160)
    return pd.DataFrame(
        {
            "time": pd.date_range("2024-01-01", periods=160, freq="h"),
            "load": 100 + 10 * np.sin(steps / 4) + random.normal(0, 0.5, 160),
            "temperature": 20 + 3 * np.cos(steps / 4) + random.normal(0, 0.2, 160),
        }
    )


@pytest.fixture(scope="module")
def fitted(frame):
    return regressor(epochs=2).fit(frame)


# ---------------------------------------------------------------------------------------------------------------------
# Parameters


def test_parameters_are_kept_as_given_and_cloned():
    own = regressor(learning_rate=np.float32(0.01), validation="nonsense")  # nothing is checked before fit
    other = clone(own)
    assert other is not own
    assert other.get_params() == own.get_params()
    assert other.set_params(window=5, hyperparameters={"units": 2}).window == 5
    assert own.window == WINDOW
    assert pickle.loads(pickle.dumps(own)).get_params() == own.get_params()
    assert is_regressor(own)


def test_defaults_are_those_of_the_zoo():
    known = DataConfig.model_fields | NetworkConfig.model_fields | TrainingConfig.model_fields
    for name, parameter in inspect.signature(zoo.SequenceRegressor).parameters.items():
        if name in known and parameter.default is not None:
            assert parameter.default == known[name].default, name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": None}, "target"),
        ({"scaler": "minmx"}, "minmax"),
        ({"optimizer": "adm"}, "optimizer"),
        ({"hyperparameters": {"unit": 4}}, "units"),
        ({"architecture": "basc"}, "basic"),
        ({"validation": 0}, "validation: expected a share between 0 and 1, such as 0.15, found 0"),
        ({"validation": 1.5}, "validation: expected a share between 0 and 1"),
        ({"metric": "r3"}, "metric: expected r2 or neg_mean_absolute_error, found 'r3'"),
        ({"channels": "shared", "features": "temperature"}, "target 'load' is no feature"),
    ],
)
def test_wrong_parameters_are_told_by_fit(frame, changes, message):
    with pytest.raises(zoo.ZooError, match=message):
        regressor(**changes).fit(frame)


# ---------------------------------------------------------------------------------------------------------------------
# Tables


def test_tables_that_do_not_fit(frame, fitted):
    without = frame.drop(columns="load")
    for call in (regressor().fit, fitted.predict, fitted.score):
        with pytest.raises(DataError, match="DataFrame: there is no column 'load'"):
            call(without)
        with pytest.raises(DataError, match="expected a DataFrame with the columns by name, found ndarray"):
            call(frame.to_numpy())
    for call in (regressor().fit, fitted.score):
        with pytest.raises(ConfigError, match="expected no y"):
            call(frame, frame["load"])
    with pytest.raises(DataError, match="expected rows h apart as in the training, found them 2 times as far apart"):
        fitted.predict(frame[::2])
    with pytest.raises(DataError, match="at least 12 rows for training and 3 for validation, found 17 and 2"):
        regressor(validation=0.1).fit(frame[:19])
    with pytest.raises(DataError, match="expected a window of 8 rows without missing values, found none in 7 rows"):
        fitted.predict(frame[:7])
    with pytest.raises(DataError, match=r"at least 2 windows of 12 rows .* to measure r2, found 1 in 12 rows"):
        fitted.score(frame[:12])


def test_an_unfitted_one_says_so(frame):
    for call in (regressor().predict, regressor().score):
        with pytest.raises(NotFittedError, match="SequenceRegressor instance is not fitted yet"):
            call(frame)


# ---------------------------------------------------------------------------------------------------------------------
# Fitted


def test_what_is_fitted(frame, fitted):
    assert list(fitted.feature_names_in_) == ["time", "load", "temperature"]
    assert fitted.n_features_in_ == 3
    assert fitted.features_ == ("load", "temperature")
    assert fitted.targets_ == ("load",)
    assert len(fitted.history_["val_loss"]) == 2
    assert fitted.network_.input_shape == (None, WINDOW, 2)
    train = frame[:136]  # the last 24 rows are the validation part
    assert fitted.preprocessor_.features_.minimum == pytest.approx(train[["load", "temperature"]].min().to_numpy())


def test_a_row_has_the_forecast_that_is_made_there(frame, fitted):
    forecasts = fitted.predict(frame)
    assert forecasts.shape == (160, HORIZON, 1)
    assert np.isnan(forecasts[: WINDOW - 1]).all()
    values = frame[["load", "temperature"]].to_numpy()
    windows = np.stack([values[row - WINDOW + 1 : row + 1] for row in range(WINDOW - 1, 160)])
    scaled = fitted.network_.predict(fitted.preprocessor_.transform(windows), verbose=0)
    expected = fitted.preprocessor_.inverse_transform_targets(scaled)
    np.testing.assert_allclose(forecasts[WINDOW - 1 :], expected, rtol=1e-5)
    np.testing.assert_allclose(fitted.predict(frame[-WINDOW:])[-1], forecasts[-1], rtol=1e-5)


def test_the_score_is_that_of_the_windows_inside(frame, fitted):
    forecasts = fitted.predict(frame)
    made = np.arange(WINDOW - 1, 160 - GAP - HORIZON)
    truth = frame["load"].to_numpy()[made[:, None] + GAP + 1 + np.arange(HORIZON)]
    assert fitted.score(frame) == pytest.approx(r2_score(truth, forecasts[made, :, 0]), rel=1e-5)
    by_error = copy(fitted).set_params(metric="neg_mean_absolute_error")
    assert by_error.score(frame) == pytest.approx(-np.abs(truth - forecasts[made, :, 0]).mean(), rel=1e-5)


def test_one_seed_gives_one_result_and_the_last_rows_only_stop(frame, fitted):
    again = regressor(epochs=2).fit(frame)
    np.testing.assert_array_equal(again.predict(frame), fitted.predict(frame))
    assert not np.allclose(regressor(epochs=2, seed=1).fit(frame).predict(frame)[-1], fitted.predict(frame)[-1])


def test_a_fitted_one_is_pickled(frame, fitted):
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.predict(frame), fitted.predict(frame))
    assert loaded.history_ == fitted.history_
    assert loaded.get_params() == fitted.get_params()
    assert not hasattr(loaded, "_files")


def test_missing_values_calendar_and_a_target_that_is_no_feature(frame):
    holed = frame.set_index("time")
    holed.iloc[[30, 150], 0] = np.nan
    holed.iloc[100, 1] = np.nan
    own = regressor(missing="drop", features="temperature", calendar="hour", normalize_window="last").fit(holed)
    assert own.features_[0] == "temperature"
    assert len(own.features_) == 3
    forecasts = own.predict(holed[["temperature"]])
    unknown = np.flatnonzero(np.isnan(forecasts).any(axis=(1, 2)))
    assert unknown.tolist() == [*range(WINDOW - 1), *range(100, 100 + WINDOW)]
    assert np.isfinite(own.score(holed))
    filled = regressor(missing="ffill").fit(holed)
    assert np.isfinite(filled.predict(holed)[WINDOW - 1 :]).all()
    # windows whose truth is the value that is missing are left out: what it is filled with is of no matter
    end = holed[130:155]
    made = np.arange(WINDOW - 1, 25 - GAP - HORIZON)
    rows = made[:, None] + GAP + 1 + np.arange(HORIZON)
    whole = ~(rows == 20).any(axis=1)
    truth = end["load"].to_numpy()[rows[whole]]
    assert filled.score(end) == pytest.approx(r2_score(truth, filled.predict(end)[made[whole], :, 0]), rel=1e-5)


# ---------------------------------------------------------------------------------------------------------------------
# In scikit-learn's hands


def test_repair_17_tables_of_other_libraries(frame, fitted):
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    own = regressor(epochs=2).fit(arrow)
    np.testing.assert_array_equal(own.predict(arrow), fitted.predict(frame))
    assert own.score(arrow) == fitted.score(frame)
    assert own.feature_names_in_.tolist() == ["time", "load", "temperature"]


def test_cross_validation(frame):
    result = cross_validate(
        regressor(), frame, cv=TimeSeriesSplit(2), error_score="raise", return_estimator=True, return_train_score=True
    )
    assert np.isfinite(result["test_score"]).all()
    folds = [test for _, test in TimeSeriesSplit(2).split(frame)]
    scores = [own.score(frame.iloc[test]) for own, test in zip(result["estimator"], folds, strict=True)]
    assert result["test_score"] == pytest.approx(scores)


@pytest.mark.full
def test_grid_search(frame):
    search = GridSearchCV(
        regressor(metric="neg_mean_absolute_error"),
        [{"window": np.array([4, 6])}, {"hyperparameters": [{"units": np.int64(2)}]}],
        cv=TimeSeriesSplit(2, test_size=30),
        error_score="raise",
    ).fit(frame)
    assert len(search.cv_results_["mean_test_score"]) == 3
    assert search.best_score_ < 0
    assert search.predict(frame).shape == (160, HORIZON, 1)
    assert search.best_estimator_.config_.data.window == search.best_params_.get("window", WINDOW)
