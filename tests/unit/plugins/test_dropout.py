"""Every built-in, with its default sizes and dropout on, trains a step: of each task, with one target and three.

``tests/stress/dropout.py`` has every combination.
"""

from __future__ import annotations

import numpy as np
import pytest

from zoo.testing.bench import losses_of_steps, of_task, toy_shape
from zoo_registry import Task, discover

CATALOGUE = {name: entry.item for name, entry in discover().catalogue.items()}
WINDOW, SHORT, LONG = 48, 5, 60  # a horizon of less than a segment of 48 rows, and of more
CASES = {  # targets, channels, horizon, parts of a batch
    Task.FORECAST: [(3, "shared", LONG, 2), (1, "joint", SHORT, 1)],
    Task.REGRESS: [(3, "joint", 1, 2)],
    Task.CLASSIFY: [(1, "joint", 1, 2)],
    Task.ANOMALY: [(3, "shared", 1, 2)],
}
IN_MAKE_TEST = {"segmented": Task.FORECAST, "basic": Task.ANOMALY}


@pytest.mark.parametrize(
    ("name", "task", "targets", "channels", "horizon", "parts"),
    [
        pytest.param(name, task, *case, marks=() if IN_MAKE_TEST.get(name) is task else pytest.mark.full)
        for name, architecture in CATALOGUE.items()
        for task in architecture.tasks
        for case in CASES[task]
    ],
)
def test_repair_01_a_step_with_dropout(name, task, targets, channels, horizon, parts):
    architecture = CATALOGUE[name]
    dropout = {"dropout": 0.3} if "dropout" in architecture.hyperparameters.model_fields else {}
    shape = toy_shape(WINDOW, n_features=targets + 1, horizon=horizon, n_targets=targets)
    losses = losses_of_steps(
        architecture,
        architecture.configure(dropout),
        of_task(shape, task, architecture),
        channels=channels,
        parts=parts,
        steps=1,
    )
    assert np.isfinite(losses).all()
