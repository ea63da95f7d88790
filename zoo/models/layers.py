"""Layers that the zoo puts around an architecture's network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.outputs import middle_quantile


@keras.saving.register_keras_serializable(package="zoo")
class ReversibleAffine(keras.layers.Layer):  # type: ignore[misc]
    """A learned scale and shift of each column, and the way back for some of the columns.

    The affine step of reversible instance normalization (Kim et al., Reversible Instance Normalization for Accurate
    Time-Series Forecasting against Distribution Shift, ICLR 2022). Maps (batch, steps, n) to the same shape.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make one scale, from 1, and one shift, from 0, for each column."""
        self.scale = self.add_weight(name="scale", shape=(input_shape[-1],), initializer="ones")
        self.shift = self.add_weight(name="shift", shape=(input_shape[-1],), initializer="zeros")

    def call(self, values: Any, columns: list[int] | None = None) -> Any:
        """Scale and shift all columns, or undo it on ``columns``, which ``values`` then holds in that order."""
        if columns is None:
            return values * self.scale + self.shift
        scale = ops.take(self.scale, columns)
        return (values - ops.take(self.shift, columns)) / (scale + ops.sign(scale) * keras.config.epsilon())


@keras.saving.register_keras_serializable(package="zoo")
class OrderedQuantiles(keras.layers.Layer):  # type: ignore[misc]
    """Quantiles that never cross: the middle one as it is, the others by positive steps away from it.

    Maps (batch, horizon, n_targets, n_quantiles) to the same shape. A step is the softplus of what the network gives,
    as in Park et al., Learning Quantile Functions without Quantile Crossing, AISTATS 2022.
    """

    def __init__(self, quantiles: Sequence[float], **settings: Any) -> None:
        super().__init__(**settings)
        self.quantiles = tuple(quantiles)
        self.middle = middle_quantile(self.quantiles) or 0

    def call(self, values: Any) -> Any:
        """Order the last axis."""
        middle = values[..., self.middle : self.middle + 1]
        parts = [middle]
        for index in range(self.middle - 1, -1, -1):
            parts.insert(0, parts[0] - ops.softplus(values[..., index : index + 1]))
        for index in range(self.middle + 1, len(self.quantiles)):
            parts.append(parts[-1] + ops.softplus(values[..., index : index + 1]))
        return ops.concatenate(parts, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """What makes this layer again."""
        return {**super().get_config(), "quantiles": self.quantiles}
