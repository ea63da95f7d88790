"""Layers that the zoo puts around an architecture's network."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


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
