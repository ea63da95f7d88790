"""The level and the scale of a window, by which a network sees it and is judged; with keras.ops or NumPy as ``ops``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.settings.choices import NormalizeWindow

_ASINH = "+asinh"
_REPEATED = 1e-4  # of a deviation: what changes less from season to season may be nothing but rounded
_FARTHEST = 20.0  # of an asinh: its sinh, 2e8, still has a square in float32


@dataclass(frozen=True)
class WindowScale:
    """How windows of scaled values are normalized, ``kind``, a choice of the setting ``normalize_window``.

    ``season`` is the number of rows in a season, and ``zero`` what 0 in original units is once it is scaled, for each
    column; ``positions`` are columns that tell a place, not a level (those of a calendar), and stay as they are.
    ``dtype`` is that of the windows, and ``rows`` are for each step ahead the row of the window that lies as few whole
    seasons before it as there are, where it has a whole one.

    The level is the last value (``last``), the mean (``instance``, ``seasonal``) or zero (``mean``), the scale 1
    (``last``), the standard deviation (``instance``, ``seasonal``; Kim et al., Reversible Instance Normalization, ICLR
    2022) or the mean absolute value (``mean``). A window that is constant has its value as its level, and a scale of 0.

    An answer is put back on the same level and scale, and errors are judged by that scale, but for ``seasonal``: its
    answer is what is to be added to the seasonal naive forecast, and errors are judged by the mean absolute change from
    one season to the next, the scale of MASE (Hyndman & Koehler, Another look at measures of forecast accuracy, IJF
    22(4), 2006). It is no scale to see a window by: one of a strong season would be many times as large as another.
    """

    kind: NormalizeWindow = "none"
    season: int = 1
    zero: tuple[float, ...] = ()
    positions: tuple[int, ...] = ()
    dtype: str = "float32"
    rows: tuple[int, ...] = ()

    @property
    def base(self) -> str:
        """The kind without what is put on top."""
        return self.kind.removesuffix(_ASINH)

    @property
    def squashing(self) -> bool:
        """Whether the inverse hyperbolic sine is put on top, against heavy tails."""
        return self.kind.endswith(_ASINH)

    @property
    def scales(self) -> bool:
        """Whether windows are divided by something."""
        return self.base not in ("none", "last")

    def statistics(self, ops: Any, windows: Any, observed: Any = None) -> tuple[Any, Any]:
        """Level and scale of windows (batch, window, n_columns), both (batch, 1, n_columns) and of their dtype.

        ``observed``, of the windows' shape and dtype, is 1 where a value is known and 0 where it is not; they are
        statistics of what is known. Of a window without any both are 0.
        """
        return self._without_positions(ops, *self._measured(ops, windows, observed)[1:])

    def normalized(self, ops: Any, windows: Any, observed: Any = None) -> tuple[Any, Any, Any]:
        """Windows less their level, by their scale, 0 all over where that is 0; and what :meth:`statistics` gives."""
        found, level, scale = self._measured(ops, windows, observed)
        # Nothing that is computed of the scale here may be in what statistics gives: OpenVINO, for a fixed batch, would
        # make one kernel of both, and take the scale's number of rows for the window's
        if self.scales:
            found = found / ops.where(scale > 0, scale, ops.ones_like(scale))
        if self.positions:
            found = ops.where(self._levels(windows), found, windows)
        return found, *self._without_positions(ops, level, scale)

    def squashed(self, ops: Any, normalized: Any) -> Any:
        """Normalized windows with what is put on top."""
        if not self.squashing:
            return normalized
        return ops.where(self._levels(normalized), squash(ops, normalized), normalized)

    def ahead(self, ops: Any, windows: Any, level: Any, observed: Any = None) -> Any:
        """The level of answers, (batch, horizon or 1, n_columns), of windows and their ``level``.

        What is not observed of a last season has the window's own level.
        """
        if self.base != "seasonal" or not self.rows:
            return level
        rows = np.array(self.rows)
        found = ops.take(windows, rows, axis=1)
        return found if observed is None else ops.where(ops.take(observed, rows, axis=1) > 0, found, level)

    def judging(self, ops: Any, windows: Any, scale: Any, observed: Any = None) -> Any:
        """What errors are divided by, (batch, 1, n_columns), of windows and their ``scale``."""
        lag = self.season if self.season < windows.shape[1] else 1
        if self.base != "seasonal" or windows.shape[1] == 1:
            return scale
        changes = ops.abs(windows[:, lag:, :] - windows[:, :-lag, :])
        if observed is None:
            found = _mean(ops, changes, None)
        else:
            both = observed[:, lag:, :] * observed[:, :-lag, :]
            found = _mean(ops, ops.where(both > 0, changes, ops.zeros_like(changes)), both)
        return changing(ops, found, scale)

    def _measured(self, ops: Any, windows: Any, observed: Any) -> tuple[Any, Any, Any]:
        """Windows less their level, their level and their scale, as if no column told a place."""
        if observed is not None:
            windows = ops.where(observed > 0, windows, ops.zeros_like(windows))
        last = last_value_of(ops, windows, observed)
        beyond = windows - last  # of a constant window exactly 0, whatever the rounding of its mean would be
        if observed is not None:
            beyond = beyond * observed
        zeros, ones = ops.zeros_like(last), ops.ones_like(last)
        if self.base == "none":
            return windows, zeros, ones
        if self.base == "last":
            return beyond, last, ones
        if self.base == "mean":
            constant = ops.max(ops.abs(beyond), axis=1, keepdims=True) <= 0
            level = ops.where(constant, last, zeros + np.array(self.zero, dtype=dtype_of(windows)))
            away = windows - level if observed is None else (windows - level) * observed
            return away, level, _mean(ops, ops.abs(away), observed)
        centre = _mean(ops, beyond, observed)
        away = beyond - centre if observed is None else (beyond - centre) * observed
        return away, last + centre, ops.sqrt(_mean(ops, away * away, observed))

    def _without_positions(self, ops: Any, level: Any, scale: Any) -> tuple[Any, Any]:
        if not self.positions:
            return level, scale
        levels = self._levels(level).astype(dtype_of(level))
        return level * levels, scale * levels + (1 - levels)

    def _levels(self, windows: Any) -> NDArray[np.bool_]:
        """Which columns tell a level."""
        return np.array([column not in self.positions for column in range(windows.shape[-1])])


NOT_NORMALIZED = WindowScale()


def changing(ops: Any, change: Any, deviation: Any) -> Any:
    """The change from season to season, or the deviation where seasons repeat themselves."""
    return ops.where(change > _REPEATED * deviation, change, deviation)


def squash(ops: Any, values: Any) -> Any:
    """The inverse hyperbolic sine, of operations that every exporter knows."""
    size = ops.minimum(ops.abs(values), float(np.sinh(_FARTHEST)))
    return ops.sign(values) * ops.log(size + ops.sqrt(size * size + 1.0))


def unsquash(ops: Any, values: Any) -> Any:
    """The hyperbolic sine, of values that are not too far out."""
    near = ops.clip(values, -_FARTHEST, _FARTHEST)
    return (ops.exp(near) - ops.exp(-near)) * 0.5


def _mean(ops: Any, values: Any, observed: Any) -> Any:
    """The mean over the rows, of which those that are not observed are 0."""
    if observed is None:
        return ops.mean(values, axis=1, keepdims=True)
    counts = ops.sum(observed, axis=1, keepdims=True)
    return ops.sum(values, axis=1, keepdims=True) / ops.maximum(counts, ops.ones_like(counts))


def last_value_of(ops: Any, windows: Any, observed: Any) -> Any:
    """The last value of each column that is observed, (batch, 1, n_columns), 0 where none is."""
    if observed is None:
        return windows[:, -1:, :]
    numbers = observed * np.arange(1, windows.shape[1] + 1, dtype=dtype_of(windows))[None, :, None]
    latest = ops.max(numbers, axis=1, keepdims=True)
    here = ops.where(numbers >= latest, observed, ops.zeros_like(observed))
    return ops.sum(windows * here, axis=1, keepdims=True)


def dtype_of(values: Any) -> str:
    """The name of the dtype, of a tensor or an array."""
    return getattr(values.dtype, "name", None) or str(values.dtype)
