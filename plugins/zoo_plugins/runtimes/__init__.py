"""The built-in runtimes."""

from __future__ import annotations

from zoo_registry import Reference, Runtime, hookimpl
from zoo_registry.runtime import SAVED_MODEL_FILE

NO_FLOAT64 = "the bundle takes float64, which OpenVINO announces but computes in float32"


@hookimpl
def zoo_runtimes() -> list[Runtime]:
    return [
        Runtime(
            name="onnxruntime",
            summary="ONNX Runtime on model.onnx.",
            load=Reference("zoo_plugins.runtimes.onnxruntime_session:OnnxRuntimeSession"),
            distribution="onnxruntime",
            takes_bytes=True,
        ),
        Runtime(
            name="tensorflow",
            summary="TensorFlow on the SavedModel, through the loader that serving programs use.",
            load=Reference("zoo_plugins.runtimes.tensorflow_session:TensorFlowSession"),
            distribution="tensorflow",
            file=SAVED_MODEL_FILE,
            runs_programs=True,
        ),
        Runtime(
            name="openvino",
            summary="OpenVINO on model.onnx.",
            load=Reference("zoo_plugins.runtimes.openvino_session:of_onnx"),
            distribution="openvino",
            no_float64=NO_FLOAT64,
            takes_bytes=True,
        ),
        Runtime(
            name="openvino-savedmodel",
            summary="OpenVINO on the SavedModel.",
            load=Reference("zoo_plugins.runtimes.openvino_session:OpenVinoSession"),
            distribution="openvino",
            file=SAVED_MODEL_FILE,
            no_float64=NO_FLOAT64,
        ),
        Runtime(
            name="openvino-ir",
            summary="OpenVINO on what the exporter openvino writes.",
            load=Reference("zoo_plugins.runtimes.openvino_session:of_ir"),
            distribution="openvino",
            file="extra/openvino/model.xml",
            exporter="openvino",
            no_float64=NO_FLOAT64,
        ),
        Runtime(
            name="litert",
            summary="LiteRT on what the exporter litert writes.",
            load=Reference("zoo_plugins.runtimes.litert_session:load"),
            distribution="ai-edge-litert",
            file="extra/litert/model.tflite",
            exporter="litert",
        ),
    ]
