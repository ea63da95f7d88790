"""The built-in losses, on scaled values: one value for each sample, (batch,). Keras is imported when one is made.

y_true has the shape (batch, horizon, n_targets), y_pred too, or (batch, horizon, n_targets, n_quantiles) for quantiles
and (batch, classes), logits, for classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from zoo_registry import Hyperparameters, Loss, LossContext, LossFunction, Search, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

_FAR = 1e9  # takes a logit out of a sum of exponentials


class HuberParameters(Hyperparameters):
    """Parameters of ``huber``."""

    delta: Annotated[
        float, Field(gt=0.0, description="error, in scaled units, from which on it is linear"), Search.float(0.1, 3.0)
    ] = 1.0


class PercentageParameters(Hyperparameters):
    """Parameters of ``mape`` and ``smape``."""

    guard: Annotated[
        float,
        Field(gt=0.0, description="what is divided by is at least this many train deviations of the target"),
        Search.float(0.01, 1.0, log=True),
    ] = 0.1


class QuantileParameters(Hyperparameters):
    """Parameters of ``quantile``."""

    q: Annotated[
        float,
        Field(gt=0.0, lt=1.0, description="quantile to forecast, where `quantiles` names none"),
        Search.float(0.05, 0.95),
    ] = 0.5


class DecayParameters(Hyperparameters):
    """Parameters of ``weighted-mse``."""

    decay: Annotated[
        float,
        Field(gt=0.0, le=1.0, description="factor on the weight from one step of the horizon to the next"),
        Search.float(0.8, 1.0),
    ] = 0.98


class AsymmetricParameters(Hyperparameters):
    """Parameters of ``asymmetric``."""

    under: Annotated[
        float, Field(gt=0.0, description="weight of errors where the forecast is too low"), Search.float(1.0, 4.0)
    ] = 2.0
    over: Annotated[
        float, Field(gt=0.0, description="weight of errors where the forecast is too high"), Search.float(1.0, 4.0)
    ] = 1.0


class DirectionalParameters(Hyperparameters):
    """Parameters of ``directional``."""

    weight: Annotated[
        float, Field(ge=0.0, description="weight of the penalty beside the squared error"), Search.float(0.1, 10.0)
    ] = 1.0
    slope: Annotated[
        float,
        Field(gt=0.0, description="how sharply the penalty tells one sign from the other"),
        Search.float(1.0, 100.0, log=True),
    ] = 10.0


class FocalParameters(Hyperparameters):
    """Parameters of ``focal``."""

    gamma: Annotated[
        float,
        Field(ge=0.0, description="how much less a sample counts that is already told well; 0: cross-entropy"),
        Search.float(0.0, 5.0),
    ] = 2.0


def class_weights(counts: ArrayLike) -> tuple[float, ...]:
    """Balanced weights, n / (classes * count) for each class: rare classes count as much as frequent ones.

    ``counts`` has the number of samples of each class. The weights are those of scikit-learn's
    ``compute_class_weight``. Raises ValueError where a class has no sample.
    """
    import numpy as np

    numbers = np.asarray(counts)
    if not numbers.all():
        raise ValueError(f"expected samples of each class, found counts {numbers.tolist()}")
    return tuple((numbers.sum() / (len(numbers) * numbers)).tolist())


def _of_error(cost: Callable[[Any, Any, Any], Any]) -> Callable[[Any, LossContext], LossFunction]:
    """Make a loss that is the mean over horizon and targets of ``cost(ops, parameters, y_true - y_pred)``."""

    def make(parameters: Any, context: LossContext) -> LossFunction:
        from keras import ops

        def loss(y_true: Any, y_pred: Any) -> Any:
            return ops.mean(cost(ops, parameters, y_true - y_pred), axis=(1, 2))

        return loss

    return make


def _huber(ops: Any, parameters: HuberParameters, error: Any) -> Any:
    inside = ops.minimum(ops.abs(error), parameters.delta)
    return inside * (ops.abs(error) - inside / 2)


def _log_cosh(ops: Any, parameters: Hyperparameters, error: Any) -> Any:
    return error + ops.softplus(-2 * error) - math.log(2.0)  # cosh itself overflows


def _asymmetric(ops: Any, parameters: AsymmetricParameters, error: Any) -> Any:
    return ops.where(error > 0, parameters.under, parameters.over) * ops.square(error)


def _make_weighted_mse(parameters: DecayParameters, context: LossContext) -> LossFunction:
    import numpy as np
    from keras import ops

    decay = np.power(parameters.decay, np.arange(context.shape.horizon), dtype=np.float32)[:, None]  # (horizon, 1)

    def loss(y_true: Any, y_pred: Any) -> Any:
        return ops.mean(decay * ops.square(y_true - y_pred), axis=(1, 2))

    return loss


def _make_mape(parameters: PercentageParameters, context: LossContext) -> LossFunction:
    from keras import ops

    smallest = parameters.guard * _deviations(context, "mape")

    def loss(y_true: Any, y_pred: Any) -> Any:
        truth, forecast = context.to_original(y_true), context.to_original(y_pred)
        size = ops.maximum(ops.abs(truth), smallest)
        return ops.mean(ops.abs(truth - forecast) / size, axis=(1, 2))

    return loss


def _make_smape(parameters: PercentageParameters, context: LossContext) -> LossFunction:
    from keras import ops

    smallest = parameters.guard * _deviations(context, "smape")

    def loss(y_true: Any, y_pred: Any) -> Any:
        truth, forecast = context.to_original(y_true), context.to_original(y_pred)
        size = ops.maximum((ops.abs(truth) + ops.abs(forecast)) / 2, smallest)
        return ops.mean(ops.abs(truth - forecast) / size, axis=(1, 2))

    return loss


def _make_quantile(parameters: QuantileParameters, context: LossContext) -> LossFunction:
    import numpy as np
    from keras import ops

    quantiles = np.array(context.shape.quantiles or (parameters.q,), dtype=np.float32)
    sizes = (context.shape.horizon, context.shape.n_targets, len(quantiles))

    def loss(y_true: Any, y_pred: Any) -> Any:
        forecast = ops.reshape(y_pred, (-1, *sizes))  # as Keras drops a last axis of 1
        error = y_true[..., None] - forecast  # (batch, horizon, n_targets, n_quantiles)
        return ops.mean(ops.maximum(quantiles * error, (quantiles - 1) * error), axis=(1, 2, 3))

    return loss


def _make_directional(parameters: DirectionalParameters, context: LossContext) -> LossFunction:
    from keras import ops

    deviations = _deviations(context, "directional")

    def loss(y_true: Any, y_pred: Any) -> Any:
        truth, forecast = context.to_original(y_true) / deviations, context.to_original(y_pred) / deviations
        penalty = ops.abs(truth) * ops.sigmoid(-parameters.slope * truth * forecast)
        return ops.mean(ops.square(y_true - y_pred) + parameters.weight * penalty, axis=(1, 2))

    return loss


def _make_focal(parameters: FocalParameters, context: LossContext) -> LossFunction:
    from keras import ops

    def loss(y_true: Any, y_pred: Any) -> Any:
        return _of_classes(ops, y_true, y_pred, context.class_weights, parameters.gamma)

    return loss


def _make_cross_entropy(parameters: Hyperparameters, context: LossContext) -> LossFunction:
    from keras import ops

    def loss(y_true: Any, y_pred: Any) -> Any:
        return _of_classes(ops, y_true, y_pred, context.class_weights, 0.0)

    return loss


def _of_classes(ops: Any, y_true: Any, logits: Any, weights: tuple[float, ...] | None, gamma: float) -> Any:
    """-w (1 - p)^gamma log p, where p is the probability that the logits give to the sample's own class."""
    import numpy as np

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


def _deviations(context: LossContext, name: str) -> NDArray[np.float32]:
    """The targets' train deviations, (n_targets,), for a loss in original units; raises ConfigError without these."""
    import numpy as np

    if context.deviations is None:
        raise ValueError(f"loss '{name}' needs the context's deviations")
    context.to_original(np.zeros((1, context.shape.horizon, context.shape.n_targets), dtype=np.float32))
    return np.array(context.deviations, dtype=np.float32)


LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        Loss(
            name="mse",
            summary="Mean squared error; its minimum is the mean.",
            make=_of_error(lambda ops, parameters, error: ops.square(error)),
        ),
        Loss(
            name="mae",
            summary="Mean absolute error; its minimum is the median.",
            make=_of_error(lambda ops, parameters, error: ops.abs(error)),
        ),
        Loss(
            name="huber",
            summary="Squared up to delta, linear beyond.",
            reference="Huber, Robust Estimation of a Location Parameter, Ann. Math. Statist. 35(1), 1964",
            parameters=HuberParameters,
            make=_of_error(_huber),
        ),
        Loss(
            name="log-cosh",
            summary="Logarithm of the error's hyperbolic cosine: about squared near 0, linear far out, smooth between.",
            make=_of_error(_log_cosh),
        ),
        Loss(
            name="mape",
            summary="Absolute error as a share of the truth, in original units.",
            reference="Hyndman & Koehler, Another look at measures of forecast accuracy, IJF 22(4), 2006",
            parameters=PercentageParameters,
            make=_make_mape,
        ),
        Loss(
            name="smape",
            summary="Absolute error as a share of the mean size of truth and forecast, in original units.",
            reference="Makridakis, Accuracy measures: theoretical and practical concerns, IJF 9(4), 1993",
            parameters=PercentageParameters,
            make=_make_smape,
        ),
        Loss(
            name="quantile",
            summary="Pinball loss; its minimum is the quantile q, or each one of `quantiles`.",
            reference="Koenker & Bassett, Regression Quantiles, Econometrica 46(1), 1978",
            parameters=QuantileParameters,
            make=_make_quantile,
        ),
        Loss(
            name="weighted-mse",
            summary="Squared error whose weight decays over the horizon.",
            tasks=(Task.FORECAST,),
            parameters=DecayParameters,
            make=_make_weighted_mse,
        ),
        Loss(
            name="asymmetric",
            summary="Squared error with one weight for forecasts that are too low and another for too high.",
            reference="Christoffersen & Diebold, Optimal prediction under asymmetric loss, 1997",
            parameters=AsymmetricParameters,
            make=_of_error(_asymmetric),
        ),
        Loss(
            name="directional",
            summary="Squared error and a penalty where the forecast's sign is not the truth's: for returns.",
            reference="penalty: Michańków, Sakowski & Ślepaczuk, Generalized Mean Absolute Directional Loss, 2024,"
            " arXiv:2412.18405, with b = 1",
            tasks=(Task.FORECAST, Task.REGRESS),
            parameters=DirectionalParameters,
            make=_make_directional,
        ),
        Loss(
            name="cross-entropy",
            summary="Negative logarithm of the probability of the sample's own class.",
            tasks=(Task.CLASSIFY,),
            make=_make_cross_entropy,
        ),
        Loss(
            name="focal",
            summary="Cross-entropy in which samples that are told well count less.",
            reference="Lin et al., Focal Loss for Dense Object Detection, ICCV 2017",
            tasks=(Task.CLASSIFY,),
            parameters=FocalParameters,
            make=_make_focal,
        ),
    )
}
