"""The contract of an architecture: the one thing that a plugin registers for a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator

from zoo_registry.contribution import Contribution, contract
from zoo_registry.hyperparameters import Hyperparameters, validated
from zoo_registry.schedule import Schedule
from zoo_registry.shape import SequenceShape, Task

if TYPE_CHECKING:
    import keras

    Build = Callable[[Any, SequenceShape], keras.Model]
else:
    Build = Callable  # pydantic would look for keras

LossFunction = Callable[[Any, Any], Any]


def _some(tasks: tuple[Task, ...]) -> tuple[Task, ...]:
    if not tasks:
        raise ValueError("expected one or more of Task, found none")
    return tasks


Tasks = Annotated[tuple[Task, ...], AfterValidator(_some)]


@contract("training defaults")
class TrainingDefaults:
    """What an architecture prefers in training; None leaves it to the zoo. A user's flag beats both.

    Raises ValueError for a field of the wrong type.
    """

    optimizer: str | None = None
    learning_rate: float | None = None
    schedule: Schedule | None = None
    loss: str | None = None
    epochs: int | None = None
    batch_size: int | None = None


@dataclass(frozen=True, kw_only=True)
class LossContext:
    """What a loss may know about the run.

    ``to_original`` maps a tensor of scaled targets, (batch, horizon, n_targets), to their original units.
    ``deviations`` are the targets' standard deviations in the train rows, in original units. ``class_weights`` has a
    weight for each class where a classification asks for them.
    """

    shape: SequenceShape
    to_original: Callable[[Any], Any]
    deviations: tuple[float, ...] | None = None
    class_weights: tuple[float, ...] | None = None


@contract("architecture")
class Architecture(Contribution):
    """A recurrent network that the zoo can build, train and export.

    ``build(hp, shape)`` returns a functional or sequential ``keras.Model`` that maps scaled (batch, *shape.input)
    to scaled, linear (batch, *shape.output). Layers of its own need no more than a ``get_config`` that tells all
    arguments of their ``__init__``. ``check(hp, shape)`` may raise ValueError where a
    combination cannot be built. ``loss(hp, context)`` returns a Keras loss function of (y_true, y_pred), both scaled;
    it becomes the default loss, named ``"architecture"``. ``tiny`` holds small hyperparameters for tests.

    ``anomaly`` says how the task anomaly asks for a window's last row: ``"forecast"`` of it from the rows before
    (horizon 1), or ``"reconstruct"``, where the network gives back all rows of the window that it sees.

    Raises ValueError for a malformed name or a field of the wrong type.
    """

    build: Build
    hyperparameters: type[Hyperparameters] = Hyperparameters
    reference: str = ""
    tags: tuple[str, ...] = ()
    tasks: Tasks = (Task.FORECAST,)
    anomaly: Literal["forecast", "reconstruct"] = "forecast"
    defaults: TrainingDefaults = field(default_factory=TrainingDefaults)
    check: Callable[[Any, SequenceShape], None] | None = None
    loss: Callable[[Any, LossContext], LossFunction] | None = None
    tiny: Mapping[str, Any] = field(default_factory=dict)

    def configure(self, values: Mapping[str, Any]) -> Hyperparameters:
        """Return validated hyperparameters, defaults filled in; raises ConfigError with a close match."""
        return validated(self.hyperparameters, values, f"architecture '{self.name}', hyperparameter")
