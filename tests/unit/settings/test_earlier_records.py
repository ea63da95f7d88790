"""Configurations of records that knew less than these."""

from __future__ import annotations

import pytest

from zoo.settings.resolve import resolve
from zoo.settings.schema import RunConfig
from zoo_registry import discover


@pytest.mark.parametrize("network", [None, {}, {"channels": "shared"}])
def test_a_record_without_a_normalization_had_none(network):
    config = resolve("basic", discover().catalogue["basic"].item, {}, {"source": "example:co2"})
    assert config.network.normalize_window == "auto"
    values = config.model_dump(mode="json")
    values.pop("network")
    found = RunConfig.model_validate(values if network is None else values | {"network": network})
    assert found.network.normalize_window == "none"
    assert RunConfig.model_validate(config.model_dump(mode="json")) == config


@pytest.mark.parametrize("task", ["regress", "anomaly"])
def test_other_tasks_normalize_nothing_unasked(task: str):
    basic = discover().catalogue["basic"].item
    settings = {"source": "x.csv", "target": "y", "task": task}
    assert resolve("basic", basic, {}, settings).network.normalize_window == "none"
    asked = resolve("basic", basic, {}, settings | {"normalize_window": "instance"})
    assert asked.network.normalize_window == "instance"
