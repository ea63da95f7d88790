"""OpenVINO on ``model.onnx``, on the SavedModel, and on the IR that the exporter ``openvino`` makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openvino
from numpy.typing import NDArray

from zoo_plugins.runtimes.fixed_batch import in_batches
from zoo_registry.errors import RefusalError
from zoo_registry.runtime import ONNX_FILE, OUTPUTS

# Where a CPU has bfloat16, OpenVINO would compute in it, and err by 1e-3 and more
SETTINGS = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}


class OpenVinoSession:
    """A model that is compiled for the CPU, in float32.

    Raises RefusalError where this OpenVINO cannot read the model, such as an ONNX ``Loop`` in some versions, or a
    recurrent activation that it does not have.
    """

    def __init__(self, model: Path | bytes) -> None:
        core = openvino.Core()
        try:
            read = core.read_model(model, b"") if isinstance(model, bytes) else core.read_model(model)
            self._compiled = core.compile_model(read, "CPU", SETTINGS)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[-160:]
            raise RefusalError(
                f"OpenVINO {openvino.__version__.split('-')[0]} cannot read the model (… {reason}); use another runtime"
            ) from error
        self._names = [next(name for name in port.get_names() if name in OUTPUTS) for port in self._compiled.outputs]
        batch = self._compiled.inputs[0].get_partial_shape()[0]
        self._batch = batch.get_length() if batch.is_static else None

    def run(self, window: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Map raw windows, (batch, window, n_features), to outputs by name."""
        return self._run(window) if self._batch is None else in_batches(self._run, window, self._batch)

    def _run(self, window: NDArray[Any]) -> dict[str, NDArray[Any]]:
        found = self._compiled([window])
        return {name: found[index].copy() for index, name in enumerate(self._names)}


def of_onnx(folder: Path, onnx: bytes | None = None) -> OpenVinoSession:
    """Load a bundle, whose ``model.onnx`` has the content ``onnx`` where that is known."""
    return OpenVinoSession(folder / ONNX_FILE if onnx is None else onnx)


def of_ir(folder: Path) -> OpenVinoSession:
    """Load a bundle's OpenVINO IR."""
    return OpenVinoSession(folder / "extra/openvino/model.xml")
