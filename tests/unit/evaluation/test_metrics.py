"""The metrics against sums written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zoo.evaluation.metrics import ForecastErrors, naive_scales

SHAPE = (4, 3, 2)  # windows, horizon, targets
NUMBERS = st.floats(-1e3, 1e3)


@given(arrays(float, SHAPE, elements=NUMBERS), arrays(float, SHAPE, elements=NUMBERS))
@settings(max_examples=30, deadline=None)
def test_metrics_are_means_over_windows_and_horizon(truth: np.ndarray, forecast: np.ndarray):
    naive, scale = np.array([2.0, 0.5]), np.array([10.0, 0.25])
    errors = ForecastErrors(("a", "b"))
    for batch in (slice(0, 3), slice(3, 4)):
        errors.add(truth[batch], forecast[batch])
    found = errors.measured(naive=naive, scale=scale)
    assert errors.windows == 4
    scaled_absolute, scaled_square = [], []
    for index, name in enumerate(("a", "b")):
        one = [
            float(forecast[window, step, index] - truth[window, step, index])
            for window in range(4)
            for step in range(3)
        ]
        mae = sum(abs(error) for error in one) / 12
        assert found["targets"][name]["mae"] == pytest.approx(mae, rel=1e-12)
        assert found["targets"][name]["rmse"] == pytest.approx((sum(e**2 for e in one) / 12) ** 0.5, rel=1e-12)
        assert found["targets"][name]["mase"] == pytest.approx(mae / naive[index], rel=1e-12)
        scaled_absolute += [abs(error) / scale[index] for error in one]
        scaled_square += [(error / scale[index]) ** 2 for error in one]
    assert found["scaled"]["mae"] == pytest.approx(sum(scaled_absolute) / 24, rel=1e-12)
    assert found["scaled"]["mse"] == pytest.approx(sum(scaled_square) / 24, rel=1e-12)


def test_the_denominator_of_mase_is_the_mean_absolute_step_of_the_train_rows():
    train = np.array([[1.0, 0.0], [4.0, 0.0], [2.0, 1.0], [2.0, -1.0]])
    assert naive_scales([train]).tolist() == [(3 + 2 + 0) / 3, (0 + 1 + 2) / 3]
    other = np.array([[100.0, 0.0], [101.0, 0.0]])  # no step from one series to the next counts
    assert naive_scales([train, other]).tolist() == [(3 + 2 + 0 + 1) / 4, (0 + 1 + 2 + 0) / 4]


def test_the_naive_forecast_one_step_ahead_has_a_mase_of_1_on_the_train_rows():
    train = np.random.default_rng(0).normal(size=(200, 1)).cumsum(axis=0)
    errors = ForecastErrors(("a",))
    errors.add(train[1:, None], train[:-1, None])
    found = errors.measured(naive=naive_scales([train]), scale=np.ones(1))
    assert found["targets"]["a"]["mase"] == pytest.approx(1.0, rel=1e-12)
