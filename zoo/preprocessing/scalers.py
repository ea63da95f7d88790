"""A scaler by name, fitted on train rows."""

from __future__ import annotations

import io
import json
import pickle
import pickletools
from collections.abc import Collection, Iterator
from functools import partial
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.utils import get_tags

from zoo.preprocessing.restoring import plain_attributes, restore
from zoo.preprocessing.statistics import Blocks, ColumnStatistics
from zoo_registry import BUILT_IN_SCALERS, Scaler, UnscalableColumnError, discover
from zoo_registry.discovery import sentence_of
from zoo_registry.errors import ConfigError, DataError, PluginError, ZooError

# Packages whose objects load where scikit-learn and joblib are and nothing else is.
_PLAIN = {"sklearn", "numpy", "scipy", "joblib", "builtins", "copyreg", "collections", "_codecs", "__builtin__"}
_TRIED = 1000  # rows


_EARLIER = {"HuberScaler": "huber", "LogScaler": "log"}  # which pickles of earlier versions look for here


def __getattr__(name: str) -> Any:
    if name in _EARLIER:
        return type(find_scaler(_EARLIER[name]).make())
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def find_scaler(name: str) -> Scaler:
    """Return a scaler by name; raises UnknownScalerError with a close match."""
    return discover().scalers[name].item


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
    if len(empty := np.flatnonzero(statistics.counts == 0)):
        raise DataError(
            f"{where}: column '{columns[int(empty[0])]}' has no value in the train rows, expected some;"
            f" {_way_out(columns[int(empty[0])], targets)}, or take another `split`"
        )
    if len(constant := np.flatnonzero(statistics.minimum == statistics.maximum)):
        index = int(constant[0])
        raise DataError(
            f"{where}: column '{columns[index]}' is constant in the train rows ({statistics.minimum[index]:g}),"
            f" expected values that change; {_way_out(columns[index], targets)}, or take another `split`"
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
            return _fit(name, scaler, blocks, deviation, whole=whole)
    except UnscalableColumnError as error:
        raise DataError(
            f"{where}: column '{columns[error.column]}' cannot be scaled by '{name}': {error.reason};"
            f" {_way_out(columns[error.column], targets)}, or take another `scaler` or `split`"
        ) from error


def _way_out(column: str, targets: Collection[str]) -> str:
    return "name others with `target` and `features`" if column in targets else "leave it out with `features`"


def _fit(name: str, scaler: Scaler, blocks: Blocks, deviation: NDArray[np.float64], *, whole: bool) -> Any:
    """Fit, and try all that is asked of a plugin's scaler, before any training."""
    try:
        fitted = _fit_blocks(name, scaler.make(), blocks, whole=whole)
        values = next(iter(blocks()))
        values = values[~np.isnan(values).any(axis=1)] if name not in BUILT_IN_SCALERS else values
        if scaler.check is not None:
            scaler.check(fitted, values, deviation)
        if name not in BUILT_IN_SCALERS:
            _try_out(scaler, fitted, values)
    except (UnscalableColumnError, ZooError, MemoryError):
        raise
    except Exception as error:  # whatever a plugin does
        raise PluginError(f"scaler '{name}' cannot be used: {sentence_of(error)}; take another `scaler`") from error
    return fitted


def _fit_blocks(name: str, transformer: Any, blocks: Blocks, *, whole: bool) -> Any:
    """Fit on all rows at once, or block by block where the transformer can (or has nothing to learn).

    One that takes no missing values gets the rows that are whole in all its columns.
    """
    if not get_tags(transformer).input_tags.allow_nan:
        blocks = partial(_whole_rows, blocks, learning=get_tags(transformer).requires_fit)
    if whole or not get_tags(transformer).requires_fit:
        return transformer.fit(next(iter(blocks())))
    if not hasattr(transformer, "partial_fit"):
        raise ConfigError(
            f"scaler '{name}' needs all train rows in memory at once, and with `spool` they are not; take standard,"
            " minmax, maxabs, log or none, or leave `spool` out"
        )
    for block in blocks():
        transformer.partial_fit(block)
    return transformer


def _whole_rows(blocks: Blocks, *, learning: bool) -> Iterator[NDArray[np.float64]]:
    """Blocks without the rows that have a missing value, or for who learns nothing with a number in its place."""
    for block in blocks():
        missing = np.isnan(block)
        if not missing.any():
            yield block
        else:
            yield block[~missing.any(axis=1)] if learning else np.nan_to_num(block)


def _try_out(scaler: Scaler, fitted: Any, values: NDArray[np.float64]) -> None:
    """Raise an error of any kind where a fitted transformer does not do what is asked of a plugin's."""
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


def portable(scaler: Scaler, fitted: Any) -> Any | None:
    """Return a fitted object that gives the same numbers and loads where only scikit-learn and joblib are, or None."""
    candidate = fitted if scaler.portable is None else scaler.portable(fitted)
    operations = pickletools.genops(pickle.dumps(candidate, protocol=2))
    modules = {str(name).split(" ")[0].split(".")[0] for code, name, _ in operations if code.name == "GLOBAL"}
    return candidate if modules <= _PLAIN else None
