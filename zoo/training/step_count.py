"""How many steps a training has, and whether its learning-rate schedule has room in them; needs no TensorFlow."""

from __future__ import annotations

from zoo.settings.schema import TrainingConfig
from zoo_registry import CosineSchedule, OneCycleSchedule, Schedule
from zoo_registry.errors import ConfigError


def total_steps(config: TrainingConfig, windows: int) -> int:
    """Optimizer steps in all epochs of a training on so many windows, those of one epoch where it has none."""
    return -(-windows // config.batch_size) * max(1, config.epochs)


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
            f" {total} (batches in an epoch times epochs); give a shorter warmup, or more `epochs`"
        )
