"""What ``training.py`` times, each in a process of its own: one JSON object a line for each cell that it is given.

``python training_peers.py PEER '[cell, …]'``; the PyTorch peers run in an environment that has no TensorFlow.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

FEATURES, HORIZON, SEED = 8, 1, 0
EPOCHS = 4  # the first one compiles and is not counted
SECONDS = 1.0  # that an epoch lasts, about
LEAST = 8  # steps of an epoch, so that what comes once an epoch weighs little
RATE = 3e10  # products a second, roughly


def steps_of(cell: dict[str, Any]) -> int:
    """Batches of an epoch."""
    width = cell["units"] * (2 if cell["kind"] == "bidirectional" else 1)
    products = cell["layers"] * cell["window"] * cell["batch"] * 8 * cell["units"] * width * 3
    return max(LEAST, math.ceil(SECONDS / (products / RATE + 1e-3)))


def report(cell: dict[str, Any], epochs: list[float]) -> None:
    """Print the milliseconds of a step: the median of the epochs after the first."""
    milliseconds = 1000 * median(epochs[1:]) / steps_of(cell)
    print(json.dumps({"name": cell["name"], "ms": milliseconds}), flush=True)


def arrays(cell: dict[str, Any]) -> tuple[Any, Any]:
    """Windows (n, window, features) and targets (n, 1)."""
    import numpy as np

    count = cell["batch"] * steps_of(cell)
    inputs = np.random.default_rng(SEED).normal(size=(count, cell["window"], FEATURES)).astype(np.float32)
    return inputs, inputs[:, -5:, :2].sum(axis=(1, 2), keepdims=False)[:, None]


def keras_peer(cells: list[dict[str, Any]]) -> None:
    """Keras as its examples have it: arrays, ``compile``, ``fit``."""
    import keras

    class Epochs(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_begin(self, logs: Any = None) -> None:
            self.seconds: list[float] = []

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.started = perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seconds.append(perf_counter() - self.started)

    layers = keras.layers
    for cell in cells:
        model = keras.Sequential([keras.Input((cell["window"], FEATURES))])
        if cell["kind"] == "bidirectional":
            model.add(layers.Bidirectional(layers.LSTM(cell["units"], return_sequences=True)))
            model.add(layers.Dropout(0.2))
            model.add(layers.Bidirectional(layers.LSTM(cell["units"] // 2)))
        else:
            for depth in range(cell["layers"]):
                model.add(layers.LSTM(cell["units"], return_sequences=depth < cell["layers"] - 1))
        model.add(layers.Dense(1))
        model.compile("adam", "mse")
        epochs = Epochs()
        inputs, targets = arrays(cell)
        model.fit(inputs, targets, batch_size=cell["batch"], epochs=EPOCHS, verbose=0, callbacks=[epochs])
        report(cell, epochs.seconds)


def torch_peer(cells: list[dict[str, Any]], threads: int) -> None:
    """PyTorch with a plain loop on so many threads."""
    import torch

    torch.set_num_threads(threads)

    class Network(torch.nn.Module):  # type: ignore[misc]
        def __init__(self, cell: dict[str, Any]) -> None:
            super().__init__()
            units, both = cell["units"], cell["kind"] == "bidirectional"
            if both:
                first = torch.nn.LSTM(FEATURES, units, batch_first=True, bidirectional=True)
                second = torch.nn.LSTM(2 * units, units // 2, batch_first=True, bidirectional=True)
                self.layers = torch.nn.ModuleList([first, second])
                self.dropout = torch.nn.Dropout(0.2)
            else:
                self.layers = torch.nn.ModuleList([torch.nn.LSTM(FEATURES, units, cell["layers"], batch_first=True)])
            self.units = units // 2 if both else 0
            self.head = torch.nn.Linear(units, 1)

        def forward(self, values: Any) -> Any:
            values, _ = self.layers[0](values)
            if len(self.layers) == 1:
                return self.head(values[:, -1])
            values, _ = self.layers[1](self.dropout(values))  # the backward direction ends at the first step
            return self.head(torch.cat([values[:, -1, : self.units], values[:, 0, self.units :]], 1))

    for cell in cells:
        torch.manual_seed(SEED)
        model = Network(cell)
        optimizer, loss = torch.optim.Adam(model.parameters(), 1e-3), torch.nn.MSELoss()
        count = cell["batch"] * steps_of(cell)
        inputs = torch.randn(count, cell["window"], FEATURES)
        targets = inputs[:, -5:, :2].sum((1, 2))[:, None]
        epochs = []
        for _ in range(EPOCHS):
            started = perf_counter()
            for batch in torch.randperm(count).split(cell["batch"]):
                optimizer.zero_grad()
                loss(model(inputs[batch]), targets[batch]).backward()
                optimizer.step()
            epochs.append(perf_counter() - started)
        report(cell, epochs)


def zoo_peer(cells: list[dict[str, Any]]) -> None:
    """The zoo's own trainer on a table, with its windows, shuffling, callbacks and a validation of one window."""
    import keras
    import numpy as np

    from zoo.api import plan
    from zoo.training.trainer import fit
    from zoo_registry import discover

    class Epochs(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.at: list[float] = []

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.at.append(perf_counter())

        def on_train_end(self, logs: Any = None) -> None:
            self.at.append(perf_counter())

    for cell in cells:
        count = cell["batch"] * steps_of(cell)
        rows = count + cell["window"] + HORIZON - 1
        held = cell["window"] + HORIZON  # rows of validation, and of test: one window, without context
        values = np.random.default_rng(SEED).normal(size=(rows + 2 * held, FEATURES)).astype(np.float32)
        names = [f"x{number}" for number in range(FEATURES)]
        hyperparameters = {"units": cell["units"]}
        hyperparameters |= {"layers": cell["layers"]} if cell["kind"] == "stacked" else {}
        hyperparameters |= {"second_units": cell["units"] // 2} if cell["kind"] == "bidirectional" else {}
        settings = {"window": cell["window"], "horizon": HORIZON, "split": (rows, held, held), "patience": 0}
        settings |= {"context": False, "loss": "mse"}
        config, prepared = plan(
            cell["kind"],
            (values, np.arange(len(values)), names),
            hyperparameters=hyperparameters,
            target="x0",
            batch_size=cell["batch"],
            epochs=EPOCHS,
            **settings,
        )
        assert math.ceil(len(prepared.parts["train"]) / cell["batch"]) == steps_of(cell)
        architecture = discover().catalogue[cell["kind"]].item
        epochs = Epochs()
        fit(architecture, architecture.configure(hyperparameters), prepared, config.training, [epochs])
        report(cell, np.diff(epochs.at).tolist())


PEERS: dict[str, Callable[[list[dict[str, Any]]], None]] = {
    "keras": keras_peer,
    "zoo": zoo_peer,
    "torch-1": lambda cells: torch_peer(cells, 1),
    "torch-all": lambda cells: torch_peer(cells, os.cpu_count() or 1),
}

if __name__ == "__main__":
    PEERS[sys.argv[1]](json.loads(sys.argv[2]))
