"""The built-in losses, on scaled values."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zoo_registry import Hyperparameters, Loss, Reference, Search, Task, hookimpl


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


def made_by(name: str) -> Reference:
    """The function of that name in the module that needs Keras."""
    return Reference(f"zoo_plugins.losses.loss_functions:{name}")


@hookimpl
def zoo_losses() -> list[Loss]:
    return [
        Loss(
            name="mse",
            summary="Mean squared error; its minimum is the mean.",
            make=made_by("mse"),
            api=2,
        ),
        Loss(
            name="mae",
            summary="Mean absolute error; its minimum is the median.",
            make=made_by("mae"),
            api=2,
        ),
        Loss(
            name="huber",
            summary="Squared up to delta, linear beyond.",
            reference="Huber, Robust Estimation of a Location Parameter, Ann. Math. Statist. 35(1), 1964",
            parameters=HuberParameters,
            make=made_by("huber"),
            api=2,
        ),
        Loss(
            name="log-cosh",
            summary="Logarithm of the error's hyperbolic cosine: about squared near 0, linear far out, smooth between.",
            make=made_by("log_cosh"),
            api=2,
        ),
        Loss(
            name="mape",
            summary="Absolute error as a share of the truth, in original units.",
            reference="Hyndman & Koehler, Another look at measures of forecast accuracy, IJF 22(4), 2006",
            parameters=PercentageParameters,
            make=made_by("mape"),
            api=2,
        ),
        Loss(
            name="smape",
            summary="Absolute error as a share of the mean size of truth and forecast, in original units.",
            reference="Makridakis, Accuracy measures: theoretical and practical concerns, IJF 9(4), 1993",
            parameters=PercentageParameters,
            make=made_by("smape"),
            api=2,
        ),
        Loss(
            name="quantile",
            summary="Pinball loss; its minimum is the quantile q, or each one of `quantiles`.",
            reference="Koenker & Bassett, Regression Quantiles, Econometrica 46(1), 1978",
            parameters=QuantileParameters,
            make=made_by("quantile"),
            api=2,
        ),
        Loss(
            name="weighted-mse",
            summary="Squared error whose weight decays over the horizon.",
            tasks=(Task.FORECAST,),
            parameters=DecayParameters,
            make=made_by("weighted_mse"),
            api=2,
        ),
        Loss(
            name="asymmetric",
            summary="Squared error with one weight for forecasts that are too low and another for too high.",
            reference="Christoffersen & Diebold, Optimal prediction under asymmetric loss, 1997",
            parameters=AsymmetricParameters,
            make=made_by("asymmetric"),
            api=2,
        ),
        Loss(
            name="directional",
            summary="Squared error and a penalty where the forecast's sign is not the truth's: for returns.",
            reference="penalty: Michańków, Sakowski & Ślepaczuk, Generalized Mean Absolute Directional Loss, 2024,"
            " arXiv:2412.18405, with b = 1",
            tasks=(Task.FORECAST, Task.REGRESS),
            parameters=DirectionalParameters,
            make=made_by("directional"),
            api=2,
        ),
        Loss(
            name="cross-entropy",
            summary="Negative logarithm of the probability of the sample's own class.",
            tasks=(Task.CLASSIFY,),
            make=made_by("cross_entropy"),
            api=2,
        ),
        Loss(
            name="focal",
            summary="Cross-entropy in which samples that are told well count less.",
            reference="Lin et al., Focal Loss for Dense Object Detection, ICCV 2017",
            tasks=(Task.CLASSIFY,),
            parameters=FocalParameters,
            make=made_by("focal"),
            api=2,
        ),
    ]
