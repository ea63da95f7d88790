"""ONNX Runtime on ``model.onnx``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime
from numpy.typing import NDArray

ONNX_FILE = "model.onnx"


class OnnxRuntimeSession:
    """An inference session on the CPU."""

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors only
        self._session = onnxruntime.InferenceSession(
            folder / ONNX_FILE, sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, window: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Map raw windows, (batch, window, n_features), to outputs by name."""
        return dict(zip(self._outputs, self._session.run(None, {self._input: window}), strict=True))


def load(folder: Path) -> OnnxRuntimeSession:
    """Load a bundle."""
    return OnnxRuntimeSession(folder)
