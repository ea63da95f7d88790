"""One network trained by several processes: each computes its share of every batch, and all take the same step."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.engine.collective import Group, is_loss
from zoo.training.batches import Share
from zoo.training.checkpoints import Checkpoint, TrainingState
from zoo.training.config import RunConfig
from zoo.training.resumption import OPTIMIZER, WEIGHTS, variables_of
from zoo.training.unfinished import UnfinishedRun
from zoo.versions import library_versions
from zoo_registry.errors import ConfigError, TrainingError

Tensor = Any

_APART = 1_000_003  # from the seed of one process's dropout to the next one's
_COMPARED = ("lstm-zoo", "tensorflow", "keras")


class Together(keras.callbacks.Callback):  # type: ignore[misc]
    """What each process of a group does beside a training on its own; it comes first of the callbacks.

    All begin each epoch with the weights and the optimizer's state of process 0, as hosts of another kind round
    otherwise. The loss of the validation windows is that of all shares together, so that all stop at the same epoch.
    Generators of dropout are those of process 0 with another seed, as different windows need different masks.
    """

    def __init__(self, group: Group, model: keras.Model, validation: int) -> None:
        super().__init__()
        check_network(model)
        self.share = Share(group.rank, group.size)
        self._group = group
        first, end = self.share.of(0, validation)
        self._count = end - first
        self._apart = False

    def step(self, model: keras.Model, *, jit: bool = False) -> Callable[[Any], None]:
        """What stands for the model's ``train_step``, see :func:`shared_step`."""
        return shared_step(model, self._group, jit=jit)

    def checkpoint(self, found: Checkpoint | None) -> Checkpoint | None:
        """What process 0 has found, see :func:`shared_checkpoint`."""
        return shared_checkpoint(self._group, found)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        groups = variables_of(self.model)
        variables = [*groups[WEIGHTS], *groups[OPTIMIZER]]
        values = [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in variables]
        content = self._group.told(b"".join(value.tobytes() for value in values))
        if not self._group.rank:
            return
        for variable, value in zip(variables, values, strict=True):
            variable.assign(np.frombuffer(content[: value.nbytes], dtype=value.dtype).reshape(value.shape))
            content = content[value.nbytes :]
        if not self._apart:  # only now, as a checkpoint may have been put back
            self._apart = True
            for generator in generators(self.model):
                seed, counter = keras.ops.convert_to_numpy(generator)
                generator.assign(np.array([seed + _APART * self._group.rank, counter]))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if logs is not None:
            mean = logs["val_loss"] * self._count if self._count else 0.0
            total, count = self._group.total(np.array([mean, self._count], dtype=np.float32))
            logs["val_loss"] = float(total / count)


def generators(model: keras.Model) -> list[Any]:
    """The states, a seed and a counter each, of the generators that belong to a network's layers."""
    weights = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights and tuple(variable.shape) == (2,)]


def shared_step(model: keras.Model, group: Group, *, jit: bool = False) -> Callable[[Any], None]:
    """What stands for ``train_step``: the mean gradient over the shares of all processes, applied by each.

    It takes (inputs, outputs, count) as :func:`zoo.training.batches.feed` draws a share; ``count`` may be 0 beside a
    window that counts nothing. Clipping, decay and schedules see the whole gradient, as they follow the sum.
    """
    trainable = model.trainable_variables
    tracker = next(metric for metric in model.metrics if metric.name == "loss")

    def local(inputs: Tensor, outputs: Tensor) -> tuple[Tensor, list[Tensor | None]]:
        with tf.GradientTape() as tape:
            loss = model.compute_loss(x=inputs, y=outputs, y_pred=model(inputs, training=True), training=True)
        return loss, tape.gradient(loss, trainable)

    compute = tf.function(local, autograph=False, jit_compile=True) if jit else local

    def step(drawn: tuple[Tensor, Tensor, Tensor]) -> None:
        inputs, outputs, count = drawn
        loss, gradients = compute(inputs, outputs)
        known = [(value, variable) for value, variable in zip(gradients, trainable, strict=True) if value is not None]
        flat = [tf.reshape(tf.cast(tf.convert_to_tensor(value), tf.float32), (-1,)) for value, _ in known]
        own, weight = tf.concat([*flat, [loss]], 0), tf.cast(count, tf.float32)
        whole = group.sum(tf.concat([tf.math.multiply_no_nan(own, weight), [weight]], 0))
        mean = whole[:-1] / whole[-1]
        *parts, loss = tf.split(mean, [*(math.prod(variable.shape) for _, variable in known), 1])
        pairs = [
            (tf.cast(tf.reshape(part, variable.shape), variable.dtype), variable)
            for part, (_, variable) in zip(parts, known, strict=True)
        ]
        model.optimizer.apply_gradients(pairs)
        tracker.update_state(loss[0], sample_weight=whole[-1])

    return step


def check_network(model: keras.Model) -> None:
    """Raise ConfigError for a layer that looks at a whole batch, of which each process has only its share."""
    for layer in model._flatten_layers():
        if (reason := batch_wide(layer)) is not None:
            raise ConfigError(
                f"--distribute: layer '{layer.name}', a {type(layer).__name__}, {reason}, and each process has only its"
                " share of the batch; leave --distribute out"
            )


def batch_wide(layer: keras.layers.Layer) -> str | None:
    """Why a layer's outputs or state depend on the whole batch; None where they are not known to."""
    if isinstance(layer, keras.layers.BatchNormalization):
        return "normalizes by the mean of the batch"
    if getattr(layer, "stateful", False):
        return "carries its state from batch to batch"
    if getattr(layer, "activity_regularizer", None):
        return "has a loss over the batch"
    if layer.trainable and layer._non_trainable_variables and not isinstance(layer, keras.layers.Normalization):
        return "has variables that change without gradients"
    return None


def shared_checkpoint(group: Group, found: Checkpoint | None) -> Checkpoint | None:
    """Process 0's checkpoint, for all to go on with; None where it has none."""
    content = b""
    if found is not None and not group.rank:
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **found.arrays)
        state = json.dumps(found.state.model_dump()).encode()
        content = len(state).to_bytes(8, "big") + state + buffer.getvalue()
    content = group.told(content)
    if not content:
        return None
    end = 8 + int.from_bytes(content[:8], "big")
    with np.load(io.BytesIO(content[end:]), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return Checkpoint(TrainingState.model_validate_json(content[8:end]), arrays)


def agree(group: Group, config: RunConfig | None, fingerprint: Callable[[RunConfig], str]) -> RunConfig:
    """Return process 0's configuration, and make sure that all train by it, on one table and with one set of versions.

    ``config`` is this process's own, None where it has none; ``fingerprint`` tells its table's. Raises ConfigError in
    the process that has another one.
    """
    versions = {name: version for name, version in library_versions().items() if name in _COMPARED}
    own = b"" if group.rank or config is None else config.model_dump_json().encode()
    leading = RunConfig.model_validate_json(group.told(own))
    if config is not None and (differing := _differing(leading, config)):
        raise _other(group, f"settings: {', '.join(differing)}", "give the same command to all")
    if (found := json.loads(group.told(json.dumps(versions).encode()))) != versions:
        raise _other(group, f"versions: {versions} instead of {found}", "install the same")
    if (table := fingerprint(leading)) != (first := group.told(table.encode()).decode()):
        raise _other(group, f"data: a table with the fingerprint {table[:12]}…, not {first[:12]}…", "give it the same")
    return leading


@contextmanager
def losses_told(group: Group | None, run: UnfinishedRun | None) -> Iterator[None]:
    """Raise TrainingError for an error of TensorFlow that the end of another process has caused."""
    try:
        yield
    except tf.errors.OpError as error:
        if group is None or not is_loss(error):
            raise
        told = f"--distribute: another of the {group.size} processes has ended or cannot be reached"
        if group.rank:
            told += f", and process {group.rank} ends too; see what process 0 says"
        elif run is None or run.epoch == 0:
            told += " before an epoch was kept; see what it says, and train again"
        else:
            told += f"; the checkpoint of epoch {run.epoch} is whole; go on with: {run.command}"
        raise TrainingError(told) from error


def _other(group: Group, what: str, advice: str) -> ConfigError:
    return ConfigError(f"--distribute: process {group.rank} has other {what}; {advice}")


def _differing(one: RunConfig, other: RunConfig) -> list[str]:
    """The settings that differ, but for those that only say where the table and older runs are."""
    free = {"source", "start_from", "checkpoint_every"}
    first, second = one.model_dump(), other.model_dump()
    names = [name for name in ("architecture", "hyperparameters") if first[name] != second[name]]
    for part in ("data", "network", "training"):
        names += [name for name in first[part] if first[part][name] != second[part][name] and name not in free]
    return names
