"""Train two steps of every architecture with dropout on, in every combination of what its layers' rows depend on.

    python tests/stress/dropout.py

Its default sizes; each task, one target and three, read together or one by one, a horizon of less than a segment and of
more, quantiles or none, a batch whole and in parts, dropout of inputs alone or of states too. Ends with 1 where a step
fails or a loss is not finite.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import product

import numpy as np

from zoo.testing.bench import losses_of_steps, of_task, toy_shape
from zoo_registry import Task, discover
from zoo_registry.discovery import sentence_of

RATES = ({"dropout": 0.3}, {"dropout": 0.3, "recurrent_dropout": 0.2})
COMBINATIONS = product((1, 3), ("joint", "shared"), (5, 60), (False, True), (1, 2, 3), RATES)


def main() -> None:
    """Try all of them; print those that fail."""
    tried, failed = 0, []
    for targets, channels, horizon, quantiles, parts, rates in COMBINATIONS:
        for name, entry in discover().catalogue.items():
            architecture = entry.item
            fields = architecture.hyperparameters.model_fields
            hp = architecture.configure({rate: value for rate, value in rates.items() if rate in fields})
            for task in architecture.tasks:
                if (task is not Task.FORECAST and (horizon, quantiles) != (5, False)) or (
                    task in (Task.REGRESS, Task.CLASSIFY) and channels == "shared"
                ):
                    continue
                shape = of_task(toy_shape(48, targets + 1, horizon, targets), task, architecture)
                shape = replace(shape, quantiles=(0.1, 0.5, 0.9)) if quantiles else shape
                what = (name, str(task), targets, channels, horizon, quantiles, parts, *rates)
                tried += 1
                try:
                    losses = losses_of_steps(architecture, hp, shape, channels=channels, parts=parts)
                    if not np.isfinite(losses).all():
                        failed.append((what, f"losses {losses}"))
                except Exception as error:
                    failed.append((what, sentence_of(error)))
                if failed and failed[-1][0] == what:
                    print(*failed[-1], sep=": ", flush=True)
    print(f"{tried} trained, {len(failed)} failed")
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
