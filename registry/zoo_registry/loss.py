"""The contract of a loss: what a plugin registers so that networks can be trained on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from zoo_registry.api_version import UNDECLARED_API, check_api
from zoo_registry.architecture import NAME, LossContext, LossFunction
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


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What a training minimizes.

    ``make(parameters, context)`` returns a Keras loss function of (y_true, y_pred), both scaled, that gives one value
    for each sample, (batch,); import Keras inside it. y_true has the shape (batch, horizon, n_targets) and y_pred
    (batch, *context.shape.output); for the task classify y_true are the numbers of the classes, (batch, 1, 1) or
    (batch,), which Keras gives as float32, and y_pred are logits. ``tasks`` are those that it makes sense for.
    ``parameters`` declares what can be set: numbers, flags, and texts without a comma.

    Raises ValueError for a malformed name or a field of the wrong type.
    """

    name: str
    summary: str
    make: Callable[[Any, LossContext], LossFunction]
    reference: str = ""
    tasks: tuple[Task, ...] = (Task.FORECAST, Task.REGRESS, Task.ANOMALY)
    parameters: type[Hyperparameters] = Hyperparameters
    api: int = UNDECLARED_API

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise ValueError(f"a loss's name is made of a-z, 0-9 and '-', found {self.name!r}")
        check_api(f"loss '{self.name}'", self.api)
        tasks, parameters = self.tasks, self.parameters
        for field_name, sound, expected in (
            ("summary", isinstance(self.summary, str) and self.summary.strip(), "a sentence"),
            ("make", callable(self.make), "callable"),
            ("reference", isinstance(self.reference, str), "text"),
            (
                "tasks",
                isinstance(tasks, tuple) and tasks and all(isinstance(task, Task) for task in tasks),
                "a tuple of one or more Task",
            ),
            (
                "parameters",
                isinstance(parameters, type) and issubclass(parameters, Hyperparameters),
                "a subclass of Hyperparameters",
            ),
        ):
            if not sound:
                raise ValueError(
                    f"loss '{self.name}': {field_name} must be {expected}, found {getattr(self, field_name)!r}"
                )

    def configure(self, values: Mapping[str, Any]) -> Hyperparameters:
        """Return validated parameters, defaults filled in; raises ConfigError with a close match."""
        return validated(self.parameters, values, f"loss '{self.name}', parameter")
