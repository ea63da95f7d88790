"""Triton's configuration, word for word."""

from __future__ import annotations

from zoo.export.triton import triton_config
from zoo_registry import Problem, Tensor

EXPECTED = """\
name: "mine.v1"
backend: "onnxruntime"
default_model_filename: "model.onnx"
max_batch_size: 1024
input [
  { name: "window", data_type: TYPE_FP32, dims: [ 8, 2 ] }
]
output [
  { name: "forecast", data_type: TYPE_FP64, dims: [ 3, 1 ] }
]
"""


def test_the_text():
    problem = Problem(
        task="forecast",
        horizon=3,
        targets=("load",),
        inputs=(Tensor(name="window", dtype="float32", shape=(8, 2), columns=("load", "temperature")),),
        outputs=(Tensor(name="forecast", dtype="float64", shape=(3, 1)),),
    )
    assert triton_config("mine.v1", problem) == EXPECTED


def test_an_exported_model(exported, wide):
    for bundle, dtype in ((exported, "TYPE_FP32"), (wide[1], "TYPE_FP64")):
        model = bundle.folder.parent
        text = (model / "config.pbtxt").read_text(encoding="utf-8")
        assert text == triton_config(model.name, bundle.manifest.problem)
        assert text.count(dtype) == 2
