"""Let a network's recurrent layers compute with fused operations for a while, on their own weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import keras
import tensorflow as tf

from zoo.acceleration.batch_parts import computed_in_parts, join, split
from zoo.acceleration.fused_gru import gru
from zoo.acceleration.fused_lstm import lstm
from zoo.keras_internals import INNER_LOOP, flatten_layers, standing_in

Tensor = Any


class Fusion:
    """Which recurrent layers of a network are fused, ``layers``, and why ``others`` are not: text, in their order.

    They are told by kind and width, ``LSTM(64)``, as the names that Keras gives count through a whole process.
    """

    def __init__(self, model: keras.Model) -> None:
        self._inside = flatten_layers(model)
        recurrent = [layer for layer in self._inside if isinstance(layer, keras.layers.RNN)]
        self._fused = [layer for layer in recurrent if not_fused(layer) is None]
        self.layers = [_told(layer) for layer in self._fused]
        self.others = [f"{_told(layer)}: {reason}" for layer in recurrent if (reason := not_fused(layer)) is not None]
        self._model = model
        pairs = [layer for layer in self._inside if isinstance(layer, keras.layers.Bidirectional)]
        self._paired = {id(layer) for pair in pairs for layer in (pair.forward_layer, pair.backward_layer)}

    @property
    def in_parts(self) -> bool:
        """Whether a batch may be computed in parts from its input to its output."""
        return all(map(treats_windows_alone, self._inside))

    @property
    def in_rounds(self) -> bool:
        """Whether these parts may be computed one after the other, too."""
        single = len(self._model.inputs) == len(self._model.outputs) == 1
        return single and self.in_parts and not self.others

    @contextmanager
    def active(self, parts: int, rounds: int = 1) -> Iterator[None]:
        """Compute in ``parts`` equal parts of the batch, side by side, the layers fused; at the end all is as before.

        Of several ``rounds`` each has as many parts, as :func:`zoo.acceleration.batch_parts.computed_in_parts` says.

        Where a layer depends on the whole batch, or may, only the fused layers are computed in parts, which meet again
        at their outputs; the two directions of a bidirectional layer are side by side already then, and have half as
        many parts each. Functions that the model compiled are dropped on both ends, as they hold what the layers did.
        """
        whole = parts * rounds > 1 and self.in_parts
        own = 1 if whole else parts
        loops = [
            (layer, INNER_LOOP, _fused_loop(layer, -(-own // 2) if id(layer) in self._paired else own))
            for layer in self._fused
        ]
        _drop_functions(self._model)
        try:
            with standing_in(loops), computed_in_parts(self._model, parts, rounds) if whole else nullcontext():
                yield
        finally:
            _drop_functions(self._model)


def treats_windows_alone(layer: keras.layers.Layer) -> bool:
    """Whether a layer is known to treat each window of a batch by itself in training, and to take a part without any.

    TensorFlow 2.21's convolutions do not: of no windows they give outputs of a wrong shape.
    """
    module = type(layer).__module__
    known = module.startswith(("keras.", "zoo.")) and ".convolutional." not in module
    batch_wide = getattr(layer, "activity_regularizer", None) or getattr(layer, "stateful", False)
    return known and not batch_wide and not isinstance(layer, keras.layers.BatchNormalization)


def not_fused(layer: keras.layers.RNN) -> str | None:
    """Why a recurrent layer stays as Keras computes it; None where the fused operations compute the same."""
    if type(layer) not in (keras.layers.LSTM, keras.layers.GRU):
        return f"a {type(layer).__name__}"
    if layer.activation is not keras.activations.tanh:
        return f"activation {_name(layer.activation)}"
    if layer.recurrent_activation is not keras.activations.sigmoid:
        return f"recurrent activation {_name(layer.recurrent_activation)}"
    if isinstance(layer, keras.layers.GRU) and not layer.reset_after:
        return "reset before the product"
    reasons = {
        "no bias": not layer.use_bias,
        "dropout with a mask for each gate": bool(layer.dropout) and layer.cell.implementation != 2,
        "recurrent dropout": bool(layer.recurrent_dropout),
        "stateful": layer.stateful,
        f"computed in {layer.compute_dtype}": layer.compute_dtype != "float32",
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _fused_loop(layer: Any, parts: int) -> Any:
    """What stands for the layer's ``inner_loop``: the same shapes, (batch, time, ...), and the same dropout."""

    def inner_loop(
        sequences: Tensor, initial_state: Any, mask: Any, training: bool = False
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        if any(part is not None for part in tf.nest.flatten(mask)):
            kept: tuple[Tensor, Tensor, list[Tensor]]
            kept = type(layer).inner_loop(layer, sequences, initial_state, mask, training=training)
            return kept
        if training and layer.dropout:
            mask_of_steps = layer.cell.get_dropout_mask(sequences[:, 0])  # one for all steps, as Keras has it
            sequences *= mask_of_steps[:, None]
        cell = layer.cell
        weights = tuple(variable.value for variable in (cell.kernel, cell.recurrent_kernel, cell.bias))
        pieces = [split(value, parts) for value in (sequences, *tf.nest.flatten(initial_state))]
        ran = [_run(layer, values, state, weights) for values, *state in zip(*pieces, strict=True)]
        outputs, *states = (join(ends) for ends in zip(*ran, strict=True))
        return states[0], outputs, states

    return inner_loop


def _run(
    layer: Any, sequences: Tensor, state: list[Tensor], weights: tuple[Tensor, Tensor, Tensor]
) -> tuple[Tensor, ...]:
    """Outputs (batch, time, units), or the last one (batch, units), and the states after it."""
    inputs = tf.transpose(sequences, (1, 0, 2))
    if layer.go_backwards:
        inputs = tf.reverse(inputs, (0,))
    if isinstance(layer, keras.layers.LSTM):
        outputs, *rest = lstm(inputs, (state[0], state[1]), weights, sequences=layer.return_sequences)
    else:
        outputs, *rest = (gru(inputs, state[0], weights, sequences=layer.return_sequences),)
    if not layer.return_sequences:
        return outputs, outputs, *rest
    return tf.transpose(outputs, (1, 0, 2)), outputs[-1], *rest


def _told(layer: Any) -> str:
    return f"{type(layer).__name__}({getattr(layer, 'units', '')})"


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _drop_functions(model: keras.Model) -> None:
    model.train_function = model.test_function = model.predict_function = None
