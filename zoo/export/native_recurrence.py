"""LSTM and GRU layers as native ONNX nodes, where tf2onnx would leave a ``Loop``.

While the ONNX graph is traced, each such layer's inner loop is one stand-in operator, which a handler of tf2onnx then
turns into an ``LSTM`` or ``GRU`` node. Afterwards the layers are as before, so that no SavedModel has a stand-in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tf2onnx import utils

from zoo.keras_internals import INNER_LOOP, flatten_layers, standing_in

STAND_IN = "PyFunc"  # an operator of TensorFlow that takes and gives any tensors; this one is never run
# By Keras' name: ONNX' name with its alpha and beta, as Keras 3 defines them
ACTIVATIONS: dict[str, tuple[str, float | None, float | None]] = {
    "tanh": ("Tanh", None, None),
    "sigmoid": ("Sigmoid", None, None),
    "relu": ("Relu", None, None),
    "hard_sigmoid": ("HardSigmoid", 1 / 6, 0.5),
    "softsign": ("Softsign", None, None),
}


@dataclass(frozen=True)
class _Node:
    """An ONNX node: W (1, gates*units, inputs), R (1, gates*units, units), B (1, 2*gates*units), all float32."""

    operator: str
    weights: dict[str, NDArray[np.float32]]
    attributes: dict[str, Any]


@contextmanager
def native_recurrence(network: keras.Model) -> Iterator[dict[str, Any]]:
    """Let a network's LSTM and GRU layers be traced as native nodes, and give the handlers that tf2onnx needs for it.

    Left as they are: an LSTM that tf2onnx makes native by itself, and layers without an ONNX counterpart (another
    activation or class, stateful, another dtype than float32), which become a ``Loop`` with the same values.
    """
    nodes: dict[bytes, _Node] = {}

    def handle(ctx: Any, node: Any, name: str, args: Any) -> None:
        _replace(ctx, node, nodes[node.get_attr_value("token")])

    changed = [layer for layer in flatten_layers(network) if _needs_stand_in(layer)]
    with standing_in([(layer, INNER_LOOP, _stand_in(layer, nodes)) for layer in changed]):
        yield {STAND_IN: (handle, [])}


def _needs_stand_in(layer: Any) -> bool:
    if type(layer) not in (keras.layers.LSTM, keras.layers.GRU) or layer.stateful or layer.compute_dtype != "float32":
        return False
    if not {_activation(layer.activation), _activation(layer.recurrent_activation)} <= ACTIVATIONS.keys():
        return False
    usual = (_activation(layer.activation), _activation(layer.recurrent_activation)) == ("tanh", "sigmoid")
    return isinstance(layer, keras.layers.GRU) or not usual or not layer.use_bias or layer.unroll


def _activation(function: Any) -> str:
    name = keras.activations.serialize(function)
    return name if isinstance(name, str) else ""


def _stand_in(layer: Any, nodes: dict[bytes, _Node]) -> Callable[..., Any]:
    """What replaces the layer's ``inner_loop``: same arguments and results."""
    plain, node = layer.inner_loop, _node(layer)  # now: weights cannot be read while a graph is traced

    def inner_loop(sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        if mask is not None:
            return plain(sequences, initial_state, mask, training)
        states = tf.nest.flatten(initial_state)
        steps = tf.transpose(sequences[:, ::-1] if layer.go_backwards else sequences, (1, 0, 2))  # time first
        token = f"zoo-{len(nodes)}"
        nodes[token.encode()] = node
        outputs, *last = tf.raw_ops.PyFunc(input=[steps, *states], token=token, Tout=[tf.float32] * (1 + len(states)))
        outputs = tf.ensure_shape(outputs, (sequences.shape[1], sequences.shape[0], layer.units))
        last = [tf.ensure_shape(state, (sequences.shape[0], layer.units)) for state in last]
        return last[0], tf.transpose(outputs, (1, 0, 2)), last

    return inner_loop


def _node(layer: Any) -> _Node:
    """The layer's weights, gates in ONNX' order, and its attributes."""
    lstm = isinstance(layer, keras.layers.LSTM)
    gates = (0, 3, 1, 2) if lstm else (0, 1, 2)  # Keras: i f c o, and z r h; ONNX: i o f c, and z r h
    cell = layer.cell

    def ordered(values: Any) -> NDArray[np.float32]:
        parts = np.split(keras.ops.convert_to_numpy(values).astype(np.float32), len(gates), axis=-1)
        return np.concatenate([parts[gate] for gate in gates], axis=-1)

    biases = np.zeros((2, len(gates) * layer.units), np.float32)  # of the inputs, of the state
    if layer.use_bias:
        found = np.atleast_2d(ordered(cell.bias))
        biases[: len(found)] = found
    gate, inner = ACTIVATIONS[_activation(layer.recurrent_activation)], ACTIVATIONS[_activation(layer.activation)]
    used = (gate, inner, inner) if lstm else (gate, inner)
    attributes: dict[str, Any] = {"hidden_size": layer.units, "activations": [name for name, _, _ in used]}
    if alpha := [value for _, value, _ in used if value is not None]:
        attributes["activation_alpha"] = alpha
    if beta := [value for _, _, value in used if value is not None]:
        attributes["activation_beta"] = beta
    if not lstm:
        attributes["linear_before_reset"] = int(layer.reset_after)
    weights = {
        "W": ordered(cell.kernel).T[None],
        "R": ordered(cell.recurrent_kernel).T[None],
        "B": biases.reshape(1, -1),
    }
    return _Node("LSTM" if lstm else "GRU", weights, attributes)


def _replace(ctx: Any, node: Any, native: _Node) -> None:
    """Put the native node, with a direction axis of one around it, in the stand-in's place."""
    from onnx import TensorProto

    steps, *states = node.input
    weights = [ctx.make_const(utils.make_name(f"{node.name}_{key}"), value) for key, value in native.weights.items()]
    axis = ctx.make_const(utils.make_name("direction"), np.array([0], np.int64))
    after_time = ctx.make_const(utils.make_name("direction"), np.array([1], np.int64))
    initial = [ctx.make_node("Unsqueeze", [state, axis.output[0]]).output[0] for state in states]
    outputs, last = list(node.output), list(node.output[1:])
    ctx.remove_node(node.name)
    recurrent = ctx.make_node(
        native.operator,
        [steps, *(weight.output[0] for weight in weights), "", *initial],  # "": no lengths of sequences
        attr=native.attributes,
        output_count=1 + len(last),
        dtypes=[TensorProto.FLOAT] * (1 + len(last)),
        shapes=[None] * (1 + len(last)),
    )
    for index, (name, axes) in enumerate(zip(outputs, (after_time, *(axis for _ in last)), strict=True)):
        ctx.make_node(
            "Squeeze",
            [recurrent.output[index], axes.output[0]],
            outputs=[name],
            dtypes=[TensorProto.FLOAT],
            shapes=[None],
        )
