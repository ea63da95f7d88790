"""The metrics against sums written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zoo.data.intervals import intervals
from zoo.evaluation.metrics import ForecastErrors, QuantileErrors, seasonal_changes, symmetric_errors

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
        size = np.abs(truth[..., index]) + np.abs(forecast[..., index])
        smape = np.divide(200 * np.abs(error[..., index]), size, out=np.zeros(size.shape), where=size > 0).mean()
        expected = {"mae": mae, "rmse": mse**0.5, "mase": mae / naive[index], "smape": smape}
        assert found["targets"][name] == pytest.approx(expected, rel=1e-12)
    scaled = {"mae": np.abs(error / scale).mean(), "mse": np.square(error / scale).mean()}
    assert found["scaled"] == pytest.approx(scaled, rel=1e-12)


def changes(series: list[list[float]], lag: int, stretches: list[tuple[int, int]] | None = None) -> list[float]:
    starts = np.cumsum([0, *map(len, series)])
    whole = list(zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True))
    values = np.concatenate(series)[:, None]
    return seasonal_changes(values, intervals(stretches or whole), starts[:-1], lag)[:, 0].tolist()


def test_the_denominator_of_mase_is_the_mean_absolute_change_of_each_series_over_a_season():
    one, other = [1.0, 4.0, 2.0, 2.0], [100.0, 101.0, 105.0]
    assert changes([one, other], 1) == [(3 + 2 + 0) / 3, (1 + 4) / 2]
    assert changes([one, other], 2) == [(1 + 2) / 2, 5.0]
    assert changes([one, other], 3) == [1.0, pytest.approx(np.nan, nan_ok=True)]  # too short a series
    assert changes([one], 1, [(0, 2), (2, 4)]) == [(3 + 0) / 2]  # no change reaches over a gap


def test_a_change_from_or_to_a_missing_value_is_not_known():
    assert changes([[1.0, np.nan, 3.0, 7.0]], 1) == [4.0]
    assert np.isnan(changes([[np.nan, 1.0, np.nan, 3.0], [5.0, 5.0]], 1)[0])


@given(lengths=st.lists(st.integers(0, 40), min_size=1, max_size=6), lag=st.integers(1, 8), block=st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_changes_hang_on_no_block(lengths: list[int], lag: int, block: int):
    random = np.random.default_rng(sum(lengths))
    series = [random.normal(size=length) for length in lengths if length] or [np.zeros(1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.data.storage.BLOCK_ROWS", block)
        found = changes([one.tolist() for one in series], lag)
    expected = [np.abs(one[lag:] - one[:-lag]).mean() if len(one) > lag else np.nan for one in series]
    np.testing.assert_allclose(found, expected)


def test_symmetric_errors_are_at_most_200_and_nothing_where_both_are_nothing():
    truth, forecast = np.array([0.0, 1.0, 1.0, -1.0, 1.0, 0.0]), np.array([0.0, 1.0, 3.0, 1.0, np.inf, 5.0])
    assert symmetric_errors(truth, forecast).tolist() == [0.0, 0.0, 100.0, 200.0, 200.0, 200.0]


def test_what_never_changed_has_no_mase():
    errors = ForecastErrors(("a", "b"))
    errors.add(np.ones((1, 1, 2)), np.zeros((1, 1, 2)))
    found = errors.measured(naive=np.array([0.0, np.nan]), scale=np.ones(2))["targets"]
    assert [found[name]["mase"] for name in "ab"] == [None, None]


def test_the_weighted_quantile_loss_is_a_mean_over_levels_and_targets():
    levels, truth = (0.1, 0.5), np.array([[[10.0, 1.0], [20.0, 3.0]]])  # one window, two steps, two targets
    quantiles = truth[..., None] + np.array([-1.0, 2.0])
    errors = QuantileErrors(levels, 2)
    errors.add(truth, quantiles)
    pinball = [2 * 0.1 * 1.0, 2 * 0.5 * 2.0]  # of two steps: below by 1 at 0.1, above by 2 at 0.5
    expected = np.mean([2 * own / size for own in pinball for size in (30.0, 4.0)])
    assert errors.measured(np.ones(2))["weighted"] == pytest.approx(expected)
    nothing = QuantileErrors(levels, 1)
    nothing.add(np.zeros((1, 1, 1)), np.zeros((1, 1, 1, 2)))
    assert nothing.measured(np.ones(1))["weighted"] is None
