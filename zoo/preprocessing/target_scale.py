"""The targets' part of a window's level and scale: what puts a normalized network's outputs back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.preprocessing.window_scale import WindowScale, dtype_of, squash, unsquash


@dataclass(frozen=True)
class TargetScale:
    """Of windows that are normalized by ``scale``, the targets.

    ``columns`` gives each target's column among the features, or None: one that is none of them is left as it is.
    Outputs are (batch, steps, n_targets), which may have an axis of quantiles behind them.
    """

    scale: WindowScale
    columns: tuple[int | None, ...]

    @property
    def active(self) -> bool:
        """Whether there is anything to put back."""
        return self.scale.kind != "none" and any(column is not None for column in self.columns)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which targets are normalized."""
        return np.array([column is not None for column in self.columns])

    def chosen(self, ops: Any, level: Any, scale: Any) -> tuple[Any, Any]:
        """The targets' level and scale of those of all columns, both (batch, steps or 1, n_targets)."""
        places = np.array([0 if column is None else column for column in self.columns])
        level, scale = ops.take(level, places, axis=2), ops.take(scale, places, axis=2)
        if self.known.all():
            return level, scale
        known = self.known.astype(dtype_of(level))
        return level * known, scale * known + (1 - known)

    def squashed(self, ops: Any, values: Any) -> Any:
        """Outputs with what is put on top of their normalization."""
        return self._on_known(ops, squash(ops, values), values) if self.scale.squashing else values

    def unsquashed(self, ops: Any, values: Any) -> Any:
        """The opposite of :meth:`squashed`."""
        return self._on_known(ops, unsquash(ops, values), values) if self.scale.squashing else values

    def _on_known(self, ops: Any, changed: Any, values: Any) -> Any:
        if self.known.all():
            return changed
        return ops.where(beside(self.known[None, None, :], values), changed, values)


def put_back(values: Any, level: Any, scale: Any) -> Any:
    """Unsquashed outputs by the targets' level and scale, scaled as the targets are."""
    # The level comes first: as the second term Keras takes one value a window for a bias, where the batch is as long as
    # the horizon
    return beside(level, values) + values * beside(scale, values)


def beside(rows: Any, outputs: Any) -> Any:
    """Give rows of shape (batch, 1, n_targets) an axis for the quantiles where outputs have some."""
    return rows[..., None] if len(outputs.shape) == 4 else rows
