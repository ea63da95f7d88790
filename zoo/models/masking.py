"""Missing values inside the graph: NaN becomes 0, masks are joined, and of what nothing is known nothing is said."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from keras import ops

from zoo.data.masks import required_features
from zoo_registry import SequenceShape


@dataclass(frozen=True)
class Observed:
    """Scaled windows in two parts, each (batch, window, n_features), of a network of this ``shape``.

    ``values`` are 0 where ``mask`` is 0, as nothing was observed; elsewhere ``mask`` is 1. It is None where no feature
    may be missing.
    """

    shape: SequenceShape
    values: Any
    mask: Any = None

    @classmethod
    def of(cls, window: Any, shape: SequenceShape) -> Observed:
        """Take windows apart whose missing values are NaN."""
        if not shape.masked:
            return cls(shape, window)
        missing = ops.isnan(window)  # as the condition itself: tf2onnx multiplies by any other, and NaN stays NaN
        return cls(shape, ops.where(missing, 0.0, window), 1.0 - ops.cast(missing, window.dtype))

    def with_values(self, values: Any) -> Observed:
        """The same with other values, of which those that were not observed become 0."""
        return replace(self, values=values if self.mask is None else values * self.mask)

    def joined(self) -> Any:
        """What a network of :func:`with_masks` reads: (batch, window, n_features + n_masks)."""
        columns = _with_mask(self.shape)
        return ops.concatenate([self.values, ops.take(self.mask, columns, axis=2)], axis=-1) if columns else self.values

    def told(self, outputs: Any, level: Collection[int]) -> Any:
        """Outputs (batch, *shape.output), NaN for each target that the window says nothing of.

        That is a feature without an observed value, or another target where none of the features that tell a
        ``level`` has one; see :func:`zoo.data.masks.required_features`.
        """
        shape, columns = self.shape, () if self.shape.classes else self.shape.target_columns
        if not any(set(group) <= set(shape.masked) for group in required_features(columns, sorted(level))):
            return outputs
        seen = ops.max(self.mask, axis=1)  # (batch, n_features)
        any_level = ops.max(ops.take(seen, sorted(level), axis=1), axis=1, keepdims=True)  # (batch, 1)
        parts = [any_level if column is None else seen[:, column : column + 1] for column in columns or (None,)]
        known = ops.concatenate(parts, axis=1)  # (batch, n_targets), or (batch, 1) of classes
        for axis in {1: (), 2: (1,), 3: (1, 3)}[len(shape.output)]:
            known = ops.expand_dims(known, axis)
        return ops.where(known > 0, outputs, float("nan"))


def with_masks(shape: SequenceShape) -> SequenceShape:
    """The shape of a network whose last features are masks: of each feature that may be missing.

    Where it is so of a target, all targets have a mask, so that they are treated alike.
    """
    columns = _with_mask(shape)
    own = [columns.index(column) for column in shape.target_columns if column in columns]
    masks = tuple(shape.n_features + place for place in own) if len(own) == shape.n_targets else ()
    return replace(shape, n_features=shape.n_features + len(columns), masked=(), mask_columns=masks)


def _with_mask(shape: SequenceShape) -> list[int]:
    """The features that have a mask, in their order."""
    targets = {column for column in shape.target_columns if column is not None}
    return sorted({*shape.masked} | (targets if targets & {*shape.masked} else set()))
