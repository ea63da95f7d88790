"""The baselines against loops and scikit-learn, and on a series whose errors are known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from zoo.data.windows import Layout, Windows, seasonal_rows
from zoo.evaluation.baselines import RIDGE_PENALTIES, RidgeBaseline, last_value, seasonal_naive
from zoo.settings.resolve import resolve
from zoo.settings.schema import DataConfig
from zoo.training.preparation import prepare, prepare_run
from zoo_registry import discover


@given(
    rows=st.integers(30, 60),
    targets=st.integers(1, 3),
    horizon=st.integers(1, 15),
    season=st.integers(1, 19),
    gap=st.integers(0, 5),
)
@settings(max_examples=40, deadline=None)
def test_last_value_and_seasonal_naive_are_loops(rows: int, targets: int, horizon: int, season: int, gap: int):
    history = np.random.default_rng(0).normal(size=(rows, targets))
    origins = np.arange(29, rows)
    last = last_value(history, origins - 1 - gap, horizon)
    seasonal = np.take(history, seasonal_rows(origins, origins - 1 - gap, horizon, season), axis=0)
    assert last.shape == seasonal.shape == (len(origins), horizon, targets)
    for index, origin in enumerate(origins):
        for step in range(horizon):
            row = origin + step
            while row >= origin - gap:  # the same place in the last season that is known
                row -= season
            np.testing.assert_array_equal(last[index, step], history[origin - 1 - gap])
            np.testing.assert_array_equal(seasonal[index, step], history[row])
    begins = np.full(len(origins), 11)  # of a series that follows on others
    own = seasonal_naive(history, origins, origins - 1 - gap, begins, horizon, season)
    lacking = seasonal_rows(origins, origins - 1 - gap, horizon, season) < 11
    np.testing.assert_array_equal(own[~lacking], seasonal[~lacking])
    assert np.isnan(own[lacking]).all()


def make_windows(
    features: np.ndarray, targets: np.ndarray, starts: range, window: int = 6, horizon: int = 4
) -> Windows:
    return Windows(
        np.ascontiguousarray(features, dtype=np.float32),
        np.ascontiguousarray(targets, dtype=np.float32),
        np.array([starts.start]),
        np.array([0, len(starts)]),
        Layout(window, horizon, window),
    )


def ridge_inputs(windows: Windows, columns: tuple[int | None, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Window (less its last row, if all targets are features), horizon less the last value, and that value."""
    x, y, levels = [], [], []
    for start in windows.starts():
        rows = windows.features[start : start + windows.window].astype(float)
        after = windows.targets[start + windows.window :][: windows.horizon].astype(float)
        level = np.array([0.0 if column is None else rows[-1, column] for column in columns])
        x.append((rows if None in columns else rows - rows[-1]).ravel())
        y.append((after - level).ravel())
        levels.append(np.broadcast_to(level, after.shape))
    return np.array(x), np.array(y), np.array(levels)


@pytest.mark.parametrize("columns", [(0, 1), (1, None), (None,)])
def test_ridge_is_scikit_learns_with_the_same_penalty_and_inputs(columns: tuple[int | None, ...]):
    random = np.random.default_rng(0)
    values = random.normal(size=(1500, 3)).cumsum(axis=0) / 20
    targets = np.column_stack([values[:, 2] if column is None else values[:, column] for column in columns])
    train, validation, test = (
        make_windows(values[:, :2], targets, rows) for rows in (range(1100), range(1100, 1300), range(1300, 1490))
    )
    ridge = RidgeBaseline(columns).fit(train, validation)

    x, y, _ = ridge_inputs(train, columns)
    reference = Ridge(alpha=ridge.penalty_).fit(x, y)
    np.testing.assert_allclose(ridge.coefficients_, reference.coef_.T, rtol=0, atol=1e-6)
    np.testing.assert_allclose(ridge.intercept_, reference.intercept_, rtol=0, atol=1e-6)
    x, _, levels = ridge_inputs(test, columns)
    expected = reference.predict(x).reshape(levels.shape) + levels
    np.testing.assert_allclose(ridge.predict(test), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("columns", [(None,), (0, None)])
def test_ridge_knows_the_level_where_a_target_is_no_feature(columns: tuple[int | None, ...]):
    values = np.random.default_rng(0).normal(size=(900, 2)).cumsum(axis=0)
    values /= values.std(axis=0)
    target = values.sum(axis=1)
    targets = np.column_stack([target if column is None else values[:, column] for column in columns])
    targets[6:] = targets[5:-1]  # what the row before says, so that the window's last row tells the first step
    train, validation, test = (
        make_windows(values, targets, rows, horizon=1) for rows in (range(6, 600), range(600, 700), range(700, 890))
    )
    forecast = RidgeBaseline(columns).fit(train, validation).predict(test)[:, 0, columns.index(None)]
    assert np.abs(forecast - target[test.last_rows()]).mean() < 0.02


def test_the_penalty_is_the_best_on_the_validation_windows():
    random = np.random.default_rng(3)
    values = random.normal(size=(1400, 2))
    values[:, 0] += np.sin(np.arange(1400) / 5)
    train, validation = (make_windows(values, values[:, :1], rows) for rows in (range(60), range(80, 1390)))
    ridge = RidgeBaseline((0,)).fit(train, validation)
    x, y, _ = ridge_inputs(train, (0,))
    other_x, other_y, _ = ridge_inputs(validation, (0,))
    errors = {p: np.square(Ridge(alpha=p).fit(x, y).predict(other_x) - other_y).mean() for p in RIDGE_PENALTIES}
    assert ridge.penalty_ == min(errors, key=errors.__getitem__)
    assert ridge.penalty_ > RIDGE_PENALTIES[0]  # a short, noisy train part wants a penalty


def test_ridge_makes_hardly_an_error_on_an_exactly_linear_series():
    wave = np.sin(np.arange(6000) / 7)[:, None]  # each value is a fixed combination of the two before it
    train, validation, test = (
        make_windows(wave, wave, rows, window=48, horizon=24)  # a window over a whole period: the penalty weighs little
        for rows in (range(4000), range(4000, 5000), range(5000, 5900))
    )
    forecast = RidgeBaseline((0,)).fit(train, validation).predict(test)
    truth = wave[test.target_rows()]
    assert np.abs(forecast - truth).mean() < 1e-4
    assert np.abs(last_value(wave, test.last_rows(), test.horizon) - truth).mean() > 0.5


def test_ridge_bears_extreme_outliers():
    values = np.random.default_rng(0).normal(size=(900, 2))
    values[[100, 300], [0, 1]] = [1e9, -1e9]
    train, validation = (make_windows(values, values[:, :1], rows) for rows in (range(600), range(600, 890)))
    assert np.isfinite(RidgeBaseline((0,)).fit(train, validation).predict(validation)).all()


def test_last_value_on_etth1_has_the_published_error(etth1: Path):
    targets = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
    config = DataConfig(source=str(etth1), target=targets, window=96, horizon=96, split=(8640, 2880, 2880))
    prepared = prepare(config, etth1)
    test = prepared.parts["test"]
    assert len(test) == 2785
    history = prepared.preprocessor.targets_.scale(prepared.history)
    error = last_value(history, test.last_rows(), test.horizon) - history[test.target_rows()]
    assert 1.29 < np.square(error).mean() < 1.30


@pytest.mark.parametrize("kind", ["instance", "seasonal", "mean"])
def test_ridge_is_fitted_on_the_scale_of_the_windows(kind: str):
    """However large one of the series is, the others are forecast as without it."""
    random = np.random.default_rng(0)
    wave = 3 + np.sin(np.arange(120)) + random.normal(0, 0.1, (2, 120))

    def forecast(factor: float) -> np.ndarray:
        table = pd.concat([pd.DataFrame({"id": "a", "y": wave[0]}), pd.DataFrame({"id": "b", "y": factor * wave[1]})])
        data = {"target": "y", "features": "y", "series": "id", "window": 12, "horizon": 4, "season": 6}
        config = resolve(
            "basic", discover().catalogue["basic"].item, {}, data | {"source": "x", "normalize_window": kind}
        )
        prepared = prepare_run(config, table)
        parts, test = prepared.parts, prepared.parts["test"]
        ridge = RidgeBaseline((0,)).fit(parts["train"], parts["validation"])
        return prepared.preprocessor.inverse_transform_targets(ridge.predict(test)) / np.where(
            test.starts() < 120, 1.0, factor
        ).reshape(-1, 1, 1)

    np.testing.assert_allclose(forecast(1e4), forecast(1.0), rtol=1e-3)


def test_ridge_gives_a_constant_window_its_constant():
    values = np.sin(np.arange(160.0))
    values[130:] = 0.25
    config = resolve(
        "basic",
        discover().catalogue["basic"].item,
        {},
        {"source": "x", "target": "y", "window": 8, "horizon": 4, "normalize_window": "instance"},
    )
    prepared = prepare_run(config, pd.DataFrame({"y": values}))
    ridge = RidgeBaseline((0,)).fit(prepared.parts["train"], prepared.parts["validation"])
    test = prepared.parts["test"]
    constant = np.ptp(test.inputs()[:, :, 0], axis=1) == 0
    assert constant.sum() > 5
    np.testing.assert_array_equal(ridge.predict(test)[constant, :, 0], np.repeat(test.inputs()[constant, -1:, 0], 4, 1))
