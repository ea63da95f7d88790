"""TensorFlow on the SavedModel, through the session loader that the C API and TF Serving use."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tensorflow as tf
from numpy.typing import NDArray

SERVING_SIGNATURE = "serving_default"
_PATTERN = frozenset("*?[]\\")


class TensorFlowSession:
    """A graph session with one signature of a SavedModel."""

    def __init__(self, folder: Path, signature: str = SERVING_SIGNATURE) -> None:
        logger = tf.get_logger()
        level = logger.level
        logger.setLevel("ERROR")  # the loader is deprecated for Python, and it is the one that serving programs have
        try:
            self._session = tf.compat.v1.Session(graph=tf.Graph())
            with self._session.graph.as_default(), _without_patterns(folder) as path:
                graph = tf.compat.v1.saved_model.load(self._session, ["serve"], str(path))
        finally:
            logger.setLevel(level)
        definition = graph.signature_def[signature]
        (self._input,) = (tensor.name for tensor in definition.inputs.values())
        self._outputs = {name: tensor.name for name, tensor in definition.outputs.items()}

    def run(self, window: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Map windows, (batch, window, n_features), to outputs by name."""
        outputs: dict[str, NDArray[Any]] = self._session.run(self._outputs, {self._input: window})
        return outputs


@contextmanager
def _without_patterns(folder: Path) -> Iterator[Path]:
    """A path to the folder that TensorFlow finds the files of variables by, which it takes for a pattern."""
    if _PATTERN.isdisjoint(str(folder)):
        yield folder
        return
    with tempfile.TemporaryDirectory() as place:
        link = Path(place, "bundle")
        link.symlink_to(folder.absolute(), target_is_directory=True)
        yield link
