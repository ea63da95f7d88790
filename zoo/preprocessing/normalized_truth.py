"""What a network that normalizes its windows is judged by: the truth on each window's own scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.preprocessing.observed_values import observed_part
from zoo.preprocessing.target_scale import TargetScale, beside, put_back


class ScaleRows(NamedTuple):
    """What stands behind the rows of a normalized truth: as many of the level, and one of the others.

    ``level`` and ``scale`` put the truth back; outputs, which are by the window's own scale, are multiplied by
    ``share``: 1 where errors are judged by that scale, and 0 where nothing counts.
    """

    level: Any
    scale: Any
    share: Any


@dataclass(frozen=True)
class NormalizedTruth:
    """How targets are brought to the scale that a loss sees.

    ``floors`` (n_stretches, n_targets) is the least scale of a window in each stretch of windows, a share of its
    series' own: one that is nearly flat, with a step after it, would decide alone otherwise. A window that is constant,
    whose scale is 0, counts nothing. ``masked`` says that values of windows may be missing, NaN.
    """

    target: TargetScale
    floors: NDArray[np.float32]
    masked: bool = False

    def __call__(self, ops: Any, inputs: Any, truths: Any, stretches: Any) -> Any:
        """The truths of scaled windows, which lie in these stretches, with the rows of :class:`ScaleRows` behind them.

        (batch, horizon, n_targets) becomes (batch, 2 * horizon + 2, n_targets).
        """
        by, observed = self.target.scale, None
        if self.masked:
            inputs, observed = observed_part(ops, inputs)
        every_level, every_scale = by.statistics(ops, inputs, observed)
        level, own = self.target.chosen(ops, by.ahead(ops, inputs, every_level, observed), every_scale)
        _, scale = self.target.chosen(ops, every_level, by.judging(ops, inputs, every_scale, observed))
        if by.scales:
            floors = ops.take(self.floors, stretches, axis=0)[:, None, :]
            scale = ops.where(scale > floors, scale, floors)
        counts = (own > 0) & (scale > 0)
        scale = ops.where(scale > 0, scale, ops.ones_like(scale))
        truth = ops.where(counts, truths - level, ops.zeros_like(truths)) / scale
        level = level + ops.zeros_like(truth)
        return ops.concatenate([self.target.squashed(ops, truth), level, scale, own / scale], axis=1)

    def judged(self, ops: Any, outputs: Any, rows: ScaleRows) -> Any:
        """A network's normalized outputs as the loss sees them."""
        return self.target.squashed(ops, self.target.unsquashed(ops, outputs) * beside(rows.share, outputs))

    def scaled(self, ops: Any, values: Any, rows: ScaleRows) -> Any:
        """Truth or outputs that the loss sees, scaled as the targets are."""
        return put_back(self.target.unsquashed(ops, values), rows.level, rows.scale)


def apart(values: Any) -> tuple[Any, ScaleRows]:
    """The truth, and the rows behind it."""
    horizon = (values.shape[1] - 2) // 2
    return values[:, :horizon, :], ScaleRows(values[:, horizon:-2, :], values[:, -2:-1, :], values[:, -1:, :])
