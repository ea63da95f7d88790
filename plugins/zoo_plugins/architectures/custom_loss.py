"""LSTM with a loss of its own: a squared error that weighs under-prediction more and far steps less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from zoo_registry import (
    Architecture,
    ExponentialSchedule,
    LossContext,
    RecurrentHyperparameters,
    Search,
    SequenceShape,
    Task,
    TrainingDefaults,
    Units,
    head,
    hookimpl,
    recurrent_layer,
    sequence_inputs,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras


class CustomLossHyperparameters(RecurrentHyperparameters):
    units: Units = 128
    under_weight: Annotated[
        float, Field(gt=0.0, description="weight of errors where the forecast is too low"), Search.float(1.0, 4.0)
    ] = 2.0
    horizon_decay: Annotated[
        float,
        Field(gt=0.0, le=1.0, description="factor on the weight from one step of the horizon to the next"),
        Search.float(0.8, 1.0),
    ] = 0.98


def build(hp: CustomLossHyperparameters, shape: SequenceShape) -> keras.Model:
    """Map scaled (batch, window, n_features) to scaled (batch, horizon, n_targets)."""
    import keras

    inputs = sequence_inputs(shape)
    state = recurrent_layer(hp)(inputs.sequence)  # (batch, units)
    return keras.Model(inputs.ends, head(shape)(state, inputs), name="custom-loss")


def loss(hp: CustomLossHyperparameters, context: LossContext) -> Callable[[Any, Any], Any]:
    """Return the weighted squared error on scaled values; weights of 1 give the mean squared error.

    Step h of the horizon (from 0) weighs ``horizon_decay ** h``, times ``under_weight`` where the truth lies above
    the forecast. Scaling keeps order, so "above" means the same in original units.
    """
    import numpy as np
    from keras import ops

    decay = np.power(hp.horizon_decay, np.arange(context.shape.horizon), dtype=np.float32)[:, None]  # (horizon, 1)

    def weighted_squared_error(y_true: Any, y_pred: Any) -> Any:
        error = y_true - y_pred  # (batch, horizon, n_targets)
        side = ops.where(error > 0, hp.under_weight, 1.0)
        return ops.mean(decay * side * ops.square(error), axis=(1, 2))  # (batch,)

    return weighted_squared_error


@hookimpl
def zoo_architectures() -> list[Architecture]:
    return [
        Architecture(
            name="custom-loss",
            summary="One LSTM layer trained with an asymmetric squared error that decays over the horizon.",
            reference="asymmetric loss: Christoffersen & Diebold, Optimal prediction under asymmetric loss, 1997",
            tags=("lstm", "loss"),
            hyperparameters=CustomLossHyperparameters,
            build=build,
            tasks=tuple(Task),
            loss=loss,
            defaults=TrainingDefaults(
                optimizer="adam",
                learning_rate=1e-3,
                schedule=ExponentialSchedule(steps=10_000, rate=0.9),
                epochs=100,
                batch_size=32,
            ),
            tiny={"units": 4},
            api=2,
        )
    ]
