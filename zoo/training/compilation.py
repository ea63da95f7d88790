"""Losses, learning-rate schedules and optimizers by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras

from zoo.preprocessing.normalized_truth import NormalizedTruth, ScaleRows, apart
from zoo.settings.loss_names import choose_loss
from zoo.settings.schema import TrainingConfig
from zoo.training.schedules import make_rate
from zoo_registry import (
    BUILT_IN_LOSSES,
    OWN_LOSS,
    Architecture,
    Hyperparameters,
    LossContext,
    LossFunction,
    SequenceShape,
)
from zoo_registry.discovery import sentence_of
from zoo_registry.errors import PluginError, ZooError

_TRIED = 2  # samples


def make_loss(
    config: TrainingConfig,
    architecture: Architecture,
    hp: Hyperparameters,
    context: LossContext,
    normalized: NormalizedTruth | None = None,
) -> LossFunction:
    """Return the loss of scaled (y_true, y_pred) that the configuration names.

    With ``normalized``, truths are what that makes of them, and outputs those of a network that normalizes windows: the
    loss is of normalized values, of which ``context.to_original`` puts the scale back; one of API 1 is of scaled ones.
    Raises UnknownLossError where its plugin is missing, and PluginError where a plugin's loss is not what a loss is.
    """
    if normalized is not None:
        return _of_normalized(config, architecture, hp, context, normalized)
    if config.loss == OWN_LOSS and architecture.loss is not None:
        try:
            return _named(architecture.loss(hp, context), context.shape)
        except ZooError:
            raise
        except Exception as error:  # whatever a plugin does
            raise PluginError(
                f"architecture '{architecture.name}': its loss failed: {sentence_of(error)}; take another `loss`"
            ) from error
    chosen = choose_loss(config.loss)
    try:
        function = chosen.loss.make(chosen.parameters, context)
        if chosen.name not in BUILT_IN_LOSSES:
            _try_loss(function, context.shape)
    except ZooError:
        raise
    except Exception as error:  # whatever a plugin does
        raise PluginError(f"loss '{chosen.name}' cannot be used: {sentence_of(error)}; take another `loss`") from error
    return _named(function, context.shape)


def _of_normalized(
    config: TrainingConfig,
    architecture: Architecture,
    hp: Hyperparameters,
    context: LossContext,
    normalized: NormalizedTruth,
) -> LossFunction:
    """The loss of a truth that has the rows of its scale behind it."""
    rows: ScaleRows | None = None  # those of the batch that the loss is being computed of

    def to_original(values: Any) -> Any:
        return context.to_original(values if rows is None else normalized.scaled(keras.ops, values, rows))

    old = _api_of(config, architecture) < 2
    made = make_loss(config, architecture, hp, context if old else replace(context, to_original=to_original))

    def loss(y_true: Any, y_pred: Any) -> Any:
        nonlocal rows
        truth, rows = apart(y_true)
        outputs = keras.ops.reshape(y_pred, (-1, *context.shape.output))  # of which Keras drops a last axis of 1
        outputs = normalized.judged(keras.ops, outputs, rows)
        try:
            if old:
                truth, outputs = (normalized.scaled(keras.ops, values, rows) for values in (truth, outputs))
            return made(truth, outputs)
        finally:
            rows = None

    return loss


def _api_of(config: TrainingConfig, architecture: Architecture) -> int:
    own = config.loss == OWN_LOSS and architecture.loss is not None
    return architecture.api if own else choose_loss(config.loss).loss.api


def _named(function: LossFunction, shape: SequenceShape) -> LossFunction:
    """A function for Keras to save by name: of a lambda it saves the code, and fails at what that refers to.

    Of an architecture's own outputs Keras drops a last axis of 1, which is put back. Losses by step and target become
    one for each sample, as Keras would multiply these by the weights of other samples.
    """

    def loss(y_true: Any, y_pred: Any) -> Any:
        outputs = keras.ops.reshape(y_pred, (-1, *shape.output)) if shape.outputs_per_target else y_pred
        losses = function(y_true, outputs)
        more = tuple(range(1, keras.ops.ndim(losses)))
        return keras.ops.mean(losses, axis=more) if more else losses

    return loss


def _try_loss(function: LossFunction, shape: SequenceShape) -> None:
    """Call a plugin's loss on two samples of zeros, before any training."""
    truth = keras.ops.zeros((_TRIED, shape.horizon, shape.n_targets))
    losses = function(truth, keras.ops.zeros((_TRIED, *shape.output)))
    if keras.ops.shape(losses)[:1] != (_TRIED,):
        raise ValueError(f"expected one value for each sample, ({_TRIED},), found {keras.ops.shape(losses)}")


def make_optimizer(config: TrainingConfig, total_steps: int) -> keras.optimizers.Optimizer:
    """Return the optimizer with its learning-rate schedule; ``total_steps`` are those of the whole training.

    Raises ConfigError where the schedule has no room in them.
    """
    options: dict[str, Any] = {"momentum": config.momentum, "nesterov": config.nesterov}
    options |= {"global_clipnorm": config.clip_norm, "clipvalue": config.clip_value}
    options = {name: value for name, value in options.items() if value}
    if config.weight_decay or config.optimizer == "adamw":  # which would take its own default
        options["weight_decay"] = config.weight_decay
    rate = make_rate(config.schedule, config.learning_rate, total_steps)
    kind = type(keras.optimizers.get(config.optimizer))  # under Keras' own name
    return kind(learning_rate=rate, **options)
