"""Put together what is asked of a network: the problem, from the settings and the columns that were found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.outputs import outputs_of
from zoo.settings.schema import DataConfig
from zoo_registry import Problem, Task
from zoo_registry.shape import WINDOW


def state_problem(
    config: DataConfig,
    features: Sequence[str],
    targets: Sequence[str],
    classes: Sequence[str] = (),
    quantiles: Sequence[float] = (),
    *,
    dtype: str = "float32",
    units: str = "raw",
    step: dict[str, Any] | None = None,
    zone: str | None = None,
) -> Problem:
    """The problem of a configuration on columns of these names; ``dtype`` and ``units`` are of the graph's ends."""
    ahead = config.task is Task.FORECAST
    horizon, gap = (config.horizon, config.gap) if ahead else (1, 0)
    window = {"name": WINDOW, "dtype": dtype, "shape": (config.window, len(features)), "columns": features}
    return Problem.model_validate(
        {
            "task": config.task,
            "units": units,
            "inputs": (window,),
            "outputs": outputs_of(config.task, dtype, horizon, targets, classes, quantiles),
            "targets": targets,
            "classes": classes,
            "quantiles": quantiles,
            "horizon": horizon,
            "gap": gap,
            "reconstruct": config.reconstruct if config.task is Task.ANOMALY else None,
            "step": step,
            "zone": zone,
        }
    )
