"""Write the serving graph as a SavedModel and as ONNX."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import onnx
import tensorflow as tf
import tf2onnx

from zoo.export.graph import Served, default_function, scaled_function
from zoo.export.inference import in_float32
from zoo.export.native_recurrence import native_recurrence
from zoo.export.operators import HANDLERS, conversion_told, hold_constants, nodes_of, refuse_unknown
from zoo.export.slices import name_cut_axes_alone
from zoo.outputs import INPUT
from zoo_registry.errors import ExportError
from zoo_registry.runtime import ONNX_FILE

OPSET = 18  # the highest that tf2onnx 1.17 writes
BATCH_AXIS = "batch"
SCALED_SIGNATURE = "scaled"


def write_saved_model(served: Served, dtype: str, folder: Path) -> None:
    """Write a SavedModel with the signatures ``serving_default`` (``dtype``) and ``scaled`` (the network's own).

    ``ExportArchive``, not ``tf.saved_model.save``: session loaders cannot read the latter's files of Keras models.
    """
    archive = keras.export.ExportArchive()
    archive.track(served.network)
    default = default_function(served, dtype)
    archive.add_endpoint("serving_default", default, input_signature=[served.input_spec(dtype)])
    scaled = served.input_spec(served.preprocessor.network_dtype)
    archive.add_endpoint(SCALED_SIGNATURE, scaled_function(served), input_signature=[scaled])
    archive.write_out(str(folder), verbose=False)


def write_fixed_saved_model(served: Served, batch: int, folder: Path) -> None:
    """Write a SavedModel whose ``serving_default`` takes exactly ``batch`` windows, and computes in float32 throughout.

    For formats that know neither a dynamic batch nor float64.
    """
    served = replace(served, network=in_float32(served.network))
    archive = keras.export.ExportArchive()
    archive.track(served.network)
    spec = served.input_spec("float32", batch)
    archive.add_endpoint("serving_default", default_function(served, "float32", "float32"), input_signature=[spec])
    archive.write_out(str(folder), verbose=False)


def write_onnx(served: Served, dtype: str, folder: Path) -> dict[str, Any]:
    """Write ``model.onnx``, which equals ``serving_default``, and return its opset and the count of each operator."""
    with native_recurrence(served.network) as handlers, _unheard(logging.getLogger("tf2onnx")):
        function = tf.function(default_function(served, dtype), autograph=False)
        signature = [served.input_spec(dtype)]
        traced = function.get_concrete_function(*signature)  # the one that tf2onnx asks for too
        with conversion_told(served.network):
            model, _ = tf2onnx.convert.from_function(
                function,
                input_signature=signature,
                opset=OPSET,
                custom_op_handlers=HANDLERS | handlers,
            )
        hold_constants(model.graph, traced)
    refuse_unknown(model.graph, served.network, OPSET)
    name_cut_axes_alone(model.graph)
    _name_ends(model, sorted(served.outputs))  # in TensorFlow's order
    with conversion_told(served.network):
        onnx.checker.check_model(model, full_check=True)
    onnx.save(model, folder / ONNX_FILE)
    return {"opset": OPSET, "operators": dict(sorted(Counter(node.op_type for node in nodes_of(model.graph)).items()))}


@contextmanager
def _unheard(logger: logging.Logger) -> Iterator[None]:
    """Let a logger tell nothing meanwhile, as what it would tell is raised."""
    level = logger.level
    logger.setLevel(logging.CRITICAL)
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
