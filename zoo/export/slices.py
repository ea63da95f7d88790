"""Slices of an ONNX graph that name only the axes which they cut."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from zoo.export.operators import graphs_of

_TO_THE_END = np.iinfo(np.int32).max  # what tf2onnx writes where nothing is cut


def name_cut_axes_alone(graph: onnx.GraphProto) -> None:
    """Leave out of each slice the axes of which it keeps everything, the batch axis among them; in place.

    tf2onnx writes ``x[:, :-1]`` as a slice of both axes. OpenVINO then takes the batch for bounded, and where rows are
    folded into the batch it finds bounds that do not agree, and refuses the graph.
    """
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    before = {name for node in graph.node for name in node.input}
    for number, node in enumerate(graph.node):
        if node.op_type != "Slice" or len(node.input) < 4 or not all(name in values for name in node.input[1:]):
            continue
        bounds = [values[name] for name in node.input[1:]]
        cut = _cut(*bounds)
        if cut.all() or not cut.any():
            continue
        for place, old in enumerate(bounds, 1):
            name = f"slice_{number}_{place}"
            graph.initializer.append(numpy_helper.from_array(old[cut], name))
            node.input[place] = name
    used = {name for part in graphs_of(graph) for node in part.node for name in node.input}
    used |= {tensor.name for part in graphs_of(graph) for tensor in part.output}
    kept = [tensor for tensor in graph.initializer if tensor.name in used or tensor.name not in before]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _cut(
    starts: NDArray[np.int64], ends: NDArray[np.int64], axes: NDArray[np.int64], steps: NDArray[np.int64] | None = None
) -> NDArray[np.bool_]:
    """Of which axes anything may be cut."""
    forward = np.ones_like(axes) if steps is None else steps
    kept: NDArray[np.bool_] = (starts == 0) & (ends >= _TO_THE_END) & (forward == 1)
    return ~kept
