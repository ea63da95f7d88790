"""Take the state of a training under way, and put it back, so that it goes on as if it had never stopped.

Exact, on one machine and CPU, for all that Keras keeps in variables: weights, optimizer, the generators of dropout.
What a plugin keeps elsewhere, or draws with ``tf.random`` instead of ``keras.random``, cannot be put back.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from zoo.acceleration.step_plan import Plan
from zoo.keras_internals import global_seed_generator
from zoo.models.network import first_difference
from zoo.runs.checkpoints import Checkpoint, TrainingState, read_checkpoint, write_checkpoint
from zoo.runs.record import Origin
from zoo.runs.unfinished import UnfinishedRun
from zoo_registry.errors import ConfigError, RunError

# What the callbacks of Keras keep between epochs, beside the best weights
_COUNTERS = {
    "EarlyStopping": ("wait", "best", "best_epoch", "stopped_epoch"),
    "ReduceLROnPlateau": ("wait", "cooldown_counter", "best"),
}
WEIGHTS, RANDOM, OPTIMIZER, BEST = "weights", "random", "optimizer", "best"


class Checkpoints(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes a checkpoint before the first epoch, after each ``every``-th and the last; for 0 or without a run, never.

    It comes last of the callbacks, as it puts back ``others`` and ``history`` after they have begun, and takes them
    after they have ended an epoch. ``plan`` is how the steps are computed: the found training's, else to be set.
    Raises RunError for a checkpoint that is broken or is another network's.
    """

    def __init__(
        self,
        run: UnfinishedRun | None,
        every: int,
        history: keras.callbacks.History,
        others: Sequence[keras.callbacks.Callback],
    ) -> None:
        super().__init__()
        self._run = run
        self._every = 0 if run is None else every
        self._history = history
        self._others = {type(other).__name__: other for other in others if type(other).__name__ in _COUNTERS}
        self._started = time.perf_counter()
        self.found = None if run is None else read_checkpoint(run)
        if self.found is not None:
            history.history = {name: list(values) for name, values in self.found.state.history.items()}
        kept = None if self.found is None else self.found.state.plan
        self.plan = None if kept is None else Plan(**kept)

    @property
    def first_epoch(self) -> int:
        """The number of the epoch to go on with, counted from 0."""
        return 0 if self.found is None else self.found.state.epoch

    @property
    def stopped(self) -> bool:
        """Whether the training that was found had come to its end."""
        return self.found is not None and self.found.state.stopped

    @property
    def seconds(self) -> float:
        """Seconds of training, those of the processes before this one with them."""
        earlier = 0.0 if self.found is None else self.found.state.seconds
        return earlier + time.perf_counter() - self._started

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        if self.found is not None:
            self._put_back(self.found)
        elif self._every:
            self._write(0)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        ended = self.model.stop_training or epoch + 1 == self.params["epochs"]
        if self._every and (ended or (epoch + 1) % self._every == 0):
            self._write(epoch + 1)

    def _write(self, epoch: int) -> None:
        assert self._run is not None
        groups = {name: _values(variables) for name, variables in variables_of(self.model).items()}
        python, numpy = random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002 - Keras seeds this one
        assert isinstance(numpy, dict)
        groups["numpy"] = [numpy["state"]["key"]]
        if (stopper := self._others.get("EarlyStopping")) is not None and stopper.best_weights is not None:
            groups[BEST] = stopper.best_weights
        state = TrainingState(
            epoch=epoch,
            history={name: [float(value) for value in values] for name, values in self._history.history.items()},
            stopped=bool(self.model.stop_training),
            callbacks={
                name: {counter: _plain(getattr(other, counter)) for counter in _COUNTERS[name]}
                for name, other in self._others.items()
            },
            generators={
                "python": [python[0], list(python[1]), python[2]],
                "numpy": [numpy["state"]["pos"], numpy["has_gauss"], numpy["gauss"]],
            },
            seconds=self.seconds,
            plan=None if self.plan is None else asdict(self.plan),
        )
        arrays = {f"{name}/{number}": value for name, values in groups.items() for number, value in enumerate(values)}
        write_checkpoint(self._run, Checkpoint(state, arrays))

    def _put_back(self, found: Checkpoint) -> None:
        for name, variables in variables_of(self.model).items():
            values = found.group(name)
            if (differing := first_difference(variables, values)) is not None:
                assert self._run is not None
                raise RunError(
                    f"{self._run.checkpoint}: {differing}; the network is not the one that was trained: use the"
                    f" versions of {self._run.folder / 'config.json'}, or train again"
                )
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        for name, other in self._others.items():
            for counter, count in found.state.callbacks[name].items():
                setattr(other, counter, count)
        if (stopper := self._others.get("EarlyStopping")) is not None:
            stopper.best_weights = found.group(BEST) or None
        python, (position, has_gauss, gauss) = found.state.generators["python"], found.state.generators["numpy"]
        random.setstate((python[0], tuple(python[1]), python[2]))
        (key,) = found.group("numpy")
        np.random.set_state(("MT19937", key, position, has_gauss, gauss))  # noqa: NPY002


@dataclass(frozen=True)
class Start:
    """Weights in a network's order, and the run and epoch that they are of."""

    origin: Origin
    weights: Sequence[NDArray[Any]]

    def put_into(self, model: keras.Model) -> None:
        """Replace a network's weights; raises ConfigError naming the first variable whose shape differs."""
        if (differing := first_difference(model.weights, self.weights)) is not None:
            raise ConfigError(
                f"`start_from` {self.origin.run}: {differing}; give the hyperparameters and the settings of the data of"
                " that run"
            )
        model.set_weights(list(self.weights))


def variables_of(model: keras.Model) -> dict[str, list[Any]]:
    """All that a training changes in a compiled network, by group: weights, generators' states, the optimizer's."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    weights = {id(variable) for variable in model.weights}
    generators = [variable for variable in model.variables if id(variable) not in weights]
    generators.append(global_seed_generator().state)
    return {WEIGHTS: model.weights, RANDOM: generators, OPTIMIZER: model.optimizer.variables}


def not_finite(model: keras.Model) -> str | None:
    """The name of the first weight that is not finite all over, None where all are."""
    for variable in model.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(variable)).all():
            return str(variable.path)
    return None


def _values(variables: Sequence[Any]) -> list[NDArray[Any]]:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def _plain(value: Any) -> float | int | None:
    return value if value is None or isinstance(value, int) else float(value)
