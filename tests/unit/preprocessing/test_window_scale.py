"""A window's level and scale: against plain NumPy on each window, with and without missing rows."""

from __future__ import annotations

from typing import get_args

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.preprocessing.window_scale import WindowScale, squash, unsquash
from zoo.settings.choices import NormalizeWindow

KINDS = [kind for kind in get_args(NormalizeWindow) if kind not in ("auto", "none")]
SEASON, ZERO = 3, (-1.0, 0.0)


def alone(kind: str, known: np.ndarray, zero: float) -> tuple[float, float]:
    """Level and scale of the known values of one column, in the order of time."""
    if kind.startswith("last"):
        return known[-1], 1.0
    if np.ptp(known) == 0:
        return known[-1], 0.0
    if kind.startswith("mean"):
        return zero, np.abs(known - zero).mean()
    return known.mean(), known.std()


@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 99), missing=st.booleans())
@settings(max_examples=60, deadline=None)
def test_statistics_are_those_of_each_window(kind: str, seed: int, missing: bool):
    random = np.random.default_rng(seed)
    windows = random.normal(2.0, 3.0, (4, 8, 2))
    windows[0, :, 1] = 0.1  # constant
    observed = np.where(random.uniform(size=windows.shape) < 0.6, 1.0, 0.0)
    observed[:, 0] = 1.0
    by = WindowScale(kind, SEASON, ZERO)
    mask = observed if missing else None
    level, scale = by.statistics(np, np.where(observed > 0, windows, np.nan) if missing else windows, mask)
    for number in range(4):
        for column in range(2):
            known = windows[number, :, column]
            known = known[observed[number, :, column] > 0] if missing else known
            expected = alone(kind, known, ZERO[column])
            found = level[number, 0, column], scale[number, 0, column]
            np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_windows_are_normalized_by_their_statistics(kind: str, missing: bool):
    random = np.random.default_rng(0)
    windows = random.normal(2.0, 3.0, (4, 8, 2))
    windows[0, :, 1] = 0.1  # constant
    mask = np.where(random.uniform(size=windows.shape) < 0.6, 1.0, 0.0) if missing else None
    by = WindowScale(kind, SEASON, ZERO)
    found, *others = by.normalized(np, windows, mask)
    level, scale = by.statistics(np, windows, mask)
    for one, other in zip(others, (level, scale), strict=True):
        np.testing.assert_array_equal(one, other)
    known = np.ones_like(windows) if mask is None else mask
    np.testing.assert_allclose(found * scale * known, (windows - level) * known, atol=1e-12)
    assert (found[0, :, 1] * known[0, :, 1] == 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_without_an_observed_row_has_no_scale(kind: str):
    level, scale = WindowScale(kind, SEASON, ZERO).statistics(np, np.full((1, 5, 2), np.nan), np.zeros((1, 5, 2)))
    assert np.isfinite(level).all()
    assert (scale == (1.0 if kind.startswith("last") else 0.0)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_keras_and_numpy_agree(kind: str):
    windows = np.random.default_rng(0).normal(2.0, 3.0, (4, 8, 2)).astype(np.float32)
    observed = (windows > 0).astype(np.float32)
    by = WindowScale(kind, SEASON, ZERO)
    for mask in (None, observed):
        plain, told = (by.statistics(ops, windows, mask) for ops in (np, keras.ops))
        for one, other in zip(plain, told, strict=True):
            assert one.dtype == np.float32
            np.testing.assert_allclose(one, other, atol=1e-5)
        np.testing.assert_allclose(
            by.judging(np, windows, plain[1], mask), by.judging(keras.ops, windows, told[1], mask), atol=1e-5
        )


def test_errors_of_a_seasonal_kind_are_judged_by_the_change_over_a_season():
    random = np.random.default_rng(0)
    windows, observed = random.normal(size=(2, 9, 2)), np.ones((2, 9, 2))
    observed[0, 4] = 0.0
    by = WindowScale("seasonal", SEASON)
    _, scale = by.statistics(np, windows, observed)
    judging = by.judging(np, np.where(observed > 0, windows, np.nan), scale, observed)
    changes = np.abs(windows[:, 3:] - windows[:, :-3])
    np.testing.assert_allclose(judging[1, 0], changes[1].mean(axis=0))
    np.testing.assert_allclose(judging[0, 0], changes[0][[0, 2, 3, 5]].mean(axis=0))
    np.testing.assert_array_equal(WindowScale("instance", SEASON).judging(np, windows, scale), scale)


def test_a_window_that_repeats_itself_exactly_is_judged_by_its_deviation():
    windows = np.tile(np.array([0.0, 1.0, 5.0]), 3).reshape(1, 9, 1)
    by = WindowScale("seasonal", SEASON)
    _, scale = by.statistics(np, windows)
    np.testing.assert_array_equal(by.judging(np, windows, scale), scale)
    short = WindowScale("seasonal", 9)
    np.testing.assert_allclose(short.judging(np, windows, scale), np.abs(np.diff(windows, axis=1)).mean())


@pytest.mark.parametrize("kind", KINDS)
def test_positions_stay_as_they_are(kind: str):
    windows = np.random.default_rng(0).normal(2.0, 3.0, (4, 8, 2))
    by = WindowScale(kind, SEASON, ZERO, positions=(1,))
    normalized, level, scale = by.normalized(np, windows)
    found = by.squashed(np, normalized)
    np.testing.assert_array_equal(found[..., 1], windows[..., 1])
    assert (level[..., 1] == 0).all()
    assert (scale[..., 1] == 1).all()
    assert not np.allclose(found[..., 0], windows[..., 0])


@given(st.floats(-1e6, 1e6))
def test_the_inverse_hyperbolic_sine_and_back(value: float):
    found = squash(np, np.float64(value))
    assert found == pytest.approx(np.arcsinh(value), abs=1e-9)
    assert unsquash(np, found) == pytest.approx(value, rel=1e-6, abs=1e-9)


def test_what_lies_too_far_out_stays_a_number():
    far = np.array([3e38, -3e38, 1e12], np.float32)
    assert np.isfinite(squash(np, far)).all()
    assert np.isfinite(np.square(unsquash(np, far))).all()


def test_what_is_missing_of_a_last_season_has_the_windows_own_level():
    windows, observed = np.random.default_rng(0).normal(size=(2, 5, 1)), np.ones((2, 5, 1))
    observed[0, 3] = 0.0
    by = WindowScale("seasonal", 2, rows=(3, 4, 3))
    level, _ = by.statistics(np, windows, observed)
    found = by.ahead(np, windows, level, observed)
    np.testing.assert_array_equal(found[0, :, 0], [level[0, 0, 0], windows[0, 4, 0], level[0, 0, 0]])
    np.testing.assert_array_equal(found[1, :, 0], windows[1, [3, 4, 3], 0])
