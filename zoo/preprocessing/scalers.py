"""The scalers, as scikit-learn transformers, and their plain-number form."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils.validation import validate_data

from zoo_registry.errors import DataError


class UnscalableColumnError(ValueError):
    """A column that a scaler cannot be fitted to; ``column`` is its index."""

    def __init__(self, column: int, reason: str) -> None:
        super().__init__(f"column {column}: {reason}")
        self.column, self.reason = column, reason


class HuberScaler(StandardScaler):  # type: ignore[misc]
    """Subtract Huber's location and divide by his scale, estimated jointly for each column.

    Proposal 2 of Huber (Robust Statistics, 1981, section 6.4), as in ``statsmodels.robust.scale.Huber`` with c = 1.5:
    outliers pull neither location nor scale far. Fitted: ``mean_`` and ``scale_``, of shape (n_features,).
    """

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Estimate location and scale of each column of X, of shape (n_samples, n_features), in original units.

        Raises UnscalableColumnError where the estimate does not converge or the scale comes out 0.
        """
        from statsmodels.robust.scale import Huber

        if sample_weight is not None:
            raise ValueError("HuberScaler knows no sample weights")
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        estimates = np.empty((2, X.shape[1]))
        for index, column in enumerate(X.T):
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")  # a spread of 0 divides by 0; the check below speaks for it
                    location, scale = Huber(maxiter=1000)(column)
            except ValueError as error:
                raise UnscalableColumnError(index, "Huber's joint estimate does not converge") from error
            if not np.isfinite(location) or not scale > np.finfo(np.float64).eps * np.abs(column).max():
                raise UnscalableColumnError(index, "Huber's scale is 0, as too many of its values are equal")
            estimates[:, index] = location, scale
        self.mean_, self.scale_ = estimates
        self.var_, self.n_samples_seen_ = self.scale_**2, len(X)
        return self

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Not available: the estimate needs all rows at once."""
        raise AttributeError("HuberScaler cannot be fitted in parts")


SCALERS: dict[str, type[Any]] = {
    "minmax": MinMaxScaler,
    "standard": StandardScaler,
    "robust": RobustScaler,
    "huber": HuberScaler,
}


@dataclass(frozen=True)
class Affine:
    """A scaler's plain-number form: ``scaled = (raw - offset) / scale``, column by column.

    ``offset`` and ``scale`` are float64 of shape (n_columns,). The methods take NumPy arrays and tensors alike, whose
    last axis is the column.
    """

    offset: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(cls, scaler: Any) -> Self:
        """Read the numbers off a fitted scaler."""
        if isinstance(scaler, MinMaxScaler):
            return cls(scaler.data_min_.copy(), scaler.data_range_.copy())
        if isinstance(scaler, RobustScaler):
            return cls(scaler.center_.copy(), scaler.scale_.copy())
        return cls(scaler.mean_.copy(), scaler.scale_.copy())

    def astype(self, dtype: str) -> Affine:
        """The same numbers in another precision, for use in a graph."""
        return Affine(self.offset.astype(dtype), self.scale.astype(dtype))

    def forward(self, raw: Any) -> Any:
        """Raw to scaled."""
        return (raw - self.offset) / self.scale

    def inverse(self, scaled: Any) -> Any:
        """Scaled to raw."""
        return scaled * self.scale + self.offset


def fit_scaler(name: str, values: NDArray[np.float64], columns: tuple[str, ...], where: str) -> Any:
    """Fit a scaler on train rows, float64 of shape (rows, columns); raises DataError, naming a column it cannot fit."""
    scaler = SCALERS[name]()
    if len(constant := np.flatnonzero(values.min(axis=0) == values.max(axis=0))):
        raise DataError(
            f"{where}: column '{columns[constant[0]]}' is constant in the train rows ({values[0, constant[0]]:g}),"
            " expected values that change; leave it out with --features, or take another --split"
        )
    try:
        with np.errstate(all="ignore"):  # an overflow is told by what comes out
            deviation = values.std(axis=0)
            if len(bad := np.flatnonzero(~(np.isfinite(deviation) & (deviation > 0)))):
                raise UnscalableColumnError(
                    int(bad[0]), f"its standard deviation comes out as {deviation[bad[0]]:g}, take another unit"
                )
            scaler.fit(values)
            _refuse_replaced_spread(scaler, values)
    except UnscalableColumnError as error:
        raise DataError(
            f"{where}: column '{columns[error.column]}' cannot be scaled by '{name}': {error.reason};"
            " leave it out with --features, or take another --scaler or --split"
        ) from error
    return scaler


def _refuse_replaced_spread(scaler: Any, values: NDArray[np.float64]) -> None:
    """Raise UnscalableColumnError where scikit-learn takes a spread for 0 and puts 1 in its place in silence."""
    if isinstance(scaler, MinMaxScaler):
        spread, scale = scaler.data_range_, 1 / scaler.scale_
    elif isinstance(scaler, RobustScaler):
        low, high = np.percentile(values, scaler.quantile_range, axis=0)
        spread, scale = high - low, scaler.scale_
        if len(tied := np.flatnonzero(low == high)):
            raise UnscalableColumnError(int(tied[0]), "at least half of its train rows hold one value")
    else:
        spread, scale = np.sqrt(scaler.var_), scaler.scale_
    if len(bad := np.flatnonzero(~np.isclose(spread, scale, rtol=1e-6, atol=0))):
        raise UnscalableColumnError(int(bad[0]), f"its spread of {spread[bad[0]]:g} is too small to divide by")


def portable(scaler: Any) -> Any:
    """Return a fitted scikit-learn object that gives the same numbers and needs nothing of this project to load."""
    if not isinstance(scaler, HuberScaler):
        return scaler
    plain = StandardScaler()
    plain.mean_, plain.scale_, plain.var_ = scaler.mean_, scaler.scale_, scaler.var_
    plain.n_samples_seen_, plain.n_features_in_ = scaler.n_samples_seen_, scaler.n_features_in_
    return plain
