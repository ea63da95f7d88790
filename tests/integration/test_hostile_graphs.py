"""Graphs that take any time or memory: a replay ends at its limits, and the command hears Ctrl-C meanwhile."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import zoo
from zoo.bundle.integrity import describe_files
from zoo.bundle.manifest import Manifest, OnnxRecord
from zoo_registry.errors import BundleError

SHAPE = ["batch", 8, 2], ["batch", 3, 1]


@pytest.fixture
def hostile(exported, tmp_path: Path) -> Callable[..., Path]:
    """Replace the graph of a copy of the tiny bundle, and seal it; by default with a list of its operators."""
    folder = Path(shutil.copytree(exported.folder, tmp_path / "tiny" / "1"))

    def make(nodes: list[onnx.NodeProto], constants: list[onnx.TensorProto], *listed: str) -> Path:
        ends = [helper.make_tensor_value_info("window", TensorProto.FLOAT, SHAPE[0])]
        found = [helper.make_tensor_value_info("forecast", TensorProto.FLOAT, SHAPE[1])]
        graph = helper.make_graph(nodes, "hostile", ends, found, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, folder / "model.onnx")
        operators = listed or [node.op_type for node in nodes] + [
            node.op_type for outer in nodes for a in outer.attribute for node in a.g.node
        ]
        manifest = Manifest.read(folder)
        onnx_record = OnnxRecord(opset=18, operators=dict(Counter(operators)))
        changes = {"files": describe_files(folder), "onnx": onnx_record}
        manifest.model_copy(update=changes).write(folder)
        return folder

    return make


def constant(
    name: str, *values: float, kind: type = np.int64, shape: tuple[int, ...] | None = None
) -> onnx.TensorProto:
    array = np.array(values, kind)
    return numpy_helper.from_array(array.reshape(array.shape if shape is None else shape), name)


def endless() -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """A loop that is never told to end, around the mean of the window."""
    inside = [helper.make_node("Identity", ["go"], ["still"]), helper.make_node("Add", ["sum", "sum"], ["more"])]
    body = helper.make_graph(
        inside,
        "body",
        [
            helper.make_tensor_value_info("step", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("sum", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("more", TensorProto.FLOAT, None),
        ],
    )
    nodes = [
        helper.make_node("ReduceMean", ["window", "axes"], ["mean"], keepdims=1),
        helper.make_node("Loop", ["forever", "true", "mean"], ["sums"], body=body),
        helper.make_node("Expand", ["sums", "three"], ["forecast"]),
    ]
    constants = [
        constant("axes", 1, 2),
        constant("three", 1, 3, 1),
        constant("forever", 2**63 - 1, shape=()),
        constant("true", True, kind=np.bool_, shape=()),
    ]
    return nodes, constants


def vast() -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Five gigabytes of zeros, in a file of a few hundred bytes, of which the mean is added."""
    nodes = [
        helper.make_node("Shape", ["window"], ["sizes"], start=0, end=1),
        helper.make_node("Mul", ["sizes", "many"], ["vast"]),
        helper.make_node("ConstantOfShape", ["vast"], ["zeros"]),
        helper.make_node("ReduceMax", ["zeros"], ["zero"], keepdims=0),
        helper.make_node("ReduceMean", ["window", "axes"], ["mean"], keepdims=1),
        helper.make_node("Add", ["mean", "zero"], ["sum"]),
        helper.make_node("Expand", ["sum", "three"], ["forecast"]),
    ]
    return nodes, [constant("axes", 1, 2), constant("three", 1, 3, 1), constant("many", 1_250_000_000)]


def test_repair_21_an_endless_loop_is_ended(hostile, zoo_command):
    folder = hostile(*endless())
    done = zoo_command("verify", folder, "--time-limit", 3)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"error: {folder}: its replay took more than 3 s, and was ended; do not use the bundle"
    )


def test_repair_21_ctrl_c_ends_an_endless_loop(hostile, zoo_command, monkeypatch):
    """An alarm stands for Ctrl-C, which the process of the replay would not hear."""
    folder, communicate, started = hostile(*endless()), subprocess.Popen.communicate, []

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def waiting(process, *arguments, **options):
        started.append(process)
        signal.setitimer(signal.ITIMER_REAL, 1)
        return communicate(process, *arguments, **options)

    monkeypatch.setattr(subprocess.Popen, "communicate", waiting)
    usual = signal.signal(signal.SIGALRM, interrupt)
    try:
        done = zoo_command("verify", folder)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, usual)
    assert (done.exit_code, done.stdout) == (130, "")
    assert done.stderr == "interrupted; nothing half-written is left\n"
    assert [process.returncode for process in started] == [-signal.SIGKILL]


def test_repair_21_a_graph_that_takes_five_gigabytes(hostile, zoo_command):
    folder = hostile(*vast())
    assert (folder / "model.onnx").stat().st_size < 1000
    done = zoo_command("verify", folder)
    assert (done.exit_code, done.stdout) == (2, "")
    (sentence,) = done.stderr.splitlines()
    assert " MB of memory; do not use the bundle, or give more with --memory-limit" in sentence
    with pytest.raises(BundleError, match="its replay takes more than 1000 MB of memory"):
        zoo.verify_bundle(folder, memory_limit=1000)


def test_repair_21_operators_that_the_manifest_does_not_list(hostile, zoo_command, series_file):
    nodes, constants = endless()
    folder = hostile(nodes, constants, "ReduceMean", "Loop", "Expand", "Identity")
    for command in (("verify", folder), ("predict", folder, "--data", series_file)):
        done = zoo_command(*command)
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr == (
            f"error: {folder}/model.onnx: expected the operators that the manifest lists, found 'Add'; export again\n"
        )
    with pytest.raises(BundleError, match="found 'Add'"):
        zoo.load_bundle(folder)
