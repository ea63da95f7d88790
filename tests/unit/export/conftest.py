"""Networks that were never trained: what is exported need not be good."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def randomized() -> Callable[[Any], Any]:
    """Give a network random weights everywhere, biases too, and return it."""

    def fill(network: Any) -> Any:
        random = np.random.default_rng(0)
        network.set_weights([random.normal(0, 0.5, weight.shape) for weight in network.get_weights()])
        return network

    return fill


@pytest.fixture(scope="session")
def make_trained(randomized: Callable[[Any], Any]) -> Callable[..., Any]:
    """``make_trained(frame, build, **settings)``: what ``export`` takes, around a network with random weights."""
    from zoo.acceleration.step_plan import Plan
    from zoo.export.export_run import Trained
    from zoo.models.network import build_network
    from zoo.runs.store import make_record
    from zoo.settings.resolve import resolve
    from zoo.training.preparation import prepare
    from zoo.training.step_count import Pace
    from zoo.training.trainer import Fitted, measure
    from zoo_registry import Architecture, Entry, Task

    def one_layer(hp: Any, shape: Any) -> Any:
        window = keras.Input(shape.input)
        state = keras.layers.LSTM(2)(window)
        output = keras.layers.Dense(prod(shape.output))(state)
        return keras.Model(window, keras.layers.Reshape(shape.output)(output))

    def make(
        frame: pd.DataFrame, build: Callable[..., Any] = one_layer, anomaly: Any = "forecast", **settings: Any
    ) -> Trained:
        architecture = Architecture(name="mine", summary="Mine.", build=build, tasks=tuple(Task), anomaly=anomaly)
        known = {"source": "DataFrame", "target": "load", "window": 8, "horizon": 3}
        config = resolve("mine", architecture, {}, known | settings)
        prepared = prepare(config.data, frame)
        network = randomized(build_network(architecture, architecture.configure({}), prepared.shape))
        history, plan = {"loss": [1.0], "val_loss": [1.0]}, Plan("keras", 1, 1)
        how = {"config": config.training, "pace": Pace(1, 1), "plan": plan, "engine": None}
        fitted = Fitted(network, history, best_epoch=1, val_loss=0.0, seconds=0.0, **how)
        entry = Entry(architecture, "mine", "tests", "1.2")
        record = make_record("a-run", config, entry, prepared, fitted, measure(network, prepared, config).evaluation)
        return Trained(network, prepared.preprocessor, record)

    return make


@pytest.fixture(scope="session")
def served() -> Callable[..., Any]:
    """``served(trained)``: the network of what ``make_trained`` gave, or ``network``, as the serving graph takes it."""
    from zoo.export.graph import Served
    from zoo.inference.answers import answers_of

    def serve(trained: Any, network: Any = None) -> Served:
        problem, network = trained.record.problem, network or trained.network
        window = (problem.window, len(problem.features))
        return Served(network, trained.preprocessor, answers_of(trained.record), window)

    return serve


@pytest.fixture(scope="session")
def offset_series() -> pd.DataFrame:
    """Two columns near a million with a deviation of 1."""
    random = np.random.default_rng(0)
    load, price = random.normal(size=(2, 200))
    return pd.DataFrame({"load": 1e6 + load, "price": -1e6 + price})


@pytest.fixture(scope="session")
def wide(make_trained: Callable[..., Any], offset_series: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory):
    """What was exported, and its bundle: two targets, whose offset takes float64."""
    from zoo.bundle.loading import load_bundle
    from zoo.export.export_run import export

    trained = make_trained(offset_series, target=["price", "load"])
    return trained, load_bundle(export(trained, tmp_path_factory.mktemp("exported"), "wide", "Two targets."))
