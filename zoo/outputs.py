"""The exported graph's input and outputs, the same in all formats: names, types and shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo_registry import Task, Tensor

INPUT = "window"
FORECAST, QUANTILES = "forecast", "quantiles"
PROBABILITIES = "probabilities"
SCORE, IS_ANOMALY = "score", "is_anomaly"
MAIN_OUTPUT = {"forecast": FORECAST, "regress": FORECAST, "classify": PROBABILITIES, "anomaly": SCORE}


def outputs_of(
    task: Task, dtype: str, horizon: int, targets: Sequence[str], classes: Sequence[str], quantiles: Sequence[float]
) -> tuple[Tensor, ...]:
    """The outputs that a task has, in order."""
    ends: list[dict[str, Any]]
    if task is Task.CLASSIFY:
        ends = [{"name": PROBABILITIES, "shape": (len(classes),), "columns": classes}]
    elif task is Task.ANOMALY:
        ends = [{"name": SCORE, "shape": (1,)}, {"name": IS_ANOMALY, "shape": (1,), "dtype": "bool"}]
    else:
        ends = [{"name": FORECAST, "shape": (horizon, len(targets)), "columns": targets}]
        if quantiles:
            ends.append({"name": QUANTILES, "shape": (horizon, len(targets), len(quantiles))})
    return tuple(Tensor.model_validate({"dtype": dtype} | end) for end in ends)
