"""Triton's ``config.pbtxt``, which makes the folder of models a Triton model repository."""

from __future__ import annotations

from zoo_registry import Problem, Tensor
from zoo_registry.runtime import ONNX_FILE

MAX_BATCH = 1024
_TYPES = {"float32": "TYPE_FP32", "float64": "TYPE_FP64", "bool": "TYPE_BOOL"}


def triton_config(model: str, problem: Problem) -> str:
    """The configuration of a model: its name is the folder's, dims are without the batch axis."""
    inputs = ",\n".join(_tensor(tensor) for tensor in problem.inputs)
    outputs = ",\n".join(_tensor(tensor) for tensor in problem.outputs)
    return (
        f'name: "{model}"\n'
        'backend: "onnxruntime"\n'
        f'default_model_filename: "{ONNX_FILE}"\n'
        f"max_batch_size: {MAX_BATCH}\n"
        f"input [\n{inputs}\n]\n"
        f"output [\n{outputs}\n]\n"
    )


def _tensor(tensor: Tensor) -> str:
    dims = ", ".join(map(str, tensor.shape))
    return f'  {{ name: "{tensor.name}", data_type: {_TYPES[tensor.dtype]}, dims: [ {dims} ] }}'
