"""Fitted scalers from plain numbers, as ``preprocessing.json`` of a run has them: a pickle would be a program.

A scaler is what its ``make()`` returns, with the attributes that its ``fit`` left: numbers, texts, arrays and lists of
them, and scikit-learn's own transformers of such attributes. Runs of earlier versions have no such attributes: there a
built-in scaler is made of its form's parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_registry import BUILT_IN_SCALERS, Scaler

_KINDS = "fiub"
_ATTRIBUTES: dict[str, Callable[..., dict[str, Any]]] = {
    "minmax": lambda offset, scale: {
        "data_min_": offset,
        "data_max_": offset + scale,
        "data_range_": scale,
        "scale_": 1 / scale,
        "min_": 0 - offset * (1 / scale),
    },
    "standard": lambda offset, scale: {"mean_": offset, "var_": scale**2, "scale_": scale},
    "robust": lambda offset, scale: {"center_": offset, "scale_": scale},
    "huber": lambda offset, scale: {"mean_": offset, "scale_": scale},
    "maxabs": lambda offset, scale: {"max_abs_": scale, "scale_": scale},
    "log": dict,
    "none": dict,
}


def restore(
    scaler: Scaler, columns: int, parameters: Mapping[str, NDArray[np.float64]], attributes: Mapping[str, Any] | None
) -> Any:
    """A transformer that scales ``columns`` columns as the fitted one did.

    ``attributes`` are what :func:`plain_attributes` gave; None in a run of an earlier version, whose ``parameters`` are
    its form's, each of shape (columns,). Raises ValueError, TypeError or KeyError for what is not of such a scaler.
    """
    transformer = scaler.make()
    if attributes is not None:
        vars(transformer).update(_restored(attributes))
    elif scaler.name in BUILT_IN_SCALERS:
        vars(transformer).update(_ATTRIBUTES[scaler.name](**parameters), n_features_in_=columns)
    else:
        raise ValueError(f"it lacks the fitted attributes of the plugin's scaler '{scaler.name}'")
    return transformer


def plain_attributes(fitted: Any) -> dict[str, Any]:
    """The attributes of a fitted transformer as JSON knows them; others are left out, as its ``make()`` has them."""
    found = {}
    for name, value in vars(fitted).items():
        try:
            found[name] = _plain(value)
        except TypeError:
            continue
    return found


def _plain(value: Any) -> Any:
    """A value that JSON keeps, from which :func:`_read` makes it again; raises TypeError where there is none."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in _KINDS:
        return {"array": value.ravel().tolist(), "dtype": value.dtype.str, "shape": list(value.shape)}
    if isinstance(value, (list, tuple)):
        return {type(value).__name__: [_plain(inner) for inner in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _plain(inner) for key, inner in value.items()}}
    if _of_sklearn(type(value).__name__) is type(value):
        return {"sklearn": type(value).__name__, "attributes": plain_attributes(value)}
    raise TypeError(f"{type(value).__name__} is no plain value")


def _restored(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _read(value) for name, value in attributes.items()}


def _read(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "array" in value:
        if (dtype := np.dtype(value["dtype"])).kind not in _KINDS:
            raise ValueError(f"an array of type {dtype}, where numbers are expected")
        array = np.array(value["array"], dtype).reshape(value["shape"])
        return array if array.shape else array[()]
    if "sklearn" in value:
        if (kind := _of_sklearn(value["sklearn"])) is None:
            raise ValueError(f"'{value['sklearn']}' is no transformer of scikit-learn")
        transformer: Any = object.__new__(kind)
        vars(transformer).update(_restored(value["attributes"]))
        return transformer
    if "dict" in value:
        return _restored(value["dict"])
    return [_read(inner) for inner in value["list"]] if "list" in value else tuple(map(_read, value["tuple"]))


def _of_sklearn(name: str) -> type | None:
    """A transformer of :mod:`sklearn.preprocessing` by its name."""
    import sklearn.preprocessing

    found = getattr(sklearn.preprocessing, name, None) if name in sklearn.preprocessing.__all__ else None
    return found if isinstance(found, type) else None
