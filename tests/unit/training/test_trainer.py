"""The trainer: early stopping, the best epoch's weights, losses that are not finite, and what a loss is told."""

from __future__ import annotations

import math

import keras
import numpy as np
import pandas as pd
import pytest

import zoo
from zoo.runs.finding import list_unfinished
from zoo.runs.record import Origin
from zoo.runs.unfinished import UnfinishedRun
from zoo.settings.schema import DataConfig, TrainingConfig
from zoo.training.batches import ordered_batches, shuffled_batches
from zoo.training.preparation import prepare
from zoo.training.trainer import fit, forecast_batches
from zoo_registry.errors import ConfigError, RunError, TrainingError


def one_weight(hp, shape):
    """The forecast is the last value, times a weight that starts at 0."""
    window = keras.Input(shape.input)
    weight = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    return keras.Model(window, keras.layers.Reshape(shape.output)(weight(keras.layers.Flatten()(window))))


@pytest.fixture(scope="module")
def overfitted():
    """Train rows follow x -> -x, later ones x -> -x / 2: the validation loss falls, then rises, as the weight does."""
    random = np.random.default_rng(0)
    values = [1.0]
    for row in range(1, 300):
        values.append(values[-1] * (-1.0 if row < 100 else -0.5) + (0 if row < 100 else random.normal(0, 0.5)))
    config = DataConfig(source="DataFrame", target="x", window=1, horizon=1, split=(100, 100, 100))
    return prepare(config, pd.DataFrame({"x": values}))


def fit_one_weight(make_architecture, prepared, callbacks=(), **changes):
    settings = {"optimizer": "sgd", "learning_rate": 0.05, "batch_size": 99, "epochs": 14, "patience": 3}
    config = TrainingConfig(**(settings | changes))
    architecture = make_architecture(one_weight)
    return fit(architecture, architecture.configure({}), prepared, config, callbacks)


@pytest.mark.parametrize("patience", [3, 0])
def test_the_best_epochs_weights_are_returned(make_architecture, overfitted, patience):
    fitted = fit_one_weight(make_architecture, overfitted, patience=patience)
    losses = fitted.history["val_loss"]
    assert 1 < fitted.best_epoch < len(losses)
    assert losses[fitted.best_epoch - 1] == min(losses)
    assert len(losses) == (fitted.best_epoch + patience if patience else 14)
    assert all(len(values) == len(losses) for values in fitted.history.values())

    (weight,) = fitted.model.get_weights()
    assert weight.item() == pytest.approx(0.9**fitted.best_epoch - 1, rel=1e-4), "a tenth of the way in each epoch"
    validation = overfitted.parts["validation"]
    error = np.concatenate(list(forecast_batches(fitted.model, validation))) - validation.outputs()
    assert np.square(error).mean() == pytest.approx(min(losses), rel=1e-5)


def test_a_loss_that_is_not_finite_ends_the_training(make_architecture, overfitted):
    class Spoil(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.model.set_weights([np.full((1, 1), math.nan)])

    with pytest.raises(TrainingError, match=r"loss became nan in epoch 3; try a smaller `learning_rate`"):
        fit_one_weight(make_architecture, overfitted, [Spoil()])


@pytest.mark.parametrize(("spoilt", "left"), [(1, 0), (2, 1)])
def test_a_training_that_fails_leaves_the_last_good_epoch(series, tmp_path, monkeypatch, spoilt, left):
    """In its first epoch, it leaves nothing."""

    def spoil(self, epoch, logs=None):
        if epoch + 1 == spoilt:
            self.model.set_weights([np.full(weight.shape, math.inf) for weight in self.model.get_weights()])

    monkeypatch.setattr("zoo.training.trainer.RecordRate.on_epoch_begin", spoil)
    settings = {"target": "load", "window": 8, "horizon": 3, "hyperparameters": {"units": 2}, "epochs": 3}
    with pytest.raises(TrainingError, match=rf"became (nan|inf) in epoch {spoilt}; try a smaller") as caught:
        zoo.train("basic", series, learning_rate=0.01, runs=tmp_path / "runs", **settings)
    if not left:
        assert list(tmp_path.iterdir()) == []
        return
    (run,) = map(UnfinishedRun.read, list_unfinished(tmp_path / "runs"))
    runs = str(tmp_path / "runs")
    command = f'zoo.train("basic", data, start_from="{run.id}", learning_rate=0.001, runs={runs!r}, ...)'
    assert (run.epoch, run.command) == (left, command)
    assert str(caught.value).endswith(f"of epoch {left}, are kept, to start from them: {command}")
    with pytest.raises(RunError, match=r"diverged after epoch 1, and would again; go on with: zoo\.train\(.basic"):
        zoo.resume(run.id, series, runs=tmp_path / "runs")
    monkeypatch.undo()
    start = {"start_from": run.id, "learning_rate": 0.001, "runs": tmp_path / "runs"}
    again = zoo.train("basic", series, **start, **settings)
    assert again.record.training.started_from == Origin(run=run.id, epoch=left)


def test_weights_that_are_not_finite_end_the_training(make_architecture, overfitted):
    """Though the loss of the epoch was."""

    class Spoil(keras.callbacks.Callback):
        def on_test_end(self, logs=None):
            self.model.set_weights([np.full((1, 1), math.inf)])

    with pytest.raises(TrainingError, match=r"weights of '.*kernel' became infinite or nan in epoch 1; try a smaller"):
        fit_one_weight(make_architecture, overfitted, [Spoil()])


def test_another_backend_of_keras(make_architecture, overfitted, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ConfigError, match="Keras runs on 'jax'; set KERAS_BACKEND=tensorflow"):
        fit_one_weight(make_architecture, overfitted)


def test_a_loss_can_speak_of_original_units(make_architecture, prepared):
    told = []

    def loss(hp, context):
        told.append(context)
        return keras.losses.mean_squared_error

    def build(hp, shape):
        window = keras.Input(shape.input)
        return keras.Model(window, keras.layers.Reshape(shape.output)(keras.layers.Dense(3)(window[:, -1])))

    architecture = make_architecture(build, loss=loss)
    fit(architecture, architecture.configure({}), prepared, TrainingConfig(loss="architecture", epochs=1))
    (context,) = told
    assert context.shape == prepared.shape
    train = prepared.parts["train"]
    original = context.to_original(train.outputs())
    expected = prepared.preprocessor.targets_.inverse_transform(train.outputs())
    np.testing.assert_allclose(original, expected, rtol=1e-6)
    assert 80 < expected.mean() < 120, "in original units"


def test_forecasts_come_in_the_windows_order(make_architecture, prepared, monkeypatch):
    monkeypatch.setattr("zoo.training.trainer.PREDICTION_BATCH", 16)
    window = keras.Input(prepared.shape.input)
    network = keras.Model(window, keras.layers.Lambda(lambda x: x[:, -3:, :1])(window))
    for windows in prepared.parts.values():
        found = np.concatenate(list(forecast_batches(network, windows)))
        np.testing.assert_array_equal(found, windows.inputs()[:, -3:, :1])
        assert len(list(ordered_batches(windows, 16))) == math.ceil(len(windows) / 16)


def test_balanced_class_weights_reach_the_loss(series):
    """A class of one in ten is told only where it counts as much as the other."""
    from zoo.api import plan
    from zoo.training.trainer import measure
    from zoo_registry import discover

    random = np.random.default_rng(0)
    rare = random.random(len(series)) < 0.1
    frame = series.assign(load=random.normal(size=len(series)) + 1.2 * rare, kind=np.where(rare, "odd", "usual"))
    told = {}
    for weights in ("none", "balanced"):
        settings = {"target": "kind", "features": "load", "window": 2, "epochs": 30, "patience": 0, "keep": "last"}
        settings |= {"class_weights": weights, "learning_rate": 0.02, "hyperparameters": {"units": 4}}
        config, prepared = plan("basic", frame, task="classify", **settings)
        architecture = discover().catalogue["basic"].item
        fitted = fit(architecture, architecture.configure(config.hyperparameters), prepared, config.training)
        confusion = np.array(measure(fitted.model, prepared, config).evaluation["network"]["confusion"])
        told[weights] = confusion.sum(axis=0)[0] / confusion.sum()  # the share of windows that are called odd
    assert told["none"] < 0.1 < 0.2 < told["balanced"]


@pytest.mark.parametrize("xla", [False, True])
def test_repair_28_no_function_is_rewritten(make_architecture, overfitted, rewritten, xla):
    fitted = fit_one_weight(make_architecture, overfitted, epochs=1, engine="keras", xla=xla)
    next(forecast_batches(fitted.model, overfitted.parts["test"]))
    next(iter(shuffled_batches(overfitted.parts["train"], 8, seed=0)))
    assert rewritten == []
