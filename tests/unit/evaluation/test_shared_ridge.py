"""One ridge regression for all targets equals the one of a single column whose series they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from zoo.data.windows import Layout, Windows
from zoo.evaluation.baselines import RidgeBaseline
from zoo.evaluation.evaluation import RIDGE
from zoo.evaluation.shared_ridge import SharedRidge, fitting_ridge
from zoo.preprocessing.normalized_truth import NormalizedTruth
from zoo.preprocessing.target_scale import TargetScale
from zoo.preprocessing.window_scale import WindowScale

ROWS, WINDOW, HORIZON = 300, 12, 5
LAYOUT = Layout(WINDOW, HORIZON, WINDOW)


def windows_of(features, targets, start, count, layout=LAYOUT):
    return Windows(features, targets, np.array([start]), np.array([0, count]), layout)


@pytest.fixture
def values():
    """Three seasonal columns and one that is no target, second of them."""
    random = np.random.default_rng(0)
    phases = np.arange(ROWS)[:, None] / 3 + np.array([0, 1, 2, 3])
    return (np.sin(phases) + 0.3 * random.normal(size=(ROWS, 4))).astype(np.float32)


COLUMNS = (0, 2, 3)


def test_it_is_that_of_the_targets_as_series(values):
    targets = np.ascontiguousarray(values[:, COLUMNS])
    train, validation, test = (windows_of(values, targets, *place) for place in ((0, 150), (160, 40), (220, 50)))
    found = SharedRidge(COLUMNS).fit(train, validation).predict(test)

    long = np.ascontiguousarray(values[:, COLUMNS].T.reshape(-1, 1))

    def apart(windows):
        firsts = np.arange(3) * ROWS + windows.firsts[0]
        return Windows(long, long, firsts, np.arange(4) * len(windows), LAYOUT)

    alone = RidgeBaseline((0,)).fit(apart(train), apart(validation)).predict(apart(test))
    expected = alone.reshape(3, len(test), HORIZON).transpose(1, 2, 0)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(SharedRidge(COLUMNS).fit(train, validation).predict(test, slice(7, 9)), found[7:9])
    assert np.abs(found - test.outputs()).mean() < 0.8 * np.abs(test.outputs()).mean()


@pytest.mark.parametrize("kind", ["instance", "mean", "seasonal"])
def test_its_windows_are_on_the_scale_that_the_network_sees_them_by(values, kind: str):
    """A column times a factor and with another zero has forecasts that are so too."""
    factors, zeros = np.array([1.0, 1e3, 1e-2], np.float32), np.array([-2.0, 40.0, -0.1], np.float32)

    def forecast(table, zero):
        scale = WindowScale(kind, 6, tuple(zero.tolist()), rows=(6, 7, 8, 9, 10))
        judged = NormalizedTruth(TargetScale(scale, (0, 1, 2)), np.zeros((1, 3), np.float32))
        train, validation, test = (
            Windows(table, table, np.array([start]), np.array([0, count]), LAYOUT, judged=judged)
            for start, count in ((0, 150), (160, 40), (220, 50))
        )
        return SharedRidge((0, 1, 2)).fit(train, validation).predict(test)

    table = np.ascontiguousarray(values[:, COLUMNS])
    found = forecast(table, np.full(3, -2.0, np.float32))
    moved = forecast(table * factors + (zeros + 2 * factors), zeros)
    np.testing.assert_allclose((moved - zeros) / factors - 2, found, atol=2e-4)


def test_of_very_many_windows_every_so_many_are_taken(values, monkeypatch):
    """As by a stride, so that the horizons of the kept ones are whole."""
    targets = np.ascontiguousarray(values[:, COLUMNS])
    train, validation = windows_of(values, targets, 0, 151), windows_of(values, targets, 170, 40)
    monkeypatch.setattr("zoo.evaluation.shared_ridge._MOST_WINDOWS", 151)
    few = SharedRidge(COLUMNS).fit(train, validation)
    monkeypatch.undo()
    sparse = Layout(WINDOW, HORIZON, WINDOW, stride=3)
    expected = SharedRidge(COLUMNS).fit(windows_of(values, targets, 0, 51, sparse), validation)
    test = windows_of(values, targets, 220, 50)
    np.testing.assert_allclose(few.predict(test), expected.predict(test), rtol=1e-9)


@pytest.mark.parametrize(
    ("columns", "target_columns", "shared", "kind", "reason"),
    [
        (7, (0, 1), False, RidgeBaseline, ""),
        (7, (0, 1), True, SharedRidge, ""),
        (7, (0, None), True, RidgeBaseline, ""),
        (700, (0, 1), False, SharedRidge, ""),
        (700, (0, None), False, None, "window times features is 8400, more than 8192"),
    ],
)
def test_which_ridge_is_fitted(columns, target_columns, shared, kind, reason):
    features = np.zeros((20, columns), np.float32)
    found, why = fitting_ridge(windows_of(features, features, 0, 3), target_columns, shared=shared)
    assert (None if found is None else type(found), why) == (kind, reason)


def test_a_wide_table_has_a_ridge():
    """Which beats the last value on noise, as it is fitted to the mean."""
    from zoo.evaluation.evaluation import evaluate
    from zoo.settings.schema import DataConfig
    from zoo.training.preparation import prepare

    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 900)), columns=[f"c{n}" for n in range(900)])
    prepared = prepare(DataConfig(source="frame", target="*", window=10, horizon=2), frame)
    test = prepared.parts["test"]
    found = evaluate([np.zeros((len(test), 2, 900))], prepared)
    assert RIDGE not in found["skipped"]
    assert found["baselines"][RIDGE]["scaled"]["mae"] < 0.85 * found["baselines"]["last value"]["scaled"]["mae"]
