"""From what a network gives, on scaled values, to what its task asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from zoo.forking import refuse_forked
from zoo.models.layer_errors import layers_told
from zoo.models.layers import middle_quantile
from zoo.outputs import FORECAST, IS_ANOMALY, PROBABILITIES, QUANTILES, SCORE
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.runs.record import RunRecord
from zoo_registry import Task


@dataclass(frozen=True)
class Answers:
    """What a task makes of a network's output; the same for NumPy, Keras and the exported graph.

    ``middle`` is the place of the quantile that is the forecast. For anomalies, ``columns`` are those of the features
    that are judged, ``threshold`` is the score above which a window's last row is flagged, and ``reconstruct`` says
    that the network gives back the window instead of forecasting that row.
    """

    task: Task = Task.FORECAST
    middle: int | None = None
    columns: tuple[int, ...] = ()
    threshold: float | None = None
    reconstruct: bool = False

    @property
    def in_units(self) -> bool:
        """Whether the answers are values of the targets, which have units, rather than probabilities or scores."""
        return self.task in (Task.FORECAST, Task.REGRESS)

    def network_input(self, window: Any) -> Any:
        """The part of scaled windows (batch, window, n_features) that the network sees."""
        return window[:, :-1] if self.task is Task.ANOMALY and not self.reconstruct else window

    def values(self, output: Any) -> dict[str, Any]:
        """Name forecasts (batch, horizon, n_targets), which may have an axis of quantiles; units as they are."""
        return {FORECAST: output} if self.middle is None else {FORECAST: output[..., self.middle], QUANTILES: output}

    def judged(self, ops: Any, window: Any, output: Any) -> dict[str, Any]:
        """Name probabilities (batch, classes), or score and flag (batch, 1), of scaled windows and network outputs.

        ``ops`` is ``keras.ops`` or NumPy.
        """
        if self.task is Task.CLASSIFY:
            return {PROBABILITIES: probabilities(ops, output)}
        score = scores(ops, output, ops.take(window[:, -1:], list(self.columns), axis=2))
        return {SCORE: score, IS_ANOMALY: score > self.threshold}


def probabilities(ops: Any, logits: Any) -> Any:
    """Softmax of (batch, classes); for two classes this is the sigmoid of the difference of their logits."""
    shares = ops.exp(logits - ops.max(logits, axis=-1, keepdims=True))
    return shares / ops.sum(shares, axis=-1, keepdims=True)


def scores(ops: Any, output: Any, truth: Any) -> Any:
    """How far windows' last rows are from what a network makes of them, (batch, 1): the root of the mean square.

    ``output`` (batch, steps, n_targets), of which the last step counts, and ``truth``, alike, are scaled.
    """
    error = output[:, -1] - truth[:, -1]
    return ops.sqrt(ops.mean(ops.square(error), axis=-1, keepdims=True))


def answers_of(record: RunRecord) -> Answers:
    """The answers of a run."""
    config = record.config
    if config.task is Task.ANOMALY:
        columns = tuple(map(record.problem.features.index, record.problem.targets))
        return Answers(Task.ANOMALY, None, columns, record.evaluation["threshold"], config.data.reconstruct)
    return Answers(config.task, middle_quantile(config.network.quantiles))


def answer_windows(
    network: keras.Model, preprocessor: Preprocessor, answers: Answers, window: NDArray[Any]
) -> dict[str, NDArray[Any]]:
    """What a trained network and the scikit-learn scalers make of raw windows (batch, window, n_features), by name.

    All of it is float64, in original units where it has units, but for flags.
    """
    refuse_forked()
    scaled = preprocessor.transform(window)
    with layers_told(network, "called"):
        output = network.predict(answers.network_input(scaled), batch_size=len(window), verbose=0)
    output = np.asarray(output, np.float64)
    if answers.in_units:
        return answers.values(preprocessor.targets_.inverse_transform(output, axis=2))
    return answers.judged(np, scaled.astype(np.float64), output)
