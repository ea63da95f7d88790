"""The scalers: against scikit-learn and statsmodels, invertible, and with no silent fall-back."""

import io

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from statsmodels.robust.scale import Huber

from zoo.preprocessing.scalers import HuberScaler, LogScaler, find_scaler, portable
from zoo.preprocessing.scalers import fit_scaler as fit_blocks
from zoo.preprocessing.statistics import ColumnStatistics
from zoo_registry import BUILT_IN_SCALERS, OWN, Scaler, discover
from zoo_registry.errors import DataError

COLUMNS = ("a", "b")
EVERY = pytest.mark.parametrize("name", BUILT_IN_SCALERS)


@st.composite
def columns(draw: st.DrawFn):
    """Train rows of two columns whose offset is at most a thousand times their spread."""
    noise = draw(arrays(np.float64, (40, 2), elements=st.floats(-0.5, 0.5), unique=True, fill=st.nothing()))
    spread = draw(arrays(np.float64, 2, elements=st.floats(0.1, 10)))
    level = draw(arrays(np.float64, 2, elements=st.floats(-100, 100)))
    steps = np.linspace(-2, 2, 40)[:, None]  # so wide that no scale comes out near 0
    return level + spread * (steps + noise)


def fit_scaler(name: str, values: np.ndarray, names: tuple[str, ...], where: str, **how: bool):
    """Fit on one block with all rows."""
    statistics = ColumnStatistics(values.shape[1])
    with np.errstate(all="ignore"):
        statistics.add(values)
    return fit_blocks(name, lambda: [values], statistics, names, where, **how)


def ordinary(rows: int = 500) -> np.ndarray:
    random = np.random.default_rng(0)
    return random.normal([100.0, -3.0], [10.0, 0.5], size=(rows, 2))


def rounding(values: np.ndarray) -> np.ndarray:
    """A few roundings of float64 at the size of each column."""
    return 64 * np.finfo(np.float64).eps * np.maximum(1, np.abs(values).max(axis=0))


@EVERY
@given(values=columns())
@settings(max_examples=30, deadline=None)
def test_plain_numbers_give_what_scikit_learn_gives(name: str, values: np.ndarray):
    scaler = fit_scaler(name, values, COLUMNS, "t")
    form = find_scaler(name).form
    numbers = form.parameters(scaler)
    scaled = scaler.transform(values)
    np.testing.assert_allclose(form.forward(np, values, numbers), scaled, rtol=0, atol=1e-12)
    raw = scaler.inverse_transform(scaled)
    assert (np.abs(form.inverse(np, scaled, numbers) - raw) <= rounding(values)).all()


@EVERY
@given(values=columns())
@settings(max_examples=30, deadline=None)
def test_round_trip(name: str, values: np.ndarray):
    scaler = fit_scaler(name, values, COLUMNS, "t")
    form, numbers = find_scaler(name).form, find_scaler(name).form.parameters(scaler)
    assert (np.abs(scaler.inverse_transform(scaler.transform(values)) - values) <= rounding(values)).all()
    back = form.inverse(np, form.forward(np, values, numbers), numbers)
    assert (np.abs(back - values) <= rounding(values)).all()


def test_what_each_scaler_makes_of_the_train_rows():
    values = ordinary()
    scaled = {name: fit_scaler(name, values, COLUMNS, "t").transform(values) for name in BUILT_IN_SCALERS}
    np.testing.assert_allclose(scaled["minmax"].min(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled["minmax"].max(axis=0), 1, atol=1e-12)
    np.testing.assert_allclose(scaled["standard"].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled["standard"].std(axis=0), 1, atol=1e-12)
    np.testing.assert_allclose(np.median(scaled["robust"], axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.subtract(*np.percentile(scaled["robust"], [75, 25], axis=0)), 1, atol=1e-12)
    np.testing.assert_allclose(scaled["huber"].std(axis=0), 1, rtol=0.05)
    np.testing.assert_allclose(np.abs(scaled["maxabs"]).max(axis=0), 1, atol=1e-12)
    np.testing.assert_array_equal(scaled["none"], values)
    np.testing.assert_allclose(scaled["log"], np.sign(values) * np.log(1 + np.abs(values)), atol=1e-12)


@given(values=columns())
@settings(max_examples=30, deadline=None)
def test_huber_is_statsmodels_estimate(values: np.ndarray):
    scaler = HuberScaler().fit(values)
    for index in range(2):
        middle = np.median(values[:, index])
        location, scale = Huber(maxiter=1000)(values[:, index] - middle)
        assert scaler.mean_[index] == middle + location
        assert scaler.scale_[index] == scale


def test_huber_solves_its_two_equations():
    values = np.random.default_rng(1).standard_t(2, size=(2000, 1))
    scaler = HuberScaler().fit(values)
    psi = np.clip(scaler.transform(values), -1.5, 1.5)
    gaussian = np.clip(np.random.default_rng(2).normal(size=2_000_000), -1.5, 1.5)
    assert abs(psi.mean()) < 1e-6
    assert np.square(psi).mean() == pytest.approx(np.square(gaussian).mean(), rel=5e-3)


def test_huber_is_hardly_moved_by_outliers_and_standard_is():
    clean = ordinary()
    spoilt = clean.copy()
    spoilt[:25] = 1e6
    for name, steady in (("huber", True), ("standard", False)):
        before, after = (fit_scaler(name, rows, COLUMNS, "t") for rows in (clean, spoilt))
        moved = np.abs(after.mean_ - before.mean_) / before.scale_
        assert (moved < 0.2).all() == steady
        assert (after.scale_ / before.scale_ < 1.3).all() == steady


@pytest.mark.parametrize("name", ["huber", "robust"])
def test_ties_that_are_blurred_by_rounding_are_ties(name: str):
    values = ordinary()
    values[:, 1] += 3.0
    values[:400, 1] = np.random.default_rng(0).choice([0.0, 5e-17, -5e-17], 400)
    with pytest.raises(DataError, match=f"column 'b' cannot be scaled by '{name}'"):
        fit_scaler(name, values, COLUMNS, "t")


def test_huber_without_convergence_names_the_column(monkeypatch: pytest.MonkeyPatch):
    original = Huber.__call__

    def one_step(self, column, *arguments):
        self.maxiter = 1000 if np.ptp(column) > 20 else 1  # column b is narrow
        return original(self, column, *arguments)

    monkeypatch.setattr(Huber, "__call__", one_step)
    with pytest.raises(DataError, match="column 'b' cannot be scaled by 'huber': Huber's joint estimate does not conv"):
        fit_scaler("huber", ordinary(), COLUMNS, "t")


@pytest.mark.parametrize(
    ("name", "column", "reason"),
    [
        ("minmax", 1e-16 * np.arange(20.0), "its spread of 1.9e-15 is too small"),
        ("robust", 1e-16 * np.arange(20.0), "its spread of 9.5e-16 is too small"),
        ("standard", 1e9 + 1e-6 * (np.arange(20) % 2), "its spread of 4.76"),
        ("minmax", 1e200 * np.arange(20.0), "its standard deviation comes out as inf"),
        ("huber", 1e-200 * np.arange(20.0), "its standard deviation comes out as 0"),
    ],
)
def test_a_spread_that_scikit_learn_would_replace_by_1_is_refused(name: str, column: np.ndarray, reason: str):
    values = np.column_stack([np.arange(20.0), column])
    with pytest.raises(DataError, match=f"column 'b' cannot be scaled by '{name}': {reason}"):
        fit_scaler(name, values, COLUMNS, "t")


@pytest.mark.parametrize("name", sorted(set(BUILT_IN_SCALERS) - {"log"}))
def test_the_portable_form_is_scikit_learns_own(name: str):
    values = ordinary()
    scaler = fit_scaler(name, values, COLUMNS, "t")
    plain = portable(find_scaler(name), scaler)
    assert type(plain).__module__.startswith("sklearn.")
    np.testing.assert_array_equal(plain.transform(values), scaler.transform(values))
    np.testing.assert_array_equal(plain.inverse_transform(values), scaler.inverse_transform(values))
    written = io.BytesIO()
    joblib.dump(plain, written)
    assert b"zoo" not in written.getvalue()
    read = joblib.load(io.BytesIO(written.getvalue()))
    np.testing.assert_array_equal(read.transform(values), scaler.transform(values))


def test_what_needs_more_than_scikit_learn_has_no_portable_form():
    values = ordinary()
    assert portable(find_scaler("log"), fit_scaler("log", values, COLUMNS, "t")) is None
    holds_more = FunctionTransformer(find_scaler)  # scikit-learn's object, with a function that is not
    assert portable(Scaler(name="mine", summary="Mine.", make=FunctionTransformer), holds_more) is None


def test_the_portable_form_of_huber_has_all_that_a_fitted_standard_scaler_has():
    values = ordinary()
    plain, usual = portable(find_scaler("huber"), HuberScaler().fit(values)), StandardScaler().fit(values)
    assert type(plain) is StandardScaler
    assert set(vars(plain)) == set(vars(usual))


def test_every_built_in_name_is_a_scaler():
    built_in = {name: entry.item for name, entry in discover().scalers.items() if entry.distribution == OWN}
    assert tuple(built_in) == BUILT_IN_SCALERS
    assert all(scaler.exportable for scaler in built_in.values())


@pytest.mark.parametrize("name", BUILT_IN_SCALERS)
def test_names_of_columns_are_kept(name: str):
    frame = pd.DataFrame(ordinary(), columns=list(COLUMNS))
    assert list(find_scaler(name).make().fit(frame).get_feature_names_out()) == list(COLUMNS)


def test_huber_bears_an_offset_of_a_billion_deviations():
    values = ordinary()
    far = HuberScaler().fit(values + 1e9)
    near = HuberScaler().fit(values)
    np.testing.assert_allclose(far.mean_ - 1e9, near.mean_, atol=1e-6)
    np.testing.assert_allclose(far.scale_, near.scale_, rtol=1e-6)


@parametrize_with_checks([HuberScaler(), LogScaler(), find_scaler("none").make()])  # none is expected to fail
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)
