"""The scalers: against scikit-learn and statsmodels, invertible, and with no silent fall-back."""

import io

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import StandardScaler
from statsmodels.robust.scale import Huber

from zoo.preprocessing.scalers import SCALERS, Affine, HuberScaler, fit_scaler, portable
from zoo_registry.errors import DataError

COLUMNS = ("a", "b")
EVERY = pytest.mark.parametrize("name", SCALERS)


@st.composite
def columns(draw: st.DrawFn):
    """Train rows of two columns whose offset is at most a thousand times their spread."""
    noise = draw(arrays(np.float64, (40, 2), elements=st.floats(-0.5, 0.5), unique=True, fill=st.nothing()))
    spread = draw(arrays(np.float64, 2, elements=st.floats(0.1, 10)))
    level = draw(arrays(np.float64, 2, elements=st.floats(-100, 100)))
    steps = np.linspace(-2, 2, 40)[:, None]  # so wide that no scale comes out near 0
    return level + spread * (steps + noise)


def ordinary(rows: int = 500) -> np.ndarray:
    random = np.random.default_rng(0)
    return random.normal([100.0, -3.0], [10.0, 0.5], size=(rows, 2))


@EVERY
@given(values=columns())
@settings(max_examples=30, deadline=None)
def test_plain_numbers_give_what_scikit_learn_gives(name: str, values: np.ndarray):
    scaler = fit_scaler(name, values, COLUMNS, "t")
    affine = Affine.of(scaler)
    scaled = scaler.transform(values)
    np.testing.assert_allclose(affine.forward(values), scaled, rtol=0, atol=1e-12)
    raw = scaler.inverse_transform(scaled)
    assert (np.abs(affine.inverse(scaled) - raw) <= 1e-12 * affine.scale).all()


@EVERY
@given(values=columns())
@settings(max_examples=30, deadline=None)
def test_round_trip(name: str, values: np.ndarray):
    scaler = fit_scaler(name, values, COLUMNS, "t")
    affine = Affine.of(scaler)
    assert (np.abs(scaler.inverse_transform(scaler.transform(values)) - values) <= 1e-12 * affine.scale).all()
    assert (np.abs(affine.inverse(affine.forward(values)) - values) <= 1e-12 * affine.scale).all()


def test_what_each_scaler_makes_of_the_train_rows():
    values = ordinary()
    scaled = {name: fit_scaler(name, values, COLUMNS, "t").transform(values) for name in SCALERS}
    np.testing.assert_allclose(scaled["minmax"].min(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled["minmax"].max(axis=0), 1, atol=1e-12)
    np.testing.assert_allclose(scaled["standard"].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled["standard"].std(axis=0), 1, atol=1e-12)
    np.testing.assert_allclose(np.median(scaled["robust"], axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.subtract(*np.percentile(scaled["robust"], [75, 25], axis=0)), 1, atol=1e-12)
    np.testing.assert_allclose(scaled["huber"].std(axis=0), 1, rtol=0.05)


@given(values=columns())
@settings(max_examples=30, deadline=None)
def test_huber_is_statsmodels_estimate(values: np.ndarray):
    scaler = HuberScaler().fit(values)
    for index in range(2):
        location, scale = Huber(maxiter=1000)(values[:, index])
        assert scaler.mean_[index] == location
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
        before, after = (Affine.of(fit_scaler(name, rows, COLUMNS, "t")) for rows in (clean, spoilt))
        moved = np.abs(after.offset - before.offset) / before.scale
        assert (moved < 0.2).all() == steady
        assert (after.scale / before.scale < 1.3).all() == steady


def test_huber_does_not_take_what_it_cannot_honour():
    with pytest.raises(ValueError, match="knows no sample weights"):
        HuberScaler().fit(ordinary(), sample_weight=np.ones(500))
    with pytest.raises(AttributeError, match="cannot be fitted in parts"):
        HuberScaler().partial_fit(ordinary())


@EVERY
def test_a_constant_column_is_named(name: str):
    values = ordinary()
    values[:, 1] = 4.5
    with pytest.raises(
        DataError, match=r"^data\.csv: column 'b' is constant in the train rows \(4\.5\), expected values"
    ):
        fit_scaler(name, values, COLUMNS, "data.csv")


@pytest.mark.parametrize("name", ["huber", "robust"])
def test_a_mostly_tied_column_is_named(name: str):
    values = ordinary()
    values[:, 1] += 3.0
    values[:300, 1] = 0.0  # 60 %
    with pytest.raises(DataError, match=f"^data.csv: column 'b' cannot be scaled by '{name}': .*; leave it out"):
        fit_scaler(name, values, COLUMNS, "data.csv")
    for other in ("minmax", "standard"):
        fit_scaler(other, values, COLUMNS, "data.csv")


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
        self.maxiter = 1000 if column[0] > 0 else 1  # column b lies below 0
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


@EVERY
def test_the_portable_form_is_scikit_learns_own(name: str):
    values = ordinary()
    scaler = fit_scaler(name, values, COLUMNS, "t")
    plain = portable(scaler)
    assert type(plain).__module__.startswith("sklearn.")
    np.testing.assert_array_equal(plain.transform(values), scaler.transform(values))
    np.testing.assert_array_equal(plain.inverse_transform(values), scaler.inverse_transform(values))
    written = io.BytesIO()
    joblib.dump(plain, written)
    assert b"zoo" not in written.getvalue()
    read = joblib.load(io.BytesIO(written.getvalue()))
    np.testing.assert_array_equal(read.transform(values), scaler.transform(values))


def test_the_portable_form_of_huber_has_all_that_a_fitted_standard_scaler_has():
    values = ordinary()
    plain, usual = portable(HuberScaler().fit(values)), StandardScaler().fit(values)
    assert type(plain) is StandardScaler
    assert set(vars(plain)) == set(vars(usual))


def test_plain_numbers_in_another_precision():
    affine = Affine(np.array([1.0, 2.0]), np.array([3.0, 4.0])).astype("float32")
    assert (affine.offset.dtype, affine.scale.dtype) == (np.float32, np.float32)
    assert affine.forward(np.array([[4.0, 10.0]])).tolist() == [[1.0, 2.0]]
    assert affine.inverse(np.array([[1.0, 2.0]])).tolist() == [[4.0, 10.0]]
