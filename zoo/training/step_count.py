"""How long a training lasts, and whether its learning-rate schedule has room in that; needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor, log10

from zoo.settings.schema import USUAL_EPOCHS, TrainingConfig
from zoo_registry import Architecture, CosineSchedule, OneCycleSchedule, Schedule
from zoo_registry.errors import ConfigError

MOST_STEPS = 40_000  # of a training whose length nobody chose
MOST_SECONDS = 120.0  # that its steps may take on two cores, by estimate; validation comes on top
SURELY_SHORT = 1_000  # steps that are not worth an estimate; not fewer are made by default
VALIDATIONS = 20  # of a training by steps
LEAST_STEPS = 10  # from one validation to the next
PASSED = 4  # windows that are validated in about the time of one that is trained on


@dataclass(frozen=True)
class Pace:
    """A training's ``total`` of optimizer steps at most; after each ``validate_every``, an epoch, it is validated."""

    total: int
    validate_every: int

    @property
    def epochs(self) -> int:
        """Epochs at most, the last of which may be shorter."""
        return -(-self.total // self.validate_every)

    def steps_after(self, epochs: int) -> int:
        """Steps that are done after so many epochs."""
        return min(epochs * self.validate_every, self.total)


def pace_of(config: TrainingConfig, windows: int) -> Pace:
    """The pace of a training on so many windows; by ``USUAL_EPOCHS`` where its configuration leaves its length open."""
    if config.steps is not None:
        return Pace(config.steps, config.validate_every or _interval(config.steps, config.batch_size, 0))
    epochs = USUAL_EPOCHS if config.epochs is None else config.epochs
    return Pace(epochs * batches(config, windows), batches(config, windows))


def steps_of_epoch(config: TrainingConfig, windows: int) -> int:
    """Steps from one validation to the next."""
    return batches(config, windows) if config.steps is None else pace_of(config, windows).validate_every


def batches(config: TrainingConfig, windows: int) -> int:
    """Batches that hold each of so many windows once; the last may be smaller."""
    return -(-windows // config.batch_size)


def settled_length(
    config: TrainingConfig,
    architecture: Architecture,
    windows: int,
    validated: int,
    step_seconds: Callable[[TrainingConfig], float],
) -> TrainingConfig:
    """The configuration with its length: what was asked for, else the usual epochs, else as many steps as take minutes.

    ``windows`` are trained on and ``validated`` are validated on; ``step_seconds`` estimates a step of the network, and
    is asked only where that matters. By a default the steps are at most ``MOST_STEPS``, and those of ``MOST_SECONDS``.
    They are validated ``VALIDATIONS`` times, more rarely where validation would else take longer than training.
    """
    if config.steps is not None:
        every = config.validate_every or _interval(config.steps, config.batch_size, validated)
        return config.model_copy(update={"validate_every": every})
    usual = with_usual_length(config, architecture)
    if usual is config:
        return config
    total = pace_of(usual, windows).total
    if total <= SURELY_SHORT:
        return usual
    steps = _rounded(max(SURELY_SHORT, min(MOST_STEPS, MOST_SECONDS / step_seconds(usual))))
    if total <= steps:
        return usual
    every = _interval(steps, config.batch_size, validated)
    return config.model_copy(update={"steps": steps, "validate_every": every})


def with_usual_length(config: TrainingConfig, architecture: Architecture) -> TrainingConfig:
    """The configuration itself where it says how long to train, else with the usual epochs."""
    if config.epochs is not None or config.steps is not None:
        return config
    usual = architecture.defaults.epochs
    return config.model_copy(update={"epochs": USUAL_EPOCHS if usual is None else usual})


def epochs_of(config: TrainingConfig) -> int:
    """Epochs at most, by a configuration that says how long a training lasts."""
    return pace_of(config, 1).epochs


def total_steps(config: TrainingConfig, windows: int) -> int:
    """Optimizer steps of a whole training on so many windows, those of one epoch where it has none."""
    return pace_of(config, windows).total or batches(config, windows)


def lasting(training: TrainingConfig, total: int) -> TrainingConfig:
    """Say in steps how long a schedule lasts that lasts as long as the training, of so many steps."""
    schedule = training.schedule
    if isinstance(schedule, CosineSchedule) and not schedule.steps:
        return training.model_copy(update={"schedule": schedule.model_copy(update={"steps": total - schedule.warmup})})
    if isinstance(schedule, OneCycleSchedule) and not schedule.steps:
        return training.model_copy(update={"schedule": schedule.model_copy(update={"steps": total})})
    return training


def check_schedule(schedule: Schedule, total: int) -> None:
    """Raise ConfigError where a schedule that lasts as long as the training has nothing left of it."""
    if isinstance(schedule, CosineSchedule) and not schedule.steps and schedule.warmup >= total:
        raise ConfigError(
            f"`schedule='cosine'`: a warm-up of {schedule.warmup} steps leaves nothing of the training, which has"
            f" {total} (batches in an epoch times epochs, or `steps`); give a shorter warmup, or more of them"
        )


def _interval(steps: int, batch_size: int, validated: int) -> int:
    return min(steps, max(-(-steps // VALIDATIONS), LEAST_STEPS, validated // (PASSED * batch_size)))


def _rounded(steps: float) -> int:
    """With two digits that are not 0, as people write numbers."""
    unit = 10 ** (floor(log10(steps)) - 1)
    return int(steps // unit * unit)
