"""Architecture student-t: an LSTM layer that gives a Student t distribution for each target and step of the horizon.

It is trained on that distribution's likelihood, so that quantiles cost no network of their own: whichever are asked
for, they are read off the distribution, in the exported graph too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from zoo_registry import (
    Architecture,
    LossContext,
    RecurrentHyperparameters,
    Search,
    SequenceShape,
    Task,
    head,
    hookimpl,
    recurrent_layer,
    sequence_inputs,
)

if TYPE_CHECKING:
    import keras

SMALLEST = 1e-3  # scale, in scaled units: below it a likelihood would grow without bound on a constant target


class StudentTHyperparameters(RecurrentHyperparameters):
    """What users set with --set, beside units, dropout and penalties."""

    degrees: Annotated[
        float,
        Field(gt=2.0, le=1000.0, description="degrees of freedom: the fewer, the heavier the tails"),
        Search.float(2.5, 30.0, log=True),
    ] = 5.0


def build(hp: StudentTHyperparameters, shape: SequenceShape) -> keras.Model:
    """Map scaled (batch, window, n_features) to (batch, *shape.output), whose last axis is location and raw scale."""
    import keras

    inputs = sequence_inputs(shape)
    state = recurrent_layer(hp)(inputs.sequence)  # (batch, units)
    return keras.Model(inputs.ends, head(shape)(state, inputs), name="student-t")


def location_and_scale(ops: Any, outputs: Any) -> tuple[Any, Any]:
    """The two parameters, (batch, horizon, n_targets) each; the scale is positive: log(1 + exp(raw)), at least."""
    raw = outputs[..., 1]
    return outputs[..., 0], SMALLEST + ops.maximum(raw, 0.0) + ops.log(1.0 + ops.exp(-ops.abs(raw)))


def loss(hp: StudentTHyperparameters, context: LossContext) -> Callable[[Any, Any], Any]:
    """Return the negative logarithm of the likelihood, the mean over horizon and targets, (batch,).

    Lange, Little & Taylor 1989, section 2, for one dimension: with v degrees of freedom, location m and scale s the
    density at y is G((v + 1) / 2) / (G(v / 2) sqrt(v pi) s) * (1 + z^2 / v)^(-(v + 1) / 2), where z = (y - m) / s.
    """
    from keras import ops

    v = hp.degrees
    constant = math.lgamma(v / 2) - math.lgamma((v + 1) / 2) + math.log(v * math.pi) / 2

    def negative_log_likelihood(y_true: Any, y_pred: Any) -> Any:
        location, scale = location_and_scale(ops, y_pred)
        tail = (v + 1) / 2 * ops.log1p(ops.square((y_true - location) / scale) / v)
        return ops.mean(constant + ops.log(scale) + tail, axis=(1, 2))

    return negative_log_likelihood


def decode(hp: StudentTHyperparameters, shape: SequenceShape, ops: Any, outputs: Any) -> Any:
    """Return the location, which is mean and median, or the quantiles: location + scale * t, (..., n_quantiles).

    The degrees of freedom are no output of the network, so that each t, the quantile of the standard distribution, is
    a constant: neither ONNX nor TensorFlow has an operation for it.
    """
    location, scale = location_and_scale(ops, outputs)
    if not shape.quantiles:
        return location
    from scipy.stats import t

    factors = t.ppf(shape.quantiles, hp.degrees).astype("float32")  # (n_quantiles,)
    return location[..., None] + scale[..., None] * factors


@hookimpl
def zoo_architectures() -> list[Architecture]:
    """Register the architecture; called for every command, so nothing slow happens here."""
    return [
        Architecture(
            name="student-t",
            summary="One LSTM layer that gives a Student t distribution, for quantiles from one likelihood.",
            reference="Lange, Little & Taylor, Robust statistical modeling using the t distribution, JASA 84(408), "
            "1989; networks that give a distribution: Salinas et al., DeepAR, IJF 36(3), 2020 (arXiv:1704.04110)",
            tags=("lstm", "distribution"),
            hyperparameters=StudentTHyperparameters,
            build=build,
            tasks=(Task.FORECAST, Task.REGRESS, Task.ANOMALY),
            loss=loss,
            outputs_per_target=2,
            decode=decode,
            tiny={"units": 4},
            api=2,
        )
    ]
