"""Put around an architecture's network what is common to all: window normalization, and sharing it over channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import keras
from keras import ops

from zoo.models.layers import OrderedQuantiles, ReversibleAffine
from zoo.models.masking import Observed, only_known, with_masks
from zoo.models.network import build_network, decoded, put_pretrained
from zoo.preprocessing.target_scale import TargetScale, put_back
from zoo.preprocessing.window_scale import WindowScale
from zoo.settings.schema import NetworkConfig
from zoo_registry import Architecture, Hyperparameters, SequenceShape


class Assembled(NamedTuple):
    """One network at two ends, with the same weights in the same order.

    What is ``trained`` gives targets as the loss takes them: normalized like its windows, or before they are decoded.
    What is ``told`` gives them scaled, (batch, *shape.output).
    """

    trained: keras.Model
    told: keras.Model


def assemble(
    architecture: Architecture,
    hp: Hyperparameters,
    shape: SequenceShape,
    config: NetworkConfig,
    window_scale: WindowScale | None = None,
    *,
    pretrained: bool | None = None,
) -> Assembled:
    """Return the network, which maps scaled (batch, *shape.input) to what :func:`build_network` gives.

    ``window_scale`` says how windows are normalized. ``pretrained``: whether it must begin with weights that the
    architecture gives, or does where there are some; None is with drawn ones. Raises what :func:`build_network`,
    :func:`put_pretrained` and :func:`decoded` raise.
    """
    asked, shape = shape, architecture.shaped(shape)
    by = WindowScale() if window_scale is None else window_scale

    def build(shape: SequenceShape) -> keras.Model:
        network = build_network(architecture, hp, shape)
        if pretrained is not None:
            put_pretrained(architecture, hp, shape, network, needed=pretrained)
        return network

    if by.kind == "none" and config.channels == "joint" and not _crossing(shape) and not shape.masked:
        network = build(shape)
        return Assembled(network, decoded(architecture, hp, asked, network))
    inputs = keras.Input(shape.input, dtype=by.dtype, name="window")  # (batch, window, n_features)
    core = _core(build, shape, config)
    name, windows = f"{architecture.name}-assembled", Observed.of(inputs, shape)

    def telling(told: keras.Model) -> keras.Model:
        return only_known(told, asked, by.positions)

    if by.kind == "none":
        network = keras.Model(inputs, core(windows), name=name)
        return Assembled(network, telling(decoded(architecture, hp, asked, network)))
    # In float64, rounded once: runtimes sum in other orders, and a network may answer a hundred times as far apart
    exact = windows.cast("float64")
    normalized, level, scale = by.normalized(ops, exact.values, exact.mask)  # the last two (batch, 1, n_features)
    outputs = _of_normalized(core, by, exact.with_values(by.squashed(ops, normalized)).cast("float32"), shape)
    trained = keras.Model(inputs, outputs, name=name)
    target = TargetScale(by, shape.target_columns)
    if not target.active:
        return Assembled(trained, telling(trained))
    values = target.unsquashed(ops, ops.cast(outputs, "float64"))
    levels, scales = target.chosen(ops, by.ahead(ops, exact.values, level, exact.mask), scale)
    told = keras.Model(inputs, ops.cast(put_back(values, levels, scales), by.dtype), name=name)
    return Assembled(trained, telling(told))


def _of_normalized(core: Any, by: WindowScale, windows: Observed, shape: SequenceShape) -> Any:
    """What the network makes of normalized windows, normalized likewise."""
    if by.base != "instance":
        return core(windows)
    affine = ReversibleAffine(name="affine")
    outputs = core(windows.with_values(affine(windows.values)))
    columns = [column for column in shape.target_columns if column is not None]
    return _affine_back(affine, outputs, columns, shape) if len(columns) == shape.n_targets else outputs


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
        joint = build(whole)
        return _ordered(lambda windows: joint(windows.joined()), shape)
    targets = [column for column in shape.target_columns if column is not None]
    others = [column for column in range(whole.n_features) if column not in (*targets, *whole.mask_columns)]
    own_mask = (1 + len(others),) if whole.mask_columns else ()
    columns = 1 + len(others) + len(own_mask)
    own = replace(whole, n_features=columns, n_targets=1, target_columns=(0,), mask_columns=own_mask)
    network = build(own)

    def shared(windows: Observed) -> Any:
        inputs = windows.joined()

        def each(columns: Sequence[int]) -> Any:
            return ops.transpose(ops.take(inputs, columns, axis=2), (0, 2, 1))[..., None]

        parts = [each(targets)]  # (batch, n_targets, window, 1)
        if others:
            parts.append(ops.repeat(ops.take(inputs, others, axis=2)[:, None], len(targets), axis=1))
        if own_mask:
            parts.append(each(whole.mask_columns))
        channels = ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
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
