"""Choose how the steps of a training are computed, and compute them so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from zoo.acceleration.compiled_steps import from_dataset, several_steps
from zoo.acceleration.fusion import Fusion
from zoo.acceleration.speed_trial import candidates, plan_by_trial
from zoo.acceleration.step_plan import Plan, plan_by_rule
from zoo.acceleration.tensorflow_threads import at_once
from zoo.data.windows import Windows
from zoo.settings.schema import TrainingConfig
from zoo.training.batches import feed
from zoo.training.seeding import alone
from zoo.training.step_count import steps_of_epoch
from zoo_registry.errors import ConfigError


def choose_plan(
    model: keras.Model, build: Callable[[], keras.Model], windows: Windows, config: TrainingConfig, **drawn: Any
) -> Plan:
    """Return what the configuration says of the plan, and the rest by rule, or with ``autotune`` by a trial.

    ``build`` makes the compiled network anew; each trial takes one. ``drawn`` is how batches are, as
    :func:`zoo.training.batches.feed` takes it. Raises ConfigError where the fused engine is asked for and no layer can
    be fused.
    """
    steps_per_epoch = steps_of_epoch(config, len(windows))
    fusion = Fusion(model)
    if config.engine == "fused" and not fusion.layers:
        reasons = ", ".join(fusion.others) or "no LSTM, no GRU"
        raise ConfigError(f"`engine='fused'`: no layer of this network can be fused ({reasons}); take `engine='auto'`")
    if config.autotune:
        plans = candidates(model, config.batch_size, at_once())
        plans = [plan for plan in plans if config.engine in ("auto", plan.engine)]
        plan = plan_by_trial(build, *feed(windows, config.batch_size, config.seed, **drawn), plans, steps_per_epoch)
    else:
        gpu = bool(tf.config.list_physical_devices("GPU"))
        with alone():  # which leaves the seeds as they are
            plan = plan_by_rule(model, config.engine, config.batch_size, steps_per_epoch, at_once(), gpu=gpu)
    return replace(
        plan,
        parts=config.batch_parts or plan.parts,
        rounds=1 if config.batch_parts else plan.rounds,
        steps_per_execution=config.steps_per_execution or plan.steps_per_execution,
        jit=plan.jit if config.xla is None else config.xla,
    )


@contextmanager
def computed_by(
    plan: Plan,
    model: keras.Model,
    steps_per_epoch: int | None = None,
    draw: Callable[[Any, Any], Any] = from_dataset,
    total: int | None = None,
) -> Iterator[None]:
    """Let ``fit`` compute a model's steps by a plan, or without ``steps_per_epoch`` ``train_on_batch``.

    ``draw`` makes a step's batch, as :func:`zoo.training.batches.feed` gives it, and ``total`` is how many steps are
    made at most. At the end the model is as it was, but trained.
    """
    with ExitStack() as stack:
        if plan.engine == "fused":
            stack.enter_context(Fusion(model).active(plan.parts, plan.rounds))
        if steps_per_epoch is not None:
            size = plan.steps_per_execution
            several = several_steps(model, size, steps_per_epoch, draw=draw, jit=plan.jit, total=total)
            stack.enter_context(several)
        yield
