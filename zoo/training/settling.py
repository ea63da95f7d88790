"""Settle how long a run's training lasts, before it is recorded that it has begun."""

from __future__ import annotations

from zoo.preprocessing.prepared import Prepared
from zoo.settings.schema import RunConfig
from zoo.training.trainer import settle
from zoo_registry import discover


def settled(config: RunConfig, prepared: Prepared) -> RunConfig:
    """The configuration of a run with the length of its training, by the data where nobody asked for one."""
    architecture = discover().catalogue[config.architecture].item
    hp = architecture.configure(config.hyperparameters)
    training = settle(architecture, hp, prepared, config.training, config.network)
    return config.model_copy(update={"training": training})
