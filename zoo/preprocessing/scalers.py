"""The built-in scalers, as scikit-learn transformers and as tensor operations, and the way to a plugin's."""

from __future__ import annotations

import io
import json
import pickle
import pickletools
import warnings
from collections.abc import Collection, Mapping
from typing import Any, Self

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from zoo.preprocessing.names import check_scaler
from zoo.preprocessing.restoring import plain_attributes, restore
from zoo.preprocessing.statistics import Blocks, ColumnStatistics
from zoo_registry import Scaler, TensorForm, discover
from zoo_registry.errors import ConfigError, DataError, PluginError

AFFINE_FORMULA = "scaled = (raw - offset) / scale; raw = scaled * scale + offset"
LOG_FORMULA = "scaled = sign(raw) * log(1 + abs(raw)); raw = sign(scaled) * (exp(abs(scaled)) - 1)"
NONE_FORMULA = "scaled = raw; raw = scaled"

# Packages whose objects load where scikit-learn and joblib are and nothing else is.
_PLAIN = {"sklearn", "numpy", "scipy", "joblib", "builtins", "copyreg", "collections", "_codecs", "__builtin__"}


_LOG_MIN_DEVIATION = 1e-6  # 1 + x has lost 1e-10 of it
_TRIED = 1000  # rows


class UnscalableColumnError(ValueError):
    """A column that a scaler cannot be fitted to; ``column`` is its index."""

    def __init__(self, column: int, reason: str) -> None:
        super().__init__(f"column {column}: {reason}")
        self.column, self.reason = column, reason


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

        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        estimates = np.empty((2, X.shape[1]))
        for index, column in enumerate(X.T):
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

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Raw to scaled."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        scaled: NDArray[np.float64] = (X - self.mean_) / self.scale_
        return scaled

    def inverse_transform(self, X: Any) -> NDArray[np.float64]:
        """Scaled to raw."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        raw: NDArray[np.float64] = X * self.scale_ + self.mean_
        return raw


class LogScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Signed logarithm, sign(x) * log(1 + |x|), and nothing after it: it learns nothing from the rows."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check X, of shape (n_samples, n_features)."""
        validate_data(self, X, dtype=np.float64)
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Raw to scaled."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        scaled: NDArray[np.float64] = np.sign(X) * np.log1p(np.abs(X))
        return scaled

    def inverse_transform(self, X: Any) -> NDArray[np.float64]:
        """Scaled to raw."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        raw: NDArray[np.float64] = np.sign(X) * np.expm1(np.abs(X))
        return raw

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False  # it has nothing to learn from the rows
        return tags


def _make_none() -> FunctionTransformer:
    return FunctionTransformer(validate=True, feature_names_out="one-to-one")


def _affine(offset: str, scale: str) -> TensorForm:
    """The form of a scaler that keeps its numbers in these attributes; an empty ``offset`` stands for 0."""

    def parameters(fitted: Any) -> Mapping[str, Any]:
        numbers = getattr(fitted, scale)
        return {"offset": getattr(fitted, offset) if offset else np.zeros_like(numbers), "scale": numbers}

    return TensorForm(
        formula=AFFINE_FORMULA,
        parameters=parameters,
        forward=lambda ops, raw, p: (raw - p["offset"]) / p["scale"],
        inverse=lambda ops, scaled, p: scaled * p["scale"] + p["offset"],
    )


def _standard_of_huber(fitted: Any) -> StandardScaler:
    plain = StandardScaler()
    plain.mean_, plain.scale_, plain.var_ = fitted.mean_, fitted.scale_, fitted.scale_**2
    plain.n_features_in_ = fitted.n_features_in_
    if hasattr(fitted, "n_samples_seen_"):  # not where it was made of an earlier version's numbers
        plain.n_samples_seen_ = fitted.n_samples_seen_
    return plain


SCALERS: dict[str, Scaler] = {
    scaler.name: scaler
    for scaler in (
        Scaler(
            name="minmax",
            summary="Smallest and largest value become 0 and 1.",
            make=MinMaxScaler,
            form=_affine("data_min_", "data_range_"),
        ),
        Scaler(
            name="standard",
            summary="Mean 0, standard deviation 1.",
            make=StandardScaler,
            form=_affine("mean_", "scale_"),
        ),
        Scaler(
            name="robust",
            summary="Median 0, interquartile range 1.",
            make=RobustScaler,
            form=_affine("center_", "scale_"),
        ),
        Scaler(
            name="huber",
            summary="Huber's location 0 and scale 1, hardly moved by outliers.",
            make=HuberScaler,
            form=_affine("mean_", "scale_"),
            portable=_standard_of_huber,
        ),
        Scaler(
            name="maxabs",
            summary="Largest absolute value 1; 0 stays 0.",
            make=MaxAbsScaler,
            form=_affine("", "scale_"),
        ),
        Scaler(
            name="log",
            summary="Signed logarithm, sign(x) log(1 + |x|), not standardized after it.",
            make=LogScaler,
            form=TensorForm(
                formula=LOG_FORMULA,
                parameters=lambda fitted: {},
                # log(1 + x), not log1p: tf2onnx knows neither log1p nor expm1
                forward=lambda ops, raw, p: ops.sign(raw) * ops.log(1 + ops.abs(raw)),
                inverse=lambda ops, scaled, p: ops.sign(scaled) * (ops.exp(ops.abs(scaled)) - 1),
            ),
        ),
        Scaler(
            name="none",
            summary="Values as they are.",
            make=_make_none,
            form=TensorForm(
                formula=NONE_FORMULA,
                parameters=lambda fitted: {},
                forward=lambda ops, raw, p: raw,
                inverse=lambda ops, scaled, p: scaled,
            ),
        ),
    )
}


def find_scaler(name: str) -> Scaler:
    """Return a built-in scaler or a plugin's; raises UnknownScalerError with a close match."""
    check_scaler(name)
    return SCALERS[name] if name in SCALERS else discover().scalers[name].item


def fit_scaler(
    name: str,
    blocks: Blocks,
    statistics: ColumnStatistics,
    columns: tuple[str, ...],
    where: str,
    *,
    whole: bool = True,
    targets: Collection[str] = (),
) -> Any:
    """Fit a scaler on train rows, given in blocks of float64 (rows, n_columns), and on their statistics.

    With ``whole`` there is one block with all rows; without, the rows do not fit in memory, and a scaler has to learn
    from one block after the other. Raises DataError, naming a column it cannot fit and, as it is one of the
    ``targets`` or not, the way out; ConfigError where a scaler needs all rows at once, PluginError where a plugin's
    scaler does not do what a scaler has to.
    """
    scaler = find_scaler(name)
    if len(constant := np.flatnonzero(statistics.minimum == statistics.maximum)):
        index = int(constant[0])
        raise DataError(
            f"{where}: column '{columns[index]}' is constant in the train rows ({statistics.minimum[index]:g}),"
            f" expected values that change; {_way_out(columns[index], targets)}, or take another --split"
        )
    try:
        with np.errstate(all="ignore"):  # an overflow is told by what comes out
            deviation = statistics.deviation
            if len(bad := np.flatnonzero(~(np.isfinite(deviation) & (deviation > 0)))):
                raise UnscalableColumnError(
                    int(bad[0]),
                    f"its standard deviation comes out as {deviation[bad[0]]:g}, as its values go from"
                    f" {statistics.minimum[bad[0]]:g} to {statistics.maximum[bad[0]]:g}, take another unit",
                )
            if name not in SCALERS:
                return _fit_plugin(name, scaler, blocks, whole=whole)
            fitted = _fit(name, scaler.make(), blocks, whole=whole)
            _refuse_replaced_spread(fitted, statistics, next(iter(blocks())))
    except UnscalableColumnError as error:
        raise DataError(
            f"{where}: column '{columns[error.column]}' cannot be scaled by '{name}': {error.reason};"
            f" {_way_out(columns[error.column], targets)}, or take another --scaler or --split"
        ) from error
    return fitted


def _way_out(column: str, targets: Collection[str]) -> str:
    return "name others with --target and --features" if column in targets else "leave it out with --features"


def _fit(name: str, transformer: Any, blocks: Blocks, *, whole: bool) -> Any:
    """Fit on all rows at once, or block by block where the transformer can (or has nothing to learn)."""
    if whole or not get_tags(transformer).requires_fit:
        return transformer.fit(next(iter(blocks())))
    if not hasattr(transformer, "partial_fit"):
        raise ConfigError(
            f"scaler '{name}' needs all train rows in memory at once, and with --spool they are not; take standard,"
            " minmax, maxabs, log or none, or leave --spool out"
        )
    for block in blocks():
        transformer.partial_fit(block)
    return transformer


def _fit_plugin(name: str, scaler: Scaler, blocks: Blocks, *, whole: bool) -> Any:
    """Fit a plugin's scaler and try all that is asked of it, before any training."""
    try:
        fitted = _fit(name, scaler.make(), blocks, whole=whole)
        values = next(iter(blocks()))
        scaled = np.asarray(fitted.transform(values), dtype=np.float64)
        raw = np.asarray(fitted.inverse_transform(scaled), dtype=np.float64)
        if scaled.shape != values.shape or raw.shape != values.shape:
            raise ValueError(f"expected {values.shape[1]} columns for {values.shape[1]}, found {scaled.shape}")
        varied = (scaled.std(axis=0) > 0) | (values.std(axis=0) == 0)  # a block of many may well be constant
        if len(bad := np.flatnonzero(~(np.isfinite(scaled).all(axis=0) & varied))):
            raise UnscalableColumnError(int(bad[0]), "it comes out constant, or not finite")
        joblib.dump(fitted, io.BytesIO())
        _refuse_unrestorable(scaler, fitted, values[:_TRIED])
        if scaler.form is not None:
            numbers = scaler.form.parameters(fitted)
            forward = scaler.form.forward(np, values, {key: np.asarray(value) for key, value in numbers.items()})
            if not np.allclose(forward, scaled, rtol=1e-6, atol=1e-6 * scaled.std()):
                raise ValueError("its tensor form does not give what its transform gives")
    except (UnscalableColumnError, ConfigError):
        raise
    except Exception as error:  # whatever a plugin does
        text = " ".join(str(error).split())
        raise PluginError(
            f"scaler '{name}' cannot be used: {type(error).__name__}: {text}; take another --scaler"
        ) from error
    return fitted


def _refuse_unrestorable(scaler: Scaler, fitted: Any, values: NDArray[np.float64]) -> None:
    """Raise ValueError where a run could not make it again of plain values, and would have to unpickle it."""
    again = restore(scaler, values.shape[1], {}, json.loads(json.dumps(plain_attributes(fitted))))
    try:
        same = np.array_equal(again.transform(values), fitted.transform(values))
    except Exception:  # whatever a plugin's transformer does without what it lacks
        same = False
    if not same:
        raise ValueError(
            "it cannot be made again from its fitted attributes, expected numbers, texts, arrays and lists of them, and"
            " scikit-learn's transformers; keep what fit learns in such attributes"
        )


def _refuse_replaced_spread(scaler: Any, statistics: ColumnStatistics, values: NDArray[np.float64]) -> None:
    """Raise UnscalableColumnError where scikit-learn takes a spread for 0 and puts 1 in its place in silence.

    ``values`` are all train rows where the scaler needs them all.
    """
    if isinstance(scaler, MinMaxScaler):
        spread, scale = scaler.data_range_, 1 / scaler.scale_
    elif isinstance(scaler, RobustScaler):
        low, high = np.percentile(values, scaler.quantile_range, axis=0)
        spread, scale = high - low, scaler.scale_
        if len(tied := np.flatnonzero(low == high)):
            raise UnscalableColumnError(int(tied[0]), "at least half of its train rows hold one value")
    elif isinstance(scaler, StandardScaler):
        spread, scale = np.sqrt(scaler.var_), scaler.scale_
    elif isinstance(scaler, MaxAbsScaler):
        spread, scale = scaler.max_abs_, scaler.scale_
    elif isinstance(scaler, LogScaler):
        if len(small := np.flatnonzero(statistics.deviation < _LOG_MIN_DEVIATION)):
            raise UnscalableColumnError(
                int(small[0]),
                f"its deviation is under {_LOG_MIN_DEVIATION:g}, where log(1 + x) is x, take another unit",
            )
        return
    else:
        return
    if len(bad := np.flatnonzero(~np.isclose(spread, scale, rtol=1e-6, atol=0))):
        raise UnscalableColumnError(int(bad[0]), f"its spread of {spread[bad[0]]:g} is too small to divide by")


def portable(scaler: Scaler, fitted: Any) -> Any | None:
    """Return a fitted object that gives the same numbers and loads where only scikit-learn and joblib are, or None."""
    candidate = fitted if scaler.portable is None else scaler.portable(fitted)
    operations = pickletools.genops(pickle.dumps(candidate, protocol=2))
    modules = {str(name).split(" ")[0].split(".")[0] for code, name, _ in operations if code.name == "GLOBAL"}
    return candidate if modules <= _PLAIN else None
