"""LiteRT, formerly TensorFlow Lite, on the file that the exporter ``litert`` makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from zoo_plugins.runtimes.fixed_batch import in_batches
from zoo_registry.errors import RefusalError
from zoo_registry.streams import silent_stderr


class LiteRtSession:
    """An interpreter with the signature ``serving_default``, whose batch is fixed.

    Raises RefusalError where this LiteRT cannot read the file.
    """

    def __init__(self, path: Path) -> None:
        try:
            with silent_stderr():  # its C++ parts tell which delegate they made, and know no level
                interpreter = Interpreter(model_content=path.read_bytes(), num_threads=1)
                self._serve = interpreter.get_signature_runner("serving_default")
                (details,) = self._serve.get_input_details().values()
                self._serve(window=np.zeros(details["shape"], np.float32))
        except (RuntimeError, ValueError) as error:
            raise RefusalError(f"LiteRT cannot read {path.name} ({' '.join(str(error).split())[:160]})") from error
        self._batch = int(details["shape"][0])

    def run(self, window: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Map raw windows, (batch, window, n_features), to outputs by name."""
        return in_batches(self._run, window, self._batch)

    def _run(self, window: NDArray[Any]) -> dict[str, NDArray[Any]]:
        outputs: dict[str, NDArray[Any]] = self._serve(window=window)
        return outputs


def load(folder: Path) -> LiteRtSession:
    """Load a bundle's LiteRT file."""
    return LiteRtSession(folder / "extra/litert/model.tflite")
