"""ONNX Runtime on ``model.onnx``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime
from numpy.typing import NDArray

from zoo_registry.runtime import ONNX_FILE


class OnnxRuntimeSession:
    """An inference session on the CPU, of a folder's ``model.onnx`` or of its content."""

    def __init__(self, folder: Path, onnx: bytes | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors only
        options.intra_op_num_threads = 1  # for networks of this size more threads take twice the CPU and are no faster
        self._session = onnxruntime.InferenceSession(
            folder / ONNX_FILE if onnx is None else onnx, sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, window: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Map raw windows, (batch, window, n_features), to outputs by name."""
        return dict(zip(self._outputs, self._session.run(None, {self._input: window}), strict=True))
