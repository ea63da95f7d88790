"""Decide how a training's steps are computed by measuring a few of them (``--autotune``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import Any

import keras
import tensorflow as tf

from zoo.acceleration.compiled_steps import several_steps
from zoo.acceleration.fusion import Fusion
from zoo.acceleration.step_plan import ROWS, Plan, steps_within

ROUNDS = 5
SECONDS = 0.15  # that a round of one candidate lasts, about


def candidates(model: keras.Model, batch_size: int, cores: int) -> list[Plan]:
    """The plans worth a trial: Keras' layers as they are or compiled by XLA, fused ones in one part or in several."""
    found = [Plan("keras", 1, 1), Plan("keras", 1, 1, jit=True)]
    if Fusion(model).layers:
        most = max(1, batch_size // ROWS)
        found += [Plan("fused", parts, 1) for parts in sorted({1, min(cores, most), min(2 * cores, most)})]
    return found


def plan_by_trial(
    build: Callable[[], keras.Model],
    batches: tf.data.Dataset,
    draw: Callable[[Any, Any], Any],
    plans: list[Plan],
    steps_per_epoch: int,
) -> Plan:
    """Return the plan whose steps are the fastest, in the median of rounds in which all take turns.

    ``build`` makes the compiled network anew for each, ``batches`` has no end, and ``draw`` makes a step's batch
    of it, as :func:`several_steps` says. What TensorFlow cannot compile is no candidate. The result depends on the
    machine and on what else runs on it, so that it has to be recorded.
    """
    with ExitStack() as stack:
        runners = [(plan, _runner(build(), batches, draw, plan, stack)) for plan in plans]
        ready = [(plan, run, run(1)) for plan, run in runners if _works(run)]
        times: dict[Plan, list[float]] = {plan: [] for plan, *_ in ready}
        for _ in range(ROUNDS):
            for plan, run, first in ready:
                steps = max(1, round(SECONDS / first))
                times[plan].append(run(steps))
    best = min(times, key=lambda plan: median(times[plan]))
    return replace(best, steps_per_execution=steps_within(median(times[best]), steps_per_epoch))


def _runner(
    model: keras.Model, batches: tf.data.Dataset, draw: Callable[[Any, Any], Any], plan: Plan, stack: ExitStack
) -> Callable[[int], float]:
    """What makes so many steps and returns the seconds of each; the first one compiles."""
    if plan.engine == "fused":
        stack.enter_context(Fusion(model).active(plan.parts, plan.rounds))
    stack.enter_context(several_steps(model, 1, 1, draw=draw, jit=plan.jit))
    iterator: Iterator[Any] = iter(batches)
    function = model.train_function

    def run(steps: int) -> float:
        started = perf_counter()
        for _ in range(steps):
            results = function(iterator)
        float(results["loss"])
        return (perf_counter() - started) / steps

    return run


def _works(run: Callable[[int], float]) -> bool:
    """Compile by making two steps; False where XLA lacks an operation of the network."""
    try:
        run(2)
    except tf.errors.OpError:
        return False
    return True
