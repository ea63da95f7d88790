"""Fit a network on windows: seeded, with early stopping on the best epoch's weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from zoo.acceleration.fusion import Fusion
from zoo.acceleration.step_plan import Plan, plan_by_rule, step_seconds
from zoo.acceleration.tensorflow_threads import choose_threads
from zoo.data.labels import balanced_weights, class_counts
from zoo.data.windows import Windows
from zoo.evaluation.measurement import Measurement
from zoo.forking import refuse_forked
from zoo.models.assembly import Assembled, assemble
from zoo.models.custom_objects import check_loadable
from zoo.models.layer_errors import layers_told
from zoo.preprocessing.prepared import Prepared
from zoo.preprocessing.target_scale import TargetScale
from zoo.runs.resumption import Checkpoints, Start, not_finite
from zoo.runs.unfinished import UnfinishedRun
from zoo.settings.schema import NetworkConfig, RunConfig, TrainingConfig
from zoo.tasks import find_task
from zoo.training.batches import feed, ordered_batches
from zoo.training.compilation import make_loss, make_optimizer
from zoo.training.interrupts import Interrupts
from zoo.training.plan_choice import choose_plan, computed_by
from zoo.training.schedules import RecordRate, make_rate, schedule_callbacks
from zoo.training.seeding import alone, seeded
from zoo.training.series_draws import series_offsets
from zoo.training.step_count import Pace, pace_of, settled_length, total_steps
from zoo.training.window_weights import WindowWeights, window_weights
from zoo_registry import Architecture, Hyperparameters, LossContext
from zoo_registry.errors import ConfigError, TrainingError

PREDICTION_BATCH = 512  # windows
PREDICTION_VALUES = 2**20  # of a batch at most, read and told, so that many columns take no more memory
CORES = 2  # by which it is estimated how long a training takes, whatever the machine has


@dataclass(frozen=True)
class Fitted:
    """A trained network with the best epoch's weights (or the last one's), and the record of its training.

    ``model`` gives scaled targets, whatever it was trained to give. ``history`` maps ``loss``, ``val_loss``,
    ``learning_rate`` (that of the epoch's last step) and others to one value for each epoch; ``best_epoch``, whose
    weights these are, counts from 1, and is 0 of one that was not trained; ``val_loss`` is of these weights, None
    without validation rows. ``config`` says how long it was to last, also where nobody asked, and ``pace`` what that is
    in steps. ``plan`` is how its steps were computed, and ``engine`` what the record says of that.
    """

    model: keras.Model
    history: dict[str, list[float]]
    best_epoch: int
    val_loss: float | None
    seconds: float
    config: TrainingConfig
    pace: Pace
    plan: Plan
    engine: dict[str, Any]

    @property
    def loss(self) -> float | None:
        """The train loss of the epoch whose weights these are."""
        return self.history["loss"][self.best_epoch - 1] if self.best_epoch else None


class _StopOnNonFinite(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends a training whose loss or weights are no numbers, before anything of that epoch is kept."""

    def __init__(self, run: UnfinishedRun | None, learning_rate: float) -> None:
        super().__init__()
        self._run = run
        self._smaller = learning_rate / 10

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        for name, value in (logs or {}).items():
            if not math.isfinite(value):
                raise self._error(f"{name} became {value} in epoch {epoch + 1}")
        if (weight := not_finite(self.model)) is not None:
            raise self._error(f"weights of '{weight}' became infinite or nan in epoch {epoch + 1}")

    def _error(self, what: str) -> TrainingError:
        advice = "try a smaller `learning_rate` or another `scaler`"
        if self._run is not None and self._run.epoch:
            self._run.set_diverged(self._smaller)
            kept = f"the last good weights, of epoch {self._run.epoch}, are kept"
            advice += f"; {kept}, to start from them: {self._run.command}"
        return TrainingError(f"{what}; {advice}")


@alone()
def fit(
    architecture: Architecture,
    hp: Hyperparameters,
    prepared: Prepared,
    config: TrainingConfig,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    *,
    network: NetworkConfig | None = None,
    start: Start | None = None,
    run: UnfinishedRun | None = None,
    watch: Callable[[keras.Model], keras.callbacks.Callback] | None = None,
) -> Fitted:
    """Train an architecture on prepared windows; one seed gives one result on one machine.

    Trainings of one process wait for each other, and what one sets for all of the process is as before at its end.
    ``watch`` makes one more callback, of a network with the trained one's weights that gives scaled targets.
    ``run`` is where checkpoints are written; the training goes on from the one that is there, and ends with the
    weights of one that was never stopped. Raises TrainingError where a loss is not finite, ConfigError and PluginError
    where the network cannot be built or those weights do not fit it, RunError for a checkpoint that does not.
    """
    threads = choose_threads()  # before anything else of TensorFlow
    config = settle(architecture, hp, prepared, config, network)
    train, judged, validation = prepared.parts["train"], prepared.parts["validation"], None
    if len(judged):  # else all rows are trained on
        validation = _predicted(judged, window_weights(prepared, "validation"))
    pace, drawn = pace_of(config, len(train)), drawing(prepared, config)

    def build() -> keras.Model:
        return compiled(architecture, hp, prepared, config, network).trained

    model, told = compiled(architecture, hp, prepared, config, network)
    with alone(), layers_told(model, "called"):  # which leaves the seeds as they are
        check_loadable(model, f"architecture '{architecture.name}'")
    stopper = keras.callbacks.EarlyStopping(
        monitor="val_loss",
        patience=config.patience or pace.epochs,
        restore_best_weights=config.keep == "best",
    )
    stoppers = [] if validation is None else [*schedule_callbacks(config.schedule, config.learning_rate), stopper]
    history = keras.callbacks.History()
    checkpoints = Checkpoints(run, config.checkpoint_every, history, stoppers)
    plan = checkpoints.plan
    if plan is None:
        with layers_told(model, "trained"):
            plan = checkpoints.plan = choose_plan(model, build, train, config, **drawn)
        if config.autotune:
            model, told = compiled(
                architecture, hp, prepared, config, network
            )  # which seeds everything anew: a trial leaves nothing behind
    if start is not None:
        start.put_into(model)
    interrupts = Interrupts()
    steps, done = pace.validate_every, pace.steps_after(checkpoints.first_epoch)
    batches, draw = feed(train, config.batch_size, config.seed, done, **drawn)
    with layers_told(model, "trained"), interrupts.noted(), computed_by(plan, model, steps, draw, pace.total - done):
        model.fit(
            batches,
            validation_data=validation,
            initial_epoch=checkpoints.first_epoch,
            epochs=checkpoints.first_epoch if checkpoints.stopped else pace.epochs,
            steps_per_epoch=steps,
            callbacks=[
                interrupts,
                _StopOnNonFinite(run, config.learning_rate),
                RecordRate(make_rate(config.schedule, config.learning_rate, total_steps(config, len(train)))),
                *stoppers,
                *callbacks,
                *([] if watch is None else [watch(told)]),
                history,
                checkpoints,  # the last, as it keeps what the others have come to
            ],
            shuffle=False,  # the batches come shuffled
            verbose=0,
        )
    kept_history = {name: [float(value) for value in values] for name, values in history.history.items()}
    val_loss = None
    if validation is None:
        kept = len(kept_history.setdefault("loss", []))
    elif losses := kept_history.setdefault("val_loss", []):
        kept = int(np.argmin(losses)) + 1 if config.keep == "best" else len(losses)
        val_loss = losses[kept - 1]
    else:
        kept_history["loss"], kept = [], 0
        val_loss = float(model.evaluate(validation, verbose=0))
    engine = {**plan.record(Fusion(model)), "threads": threads._asdict()}
    return Fitted(told, kept_history, kept, val_loss, checkpoints.seconds, config, pace, plan, engine)


def drawing(prepared: Prepared, config: TrainingConfig) -> dict[str, Any]:
    """How the batches of a training are drawn and weighted, as :func:`zoo.training.batches.feed` takes it."""
    train, starts = prepared.parts["train"], prepared.table.starts
    series = series_offsets(train, starts) if config.sample_by == "series" else None
    return {"series": series, "weights": window_weights(prepared, "train")}


@alone()
def settle(
    architecture: Architecture,
    hp: Hyperparameters,
    prepared: Prepared,
    config: TrainingConfig,
    network: NetworkConfig | None = None,
) -> TrainingConfig:
    """Say how long a training lasts, where its configuration leaves that to the zoo; raises as :func:`fit` does."""

    def seconds(usual: TrainingConfig) -> float:
        model = compiled(architecture, hp, prepared, usual, network).trained
        plan = plan_by_rule(model, usual.engine, usual.batch_size, 1, CORES, gpu=False)
        return step_seconds(model, usual.batch_size, plan.parts)

    choose_threads()  # a command comes here before anything else of TensorFlow
    windows, validated = (len(prepared.parts[part]) for part in ("train", "validation"))
    return settled_length(config, architecture, windows, validated, seconds)


def compiled(
    architecture: Architecture,
    hp: Hyperparameters,
    prepared: Prepared,
    config: TrainingConfig,
    network: NetworkConfig | None = None,
) -> Assembled:
    """Seed everything, and return the network, to be trained by its loss and optimizer; raises as :func:`fit` does.

    For use inside :func:`zoo.training.seeding.alone`, which puts the seeds back.
    """
    if keras.backend.backend() != "tensorflow":
        raise ConfigError(f"Keras runs on '{keras.backend.backend()}'; set KERAS_BACKEND=tensorflow, the zoo needs it")
    network = network or NetworkConfig.model_validate({})
    with seeded(config.seed):
        needed = config.epochs == 0 and config.start_from is None
        found = assemble(architecture, hp, prepared.shape, network, prepared.window_scale, pretrained=needed)
    normalized = prepared.normalized_truth
    if normalized is None and TargetScale(prepared.window_scale, prepared.shape.target_columns).active:
        found = Assembled(found.told, found.told)  # with the loss of version 1, which was of what is told
    targets, by_series = prepared.preprocessor.targets_, prepared.preprocessor.by_series
    balanced = config.class_weights == "balanced"
    weights = balanced_weights(class_counts(prepared.table, prepared.parts["train"])) if balanced else None
    context = LossContext(
        shape=architecture.shaped(prepared.shape),
        to_original=partial(targets.inverse, keras.ops, dtype="float32") if by_series is None else _refused,
        deviations=tuple(targets.deviation.tolist()),
        class_weights=weights,
    )
    optimizer = make_optimizer(config, total_steps(config, len(prepared.parts["train"])))
    loss = make_loss(config, architecture, hp, context, normalized)
    found.trained.compile(optimizer=optimizer, loss=loss)
    return found


def _refused(scaled: Any) -> Any:
    raise ConfigError(
        "this loss is computed in original units, but each series has a scaler of its own (`scaler_per_series`), and a"
        " loss does not know of which series a window is; take a loss of scaled values, such as mse, mae or huber, or"
        " leave `scaler_per_series` out"
    )


def forecaster(model: keras.Model) -> Callable[[Windows], Iterator[NDArray[np.float32]]]:
    """What :func:`forecast_batches` does, of one network and any windows; its graph is traced once."""
    refuse_forked()
    function = tf.function(lambda inputs: model(inputs, training=False), autograph=False)
    (given,) = model.inputs
    # One graph for any batch; of a function TensorFlow says that it is traced too often where many networks come along
    with layers_told(model, "called"):
        predict = function.get_concrete_function(tf.TensorSpec(given.shape, given.dtype))

    def forecast(windows: Windows) -> Iterator[NDArray[np.float32]]:
        for inputs, *_ in _predicted(windows):
            with layers_told(model, "called"):
                outputs = predict(inputs).numpy()
            yield outputs

    return forecast


def forecast_batches(model: keras.Model, windows: Windows) -> Iterator[NDArray[np.float32]]:
    """A network's scaled outputs, (n, *shape.output), at most ``PREDICTION_BATCH`` windows at a time, in order."""
    return forecaster(model)(windows)


def _predicted(windows: Windows, weights: WindowWeights | None = None) -> tf.data.Dataset:
    """Windows in batches that a network takes without training; the wider they are, the fewer at once."""
    values = windows.window * windows.features.shape[1] + windows.horizon * windows.targets.shape[1]
    return ordered_batches(windows, max(1, min(PREDICTION_BATCH, PREDICTION_VALUES // values)), weights)


def measure(model: keras.Model, prepared: Prepared, config: RunConfig) -> Measurement:
    """Measure a trained network on the test windows of prepared data."""
    return find_task(config.task).measure(partial(forecast_batches, model), prepared, config)
