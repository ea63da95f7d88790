"""Helpers for plugins' ``build`` functions; Keras is imported inside them, so that listing stays quick."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any, Literal

from zoo_registry.hyperparameters import RecurrentHyperparameters
from zoo_registry.shape import SequenceShape

if TYPE_CHECKING:
    import keras


def recurrent_layer(
    hp: RecurrentHyperparameters,
    *,
    cell: Literal["lstm", "gru"] = "lstm",
    units: int | None = None,
    dropout: float | None = None,
    return_sequences: bool = False,
    return_state: bool = False,
    name: str | None = None,
) -> keras.layers.Layer:
    """Return a ``keras.layers.LSTM`` or ``GRU`` with the hyperparameters' width, dropout and penalties.

    ``units`` and ``dropout`` override the hyperparameters' own. Maps (batch, time, n) to (batch, units), or to
    (batch, time, units) with ``return_sequences``; with ``return_state`` the last states follow, each (batch, units).
    """
    import keras

    kind = keras.layers.GRU if cell == "gru" else keras.layers.LSTM
    return kind(
        hp.units if units is None else units,
        dropout=hp.dropout if dropout is None else dropout,
        recurrent_dropout=hp.recurrent_dropout,
        kernel_regularizer=_penalty(hp),
        recurrent_regularizer=_penalty(hp),
        return_sequences=return_sequences,
        return_state=return_state,
        name=name,
    )


def head(shape: SequenceShape) -> Callable[[Any], Any]:
    """Return a function that maps a Keras tensor (batch, n) linearly to exactly (batch, *shape.output)."""
    import keras

    dense = keras.layers.Dense(prod(shape.output), name="head")
    reshape = keras.layers.Reshape(shape.output, name="output")
    return lambda inputs: reshape(dense(inputs))


def _penalty(hp: RecurrentHyperparameters) -> Any:
    """Return a regularizer of its own for each kernel, or None where both penalties are 0."""
    import keras

    return keras.regularizers.L1L2(hp.l1, hp.l2) if hp.l1 or hp.l2 else None
