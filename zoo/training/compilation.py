"""Losses, learning-rate schedules and optimizers by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from zoo.training.config import OWN_LOSS, TrainingConfig
from zoo_registry import Architecture, ExponentialSchedule, Hyperparameters, LossContext

LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "mse": keras.losses.mean_squared_error,
    "mae": keras.losses.mean_absolute_error,
    "huber": keras.losses.huber,
}

OPTIMIZERS: dict[str, type[keras.optimizers.Optimizer]] = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
    "nadam": keras.optimizers.Nadam,
    "lion": keras.optimizers.Lion,
}


def make_loss(
    config: TrainingConfig, architecture: Architecture, hp: Hyperparameters, context: LossContext
) -> Callable[[Any, Any], Any]:
    """Return the loss of scaled (y_true, y_pred) that the configuration names."""
    if config.loss == OWN_LOSS and architecture.loss is not None:
        return architecture.loss(hp, context)
    return LOSSES[config.loss]


def make_optimizer(config: TrainingConfig) -> keras.optimizers.Optimizer:
    """Return the optimizer with its learning-rate schedule."""
    rate: Any = config.learning_rate
    if isinstance(config.schedule, ExponentialSchedule):
        rate = keras.optimizers.schedules.ExponentialDecay(rate, config.schedule.steps, config.schedule.rate)
    return OPTIMIZERS[config.optimizer](learning_rate=rate)
