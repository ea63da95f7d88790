"""Errors by origin, step and series, against the same computed at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.evaluation.rolling import RollingErrors

UNIT, NAIVE = np.array([2.0, 10.0]), np.array([1.0, 5.0])


def rolling(n_windows: int, **more) -> RollingErrors:
    return RollingErrors(("a", "b"), n_windows, unit=UNIT, changes=NAIVE[None], **more)


@given(blocks=st.lists(st.integers(1, 6), min_size=1, max_size=5), seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_blocks_give_what_all_forecasts_at_once_give(blocks: list[int], seed: int):
    random, count = np.random.default_rng(seed), sum(blocks)
    truth = random.normal(size=(count, 3, 2))
    made = {name: random.normal(size=(count, 3, 2)) for name in ("network", "ridge")}
    truth[random.random(count) < 0.2, 1, 0] = np.nan
    truth[0] = 1.0
    whole = np.isfinite(truth).all(axis=(1, 2))
    order, errors = random.permutation(count), rolling(count)
    for numbers in np.split(order, np.cumsum(blocks)[:-1]):
        errors.add(numbers, truth[numbers], {name: forecast[numbers] for name, forecast in made.items()})
    found = errors.measured()
    assert (found["windows"], found["left_out"]) == (whole.sum(), (~whole).sum())
    absolute = {name: np.abs(forecast - truth) for name, forecast in made.items()}
    for name, measured in (("network", found["network"]), ("ridge", found["baselines"]["ridge"])):
        own = absolute[name]
        mae = own[whole].mean(axis=(0, 1))
        assert [measured["targets"][target]["mae"] for target in "ab"] == pytest.approx(mae.tolist())
        assert [measured["targets"][target]["mase"] for target in "ab"] == pytest.approx((mae / NAIVE).tolist())
        assert measured["scaled"]["mae"] == pytest.approx((mae / UNIT).mean())
        assert found["by_step"][name] == pytest.approx((own[whole] / UNIT).mean(axis=(0, 2)).tolist())
        np.testing.assert_allclose(errors.by_origin[name][whole], own[whole].mean(axis=1))
        assert np.isnan(errors.by_origin[name][~whole]).all()
    owners = np.arange(count) % 2
    errors = RollingErrors(
        ("a", "b"), count, unit=UNIT, changes=np.array([NAIVE, 2 * NAIVE]), series=["even", "odd"], owners=owners
    )
    for numbers in np.split(order, np.cumsum(blocks)[:-1]):
        errors.add(numbers, truth[numbers], {name: forecast[numbers] for name, forecast in made.items()})
    by_series = errors.by_series()
    for number, series in enumerate(["even", "odd"]):
        mine = whole & (owners == number)
        if not mine.any():
            assert series not in by_series
            continue
        assert by_series[series]["windows"] == mine.sum()
        expected = (absolute["network"][mine] / UNIT).mean()
        assert by_series[series]["scaled_mae"]["network"] == pytest.approx(expected)
        mae = absolute["network"][mine].mean(axis=(0, 1))
        assert by_series[series]["mase"]["network"] == pytest.approx((mae / NAIVE).mean() / (number + 1))


def test_a_window_without_a_baseline_is_in_nobodys_error():
    errors, truth = rolling(2), np.ones((2, 1, 2))
    last = np.full((2, 1, 2), 3.0)
    last[1] = np.nan
    errors.add(np.array([0, 1]), truth, {"network": truth, "last value": last})
    assert errors.windows == 1
    assert np.isnan(errors.scaled("network")[1])


def test_the_verdict_names_the_baselines_and_says_so_where_there_are_none():
    truth = np.ones((1, 1, 2))
    errors = rolling(1)
    errors.add(np.array([0]), truth, {"network": truth + 1, "ridge": truth + 2, "last value": truth + 1})
    assert errors.measured()["verdict"] == (
        "By the MAE over all origins the network beats ridge by 50.0% but equals last value."
    )
    alone = rolling(1)
    alone.add(np.array([0]), truth, {"network": truth})
    assert alone.measured()["verdict"].endswith("the network has no baseline to be compared with.")


def test_what_never_changed_has_no_mase():
    errors = RollingErrors(("a",), 1, unit=np.ones(1), changes=np.zeros((1, 1)))
    errors.add(np.array([0]), np.ones((1, 1, 1)), {"network": np.zeros((1, 1, 1))})
    assert errors.measured()["network"]["targets"]["a"] == {
        "mae": 1.0,
        "rmse": 1.0,
        "mase": None,
        "smape": 200.0,
    }


def test_quantiles_are_measured_too():
    errors = rolling(2, quantiles=(0.1, 0.9))
    truth = np.zeros((2, 1, 2))
    errors.add(np.array([0, 1]), truth, {"network": truth}, np.stack([truth - 1, truth + 1], axis=-1))
    found = errors.measured()["quantiles"]
    assert found["below"] == [0.0, 1.0]
    assert found["interval"]["inside"] == 1.0
