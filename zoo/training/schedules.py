"""Learning-rate schedules as Keras takes them; :mod:`zoo_registry.schedule` has their formulas in words."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops
from pydantic import TypeAdapter

from zoo.training.step_count import check_schedule
from zoo_registry import (
    ConstantSchedule,
    CosineSchedule,
    CyclicalSchedule,
    ExponentialSchedule,
    OneCycleSchedule,
    PlateauSchedule,
    Schedule,
)

_SCHEDULE: TypeAdapter[Schedule] = TypeAdapter(Schedule)


@keras.saving.register_keras_serializable(package="zoo")
class ScheduledRate(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A schedule's learning rate at a step, for the schedules that Keras does not have itself.

    It is computed in float64, in which steps are exact where float32 has gaps, from 16,777,216 on.
    """

    def __init__(self, schedule: Schedule | dict[str, Any], learning_rate: float, total_steps: int) -> None:
        super().__init__()
        self.schedule = _SCHEDULE.validate_python(schedule)
        self.learning_rate = learning_rate
        self.total_steps = total_steps

    def __call__(self, step: Any) -> Any:
        fraction = _fraction(self.schedule, self.total_steps, ops.cast(step, "float64"))
        return ops.cast(self.learning_rate * fraction, keras.config.floatx())

    def get_config(self) -> dict[str, Any]:
        return {
            "schedule": self.schedule.model_dump(mode="json"),
            "learning_rate": self.learning_rate,
            "total_steps": self.total_steps,
        }


def make_rate(schedule: Schedule, learning_rate: float, total_steps: int) -> Any:
    """Return what an optimizer takes as its learning rate: a number, or a Keras schedule, Keras' own where it has it.

    ``total_steps`` are those of the whole training. Raises ConfigError where the schedule has no room in them.
    """
    check_schedule(schedule, total_steps)
    if isinstance(schedule, (ConstantSchedule, PlateauSchedule)):
        return learning_rate
    if isinstance(schedule, ExponentialSchedule):
        return keras.optimizers.schedules.ExponentialDecay(learning_rate, schedule.steps, schedule.rate)
    if isinstance(schedule, CosineSchedule) and not schedule.restarts:  # Keras' restarts know no warm-up
        steps = schedule.steps or total_steps - schedule.warmup
        if not schedule.warmup:
            return keras.optimizers.schedules.CosineDecay(learning_rate, steps, alpha=schedule.floor)
        return keras.optimizers.schedules.CosineDecay(
            0.0, steps, alpha=schedule.floor, warmup_target=learning_rate, warmup_steps=schedule.warmup
        )
    return ScheduledRate(schedule, learning_rate, total_steps)


def schedule_callbacks(schedule: Schedule, learning_rate: float) -> list[keras.callbacks.Callback]:
    """What a schedule does between epochs: only that of plateaus does anything."""
    if not isinstance(schedule, PlateauSchedule):
        return []
    return [
        keras.callbacks.ReduceLROnPlateau(
            monitor="val_loss",
            mode="min",
            factor=schedule.factor,
            patience=schedule.patience,
            min_delta=schedule.min_delta,
            min_lr=schedule.floor * learning_rate,
        )
    ]


class RecordRate(keras.callbacks.Callback):  # type: ignore[misc]
    """Puts ``learning_rate`` into the history: that of an epoch's last step; ``rate`` is the optimizer's."""

    def __init__(self, rate: Any) -> None:
        super().__init__()
        self._rate = rate

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        optimizer = self.model.optimizer  # whose own rate is that of the next step
        rate = self._rate(optimizer.iterations - 1) if callable(self._rate) else optimizer.learning_rate
        if logs is not None:
            logs["learning_rate"] = float(ops.convert_to_numpy(rate))


def _fraction(schedule: Schedule, total: int, step: Any) -> Any:
    """What part of the learning rate is in force at a step, a float64."""
    if isinstance(schedule, CosineSchedule):
        return _restarts(schedule, total, step)
    if isinstance(schedule, CyclicalSchedule):
        return _cyclical(schedule, step)
    assert isinstance(schedule, OneCycleSchedule)  # the others are Keras' own
    return _one_cycle(schedule, total, step)


def _restarts(schedule: CosineSchedule, total: int, step: Any) -> Any:
    after = ops.maximum(step - schedule.warmup, 0.0)
    cycle, done = _cycle(after / (schedule.steps or total - schedule.warmup), schedule.length)
    height = ops.power(schedule.height, cycle)
    descent = schedule.floor + (1.0 - schedule.floor) * height * _wave(1.0, 0.0, done)
    return ops.where(step < schedule.warmup, step / max(schedule.warmup, 1), descent)


def _cycle(time: Any, length: float) -> tuple[Any, Any]:
    """The number of the cycle at a time, counted in first cycles, and the share of it that is done."""
    if length == 1.0:
        cycle = ops.floor(time)
        return cycle, time - cycle

    def start(cycle: Any) -> Any:
        return (ops.power(length, cycle) - 1.0) / (length - 1.0)

    # The logarithm may round past a whole number, so that the neighbours are looked at too
    cycle = ops.floor(ops.log(1.0 + time * (length - 1.0)) / math.log(length))
    cycle = ops.where(time < start(cycle), cycle - 1.0, ops.where(time >= start(cycle + 1.0), cycle + 1.0, cycle))
    return cycle, (time - start(cycle)) / ops.power(length, cycle)


def _cyclical(schedule: CyclicalSchedule, step: Any) -> Any:
    cycle = ops.floor(1.0 + step / (2 * schedule.steps))
    distance = ops.abs(step / schedule.steps - 2.0 * cycle + 1.0)
    peak = (1.0 - schedule.low) * ops.maximum(1.0 - distance, 0.0)
    if schedule.mode == "triangular2":
        peak = peak * ops.power(0.5, cycle - 1.0)
    elif schedule.mode == "exp-range":
        peak = peak * ops.power(schedule.gamma, step)
    return schedule.low + peak


def _one_cycle(schedule: OneCycleSchedule, total: int, step: Any) -> Any:
    steps = schedule.steps or total
    up = schedule.warmup * steps
    down = _wave(1.0, schedule.end, ops.minimum(ops.maximum(step - up, 0.0) / (steps - up), 1.0))
    return ops.where(step < up, _wave(schedule.start, 1.0, step / max(up, 1e-9)), down)


def _wave(first: float, last: float, done: Any) -> Any:
    """Half a cosine wave from one number to another."""
    return last + (first - last) * (1.0 + ops.cos(math.pi * done)) / 2.0
