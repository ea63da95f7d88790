"""What the built-in losses compute: one value for each sample, (batch,).

Each function here but the private ones makes a loss of its parameters and the context. y_true has the shape (batch,
horizon, n_targets), y_pred too, or (batch, horizon, n_targets, n_quantiles) for quantiles and (batch, classes), logits,
for classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from zoo_registry import LossContext, LossFunction

_FAR = 1e9  # takes a logit out of a sum of exponentials

Make = Callable[[Any, LossContext], LossFunction]


def _of_error(cost: Callable[[Any, Any], Any]) -> Make:
    """Make a loss that is the mean over horizon and targets of ``cost(parameters, y_true - y_pred)``."""

    def make(parameters: Any, context: LossContext) -> LossFunction:
        return lambda y_true, y_pred: ops.mean(cost(parameters, y_true - y_pred), axis=(1, 2))

    return make


def _huber(parameters: Any, error: Any) -> Any:
    inside = ops.minimum(ops.abs(error), parameters.delta)
    return inside * (ops.abs(error) - inside / 2)


def _log_cosh(parameters: Any, error: Any) -> Any:
    return error + ops.softplus(-2 * error) - math.log(2.0)  # cosh itself overflows


def _asymmetric(parameters: Any, error: Any) -> Any:
    return ops.where(error > 0, parameters.under, parameters.over) * ops.square(error)


mse = _of_error(lambda parameters, error: ops.square(error))
mae = _of_error(lambda parameters, error: ops.abs(error))
huber = _of_error(_huber)
log_cosh = _of_error(_log_cosh)
asymmetric = _of_error(_asymmetric)


def weighted_mse(parameters: Any, context: LossContext) -> LossFunction:
    """Weights fall from step to step of the horizon."""
    decay = np.power(parameters.decay, np.arange(context.shape.horizon), dtype=np.float32)[:, None]  # (horizon, 1)
    return lambda y_true, y_pred: ops.mean(decay * ops.square(y_true - y_pred), axis=(1, 2))


def _relative(size: Callable[[Any, Any], Any]) -> Make:
    """Make a loss of errors as shares of ``size(truth, forecast)``, in original units."""

    def make(parameters: Any, context: LossContext) -> LossFunction:
        smallest = parameters.guard * _deviations(context)

        def loss(y_true: Any, y_pred: Any) -> Any:
            truth, forecast = context.to_original(y_true), context.to_original(y_pred)
            return ops.mean(ops.abs(truth - forecast) / ops.maximum(size(truth, forecast), smallest), axis=(1, 2))

        return loss

    return make


mape = _relative(lambda truth, forecast: ops.abs(truth))
smape = _relative(lambda truth, forecast: (ops.abs(truth) + ops.abs(forecast)) / 2)


def quantile(parameters: Any, context: LossContext) -> LossFunction:
    """The pinball loss of each quantile."""
    quantiles = np.array(context.shape.quantiles or (parameters.q,), dtype=np.float32)
    sizes = (context.shape.horizon, context.shape.n_targets, len(quantiles))

    def loss(y_true: Any, y_pred: Any) -> Any:
        forecast = ops.reshape(y_pred, (-1, *sizes))  # as Keras drops a last axis of 1
        error = y_true[..., None] - forecast  # (batch, horizon, n_targets, n_quantiles)
        return ops.mean(ops.maximum(quantiles * error, (quantiles - 1) * error), axis=(1, 2, 3))

    return loss


def directional(parameters: Any, context: LossContext) -> LossFunction:
    """A smooth penalty for the wrong sign, in deviations of the targets."""
    deviations = _deviations(context)

    def loss(y_true: Any, y_pred: Any) -> Any:
        truth, forecast = context.to_original(y_true) / deviations, context.to_original(y_pred) / deviations
        penalty = ops.abs(truth) * ops.sigmoid(-parameters.slope * truth * forecast)
        return ops.mean(ops.square(y_true - y_pred) + parameters.weight * penalty, axis=(1, 2))

    return loss


def cross_entropy(parameters: Any, context: LossContext) -> LossFunction:
    """Without parameters."""
    return lambda y_true, y_pred: _of_classes(y_true, y_pred, context.class_weights, 0.0)


def focal(parameters: Any, context: LossContext) -> LossFunction:
    """Samples that are told well count less, the more so the larger ``gamma``."""
    return lambda y_true, y_pred: _of_classes(y_true, y_pred, context.class_weights, parameters.gamma)


def _of_classes(y_true: Any, logits: Any, weights: tuple[float, ...] | None, gamma: float) -> Any:
    """-w (1 - p)^gamma log p, where p is the probability that the logits give to the sample's own class."""
    labels = ops.reshape(ops.cast(y_true, "int32"), (-1,))
    own = ops.one_hot(labels, logits.shape[-1], dtype=logits.dtype)  # (batch, classes)
    everything = ops.logsumexp(logits, axis=-1)
    cost = everything - ops.sum(own * logits, axis=-1)
    if gamma:
        others = ops.logsumexp(logits - _FAR * own, axis=-1)
        cost = ops.exp(gamma * (others - everything)) * cost  # pow(1 - p, gamma) has no gradient at p = 1
    if weights is not None:
        cost = ops.sum(own * np.array(weights, dtype=np.float32), axis=-1) * cost
    return cost


def _deviations(context: LossContext) -> NDArray[np.float32]:
    """The targets' train deviations, (n_targets,), for a loss in original units; raises ConfigError without units."""
    if context.deviations is None:
        raise ValueError("expected a context with the targets' deviations, found none")
    context.to_original(np.zeros((1, context.shape.horizon, context.shape.n_targets), dtype=np.float32))
    return np.array(context.deviations, dtype=np.float32)
