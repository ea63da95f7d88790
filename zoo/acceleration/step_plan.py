"""Decide how a training's steps are computed, by rule, from shapes and the machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import keras

from zoo.acceleration.complexity import Complexity, complexity
from zoo.acceleration.fusion import Fusion

ROWS = 8  # of a batch in a part, at least
EXECUTION = 0.05  # seconds that one call of the compiled function should last, about
SPEED = 2e10  # multiply-adds a second on one core, roughly
PASSES = 3  # forward, and backward to the inputs and to the weights
STEP = 3e-4  # seconds of a step that are not products, roughly
MOST_STEPS = 128
MOST_VALUES = 2**27  # that layers give for a batch, forward, from which on it is computed in rounds
VALUES = 2**24  # of a round


@dataclass(frozen=True)
class Plan:
    """How steps are computed.

    ``engine`` is keras or fused; ``parts`` of a batch are computed side by side in fused layers;
    ``steps_per_execution`` steps are made in one call; ``jit``: whether XLA compiles the whole step; in each of
    ``rounds``, one after the other, as many parts are computed, so that a batch of very many values takes less memory.
    """

    engine: str
    parts: int
    steps_per_execution: int
    jit: bool = False
    rounds: int = 1

    def record(self, fusion: Fusion) -> dict[str, Any]:
        """As the run's record has it, with the layers that are fused and the reasons why others are not."""
        fused = fusion.layers if self.engine == "fused" else []
        return {**asdict(self), "fused": fused, "not_fused": fusion.others}


def plan_by_rule(
    model: keras.Model, engine: str, batch_size: int, steps_per_epoch: int, cores: int, *, gpu: bool
) -> Plan:
    """Choose a plan; ``engine`` is keras, fused, or auto, which fuses where a layer can be and there is no GPU."""
    if engine == "auto":
        engine = "fused" if Fusion(model).layers and not gpu else "keras"
    parts = max(1, min(cores, batch_size // ROWS)) if engine == "fused" else 1
    cost = complexity(model)
    rounds = _rounds(cost.values, batch_size, parts) if engine == "fused" and Fusion(model).in_rounds else 1
    return Plan(engine, parts, steps_within(_seconds(cost, batch_size, parts), steps_per_epoch), rounds=rounds)


def step_seconds(model: keras.Model, batch_size: int, parts: int) -> float:
    """About how long a step takes: the same on all machines, as it is counted, not measured."""
    return _seconds(complexity(model), batch_size, parts)


def _seconds(cost: Complexity, batch_size: int, parts: int) -> float:
    return STEP + PASSES * (cost.multiply_adds + cost.least) * batch_size / SPEED / parts


def _rounds(values: int, batch_size: int, parts: int) -> int:
    """In how many rounds a batch is computed of whose windows layers give so many values each."""
    if values * batch_size <= MOST_VALUES:
        return 1
    windows = max(1, VALUES // (values * parts))  # in a part
    return max(1, -(-batch_size // (windows * parts)))


def steps_within(seconds: float, steps_per_epoch: int) -> int:
    """How many steps of so many seconds make an execution: few enough that progress is seen and Ctrl-C answered."""
    return max(1, min(MOST_STEPS, steps_per_epoch, round(EXECUTION / seconds)))
