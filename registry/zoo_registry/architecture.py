"""The contract of an architecture: the one thing that a plugin registers for a network."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from zoo_registry.api_version import API_VERSION, check_api
from zoo_registry.hyperparameters import Hyperparameters, validated
from zoo_registry.schedule import BaseSchedule, Schedule
from zoo_registry.shape import SequenceShape, Task

if TYPE_CHECKING:
    import keras

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True, kw_only=True)
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

    def __post_init__(self) -> None:
        for names, kind, expected in (
            (("optimizer", "loss"), str, "a name"),
            (("learning_rate",), (int, float), "a number"),
            (("schedule",), BaseSchedule, "a schedule such as CosineSchedule()"),
            (("epochs", "batch_size"), int, "a whole number"),
        ):
            for name in names:
                value = getattr(self, name)
                if value is not None and not isinstance(value, kind):
                    raise ValueError(f"training default {name} must be {expected}, found {value!r}")


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


Build = Callable[[Any, SequenceShape], "keras.Model"]
LossFunction = Callable[[Any, Any], Any]


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A recurrent network that the zoo can build, train and export.

    ``build(hp, shape)`` returns a functional or sequential ``keras.Model`` that maps scaled (batch, *shape.input)
    to scaled, linear (batch, *shape.output). Layers of its own need no more than a ``get_config`` that tells all
    arguments of their ``__init__``. ``check(hp, shape)`` may raise ValueError where a
    combination cannot be built. ``loss(hp, context)`` returns a Keras loss function of (y_true, y_pred), both scaled;
    it becomes the default loss, named ``"architecture"``. ``tiny`` holds small hyperparameters for tests.

    ``tasks`` are those that it can do, by name, such as ``Task.FORECAST`` or ``"forecast"``. ``anomaly`` says how the
    task anomaly asks for a window's last row: ``"forecast"`` of it from the rows before (horizon 1), or
    ``"reconstruct"``, where the network gives back all rows of the window that it sees.

    Raises ValueError for a malformed name or a field of the wrong type.
    """

    name: str
    summary: str
    build: Build
    hyperparameters: type[Hyperparameters] = Hyperparameters
    reference: str = ""
    tags: tuple[str, ...] = ()
    tasks: tuple[str, ...] = (Task.FORECAST,)
    anomaly: Literal["forecast", "reconstruct"] = "forecast"
    defaults: TrainingDefaults = field(default_factory=TrainingDefaults)
    check: Callable[[Any, SequenceShape], None] | None = None
    loss: Callable[[Any, LossContext], LossFunction] | None = None
    tiny: Mapping[str, Any] = field(default_factory=dict)
    api: int = API_VERSION

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise ValueError(f"an architecture's name is made of a-z, 0-9 and '-', found {self.name!r}")
        check_api(f"architecture '{self.name}'", self.api)
        for field_name, sound, expected in (
            ("summary", isinstance(self.summary, str) and self.summary.strip(), "a sentence"),
            ("build", callable(self.build), "callable"),
            (
                "hyperparameters",
                isinstance(self.hyperparameters, type) and issubclass(self.hyperparameters, Hyperparameters),
                "a subclass of Hyperparameters",
            ),
            ("reference", isinstance(self.reference, str), "text"),
            ("tags", _is_tuple_of(self.tags, str), "a tuple of texts"),
            ("tasks", self.tasks and _is_tuple_of(self.tasks, str), "a tuple of one or more names of tasks"),
            ("anomaly", self.anomaly in ("forecast", "reconstruct"), "'forecast' or 'reconstruct'"),
            ("defaults", isinstance(self.defaults, TrainingDefaults), "TrainingDefaults"),
            ("check", self.check is None or callable(self.check), "callable"),
            ("loss", self.loss is None or callable(self.loss), "callable"),
            ("tiny", isinstance(self.tiny, Mapping), "a mapping"),
        ):
            if not sound:
                found = getattr(self, field_name)
                raise ValueError(f"architecture '{self.name}': {field_name} must be {expected}, found {found!r}")

    def configure(self, values: Mapping[str, Any]) -> Hyperparameters:
        """Return validated hyperparameters, defaults filled in; raises ConfigError with a close match."""
        return validated(self.hyperparameters, values, f"architecture '{self.name}', hyperparameter")


def _is_tuple_of(value: object, kind: type) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, kind) for item in value)
