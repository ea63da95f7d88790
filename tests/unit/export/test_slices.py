"""Slices name the axes that they cut, and give what they gave before."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import zoo
from zoo.export.slices import name_cut_axes_alone
from zoo_registry import discover

END = 2**31 - 1
VALUES = np.arange(60, dtype=np.float32).reshape(3, 4, 5)


def sliced(*slices):
    """A graph that takes one slice after another, each (starts, ends, axes) or with steps as a fourth."""
    constants, nodes, tensor = [], [], "x"
    for number, bounds in enumerate(slices):
        names = [f"c{number}_{place}" for place in range(len(bounds))]
        constants += [
            numpy_helper.from_array(np.array(value, np.int64), name) for name, value in zip(names, bounds, strict=True)
        ]
        nodes.append(helper.make_node("Slice", [tensor, *names], [f"y{number}"]))
        tensor = f"y{number}"
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["a", "b", "c"]) for name in ("x", tensor)]
    graph = helper.make_graph(nodes, "slices", ends[:1], ends[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def run(model):
    onnx.checker.check_model(model, full_check=True)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": VALUES})[0]


def axes_of(model):
    constants = {tensor.name: numpy_helper.to_array(tensor).tolist() for tensor in model.graph.initializer}
    return [constants[node.input[3]] for node in model.graph.node]


@settings(max_examples=40, deadline=None)
@given(
    bounds=st.lists(
        st.tuples(st.sampled_from([0, 0, 1, -1]), st.sampled_from([END, END, 2, -1]), st.sampled_from([1, 1, 2])),
        min_size=3,
        max_size=3,
    ),
    with_steps=st.booleans(),
)
def test_what_is_left_is_the_same(bounds, with_steps):
    starts, ends, steps = (list(values) for values in zip(*bounds, strict=True))
    model = sliced((starts, ends, [0, 1, 2], steps) if with_steps else (starts, ends, [0, 1, 2]))
    expected = run(model)
    name_cut_axes_alone(model.graph)
    np.testing.assert_array_equal(run(model), expected)
    steps = steps if with_steps else [1, 1, 1]
    cut = [axis for axis in range(3) if (starts[axis], ends[axis], steps[axis]) != (0, END, 1)]
    assert axes_of(model) == [cut or [0, 1, 2]]  # one that cuts nothing at all stays as it is


def test_constants_that_are_no_longer_read_are_gone_and_others_stay():
    model = sliced(([0, 0], [END, -1], [0, 1]), ([1], [3], [2]))
    expected = run(model)
    name_cut_axes_alone(model.graph)
    np.testing.assert_array_equal(run(model), expected)
    assert axes_of(model) == [[1], [2]]
    read = {name for node in model.graph.node for name in node.input} - {"x", "y0"}
    assert {tensor.name for tensor in model.graph.initializer} == read


@pytest.mark.parametrize("cell", [pytest.param("gru", marks=pytest.mark.full), "lstm"])
def test_an_exported_graph_never_slices_the_whole_batch(cell, tmp_path):
    """An anomaly's window is cut, and its targets are folded into the batch: what OpenVINO refused."""
    frame = pd.DataFrame({"load": np.sin(np.arange(120) / 3), "lead": np.cos(np.arange(120) / 3)})
    tiny = {**discover().catalogue["segmented"].item.tiny, "cell": cell}
    settings = {"task": "anomaly", "window": 9, "epochs": 1, "hyperparameters": tiny}
    bundle = zoo.train("segmented", frame, runs=tmp_path / "runs", **settings).export(tmp_path / "exported", name="m")
    model = onnx.load(bundle.folder / "model.onnx")
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    found = [node for node in model.graph.node if node.op_type == "Slice"]
    assert found
    for node in found:
        starts, ends, *_ = (constants[name] for name in node.input[1:])
        assert ((starts != 0) | (ends < END)).all() or len(starts) == 1
