"""Helpers for plugins' ``build`` functions; Keras is imported inside them, so that listing stays quick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Literal

from zoo_registry.hyperparameters import RecurrentHyperparameters
from zoo_registry.shape import WINDOW, SequenceShape

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class SequenceInputs:
    """What a network is told, as Keras tensors; None is what there is not.

    ``named`` are the Keras inputs by name, ``sequence`` (batch, window, width) is what a recurrence reads.
    """

    named: Mapping[str, Any]
    sequence: Any
    future: Any = None
    static: Any = None
    length: Any = None

    @property
    def ends(self) -> Any:
        """What ``keras.Model`` takes: the window where it is alone, else all by name."""
        return dict(self.named) if len(self.named) > 1 else self.sequence


def sequence_inputs(shape: SequenceShape) -> SequenceInputs:
    """Return the Keras inputs of a network of this shape, ready to be read."""
    import keras

    window = keras.Input(shape.input, name=WINDOW)  # (batch, window, n_features)
    return SequenceInputs({WINDOW: window}, sequence=window)


def last_observed(values: Any, mask: Any) -> Any:
    """The last value of each column that was observed: (batch, window, n) -> (batch, 1, n), 0 where none was.

    ``mask`` is 1 where a value was observed; elsewhere it and the value are 0.
    """
    from keras import ops

    places = mask * ops.arange(1, values.shape[1] + 1, dtype=values.dtype)[:, None]
    newest = ops.equal(places, ops.max(places, axis=1, keepdims=True))
    return ops.sum(values * ops.cast(newest, values.dtype), axis=1, keepdims=True)


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


def head(shape: SequenceShape) -> Callable[..., Any]:
    """Return a function of (state, inputs) that maps a Keras tensor (batch, n) linearly to (batch, *shape.output).

    ``inputs`` are those of :func:`sequence_inputs`, of which it takes what the state cannot know; a network that is
    told of windows alone may leave them out.
    """
    import keras

    dense = keras.layers.Dense(prod(shape.output), name="head")
    reshape = keras.layers.Reshape(shape.output, name="output")
    return lambda state, inputs=None: reshape(dense(state))


def _penalty(hp: RecurrentHyperparameters) -> Any:
    """Return a regularizer of its own for each kernel, or None where both penalties are 0."""
    import keras

    return keras.regularizers.L1L2(hp.l1, hp.l2) if hp.l1 or hp.l2 else None
