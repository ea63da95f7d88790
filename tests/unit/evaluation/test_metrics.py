"""The metrics against sums written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zoo.evaluation.metrics import forecast_metrics, naive_scales

SHAPE = (4, 3, 2)  # windows, horizon, targets
NUMBERS = st.floats(-1e3, 1e3)


@given(arrays(float, SHAPE, elements=NUMBERS), arrays(float, SHAPE, elements=NUMBERS))
@settings(max_examples=30, deadline=None)
def test_metrics_are_means_over_windows_and_horizon(truth: np.ndarray, forecast: np.ndarray):
    naive, scale = np.array([2.0, 0.5]), np.array([10.0, 0.25])
    found = forecast_metrics(truth, forecast, names=("a", "b"), naive=naive, scale=scale)
    scaled_absolute, scaled_square = [], []
    for index, name in enumerate(("a", "b")):
        errors = [
            float(forecast[window, step, index] - truth[window, step, index])
            for window in range(4)
            for step in range(3)
        ]
        mae = sum(abs(error) for error in errors) / 12
        assert found["targets"][name]["mae"] == pytest.approx(mae, rel=1e-12)
        assert found["targets"][name]["rmse"] == pytest.approx((sum(e**2 for e in errors) / 12) ** 0.5, rel=1e-12)
        assert found["targets"][name]["mase"] == pytest.approx(mae / naive[index], rel=1e-12)
        scaled_absolute += [abs(error) / scale[index] for error in errors]
        scaled_square += [(error / scale[index]) ** 2 for error in errors]
    assert found["scaled"]["mae"] == pytest.approx(sum(scaled_absolute) / 24, rel=1e-12)
    assert found["scaled"]["mse"] == pytest.approx(sum(scaled_square) / 24, rel=1e-12)


def test_the_denominator_of_mase_is_the_mean_absolute_step_of_the_train_rows():
    train = np.array([[1.0, 0.0], [4.0, 0.0], [2.0, 1.0], [2.0, -1.0]])
    assert naive_scales(train).tolist() == [(3 + 2 + 0) / 3, (0 + 1 + 2) / 3]


def test_the_naive_forecast_one_step_ahead_has_a_mase_of_1_on_the_train_rows():
    train = np.random.default_rng(0).normal(size=(200, 1)).cumsum(axis=0)
    found = forecast_metrics(
        train[1:, None], train[:-1, None], names=("a",), naive=naive_scales(train), scale=np.ones(1)
    )
    assert found["targets"]["a"]["mase"] == pytest.approx(1.0, rel=1e-12)
