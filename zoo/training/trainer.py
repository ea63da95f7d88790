"""Fit a network on windows: seeded, with early stopping on the best epoch's weights."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from zoo.data.windows import Windows
from zoo.training.batches import ordered_batches, shuffled_batches
from zoo.training.compilation import make_loss, make_optimizer
from zoo.training.config import TrainingConfig
from zoo.training.network import build_network
from zoo.training.preparation import Prepared
from zoo_registry import Architecture, Hyperparameters, LossContext
from zoo_registry.errors import ConfigError, TrainingError

PREDICTION_BATCH = 512


@dataclass(frozen=True)
class Fitted:
    """A trained network with the best epoch's weights (or the last one's), and the record of its training.

    ``history`` maps ``loss``, ``val_loss`` and others to one value for each epoch; ``best_epoch``, whose weights these
    are, counts from 1.
    """

    model: keras.Model
    history: dict[str, list[float]]
    best_epoch: int
    seconds: float


class _StopOnNonFinite(keras.callbacks.Callback):  # type: ignore[misc]
    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        for name, value in (logs or {}).items():
            if not math.isfinite(value):
                raise TrainingError(
                    f"{name} became {value} in epoch {epoch + 1}; try a smaller --learning-rate or another --scaler"
                )


def fit(
    architecture: Architecture,
    hp: Hyperparameters,
    prepared: Prepared,
    config: TrainingConfig,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Fitted:
    """Train an architecture on prepared windows; one seed gives one result on one machine.

    Raises TrainingError where a loss is not finite, ConfigError and PluginError where the network cannot be built.
    """
    if keras.backend.backend() != "tensorflow":
        raise ConfigError(f"Keras runs on '{keras.backend.backend()}'; set KERAS_BACKEND=tensorflow, the zoo needs it")
    keras.utils.set_random_seed(config.seed)
    tf.config.experimental.enable_op_determinism()
    train, validation = prepared.parts["train"], prepared.parts["validation"]
    model = build_network(architecture, hp, prepared.shape)
    targets = prepared.preprocessor.targets_
    context = LossContext(
        shape=prepared.shape, to_original=lambda scaled: targets.inverse(keras.ops, scaled, "float32")
    )
    model.compile(optimizer=make_optimizer(config), loss=make_loss(config, architecture, hp, context))
    stopper = keras.callbacks.EarlyStopping(
        monitor="val_loss",
        patience=config.patience or config.epochs,
        restore_best_weights=config.keep == "best",
    )
    started = time.perf_counter()
    record = model.fit(
        shuffled_batches(train, config.batch_size, config.seed),
        validation_data=ordered_batches(validation, PREDICTION_BATCH),
        epochs=config.epochs,
        steps_per_epoch=math.ceil(len(train) / config.batch_size),
        callbacks=[_StopOnNonFinite(), stopper, *callbacks],
        shuffle=False,  # the batches come shuffled
        verbose=0,
    )
    history = {name: [float(value) for value in values] for name, values in record.history.items()}
    losses = history["val_loss"]
    kept = int(np.argmin(losses)) + 1 if config.keep == "best" else len(losses)
    return Fitted(model, history, kept, time.perf_counter() - started)


def forecast_batches(model: keras.Model, windows: Windows) -> Iterator[NDArray[np.float32]]:
    """Scaled forecasts of shape (n, horizon, n_targets), ``PREDICTION_BATCH`` windows at a time, in their order."""
    predict = tf.function(lambda inputs: model(inputs, training=False), reduce_retracing=True)
    for inputs, _ in ordered_batches(windows, PREDICTION_BATCH):
        yield predict(inputs).numpy()
