"""The contract of an architecture: the one thing that a plugin registers for a network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from zoo_registry.api_version import UNDECLARED_API, check_api
from zoo_registry.hyperparameters import Hyperparameters, validated
from zoo_registry.schedule import BaseSchedule, Schedule
from zoo_registry.shape import HELPED, WINDOW, SequenceShape, Task

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
Decode = Callable[[Any, SequenceShape, Any, Any], Any]
SIZES = ("window", "n_features", "horizon", "n_targets")  # what ``toy`` may say


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A recurrent network that the zoo can build, train and export.

    ``build(hp, shape)`` returns a functional or sequential ``keras.Model`` that maps scaled (batch, *shape.input)
    to scaled, linear (batch, *shape.output). Layers of its own need no more than a ``get_config`` that tells all
    arguments of their ``__init__``. ``check(hp, shape)`` may raise ValueError where a
    combination cannot be built. ``loss(hp, context)`` returns a Keras loss function of (y_true, y_pred), both scaled;
    it becomes the default loss, named ``"architecture"``. ``tiny`` holds small hyperparameters for tests.

    ``anomaly`` says how the task anomaly asks for a window's last row: ``"forecast"`` of it from the rows before
    (horizon 1), or ``"reconstruct"``, where the network gives back all rows of the window that it sees.

    What follows is of ``api=2``; without a declared ``api`` an architecture is of 1, and is told of windows alone.
    ``inputs`` are the named inputs that ``build`` takes care of, by default all that :func:`sequence_inputs` and
    :func:`head` do. ``layers()`` returns layers and functions of its own that Keras cannot find in the built network.
    ``pretrained(hp, shape)`` may return weights to begin with, arrays in the order of the network that ``build`` gives.
    ``toy`` has sizes of a shape that ``check`` accepts (window, n_features, horizon, n_targets), for the kit.

    With ``outputs_per_target`` the network gives so many numbers for each target and step, (batch, horizon, n_targets,
    outputs_per_target), which are trained with its own ``loss``. ``decode(hp, shape, ops, outputs)`` makes forecasts of
    them, scaled, (batch, horizon, n_targets), or where ``shape.quantiles`` has some these, on a last axis; ``ops`` is
    ``keras.ops`` (or NumPy, so keep to functions that both have), and it becomes part of the exported graph.

    Raises ValueError for a malformed name or a field of the wrong type.
    """

    name: str
    summary: str
    build: Build
    hyperparameters: type[Hyperparameters] = Hyperparameters
    reference: str = ""
    tags: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = (Task.FORECAST,)
    anomaly: Literal["forecast", "reconstruct"] = "forecast"
    defaults: TrainingDefaults = field(default_factory=TrainingDefaults)
    check: Callable[[Any, SequenceShape], None] | None = None
    loss: Callable[[Any, LossContext], LossFunction] | None = None
    tiny: Mapping[str, Any] = field(default_factory=dict)
    api: int = UNDECLARED_API
    inputs: tuple[str, ...] = ()
    layers: Callable[[], Iterable[Any]] | None = None
    pretrained: Callable[[Any, SequenceShape], Sequence[Any] | None] | None = None
    toy: Mapping[str, int] = field(default_factory=dict)
    outputs_per_target: int = 0
    decode: Decode | None = None

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
            ("tasks", self.tasks and _is_tuple_of(self.tasks, Task), "a tuple of one or more Task"),
            ("anomaly", self.anomaly in ("forecast", "reconstruct"), "'forecast' or 'reconstruct'"),
            ("defaults", isinstance(self.defaults, TrainingDefaults), "TrainingDefaults"),
            ("check", self.check is None or callable(self.check), "callable"),
            ("loss", self.loss is None or callable(self.loss), "callable"),
            ("tiny", isinstance(self.tiny, Mapping), "a mapping"),
            ("inputs", _is_tuple_of(self.inputs, str), "a tuple of names"),
            ("layers", self.layers is None or callable(self.layers), "callable"),
            ("pretrained", self.pretrained is None or callable(self.pretrained), "callable"),
            ("toy", _are_sizes(self.toy), f"a mapping of some of {', '.join(SIZES)} to whole numbers from 1"),
            ("outputs_per_target", _is_count(self.outputs_per_target, 0), "a whole number from 0"),
            ("decode", self.decode is None or callable(self.decode), "callable"),
        ):
            if not sound:
                found = getattr(self, field_name)
                raise ValueError(f"architecture '{self.name}': {field_name} must be {expected}, found {found!r}")

        parts = (self.outputs_per_target > 0, self.decode is not None, self.loss is not None)
        if any(parts[:2]) and not all(parts):
            raise ValueError(
                f"architecture '{self.name}': outputs_per_target, decode and a loss belong together; give all of them"
            )
        if self.api < 2 and (given := [name for name in _SECOND if getattr(self, name) not in _UNUSED]):
            raise ValueError(f"architecture '{self.name}': {', '.join(given)} belong to API version 2; add api=2")
        if not self.inputs:
            object.__setattr__(self, "inputs", (WINDOW,) if self.api < 2 else HELPED)

    def shaped(self, shape: SequenceShape) -> SequenceShape:
        """The shape that ``build`` is asked for: what the task says, with its own number of outputs."""
        return replace(shape, outputs_per_target=self.outputs_per_target)

    def configure(self, values: Mapping[str, Any]) -> Hyperparameters:
        """Return validated hyperparameters, defaults filled in; raises ConfigError with a close match."""
        return validated(self.hyperparameters, values, f"architecture '{self.name}', hyperparameter")


_SECOND = ("inputs", "layers", "pretrained", "toy", "outputs_per_target", "decode")
_UNUSED: tuple[Any, ...] = ((), (WINDOW,), None, {}, 0)


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _are_sizes(value: object) -> bool:
    return isinstance(value, Mapping) and all(name in SIZES and _is_count(size, 1) for name, size in value.items())


def _is_tuple_of(value: object, kind: type) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, kind) for item in value)
