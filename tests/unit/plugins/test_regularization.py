"""Dropout, recurrent dropout, L1 and L2 do what they say, in every recurrent built-in."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.keras_internals import flatten_layers
from zoo_registry import SequenceShape, Task, discover

CATALOGUE = {name: entry.item for name, entry in discover().catalogue.items() if entry.distribution == "lstm-zoo"}
NAMES = [name for name, item in CATALOGUE.items() if "recurrent_dropout" in item.hyperparameters.model_fields]
SHAPE = SequenceShape(task=Task.FORECAST, window=12, n_features=3, horizon=2, n_targets=1, target_columns=(0,))
WINDOWS = np.random.default_rng(0).normal(size=(16, *SHAPE.input)).astype(np.float32)
TRUTH = np.random.default_rng(1).normal(size=(16, *SHAPE.output)).astype(np.float32)
EVERY = pytest.mark.parametrize("name", NAMES)


def build(name: str, **hyperparameters: float) -> keras.Model:
    """A small network, the same for the same hyperparameters."""
    keras.utils.set_random_seed(0)
    architecture = CATALOGUE[name]
    plain = {"dropout": 0.0} | architecture.tiny
    return architecture.build(architecture.configure(plain | hyperparameters), SHAPE)


def recurrent(model: keras.Model) -> list[keras.layers.RNN]:
    kinds = (keras.layers.LSTM, keras.layers.GRU)
    return [layer for layer in flatten_layers(model) if isinstance(layer, kinds)]


@EVERY
@pytest.mark.parametrize("kind", ["dropout", "recurrent_dropout"])
def test_dropout_acts_in_training_alone(name: str, kind: str):
    model = build(name, **{kind: 0.5})
    served = [np.asarray(model(WINDOWS, training=False)) for _ in range(2)]
    np.testing.assert_array_equal(*served)
    trained = [np.asarray(model(WINDOWS, training=True)) for _ in range(2)]
    assert np.abs(trained[0] - trained[1]).max() > 1e-3
    assert np.abs(trained[0] - served[0]).max() > 1e-3
    without = build(name)
    np.testing.assert_array_equal(without(WINDOWS, training=True), without(WINDOWS, training=False))


@EVERY
@pytest.mark.parametrize(("kind", "power"), [("l1", 1), ("l2", 2)])
def test_penalties_are_sums_over_kernels_and_recurrent_kernels(name: str, kind: str, power: int):
    model = build(name, units=5, **{kind: 0.01})
    assert recurrent(model)[0].units == 5
    kernels = [weights for layer in recurrent(model) for weights in (layer.cell.kernel, layer.cell.recurrent_kernel)]
    assert len(kernels) == 2 * len(recurrent(model)) > 0
    expected = 0.01 * sum(float((np.abs(np.asarray(weights)) ** power).sum()) for weights in kernels)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-4)
    assert not build(name).losses
