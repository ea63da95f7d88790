"""NLinear and DLinear: one linear map from a series' window to its horizon, the yardstick for everything recurrent."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from zoo_registry import (
    Architecture,
    CosineSchedule,
    Hyperparameters,
    Search,
    SequenceShape,
    Task,
    TrainingDefaults,
    hookimpl,
    last_observed,
    sequence_inputs,
)

if TYPE_CHECKING:
    import keras


class LinearHyperparameters(Hyperparameters):
    kind: Annotated[
        Literal["nlinear", "dlinear"],
        Field(description="nlinear: less the window's last value; dlinear: trend and remainder apart"),
        Search.choice("nlinear", "dlinear"),
    ] = "nlinear"
    individual: Annotated[
        bool,
        Field(description="weights of its own for each target, instead of the same for all"),
        Search.choice(False, True),
    ] = False
    moving_average: Annotated[
        int, Field(ge=1, le=4096, description="rows in the average that is dlinear's trend"), Search.int(3, 49, step=2)
    ] = 25


def build(hp: LinearHyperparameters, shape: SequenceShape) -> keras.Model:
    """Map scaled (batch, window, n_features) to scaled (batch, *shape.output).

    Zeng et al., section 4: nlinear subtracts the window's last value and adds it to what it makes of the rest; dlinear
    maps a moving average and what it leaves each by itself, and adds both. A target that is a feature is made from its
    own column alone. Where one is not, there is no last value to add: all columns are read, nlinear as they are.

    Where the target's column has a mask, a missing value is the last one that was observed, and the mask is mapped too.
    """
    import keras

    inputs = sequence_inputs(shape)
    columns = [column for column in shape.target_columns if column is not None]
    own = len(columns) == shape.n_targets
    values = keras.ops.take(inputs.sequence, columns, axis=2) if own else inputs.sequence  # (batch, window, n)
    apply = _for_each_column if own else _for_all_columns
    last, mask = values[:, -1:], None  # (batch, 1, n_targets)
    if own and shape.mask_columns:
        mask = keras.ops.take(inputs.sequence, shape.mask_columns, axis=2)
        last = last_observed(values, mask)
        values = last + (values - last) * mask

    def beside_mask(rows: Any) -> Any:
        return rows if mask is None else keras.ops.concatenate([rows, mask], axis=1)

    if hp.kind == "dlinear":
        trend = _moving_average(values, hp.moving_average)
        outputs = apply(trend, hp, shape, "trend") + apply(beside_mask(values - trend), hp, shape, "remainder")
    elif own:
        outputs = apply(beside_mask(values - last), hp, shape, "head")
        outputs = outputs + (last[..., None] if shape.quantiles else last)
    else:
        outputs = apply(values, hp, shape, "head")
    return keras.Model(inputs.ends, outputs, name="linear")


def _moving_average(values: Any, rows: int) -> Any:
    """(batch, window, n): of the rows around each one, the first and the last row repeated beyond the ends."""
    import keras
    from keras import ops

    before = (rows - 1) // 2
    ends = ((values[:, 0], before), (values[:, -1], rows - 1 - before))
    first, last = ([keras.layers.RepeatVector(times)(row)] if times else [] for row, times in ends)
    padded = ops.concatenate([*first, values, *last], axis=1)
    return keras.layers.AveragePooling1D(rows, strides=1, name="moving_average")(padded)


def _for_each_column(values: Any, hp: LinearHyperparameters, shape: SequenceShape, name: str) -> Any:
    """Map (batch, rows, n_targets) to (batch, *shape.output), each column by itself."""
    import keras
    from keras import ops

    quantiles = shape.output[2:]
    size = shape.horizon * prod(quantiles)
    initial = _initial(values.shape[1])
    layer = (
        keras.layers.EinsumDense(
            "btw,twh->bth", (shape.n_targets, size), bias_axes="th", kernel_initializer=initial, name=name
        )
        if hp.individual
        else keras.layers.Dense(size, kernel_initializer=initial, name=name)
    )
    outputs = layer(ops.transpose(values, (0, 2, 1)))  # (batch, n_targets, horizon * n_quantiles)
    outputs = ops.reshape(outputs, (-1, shape.n_targets, shape.horizon, *quantiles))
    return ops.transpose(outputs, (0, 2, 1, *range(3, 3 + len(quantiles))))


def _for_all_columns(values: Any, hp: LinearHyperparameters, shape: SequenceShape, name: str) -> Any:
    """Map (batch, window, n) to (batch, *shape.output), all columns together."""
    import keras

    flat = keras.layers.Flatten()(values)
    dense = keras.layers.Dense(prod(shape.output), kernel_initializer=_initial(flat.shape[1]), name=name)
    return keras.layers.Reshape(shape.output)(dense(flat))


def _initial(inputs: int) -> Any:
    """Weights of a variance of a third of 1 / inputs, what the authors' code begins with."""
    import keras

    return keras.initializers.RandomUniform(-(inputs**-0.5), inputs**-0.5)


@hookimpl
def zoo_architectures() -> list[Architecture]:
    return [
        Architecture(
            name="linear",
            summary="NLinear or DLinear: a linear map from a series' window to its horizon.",
            reference="Zeng et al., Are Transformers Effective for Time Series Forecasting?, AAAI 2023 "
            "(arXiv:2205.13504), section 4",
            tags=("linear", "baseline"),
            hyperparameters=LinearHyperparameters,
            build=build,
            tasks=tuple(Task),
            # At a rate that stays so large it never comes near the best linear map
            defaults=TrainingDefaults(
                optimizer="adam",
                learning_rate=5e-3,
                schedule=CosineSchedule.model_validate({}),
                loss="mae",
                epochs=10,
                batch_size=32,
            ),
            tiny={},
            inputs=("window",),
            api=2,
        )
    ]
