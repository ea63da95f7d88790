"""Missing values inside the graph: NaN becomes 0, masks are joined, and of what nothing is known nothing is said."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import keras
from keras import ops

from zoo.data.masks import required_features
from zoo.models.custom_objects import OWN
from zoo.preprocessing.observed_values import observed_part
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
        return cls(shape, *observed_part(ops, window)) if shape.masked else cls(shape, window)

    def cast(self, dtype: str) -> Observed:
        """The same in another dtype."""
        return replace(
            self, values=ops.cast(self.values, dtype), mask=None if self.mask is None else ops.cast(self.mask, dtype)
        )

    def with_values(self, values: Any) -> Observed:
        """The same with other values, of which those that were not observed become 0."""
        return replace(self, values=values if self.mask is None else values * self.mask)

    def joined(self) -> Any:
        """What a network of :func:`with_masks` reads: (batch, window, n_features + n_masks)."""
        columns = _with_mask(self.shape)
        return ops.concatenate([self.values, ops.take(self.mask, columns, axis=2)], axis=-1) if columns else self.values


def only_known(told: keras.Model, shape: SequenceShape, positions: Collection[int]) -> keras.Model:
    """A network of scaled windows, which gives NaN for each target that the window says nothing of.

    That is a feature without an observed value, or another target where none of the features has one that tell a
    level, which those at ``positions`` do not; see :func:`zoo.data.masks.required_features`. It shares the weights.
    """
    columns = () if shape.classes else shape.target_columns
    level = [column for column in range(shape.n_features) if column not in positions]
    if not any({*group} <= {*shape.masked} for group in required_features(columns, level)):
        return told
    (window,), (outputs,) = told.inputs, told.outputs
    seen = ops.max(Observed.of(window, shape).mask, axis=1)  # (batch, n_features)
    any_level = ops.max(ops.take(seen, level, axis=1), axis=1, keepdims=True)  # (batch, 1)
    parts = [any_level if column is None else seen[:, column : column + 1] for column in columns or (None,)]
    known = ops.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]  # (batch, n_targets), or (batch, 1)
    for axis in {2: (), 3: (1,), 4: (1, 3)}[len(outputs.shape)]:
        known = ops.expand_dims(known, axis)
    found = keras.Model(window, ops.where(known > 0, outputs, float("nan")), name=told.name)
    setattr(found, OWN, getattr(told, OWN, ()))
    return found


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
