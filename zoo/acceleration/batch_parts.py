"""A batch in parts that are computed side by side, with the dropout that the whole of it would have.

Keras draws one mask for a batch. Parts that drew one each would make another training of the same kind: here the mask
is drawn once, for the whole batch, and each part takes its rows of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from zoo.keras_internals import DROPOUT_MASK, create_dropout_mask, flatten_layers, standing_in

Tensor = Any


def split(values: Tensor, parts: int) -> list[Tensor]:
    """Cut along the batch; the last parts have fewer rows, or none, where it cannot be cut evenly."""
    if parts == 1:
        return [values]
    rows = tf.shape(values)[0]
    size = -(-rows // parts)
    return [values[part * size : (part + 1) * size] for part in range(parts)]


def join(pieces: tuple[Tensor, ...]) -> Tensor:
    """The opposite of :func:`split`."""
    return pieces[0] if len(pieces) == 1 else tf.concat(pieces, 0)


@contextmanager
def computed_in_parts(model: keras.Model, parts: int, rounds: int = 1) -> Iterator[None]:
    """Let a model compute a batch in so many parts meanwhile; each of its layers has to treat windows by themselves.

    With several ``rounds`` as many parts are computed in each, one round after the other, of which nothing is held but
    the outputs: their gradient computes them once more. The model has one input and one output then, and no loop that
    draws masks.
    """
    masks = _Masks(parts * rounds, outside=rounds > 1)
    layers = flatten_layers(model)
    call = _call_in_parts(model, parts, masks) if rounds == 1 else _call_in_rounds(model, parts, rounds, masks)
    methods: list[tuple[Any, str, Callable[..., Any]]] = [(model, "call", call)]
    methods += [(layer, "call", masks.dropout(layer)) for layer in layers if isinstance(layer, keras.layers.Dropout)]
    methods += [(layer, DROPOUT_MASK, masks.of_cell(layer)) for layer in layers if hasattr(layer, DROPOUT_MASK)]
    with standing_in(methods):
        yield


def _call_in_parts(model: Any, parts: int, masks: _Masks) -> Callable[..., Tensor]:
    """What stands for the model's ``call``."""

    def call(inputs: Tensor, **settings: Any) -> Tensor:
        masks.begin(tf.shape(inputs)[0])
        pieces = []
        for part, piece in enumerate(split(inputs, parts)):
            pieces.append(_of_part(model, part, piece, masks, settings))
        return tf.nest.map_structure(lambda *ends: join(ends), *pieces)

    return call


def _of_part(model: Any, part: Any, piece: Tensor, masks: _Masks, settings: dict[str, Any]) -> Any:
    # Of unknown length, also where the batch's is known: what has a known length then has no rows of windows
    piece = tf.compat.v1.placeholder_with_default(piece, (None, *piece.shape[1:]))
    masks.begin_part(part, tf.shape(piece)[0])
    return type(model).call(model, piece, **settings)


def _call_in_rounds(model: Any, parts: int, rounds: int, masks: _Masks) -> Callable[..., Tensor]:
    """What stands for the model's ``call`` where its parts are computed in rounds, and again for the gradient.

    Chen et al., Training deep nets with sublinear memory cost, arXiv:1604.06174.
    """
    pieces = parts * rounds

    def call(inputs: Tensor, **settings: Any) -> Tensor:
        size = -(-tf.shape(inputs)[0] // pieces)

        def computed(number: Tensor) -> Tensor:
            return _of_part(model, number, inputs[number * size : (number + 1) * size], masks, settings)

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def run(inputs: Tensor) -> tuple[Tensor, Callable[..., Any]]:
            masks.begin(tf.shape(inputs)[0])
            shape = computed(0).shape  # which draws the masks, outside of the loop
            kept = tf.TensorArray(model.compute_dtype, pieces, infer_shape=False, element_shape=(None, *shape[1:]))

            def forward(first: Tensor, kept: tf.TensorArray) -> tuple[Tensor, tf.TensorArray]:
                for part in range(parts):
                    kept = kept.write(first + part, computed(first + part))
                return first + parts, kept

            _, kept = tf.while_loop(lambda first, _: first < pieces, forward, (0, kept), parallel_iterations=1)

            def gradient(d_outputs: Tensor, variables: Any = ()) -> tuple[Tensor, list[Tensor]]:
                def backward(first: Tensor, *sums: Tensor) -> tuple[Tensor, ...]:
                    found = [_weight_gradients(first + part, d_outputs, variables) for part in range(parts)]
                    return first + parts, *(tf.add_n(list(ends)) for ends in zip(sums, *found, strict=True))

                zeros = (tf.zeros_like(variable) for variable in variables)
                ends = (0, *zeros)
                _, *sums = tf.while_loop(lambda first, *_: first < pieces, backward, ends, parallel_iterations=1)
                return tf.zeros_like(inputs), sums  # nobody asks for that of the data

            return kept.concat(), gradient

        def _weight_gradients(number: Tensor, d_outputs: Tensor, variables: Any) -> list[Tensor]:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                for variable in variables:
                    tape.watch(variable)
                output = computed(number)
            own = d_outputs[number * size : (number + 1) * size]
            found = tape.gradient(output, variables, own, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            return [tf.convert_to_tensor(one) for one in found]

        return run(inputs)

    return call


class _Masks:
    """The masks of the batch under way: drawn as its first part asks for them, each cut into its parts."""

    def __init__(self, parts: int, *, outside: bool = False) -> None:
        self._parts, self._outside = parts, outside

    def begin(self, windows: Tensor) -> None:
        self._windows = windows
        self._drawn: dict[Any, Any] = {}

    def begin_part(self, part: Any, windows: Tensor) -> None:
        self._part = part
        self._windows_of_part = windows
        self._asked: Counter[int] = Counter()

    def dropout(self, layer: Any) -> Callable[..., Tensor]:
        """What stands for the ``call`` of a dropout layer."""

        def call(inputs: Tensor, training: bool = False) -> Tensor:
            if not training or not layer.rate:
                return inputs
            return inputs * self._own(layer, inputs, lambda ones: type(layer).call(layer, ones, training=True))

        return call

    def of_cell(self, cell: Any) -> Callable[..., Any]:
        """What stands for the ``DROPOUT_MASK`` of a cell: it gives a mask, or a list of one for each gate."""

        def create(step_input: Tensor, rate: float) -> Any:
            return self._own(cell, step_input, lambda ones: create_dropout_mask(cell, ones, rate))

        return create

    def _graph(self) -> Any:
        """Where a mask is drawn: no graph reads a loop's tensors, but a loop's reads those from outside of it."""
        return None if self._outside else tf.compat.v1.get_default_graph()

    def _own(self, layer: Any, like: Tensor, draw: Callable[[Tensor], Any]) -> Any:
        """The rows that are the part's of the mask that ``draw`` makes of ones for the whole batch.

        A layer may have several rows for each window, one after the other: those of its channels, or of its segments.
        Where a first axis of known length shows that they are no windows', as with time there, each part draws its own.
        """
        if like.shape[0] is not None:
            return draw(tf.ones_like(like))
        self._asked[id(layer)] += 1  # a layer may be called more than once
        key = (self._graph(), id(layer), self._asked[id(layer)])
        rows = tf.shape(like)[0] // tf.maximum(self._windows_of_part, 1)  # of each window; 0 where there is none
        if key not in self._drawn:
            ones = tf.ones(tf.concat([self._windows[None] * rows, tf.shape(like)[1:]], 0), like.dtype)
            ones.set_shape([None, *like.shape[1:]])
            self._drawn[key] = draw(ones)
        size = -(-self._windows // self._parts) * rows
        first = self._part * size
        return tf.nest.map_structure(lambda mask: mask[first : first + size], self._drawn[key])
