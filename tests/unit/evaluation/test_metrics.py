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
    error = forecast - truth
    for index, name in enumerate(("a", "b")):
        mae, mse = np.abs(error[..., index]).mean(), (error[..., index] ** 2).mean()
        expected = {"mae": mae, "rmse": mse**0.5, "mase": mae / naive[index]}
        assert found["targets"][name] == pytest.approx(expected, rel=1e-12)
    scaled = {"mae": np.abs(error / scale).mean(), "mse": np.square(error / scale).mean()}
    assert found["scaled"] == pytest.approx(scaled, rel=1e-12)


def test_the_denominator_of_mase_is_the_mean_absolute_step_of_the_train_rows():
    train = np.array([[1.0, 0.0], [4.0, 0.0], [2.0, 1.0], [2.0, -1.0]])
    assert naive_scales([train]).tolist() == [(3 + 2 + 0) / 3, (0 + 1 + 2) / 3]
    other = np.array([[100.0, 0.0], [101.0, 0.0]])  # no step from one series to the next counts
    assert naive_scales([train, other]).tolist() == [(3 + 2 + 0 + 1) / 4, (0 + 1 + 2 + 0) / 4]
