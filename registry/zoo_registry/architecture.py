"""The contract of an architecture: the one thing that a plugin registers for a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field

from zoo_registry.contribution import Contribution, contract
from zoo_registry.errors import close_match_hint
from zoo_registry.hyperparameters import Hyperparameters, validated
from zoo_registry.schedule import Schedule
from zoo_registry.shape import HELPED, WINDOW, SequenceShape, Task

if TYPE_CHECKING:
    import keras

    Build = Callable[[Any, SequenceShape], keras.Model]
else:
    Build = Callable  # pydantic would look for keras

LossFunction = Callable[[Any, Any], Any]
Size = Literal["window", "n_features", "horizon", "n_targets"]
_SECOND = ("inputs", "layers", "pretrained", "toy", "outputs_per_target", "decode")
_LEFT_OUT: tuple[Any, ...] = ((), (WINDOW,), None, {}, 0)


def _some(tasks: tuple[str, ...]) -> tuple[str, ...]:
    if not tasks:
        raise ValueError("expected names of one or more tasks, found none")
    return tuple(Task(name) if name in {*Task} else name for name in tasks)


Tasks = Annotated[tuple[str, ...], AfterValidator(_some)]


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

    ``to_original`` maps a tensor of targets as the loss is given them, (batch, horizon, n_targets), to original units:
    scaled ones, or where a network normalizes its windows those on each window's own scale, of the batch at hand.
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
    combination cannot be built. ``loss(hp, context)`` returns a Keras loss function of (y_true, y_pred), both scaled
    (see :class:`LossContext`); it becomes the default loss, named ``"architecture"``. ``tiny`` holds small
    hyperparameters for tests.

    ``tasks`` are those that it can do, by name, such as ``Task.FORECAST`` or ``"forecast"``. ``anomaly`` says how the
    task anomaly asks for a window's last row: ``"forecast"`` of it from the rows before (horizon 1), or
    ``"reconstruct"``, where the network gives back all rows of the window that it sees.

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
    inputs: tuple[str, ...] = ()
    layers: Callable[[], Iterable[Any]] | None = None
    pretrained: Callable[[Any, SequenceShape], Sequence[Any] | None] | None = None
    toy: Mapping[Size, Annotated[int, Field(ge=1)]] = field(default_factory=dict)
    outputs_per_target: Annotated[int, Field(ge=0)] = 0
    decode: Callable[[Any, SequenceShape, Any, Any], Any] | None = None

    def __post_init__(self) -> None:
        own = (self.outputs_per_target > 0, self.decode is not None)
        if any(own) and not (all(own) and self.loss is not None):
            raise ValueError("outputs_per_target, decode and a loss belong together; give all of them")
        if self.api < 2 and (given := [name for name in _SECOND if getattr(self, name) not in _LEFT_OUT]):
            raise ValueError(f"only API version 2 has {', '.join(given)}; add api=2")
        if unknown := next((name for name in self.inputs if name not in HELPED), None):
            raise ValueError(f"inputs: there is no input '{unknown}'{close_match_hint(unknown, HELPED)}")
        if not self.inputs:
            object.__setattr__(self, "inputs", (WINDOW,) if self.api < 2 else HELPED)

    def shaped(self, shape: SequenceShape) -> SequenceShape:
        """The shape that ``build`` is asked for: what the task says, with its own number of outputs."""
        return replace(shape, outputs_per_target=self.outputs_per_target)

    def configure(self, values: Mapping[str, Any]) -> Hyperparameters:
        """Return validated hyperparameters, defaults filled in; raises ConfigError with a close match."""
        return validated(self.hyperparameters, values, f"architecture '{self.name}', hyperparameter")
