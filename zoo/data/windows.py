"""Windows as views: overlapping windows share one array and are gathered batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from zoo.data.split import Split
from zoo_registry.errors import DataError


@dataclass(frozen=True)
class Windows:
    """Evenly spaced windows of one part of a split.

    ``features`` (rows, n_features) and ``targets`` (rows, n_targets) are contiguous arrays over all rows, shared by
    the parts. Window i reads the rows [starts[i], starts[i] + window); its targets are the ``horizon`` rows after.
    """

    features: NDArray[np.float32]
    targets: NDArray[np.float32]
    starts: NDArray[np.int64]
    window: int
    horizon: int

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def origins(self) -> NDArray[np.int64]:
        """Row of each window's first target, of shape (n_windows,)."""
        return self.starts + self.window

    @property
    def inputs(self) -> NDArray[np.float32]:
        """A view of shape (n_windows, window, n_features); copies nothing."""
        views = sliding_window_view(self.features, self.window, axis=0)  # (rows, n_features, window)
        return views[self.starts[0] : self.starts[-1] + 1 : self._stride].transpose(0, 2, 1)

    @property
    def outputs(self) -> NDArray[np.float32]:
        """A view of shape (n_windows, horizon, n_targets); copies nothing."""
        views = sliding_window_view(self.targets, self.horizon, axis=0)
        return views[self.origins[0] : self.origins[-1] + 1 : self._stride].transpose(0, 2, 1)

    @property
    def _stride(self) -> int:
        return int(self.starts[1] - self.starts[0]) if len(self.starts) > 1 else 1


def split_windows(
    features: NDArray[np.float32],
    targets: NDArray[np.float32],
    split: Split,
    *,
    window: int,
    horizon: int,
    stride: int = 1,
    context: bool = True,
) -> dict[str, Windows]:
    """Cut each part into windows whose targets lie inside the part, one every ``stride`` rows.

    With ``context`` their inputs may reach back into the rows before the part; without, they begin inside it too.
    """
    parts = {}
    for name, rows in split.items():
        first = max(rows.start, window) if context else rows.start + window
        starts = np.arange(first, rows.stop - horizon + 1, stride, dtype=np.int64) - window
        parts[name] = Windows(features, targets, starts, window, horizon)
    return parts


def check_windows(
    windows: ArrayLike, window: int, features: Sequence[str], dtype: str = "float64"
) -> NDArray[np.floating]:
    """Return raw windows as ``dtype``, of shape (batch, window, n_features); one window becomes a batch of one.

    Raises DataError for other shapes, and for values that are not finite numbers, or not in ``dtype``.
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
    if len(bad := np.argwhere(~np.isfinite(values))):
        number, row, column = bad[0]
        raise DataError(
            f"window {number}, row {row}, column '{features[column]}' (from 0): expected a finite {dtype} number,"
            f" found {values[number, row, column]}; fill it first"
        )
    return values
