"""The contract of a loss: what a plugin registers so that networks can be trained on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from zoo_registry.architecture import LossContext, LossFunction, Tasks
from zoo_registry.contribution import Contribution, contract
from zoo_registry.hyperparameters import Hyperparameters, validated
from zoo_registry.shape import Task

OWN_LOSS = "architecture"
BUILT_IN_LOSSES = (
    "mse",
    "mae",
    "huber",
    "log-cosh",
    "mape",
    "smape",
    "quantile",
    "weighted-mse",
    "asymmetric",
    "directional",
    "cross-entropy",
    "focal",
)


@contract("loss")
class Loss(Contribution):
    """What a training minimizes.

    ``make(parameters, context)`` returns a Keras loss function of (y_true, y_pred), both scaled, that gives one value
    for each sample, (batch,). Where a network normalizes its windows both are on each window's own scale, or with API 1
    as without. Import Keras inside it. y_true has the shape (batch, horizon, n_targets) and y_pred
    (batch, *context.shape.output); for the task classify y_true are the numbers of the classes, (batch, 1, 1) or
    (batch,), which Keras gives as float32, and y_pred are logits. ``tasks`` are those that it makes sense for.
    ``parameters`` declares what can be set: numbers, flags, and texts without a comma.

    Raises ValueError for a malformed name or a field of the wrong type.
    """

    make: Callable[[Any, LossContext], LossFunction]
    reference: str = ""
    tasks: Tasks = (Task.FORECAST, Task.REGRESS, Task.ANOMALY)
    parameters: type[Hyperparameters] = Hyperparameters

    def configure(self, values: Mapping[str, Any]) -> Hyperparameters:
        """Return validated parameters, defaults filled in; raises ConfigError with a close match."""
        return validated(self.parameters, values, f"loss '{self.name}', parameter")
