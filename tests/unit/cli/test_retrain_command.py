"""What ``zoo retrain`` says before it trains."""

from __future__ import annotations

import pytest

from zoo.cli.retrain_command import length_of
from zoo.settings.schema import TrainingConfig


@pytest.mark.parametrize(
    ("settings", "told"),
    [({"epochs": 3}, "3 epochs"), ({"epochs": 1}, "1 epoch"), ({"steps": 60, "validate_every": 20}, "60 steps")],
)
def test_how_long_is_told_in_what_the_run_was_told_in(settings, told):
    assert length_of(TrainingConfig(**settings)) == told
