"""Put around an architecture's network what is common to all: window normalization, and sharing it over channels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.models.layers import OrderedQuantiles, ReversibleAffine
from zoo.models.masking import Observed, with_masks
from zoo.models.network import build_network, put_pretrained
from zoo.settings.schema import NetworkConfig
from zoo_registry import Architecture, Hyperparameters, SequenceShape, last_observed

_EPSILON = 1e-5  # of Kim et al.'s own implementation; scaled columns have a variance near 1


def assemble(
    architecture: Architecture,
    hp: Hyperparameters,
    shape: SequenceShape,
    config: NetworkConfig,
    positions: Collection[int] = (),
    *,
    pretrained: bool | None = None,
) -> keras.Model:
    """Return the network that is trained, mapping scaled (batch, *shape.input) to what :func:`build_network` gives.

    ``positions`` are columns of the input that tell a place, not a level (those of a calendar): they are not
    normalized. ``pretrained``: whether it must begin with weights that the architecture gives, or does where there are
    some; None is with drawn ones. Raises what :func:`build_network` and :func:`put_pretrained` raise.
    """
    shape = architecture.shaped(shape)

    def build(shape: SequenceShape) -> keras.Model:
        network = build_network(architecture, hp, shape)
        if pretrained is not None:
            put_pretrained(architecture, hp, shape, network, needed=pretrained)
        return network

    if config.normalize_window == "none" and config.channels == "joint" and not _crossing(shape) and not shape.masked:
        return build(shape)
    inputs = keras.Input(shape.input, name="window")  # (batch, window, n_features)
    observed = Observed.of(inputs, shape)
    values, core = observed.values, _core(build, shape, config)
    level = np.array([column not in positions for column in range(shape.n_features)], dtype=np.float32)
    restore = [column for column in shape.target_columns if column is not None]
    newest = values[:, -1:, :] if observed.mask is None else last_observed(values, observed.mask)
    last = newest * level  # (batch, 1, n_features)
    if config.normalize_window == "last":
        outputs = core(observed.with_values(values - last))
        if restore:
            outputs = outputs + _beside(_of_targets(last, shape, 0.0), shape)
    elif config.normalize_window == "instance":
        # From the last value on: of a constant window nothing is left, whose mean's rounding would be magnified
        mean, variance = _moments(observed.with_values(values - last))
        mean, deviation = mean * level, ops.sqrt(variance + _EPSILON) * level + (1 - level)
        affine = ReversibleAffine(name="affine")
        outputs = core(observed.with_values(affine((values - last - mean) / deviation)))
        if len(restore) == shape.n_targets:
            outputs = _affine_back(affine, outputs, restore, shape)
        if restore:
            outputs = outputs * _beside(_of_targets(deviation, shape, 1.0), shape)
            outputs = outputs + _beside(_of_targets(mean + last, shape, 0.0), shape)
    else:
        outputs = core(observed)
    outputs = observed.told(outputs, np.flatnonzero(level).tolist())
    return keras.Model(inputs, outputs, name=f"{architecture.name}-assembled")


def _moments(observed: Observed) -> tuple[Any, Any]:
    """The mean and the variance of each column's observed values, each (batch, 1, n_features)."""
    values, mask = observed.values, observed.mask
    if mask is None:
        return ops.mean(values, axis=1, keepdims=True), ops.var(values, axis=1, keepdims=True)
    count = ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1.0)
    mean = ops.sum(values, axis=1, keepdims=True) / count
    return mean, ops.sum(ops.square(observed.with_values(values - mean).values), axis=1, keepdims=True) / count


def _of_targets(values: Any, shape: SequenceShape, other: float) -> Any:
    """Take the targets' columns of (batch, 1, n_features); ``other`` stands for targets that are no features."""
    columns = [0 if column is None else column for column in shape.target_columns]
    known = np.array([column is not None for column in shape.target_columns], dtype=np.float32)
    return ops.take(values, columns, axis=2) * known + other * (1 - known)  # (batch, 1, n_targets)


def _beside(values: Any, shape: SequenceShape) -> Any:
    """Give values of shape (batch, 1, n_targets) an axis for the quantiles where there are some."""
    return values[..., None] if shape.quantiles else values


def _affine_back(affine: ReversibleAffine, outputs: Any, columns: list[int], shape: SequenceShape) -> Any:
    """Undo the affine step on outputs, whose quantiles it takes as further rows."""
    if not shape.quantiles:
        return affine(outputs, columns=columns)
    rows = ops.reshape(
        ops.transpose(outputs, (0, 1, 3, 2)), (-1, shape.horizon * len(shape.quantiles), shape.n_targets)
    )
    back = ops.reshape(affine(rows, columns=columns), (-1, shape.horizon, len(shape.quantiles), shape.n_targets))
    return ops.transpose(back, (0, 1, 3, 2))


def _core(build: Callable[[SequenceShape], keras.Model], shape: SequenceShape, config: NetworkConfig) -> Any:
    """The architecture's network of observed windows, or the one that it applies to each target series on its own.

    Of a shared network the input is one target's column, the features that are no targets, and the masks of both.
    """
    whole = with_masks(shape)
    if config.channels == "joint":
        joint = _ordered(build(whole), shape)
        return lambda observed: joint(observed.joined())
    targets = [column for column in shape.target_columns if column is not None]
    others = [column for column in range(whole.n_features) if column not in (*targets, *whole.mask_columns)]
    own_mask = (1 + len(others),) if whole.mask_columns else ()
    columns = 1 + len(others) + len(own_mask)
    own = replace(whole, n_features=columns, n_targets=1, target_columns=(0,), mask_columns=own_mask)
    network = build(own)

    def shared(observed: Observed) -> Any:
        inputs = observed.joined()

        def each(columns: Sequence[int]) -> Any:
            return ops.transpose(ops.take(inputs, columns, axis=2), (0, 2, 1))[..., None]

        channels = [each(targets)]  # (batch, n_targets, window, 1)
        if others:
            channels.append(ops.repeat(ops.take(inputs, others, axis=2)[:, None], len(targets), axis=1))
        if own_mask:
            channels.append(each(whole.mask_columns))
        channels = ops.concatenate(channels, axis=-1) if len(channels) > 1 else channels[0]
        outputs = network(ops.reshape(channels, (-1, *own.input)))  # (batch * n_targets, horizon, 1[, n_quantiles])
        apart = ops.reshape(outputs, (-1, shape.n_targets, shape.horizon, *own.output[2:]))
        return ops.transpose(apart, (0, 2, 1, 3)[: len(own.output) + 1])  # (batch, horizon, n_targets[, n_quantiles])

    return _ordered(shared, shape)


def _crossing(shape: SequenceShape) -> bool:
    """Whether the network gives quantiles itself, which may cross."""
    return bool(shape.quantiles) and not shape.outputs_per_target


def _ordered(core: Any, shape: SequenceShape) -> Any:
    """Put the quantiles into order before anything scales them."""
    if not _crossing(shape):
        return core
    order = OrderedQuantiles(shape.quantiles, name="quantiles")
    return lambda inputs: order(core(inputs))
