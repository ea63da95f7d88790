"""Windows that a caller brings as arrays, in original units."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zoo_registry.errors import DataError


def is_windows(data: object) -> bool:
    """Whether data are windows rather than a table: an array or lists, but not (values, times, columns)."""
    if isinstance(data, tuple) and len(data) == 3:
        return np.ndim(data[2]) != 1 or not all(isinstance(name, str) for name in data[2])
    return isinstance(data, (np.ndarray, list, tuple))


def check_windows(
    windows: ArrayLike,
    window: int,
    features: Sequence[str],
    dtype: str = "float64",
    masked: Collection[str] = (),
) -> NDArray[np.floating]:
    """Return raw windows as ``dtype``, of shape (batch, window, n_features); one window becomes a batch of one.

    Values of ``masked`` features may be missing, NaN. Raises DataError for other shapes, and for values that are not
    finite numbers, or not in ``dtype``.
    """
    columns = ", ".join(features)
    try:
        with np.errstate(over="ignore"):  # an overflow is told below
            values = np.asarray(windows, dtype=np.float64).astype(dtype)
    except (TypeError, ValueError) as error:
        raise DataError(f"expected windows of numbers, with the columns {columns}, found {error}; mend them") from error
    values = values[None] if values.ndim == 2 else values
    if values.ndim != 3 or not len(values) or values.shape[1:] != (window, len(features)):
        raise DataError(
            f"expected windows of shape (batch, {window}, {len(features)}) with the columns {columns},"
            f" found {np.shape(windows)}; reshape them"
        )
    wrong = ~np.isfinite(values)
    if masked and wrong.any():
        wrong &= ~(np.isnan(values) & np.array([name in masked for name in features]))
    if len(bad := np.argwhere(wrong)):
        number, row, column = bad[0]
        raise DataError(
            f"window {number}, row {row}, column '{features[column]}' (from 0): expected a finite {dtype} number,"
            f" found {values[number, row, column]}; fill it first"
        )
    return values
