"""What the built-in scalers do: transformers of our own, and refusals of spreads that are too small."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from zoo_registry import UnscalableColumnError

Rows = NDArray[np.float64]

_LOG_MIN_DEVIATION = 1e-6  # 1 + x has lost 1e-10 of it


class HuberScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Subtract Huber's location and divide by his scale, estimated jointly for each column.

    Proposal 2 of Huber (Robust Statistics, 1981, section 6.4), as in ``statsmodels.robust.scale.Huber`` with c = 1.5:
    outliers pull neither location nor scale far. Fitted: ``mean_`` and ``scale_``, of shape (n_features,).
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Estimate location and scale of each column of X, of shape (n_samples, n_features), in original units.

        Raises UnscalableColumnError where the estimate does not converge or the scale comes out 0.
        """
        from statsmodels.robust.scale import Huber

        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2, ensure_all_finite="allow-nan")
        estimates = np.empty((2, X.shape[1]))
        for index, known in enumerate(X.T):
            column = known[~np.isnan(known)]
            middle = np.median(column)  # the estimate's tolerance is absolute: it needs a small offset to converge
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")  # a spread of 0 divides by 0; the check below speaks for it
                    location, scale = Huber(maxiter=1000)(column - middle)
            except ValueError as error:
                raise UnscalableColumnError(index, "Huber's joint estimate does not converge") from error
            if not np.isfinite(location) or not scale > np.finfo(np.float64).eps * np.abs(column).max():
                raise UnscalableColumnError(index, "Huber's scale is 0, as too many of its values are equal")
            estimates[:, index] = middle + location, scale
        self.mean_, self.scale_ = estimates
        self.n_samples_seen_ = len(X)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True  # each column is estimated by what is known of it
        return tags

    def transform(self, X: Any) -> Rows:
        """Raw to scaled."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False, ensure_all_finite="allow-nan")
        scaled: Rows = (X - self.mean_) / self.scale_
        return scaled

    def inverse_transform(self, X: Any) -> Rows:
        """Scaled to raw."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False, ensure_all_finite="allow-nan")
        raw: Rows = X * self.scale_ + self.mean_
        return raw


class LogScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Signed logarithm, sign(x) * log(1 + |x|), and nothing after it: it learns nothing from the rows."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check X, of shape (n_samples, n_features)."""
        validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        return self

    def transform(self, X: Any) -> Rows:
        """Raw to scaled."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False, ensure_all_finite="allow-nan")
        scaled: Rows = np.sign(X) * np.log1p(np.abs(X))
        return scaled

    def inverse_transform(self, X: Any) -> Rows:
        """Scaled to raw."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False, ensure_all_finite="allow-nan")
        raw: Rows = np.sign(X) * np.expm1(np.abs(X))
        return raw

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.requires_fit = False  # it has nothing to learn from the rows
        return tags


def none() -> FunctionTransformer:
    """A transformer that changes nothing."""
    return FunctionTransformer(validate=True, feature_names_out="one-to-one")


def standard_of_huber(fitted: Any) -> StandardScaler:
    """A transformer of scikit-learn's own that gives the same numbers."""
    plain = StandardScaler()
    plain.mean_, plain.scale_, plain.var_ = fitted.mean_, fitted.scale_, fitted.scale_**2
    plain.n_features_in_ = fitted.n_features_in_
    if hasattr(fitted, "n_samples_seen_"):  # not where it was made of an earlier version's numbers
        plain.n_samples_seen_ = fitted.n_samples_seen_
    return plain


def check_minmax(fitted: Any, rows: Rows, deviation: Rows) -> None:
    """Raise UnscalableColumnError where scikit-learn took a range for 0; so do those below for theirs."""
    _refuse_replaced(fitted.data_range_, 1 / fitted.scale_)


def check_standard(fitted: Any, rows: Rows, deviation: Rows) -> None:
    """As :func:`check_minmax`."""
    _refuse_replaced(np.sqrt(fitted.var_), fitted.scale_)


def check_robust(fitted: Any, rows: Rows, deviation: Rows) -> None:
    """As :func:`check_minmax`; ``rows`` are all train rows, which it needs at once."""
    low, high = np.nanpercentile(rows, fitted.quantile_range, axis=0)
    if len(tied := np.flatnonzero(low == high)):
        raise UnscalableColumnError(int(tied[0]), "at least half of its train rows hold one value")
    _refuse_replaced(high - low, fitted.scale_)


def check_maxabs(fitted: Any, rows: Rows, deviation: Rows) -> None:
    """As :func:`check_minmax`."""
    _refuse_replaced(fitted.max_abs_, fitted.scale_)


def check_log(fitted: Any, rows: Rows, deviation: Rows) -> None:
    """Raise UnscalableColumnError for a column so small that its logarithm is a straight line."""
    if len(small := np.flatnonzero(deviation < _LOG_MIN_DEVIATION)):
        raise UnscalableColumnError(
            int(small[0]), f"its deviation is under {_LOG_MIN_DEVIATION:g}, where log(1 + x) is x, take another unit"
        )


def _refuse_replaced(spread: Rows, scale: Rows) -> None:
    """Raise UnscalableColumnError where scikit-learn took a spread for 0 and put 1 in its place in silence."""
    if len(bad := np.flatnonzero(~np.isclose(spread, scale, rtol=1e-6, atol=0))):
        raise UnscalableColumnError(int(bad[0]), f"its spread of {spread[bad[0]]:g} is too small to divide by")
