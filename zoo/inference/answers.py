"""From what a network gives, on scaled values, to what its task asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from zoo.forking import refuse_forked
from zoo.models.layer_errors import layers_told
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.runs.record import RunRecord
from zoo.tasks import find_task
from zoo.tasks.base import SequenceTask
from zoo_registry import Problem


@dataclass(frozen=True)
class Answers:
    """What a task makes of a network's output; the same for NumPy, Keras and the exported graph.

    ``threshold`` is the score above which something is flagged, where the task flags.
    """

    problem: Problem
    threshold: float | None = None

    @property
    def task(self) -> SequenceTask:
        """What is asked."""
        return find_task(self.problem.task)

    def network_input(self, window: Any) -> Any:
        """The part of scaled windows (batch, window, n_features) that the network sees."""
        return self.task.network_input(window, self.problem)

    def decode(self, ops: Any, window: Any, output: Any, in_units: Callable[[Any], Any] = lambda values: values) -> Any:
        """Outputs by name, of scaled windows and what the network gives for them; see :meth:`SequenceTask.decode`."""
        return self.task.decode(ops, window, output, self.problem, in_units=in_units, threshold=self.threshold)


def answers_of(record: RunRecord) -> Answers:
    """The answers of a run."""
    return Answers(record.problem, None if record.evaluation is None else record.evaluation.get("threshold"))


def _predicted(network: keras.Model, inputs: NDArray[Any]) -> NDArray[Any]:
    """What a network gives for scaled windows."""
    if inputs.dtype == np.float64:  # which ``predict`` would round to float32
        found: NDArray[Any] = keras.ops.convert_to_numpy(network(keras.ops.convert_to_tensor(inputs), training=False))
        return found
    return np.asarray(network.predict(inputs, batch_size=len(inputs), verbose=0))


def answer_windows(
    network: keras.Model,
    preprocessor: Preprocessor,
    answers: Answers,
    window: NDArray[Any],
    series: Sequence[str] | None = None,
) -> dict[str, NDArray[Any]]:
    """What a trained network and the scikit-learn scalers make of raw windows (batch, window, n_features), by name.

    All of it is float64, in original units where it has units, but for flags. ``series`` names each window's; raises
    DataError where each has a scaler of its own and one is not known.
    """
    refuse_forked()
    scaled, to_units = preprocessor.scale_windows(window, series)
    with layers_told(network, "called"):
        output = _predicted(network, answers.network_input(scaled))
    output = np.asarray(output, np.float64)
    found: dict[str, NDArray[Any]] = answers.decode(np, scaled.astype(np.float64), output, to_units)
    return found
