"""What a network costs: its parameters, and the multiply-adds of one window, counted from its layers.

What is counted are products of matrices and convolutions, forward, for one window. With ``n`` inputs and ``u`` units:

- ``Dense``: ``n * u`` for each row that it is applied to; ``EinsumDense`` likewise, by its equation;
- ``Conv1D`` and its kin: kernel size * input channels / groups, for each value of the output;
- ``LSTM``, ``GRU``, ``SimpleRNN``: 4, 3 or 1 times ``u * (u + n)`` for each step; ``Bidirectional`` both ways;
- ``Attention`` and ``AdditiveAttention``: for each pair of a query and a value the width of both;
- ``ops.matmul`` and ``ops.einsum``: the values of the output times what is summed over.

Not counted, as they are few beside these: biases, activations, sums, normalization, pooling, and whatever else goes
value by value. A layer that is called twice counts twice, and one whose rows are folded into the batch counts each of
them: the shapes are those of one window on its way through the network.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import keras
from keras import layers

from zoo.models.custom_objects import custom_objects, known

GATES = {layers.LSTM: 4, layers.GRU: 3, layers.SimpleRNN: 1}
WITHOUT_PRODUCTS = (layers.Embedding, layers.LayerNormalization, layers.BatchNormalization, layers.GroupNormalization)


@dataclass(frozen=True)
class Complexity:
    """``multiply_adds`` are those of one window; ``uncounted`` names the layers with weights that no rule knows.

    ``least`` is what these layers take at least: each weight once, those of recurrent ones once for each step.
    ``values`` are what layers and operations give for one window, and the gates of recurrent ones.
    """

    parameters: int
    multiply_adds: int
    uncounted: tuple[str, ...] = ()
    least: int = 0
    values: int = field(default=0, compare=False)


def complexity(model: keras.Model) -> Complexity:
    """Count a network of inputs (batch, ...); nothing is computed, and the network stays as it is."""
    with known(custom_objects(model)):
        products, uncounted, values = _count(model, [(1, *tensor.shape[1:]) for tensor in model.inputs])
    names = tuple(dict.fromkeys(name for name, _ in uncounted))
    return Complexity(model.count_params(), products, names, sum(least for _, least in uncounted), values)


def _count(model: keras.Model, shapes: Iterable[tuple[int, ...]]) -> tuple[int, list[tuple[str, int]], int]:
    """Of inputs of exactly these shapes, batch axis too, products, the layers left out (name, least), and values."""
    found: list[int] = []
    values: list[int] = []
    uncounted: list[tuple[str, int]] = []

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = layer(*args, **kwargs)
        args = args or tuple(kwargs.values())  # a layer may be called by keywords alone
        values.append(_values(layer, args, outputs))
        if isinstance(layer, keras.Model):
            products, others, inner = _count(layer, [tensor.shape for tensor in keras.tree.flatten(args[0])])
            found.append(products)
            uncounted.extend(others)
            values.append(inner)
        elif (rule := _rule(layer)) is not None:
            found.append(rule(layer, args, outputs))
        elif getattr(layer, "weights", ()) and not isinstance(layer, WITHOUT_PRODUCTS):
            steps = int(args[0].shape[1]) if isinstance(layer, layers.RNN) else 1
            uncounted.append((type(layer).__name__, steps * layer.count_params()))
        return outputs

    functional = keras.Model(model.inputs, model.outputs)
    ends = zip(model.inputs, shapes, strict=True)
    inputs = [keras.Input(batch_shape=shape, dtype=tensor.dtype) for tensor, shape in ends]
    keras.models.clone_model(functional, input_tensors=inputs, call_function=call)
    return sum(found), uncounted, sum(values)


def _values(layer: Any, args: Any, outputs: Any) -> int:
    """What a layer gives, and of a recurrent one, for each step, gates, state and output."""
    gates = next((count for kind, count in GATES.items() if isinstance(layer, kind)), None)
    if gates is None:
        return sum(_size(tensor.shape) for tensor in keras.tree.flatten(outputs) if None not in tensor.shape)
    return _size(args[0].shape[:2]) * (gates + 2) * int(layer.units)


def _rule(layer: Any) -> Callable[[Any, Any, Any], int] | None:
    """The rule for a layer or an operation; it takes the layer, what it is called with, and its output."""
    if isinstance(layer, (layers.TimeDistributed, layers.Bidirectional)):
        both = isinstance(layer, layers.Bidirectional)
        parts = [layer.forward_layer, layer.backward_layer] if both else [layer.layer]
        rules = [rule for part in parts if (rule := _rule(part)) is not None]
        if len(rules) < len(parts):
            return None
        return lambda _, args, output: sum(rule(part, args, output) for rule, part in zip(rules, parts, strict=True))
    known = (rule for kind, rule in _RULES.items() if isinstance(layer, kind))
    return next(known, _OPERATIONS.get(type(layer).__name__))


def _product(layer: Any, args: Any, output: Any) -> int:
    return _size(output.shape) * int(args[0].shape[-1])


def _einsum_dense(layer: Any, args: Any, output: Any) -> int:
    ends, result = layer.equation.split("->")
    sizes = dict(zip(ends.split(",")[1], layer.kernel.shape, strict=True))
    return _size(output.shape) * _size(size for axis, size in sizes.items() if axis not in result)


def _convolution(layer: Any, args: Any, output: Any) -> int:
    channels = args[0].shape[-1 if layer.data_format == "channels_last" else 1]
    return _size(output.shape) * _size(layer.kernel_size) * (int(channels) // int(layer.groups))


def _recurrent(layer: Any, args: Any, output: Any) -> int:
    *steps, inputs = args[0].shape
    gates = next(count for kind, count in GATES.items() if isinstance(layer, kind))
    return _size(steps) * gates * int(layer.units) * (int(layer.units) + int(inputs))


def _attention(layer: Any, args: Any, output: Any) -> int:
    query, value, *key = args[0]
    width = (key[0] if key else value).shape[-1] + value.shape[-1]
    return _size(query.shape[:-1]) * int(value.shape[-2]) * int(width)


def _einsum(operation: Any, args: Any, output: Any) -> int:
    ends, arrow, result = operation.subscripts.replace(" ", "").partition("->")
    sizes: dict[str, int] = {}
    for end, tensor in zip(ends.split(","), args, strict=True):
        first, _, last = end.partition("...")  # what is between them stands in the output
        sizes |= zip(first, tensor.shape, strict=False)
        sizes |= zip(reversed(last), reversed(tensor.shape), strict=False)
    kept = result if arrow else {axis for axis in sizes if ends.count(axis) == 1}
    return _size(output.shape) * _size(size for axis, size in sizes.items() if axis not in kept)


def _size(sizes: Iterable[int]) -> int:
    return math.prod(map(int, sizes))


_RULES: dict[Any, Callable[[Any, Any, Any], int]] = {
    layers.Dense: _product,
    layers.EinsumDense: _einsum_dense,
    (layers.Conv1D, layers.Conv2D, layers.Conv3D): _convolution,
    tuple(GATES): _recurrent,
    (layers.Attention, layers.AdditiveAttention): _attention,
}
_OPERATIONS = {"Matmul": _product, "Einsum": _einsum}  # Keras has no public names for these classes
