"""TensorFlow's operators in ONNX: some that tf2onnx does not convert, and a sentence for those that ONNX lacks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import onnx
from tf2onnx import utils

from zoo.models.layer_errors import layer_at, named
from zoo_registry.errors import ExportError, first_line

_NODE = re.compile(r"[\w.-]+(?:/[\w.-]+)+")

# By TensorFlow's operator, where something else does
INSTEAD = {
    "Bitcast": "keras.ops.top_k for keras.ops.argmax",
    "Bucketize": "comparisons with the bounds",
    "LookupTableFindV2": "whole numbers that need no table",
    "RFFT": "STFTSpectrogram, or a product with a matrix of sines and cosines",
    "StatefulPartitionedCall": "groups=1, DepthwiseConv1D or SeparableConv1D for a convolution in groups",
    "StringToHashBucketFast": "whole numbers that need no hashing",
}


def _as_it_is(*_: Any) -> None:
    """ONNX has this operator under TensorFlow's name."""


def _made_of(*steps: tuple[str, float | None, bool]) -> Callable[..., None]:
    """Replace an operator of one input by several: each is ONNX' name, and a constant before or after its input."""

    def handle(ctx: Any, node: Any, name: str, args: Any) -> None:
        value, (output,) = node.input[0], node.output
        dtype, shape = ctx.get_dtype(value), ctx.get_shape(value)
        ctx.remove_node(node.name)
        for number, (operator, constant, before) in enumerate(steps, 1):
            inputs = [value]
            if constant is not None:
                array = np.array(constant, utils.map_onnx_to_numpy_type(dtype))
                inputs.insert(0 if before else 1, ctx.make_const(utils.make_name(node.name), array).output[0])
            names = {"outputs": [output]} if number == len(steps) else {}
            value = ctx.make_node(operator, inputs, dtypes=[dtype], shapes=[shape], **names).output[0]

    return handle


HANDLERS: dict[str, Any] = {
    # tf2onnx computes logarithms of doubles in float32, as ONNX Runtime once had no other
    "Log": (_as_it_is, []),
    # These it leaves as they are; what is lost of small values is far below the parity gate's limit
    "Erfc": (_made_of(("Erf", None, False), ("Sub", 1.0, True)), []),
    "Expm1": (_made_of(("Exp", None, False), ("Sub", 1.0, False)), []),
    "Log1p": (_made_of(("Add", 1.0, False), ("Log", None, False)), []),
}


@contextmanager
def conversion_told(network: keras.Model) -> Iterator[None]:
    """Raise ExportError for whatever tf2onnx or the checker of ONNX raises, with the layer that it speaks of."""
    try:
        yield
    except Exception as error:
        found = (layer_at(network, node) for node in _NODE.findall(str(error)))
        layer = next((layer for layer in found if layer is not None), None)
        who = "the network" if layer is None else named(layer)
        raise ExportError(
            f"{who} cannot be converted to ONNX: {type(error).__name__}: {first_line(error)}; take other layers, and"
            " train again"
        ) from error


def hold_constants(graph: onnx.GraphProto, function: Any) -> None:
    """Put the constants that a function of TensorFlow holds into its ONNX graph, where tf2onnx makes inputs of them."""
    held = {inside.name: outside for outside, inside in function.graph.captures}
    for end in [end for end in graph.input if end.name in held]:
        graph.initializer.append(onnx.numpy_helper.from_array(held[end.name].numpy(), end.name))
        graph.input.remove(end)


def refuse_unknown(graph: onnx.GraphProto, network: keras.Model, opset: int) -> None:
    """Raise ExportError for an operator that ONNX lacks, which tf2onnx leaves under TensorFlow's name."""
    for node in nodes_of(graph):
        if onnx.defs.has(node.op_type, node.domain) or node.domain:
            continue
        layer = layer_at(network, node.name)
        who = "an operation of the network" if layer is None else named(layer)
        advice = INSTEAD.get(node.op_type, "other layers")
        raise ExportError(
            f"{who} cannot be exported: ONNX has nothing for TensorFlow's {node.op_type}; take {advice}, and train"
            " again"
        )


def graphs_of(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """A graph, and the bodies of loops and branches in it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                yield from graphs_of(body)


def nodes_of(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Every node, those of loop and branch bodies too."""
    for part in graphs_of(graph):
        yield from part.node
