"""Write the serving graph as a SavedModel and as ONNX."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import onnx
import tensorflow as tf
import tf2onnx

from zoo.export.graph import Served, default_function, scaled_function
from zoo.export.native_recurrence import native_recurrence
from zoo.export.slices import name_cut_axes_alone
from zoo.outputs import INPUT
from zoo.runtimes.onnxruntime_session import ONNX_FILE
from zoo_registry.errors import ExportError

OPSET = 18  # the highest that tf2onnx 1.17 writes
BATCH_AXIS = "batch"
SCALED_SIGNATURE = "scaled"


def _as_it_is(*_: Any) -> None:
    """ONNX has this operator under TensorFlow's name."""


# tf2onnx computes logarithms of doubles in float32, as ONNX Runtime once had no other.
OP_HANDLERS: dict[str, Any] = {"Log": (_as_it_is, [])}


def write_saved_model(served: Served, dtype: str, folder: Path) -> None:
    """Write a SavedModel with the signatures ``serving_default`` (``dtype``) and ``scaled`` (float32).

    ``ExportArchive``, not ``tf.saved_model.save``: session loaders cannot read the latter's files of Keras models.
    """
    archive = keras.export.ExportArchive()
    archive.track(served.network)
    default = default_function(served, dtype)
    archive.add_endpoint("serving_default", default, input_signature=[served.input_spec(dtype)])
    archive.add_endpoint(SCALED_SIGNATURE, scaled_function(served), input_signature=[served.input_spec("float32")])
    archive.write_out(str(folder), verbose=False)


def write_fixed_saved_model(served: Served, batch: int, folder: Path) -> None:
    """Write a SavedModel whose ``serving_default`` takes exactly ``batch`` windows, and computes in float32 throughout.

    For formats that know neither a dynamic batch nor float64.
    """
    archive = keras.export.ExportArchive()
    archive.track(served.network)
    spec = served.input_spec("float32", batch)
    archive.add_endpoint("serving_default", default_function(served, "float32", "float32"), input_signature=[spec])
    archive.write_out(str(folder), verbose=False)


def write_onnx(served: Served, dtype: str, folder: Path) -> dict[str, Any]:
    """Write ``model.onnx``, which equals ``serving_default``, and return its opset and the count of each operator."""
    with native_recurrence(served.network) as handlers, _errors_alone(logging.getLogger("tf2onnx")):
        model, _ = tf2onnx.convert.from_function(
            tf.function(default_function(served, dtype)),
            input_signature=[served.input_spec(dtype)],
            opset=OPSET,
            custom_op_handlers=OP_HANDLERS | handlers,
        )
    name_cut_axes_alone(model.graph)
    _name_ends(model, sorted(served.outputs))  # in TensorFlow's order
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, folder / ONNX_FILE)
    return {"opset": OPSET, "operators": dict(sorted(Counter(_operators(model.graph)).items()))}


@contextmanager
def _errors_alone(logger: logging.Logger) -> Iterator[None]:
    """Let a logger tell nothing less than errors meanwhile."""
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _name_ends(model: onnx.ModelProto, outputs: Sequence[str]) -> None:
    """Hold the input's and outputs' names, and call their first axis ``batch``."""
    graph = model.graph
    if len(graph.input) != 1 or len(graph.output) != len(outputs):
        names = [tensor.name for tensor in (*graph.input, *graph.output)]
        raise ExportError(
            f"the ONNX graph: expected the tensors {', '.join((INPUT, *outputs))}, found {names}; constants of an"
            " architecture have to be NumPy arrays or weights"
        )
    ends = zip((INPUT, *outputs), (*graph.input, *graph.output), strict=True)
    for expected, found in ends:
        old = found.name
        for node in graph.node:
            for names in (node.input, node.output):
                for index, name in enumerate(names):
                    if name == old:
                        names[index] = expected
        found.name = expected
        found.type.tensor_type.shape.dim[0].dim_param = BATCH_AXIS
    del graph.value_info[:]  # shape notes on inner tensors still carry the converter's own symbol


def _operators(graph: onnx.GraphProto) -> list[str]:
    """Every node's operator, those of loop and branch bodies too."""
    found = []
    for node in graph.node:
        found.append(node.op_type)
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                found += _operators(body)
    return found
