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
from zoo.training.assembly import assemble
from zoo.training.batches import ordered_batches, shuffled_batches
from zoo.training.compilation import make_loss, make_optimizer
from zoo.training.config import NetworkConfig, TrainingConfig
from zoo.training.preparation import Prepared
from zoo.training.schedules import RecordRate, schedule_callbacks
from zoo.training.steps import total_steps
from zoo_registry import Architecture, Hyperparameters, LossContext
from zoo_registry.errors import ConfigError, TrainingError

PREDICTION_BATCH = 512


@dataclass(frozen=True)
class Fitted:
    """A trained network with the best epoch's weights (or the last one's), and the record of its training.

    ``history`` maps ``loss``, ``val_loss``, ``learning_rate`` (that of the epoch's last step) and others to one value
    for each epoch; ``best_epoch``, whose weights these are, counts from 1.
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
    *,
    network: NetworkConfig | None = None,
) -> Fitted:
    """Train an architecture on prepared windows; one seed gives one result on one machine.

    Raises TrainingError where a loss is not finite, ConfigError and PluginError where the network cannot be built.
    """
    train, validation = prepared.parts["train"], prepared.parts["validation"]
    model = compiled(architecture, hp, prepared, config, network)
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
        callbacks=[
            _StopOnNonFinite(),
            RecordRate(),
            *schedule_callbacks(config.schedule, config.learning_rate),
            stopper,
            *callbacks,
        ],
        shuffle=False,  # the batches come shuffled
        verbose=0,
    )
    history = {name: [float(value) for value in values] for name, values in record.history.items()}
    losses = history["val_loss"]
    kept = int(np.argmin(losses)) + 1 if config.keep == "best" else len(losses)
    return Fitted(model, history, kept, time.perf_counter() - started)


def compiled(
    architecture: Architecture,
    hp: Hyperparameters,
    prepared: Prepared,
    config: TrainingConfig,
    network: NetworkConfig | None = None,
) -> keras.Model:
    """Seed everything, and return the network with its loss and optimizer; raises as :func:`fit` does."""
    if keras.backend.backend() != "tensorflow":
        raise ConfigError(f"Keras runs on '{keras.backend.backend()}'; set KERAS_BACKEND=tensorflow, the zoo needs it")
    network = network or NetworkConfig.model_validate({})
    keras.utils.set_random_seed(config.seed)
    tf.config.experimental.enable_op_determinism()
    model = assemble(architecture, hp, prepared.shape, network, prepared.positions)
    targets = prepared.preprocessor.targets_
    context = LossContext(
        shape=prepared.shape,
        to_original=lambda scaled: targets.inverse(keras.ops, scaled, "float32"),
        deviations=tuple(targets.deviation.tolist()),
    )
    optimizer = make_optimizer(config, total_steps(config, len(prepared.parts["train"])))
    model.compile(optimizer=optimizer, loss=make_loss(config, architecture, hp, context))
    return model


def forecast_batches(model: keras.Model, windows: Windows) -> Iterator[NDArray[np.float32]]:
    """Scaled forecasts of shape (n, horizon, n_targets), ``PREDICTION_BATCH`` windows at a time, in their order."""
    predict = tf.function(lambda inputs: model(inputs, training=False), reduce_retracing=True)
    for inputs, _ in ordered_batches(windows, PREDICTION_BATCH):
        yield predict(inputs).numpy()
