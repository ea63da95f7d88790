"""The bench that an architecture is tried on: toy data, and one training and one export that the checks share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from numpy.typing import NDArray

from zoo.acceleration.step_plan import Plan
from zoo.acceleration.tensorflow_threads import choose_threads
from zoo.bundle.loading import load_bundle
from zoo.bundle.manifest import Manifest
from zoo.export.export_run import Trained, export
from zoo.models.assembly import assemble
from zoo.models.network import build_network, decoded
from zoo.preprocessing.prepared import Prepared
from zoo.runs.store import make_record
from zoo.settings.resolve import resolve
from zoo.settings.schema import NetworkConfig, RunConfig
from zoo.tasks import find_task
from zoo.testing.outcomes import EarlierFailureError
from zoo.testing.subject import Subject
from zoo.training.batches import ordered_batches
from zoo.training.plan_choice import computed_by
from zoo.training.preparation import prepare
from zoo.training.seeding import alone, seed_all
from zoo.training.trainer import Fitted, compiled, fit, measure
from zoo_registry import Architecture, Entry, Hyperparameters, SequenceShape, Task
from zoo_registry.errors import ConfigError

EPOCHS, LEARNING_RATE, BATCH = 10, 1e-2, 16
WINDOW, HORIZON, ROWS = 12, 3, 240
# Where sizes and times are told with default hyperparameters: that of the public ETT benchmarks
STATED = SequenceShape(
    task=Task.FORECAST, window=96, n_features=7, horizon=96, n_targets=7, target_columns=tuple(range(7))
)
STATED_BATCH = 32
ODD_BATCH = 5  # which no two parts share evenly

T = TypeVar("T")
Weights = list[NDArray[Any]]


class FirstEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Takes the weights after the first epoch; with ``stop`` it ends the training there."""

    def __init__(self, *, stop: bool = False) -> None:
        super().__init__()
        self._stop = stop
        self.weights: Weights = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if epoch == 0:
            self.weights = self.model.get_weights()
            self.model.stop_training = self._stop


@dataclass(frozen=True)
class Training:
    """A training on the toy series; ``first_epoch`` are the weights after that epoch."""

    config: RunConfig
    prepared: Prepared
    fitted: Fitted
    first_epoch: Weights


@dataclass(frozen=True)
class Published:
    """A training's bundle, and what it was exported from."""

    folder: Path
    manifest: Manifest
    trained: Trained


class Bench:
    """An architecture with its tiny hyperparameters on toy data; ``folder`` is for files.

    What a check asks for is made once. Where that fails, the check that asked first fails with the reason, and for the
    others EarlierFailureError is raised.
    """

    def __init__(self, subject: Subject, folder: Path) -> None:
        choose_threads()  # before TensorFlow starts, as each training wants them
        self.subject = subject
        self.architecture: Architecture = subject.architecture
        self.folder = folder
        self._made: dict[str, Any] = {}
        self._failed: set[str] = set()

    @property
    def first_task(self) -> str:
        """The task whose training and export the main checks look at."""
        return self.architecture.tasks[0]

    def shape(self, task: str, length: int | None = None, **sizes: int) -> SequenceShape:
        """A shape for a task, of sizes of :func:`toy_shape`, but for those that the architecture's ``toy`` has.

        ``length`` is the window's, whatever ``toy`` says.
        """
        sizes |= {str(name): size for name, size in self.architecture.toy.items()}
        return of_task(toy_shape(**sizes | ({"window": length} if length else {})), task, self.architecture)

    def network(self, shape: SequenceShape, seed: int = 0) -> keras.Model:
        """The bare network with tiny hyperparameters, its weights drawn from the seed."""
        hp = self.configured()
        with alone():
            seed_all(seed)
            return decoded(self.architecture, hp, shape, build_network(self.architecture, hp, shape))

    def fresh(self, seed: int, hp: Hyperparameters | None = None) -> keras.Model:
        """An untrained network for the toy series of the first task, as a training begins with it."""
        config, prepared = self._plan(self.first_task, {}, seed=seed)
        hp = hp or self.configured()
        with alone():
            return compiled(self.architecture, hp, prepared, config.training).told

    def gradients(self) -> dict[str, NDArray[Any] | None]:
        """The gradients of the trained network's loss on a batch, by the paths of its trainable weights."""
        training = self.training
        with alone():
            configured, config = self.configured(), training.config.training
            network = compiled(self.architecture, configured, training.prepared, config).trained
            network.set_weights(training.fitted.model.get_weights())
            inputs, outputs = next(iter(ordered_batches(training.prepared.parts["train"], STATED_BATCH)))
            with tf.GradientTape() as tape:
                loss = network.compute_loss(x=inputs, y=outputs, y_pred=network(inputs, training=False))
            variables = network.trainable_variables
            found = tape.gradient(loss, [variable.value for variable in variables])
        return {
            variable.path: None if gradient is None else tf.convert_to_tensor(gradient).numpy()
            for variable, gradient in zip(variables, found, strict=True)
        }

    @property
    def training(self) -> Training:
        """The training of the first task that the checks share."""
        return self.once("the training", lambda: self.train(FirstEpoch()))

    def train(
        self, first: FirstEpoch, task: str | None = None, more: Mapping[str, Any] | None = None, epochs: int = EPOCHS
    ) -> Training:
        """Train on the toy series, by default for the first task; ``more`` are other hyperparameters than tiny's."""
        config, prepared = self._plan(task or self.first_task, more or {}, epochs=epochs)
        fitted = fit(self.architecture, self.configured(more), prepared, config.training, [first])
        return Training(config, prepared, fitted, first.weights)

    def published(self, task: str) -> Published:
        """The bundle of a task: for the first one that of the shared training, else of one epoch."""

        def make() -> Published:
            training = self.training if task == self.first_task else self.train(FirstEpoch(), task, epochs=1)
            return self.publish(training, f"kit-{task}")

        return self.once(f"the export of task {task}", make)

    def publish(self, training: Training, name: str) -> Published:
        """Export a training below the folder; raises ParityError where a format differs from the network."""
        config, prepared, fitted = training.config, training.prepared, training.fitted
        subject = self.subject
        entry = Entry(self.architecture, subject.plugin, subject.distribution or "kit", subject.version or "0")
        evaluation = measure(fitted.model, prepared, config).evaluation
        trained = Trained(
            fitted.model, prepared.preprocessor, make_record("kit", config, entry, prepared, fitted, evaluation)
        )
        folder = export(trained, self.folder, name)
        return Published(folder, load_bundle(folder).manifest, trained)

    def configured(self, more: Mapping[str, Any] | None = None) -> Any:
        """Tiny hyperparameters, and others."""
        return self.architecture.configure({**self.architecture.tiny, **(more or {})})

    def _plan(self, task: str, more: Mapping[str, Any], **settings: Any) -> tuple[RunConfig, Prepared]:
        """A learnable toy series: a sine, a second column that runs ahead of it, and whether the first one rises."""
        shape = self.shape(Task.FORECAST)
        steps = np.arange(max(ROWS, 10 * (shape.window + shape.horizon)))
        frame = pd.DataFrame({"level": 50 + 5 * np.sin(steps / 3), "lead": 2 * np.sin((steps + 2) / 3)})
        for number in range(2, shape.n_features + shape.n_targets):
            frame[f"lead {number}"] = 2 * np.sin((steps + 2 * number) / 3)
        names = list(frame)
        frame["phase"] = np.where(np.cos(steps / 3) > 0, "rising", "falling")
        roles = find_task(task).roles
        first = shape.n_targets if roles.apart else 0
        toy = {
            "source": "DataFrame",
            "task": task,
            "window": shape.window,
            "horizon": shape.horizon if roles.ahead else 1,
            "target": ["phase"] if roles.classes else names[: shape.n_targets],
            "features": names[first : first + shape.n_features],
            "learning_rate": LEARNING_RATE,
            "batch_size": BATCH,
            "patience": 0,
        }
        architecture = self.architecture
        config = resolve(architecture.name, architecture, {**architecture.tiny, **more}, toy | settings)
        return config, prepare(config.data, frame)

    def once(self, what: str, make: Callable[[], T]) -> T:
        """What was made earlier, or now; raises EarlierFailureError where that failed."""
        if what in self._failed:
            raise EarlierFailureError(f"{what} failed in an earlier check")
        if what not in self._made:
            try:
                self._made[what] = make()
            except KeyboardInterrupt:
                raise
            except BaseException:
                self._failed.add(what)
                raise
        found: T = self._made[what]
        return found


def toy_shape(window: int = WINDOW, n_features: int = 2, horizon: int = HORIZON, n_targets: int = 1) -> SequenceShape:
    """A forecast's shape, whose targets are the first features, of which there may be fewer."""
    n_targets = min(n_targets, n_features)
    return SequenceShape(
        task=Task.FORECAST,
        window=window,
        n_features=n_features,
        horizon=horizon,
        n_targets=n_targets,
        target_columns=tuple(range(n_targets)),
    )


def of_task(shape: SequenceShape, task: str, architecture: Architecture) -> SequenceShape:
    """A forecast's shape made one of the same sizes for another task."""
    horizon, classes = shape.horizon, shape.horizon + 1
    return find_task(task).sized(shape.window, shape.n_features, horizon, shape.n_targets, classes, architecture)


def noise(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    """Standard normal values, float32."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def losses_of_steps(
    architecture: Architecture,
    hp: Hyperparameters,
    shape: SequenceShape,
    *,
    channels: str = "joint",
    parts: int = 1,
    steps: int = 2,
) -> list[float]:
    """Train on batches of noise, cut into so many parts, by squared error; the loss of each step.

    Raises ConfigError where the architecture refuses the shape, and whatever its network does.
    """
    keras.utils.set_random_seed(0)
    network = assemble(architecture, hp, shape, NetworkConfig.model_validate({"channels": channels})).trained
    network.compile(optimizer="adam", loss="mse")
    batch = noise(ODD_BATCH, *shape.input), noise(ODD_BATCH, *network.output_shape[1:], seed=1)
    with computed_by(Plan("fused", parts, 1), network):
        return [float(network.train_on_batch(*batch)) for _ in range(steps)]


def default_network(architecture: Architecture) -> keras.Model | None:
    """The network with default hyperparameters at :data:`STATED`, or None where they do not fit together."""
    task = Task.FORECAST if Task.FORECAST in architecture.tasks else architecture.tasks[0]
    shape = of_task(STATED, task, architecture)
    try:
        return build_network(architecture, architecture.configure({}), shape)
    except ConfigError:
        return None
