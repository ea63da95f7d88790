"""Recurrence over segments of the window instead of single rows, and all segments of the horizon decoded at once."""

from __future__ import annotations

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
    head,
    hookimpl,
    sequence_inputs,
)

if TYPE_CHECKING:
    import keras


class SegmentedHyperparameters(Hyperparameters):
    cell: Annotated[
        Literal["gru", "lstm"], Field(description="kind of the recurrent cell"), Search.choice("gru", "lstm")
    ] = "gru"
    segment: Annotated[
        int, Field(ge=1, le=4096, description="rows in a segment, of the window and of the horizon"), Search.int(4, 96)
    ] = 48
    units: Annotated[
        int,
        Field(ge=2, le=4096, description="width of the segments' embedding and of the recurrent layer"),
        Search.int(64, 512, log=True),
    ] = 512
    dropout: Annotated[
        float,
        Field(ge=0.0, lt=1.0, description="fraction of a decoded segment's state dropped in training"),
        Search.float(0.0, 0.5),
    ] = 0.5


def build(hp: SegmentedHyperparameters, shape: SequenceShape) -> keras.Model:
    """Map scaled (batch, window, n_features) to scaled (batch, *shape.output).

    SegRNN, section 3: a segment is embedded by a linear map and ReLU; a recurrent layer reads the segments; from its
    last state the same layer makes one step for each segment of the horizon, whose input is what is learned of that
    segment's place, and of the channel. Several targets that are features are channels, read one by one with the same
    weights, each beside its mask and the features that are no targets. Other targets are read together, from all
    features.

    A window that is no multiple of a segment is filled up in front with its first row; a horizon that is none is cut.
    """
    import keras
    from keras import ops

    inputs = sequence_inputs(shape)
    channels = shape.n_targets if None not in shape.target_columns else 1
    segments = _segments(_by_channel(inputs.sequence, shape, channels), min(hp.segment, shape.window))
    recurrent = (keras.layers.GRU if hp.cell == "gru" else keras.layers.LSTM)(hp.units, return_state=True, name="cell")
    embedded = keras.layers.Dense(hp.units, "relu", name="embedding")(segments)  # (batch * channels, segments, units)
    _, *states = recurrent(embedded)  # each (batch * channels, units)
    drop = keras.layers.Dropout(hp.dropout)
    if shape.classes:
        return keras.Model(inputs.ends, head(shape)(drop(states[0]), inputs), name="segmented")

    length = min(hp.segment, shape.horizon)
    count = -(-shape.horizon // length)
    places = _places(states[0], hp.units, channels, count)
    before = [ops.reshape(keras.layers.RepeatVector(count)(state), (-1, hp.units)) for state in states]
    decoded, *_ = recurrent(places, initial_state=before)  # (batch * channels * count, units)
    values = (shape.n_targets // channels) * max(1, len(shape.quantiles))  # in a row of a channel
    rows = keras.layers.Dense(length * values, name="head")(drop(decoded))
    rows = ops.reshape(rows, (-1, channels, count * length, values))[:, :, : shape.horizon]
    outputs = keras.layers.Reshape(shape.output, name="output")(ops.transpose(rows, (0, 2, 1, 3)))
    return keras.Model(inputs.ends, outputs, name="segmented")


def _by_channel(inputs: Any, shape: SequenceShape, channels: int) -> Any:
    """(batch * channels, window, columns): a target's own columns and those of no target; of one channel, all."""
    from keras import ops

    if channels == 1:
        return inputs
    own = list(zip(shape.target_columns, *([shape.mask_columns] if shape.mask_columns else []), strict=True))
    taken = {column for columns in own for column in columns}
    others = [column for column in range(shape.n_features) if column not in taken]
    rows = ops.stack([ops.take(inputs, [*columns, *others], axis=2) for columns in own], axis=1)
    return ops.reshape(rows, (-1, shape.window, len(own[0]) + len(others)))


def _segments(rows: Any, length: int) -> Any:
    """Cut (batch, window, columns) into (batch, segments, length * columns)."""
    import keras
    from keras import ops

    _, window, columns = rows.shape
    count = -(-window // length)
    if lacking := count * length - window:
        rows = ops.concatenate([keras.layers.RepeatVector(lacking)(rows[:, 0]), rows], axis=1)
    return keras.layers.Reshape((count, length * columns), name="segments")(rows)


def _places(state: Any, units: int, channels: int, count: int) -> Any:
    """What is learned of each segment's place, and of its channel: (batch * channels * count, 1, units).

    A table of weights is a dense layer's answer to a one; ``state`` (batch * channels, units) tells how many are asked.
    """
    import keras
    from keras import ops

    def learned(rows: Any, entries: int, width: int, name: str) -> Any:
        normal = keras.initializers.RandomNormal(stddev=1.0)
        table = keras.layers.Dense(entries * width, use_bias=False, kernel_initializer=normal, name=name)
        return ops.reshape(table(ops.ones_like(rows[:, :1])), (-1, width))

    of_channel = units // 2 if channels > 1 else 0
    places = learned(state, count, units - of_channel, "positions")  # (batch * channels * count, units - of_channel)
    if of_channel:
        windows = ops.reshape(state, (-1, channels * units))  # (batch, channels * units)
        names = keras.layers.RepeatVector(count)(learned(windows, channels, of_channel, "channels"))
        places = ops.concatenate([places, ops.reshape(names, (-1, of_channel))], axis=1)
    return ops.reshape(places, (-1, 1, units))


@hookimpl
def zoo_architectures() -> list[Architecture]:
    return [
        Architecture(
            name="segmented",
            summary="A GRU or LSTM over segments of the window; all segments of the horizon are decoded at once.",
            reference="Lin et al., SegRNN: Segment Recurrent Neural Network for Long-Term Time Series Forecasting, "
            "arXiv:2308.11200, 2023, section 3",
            tags=("gru", "lstm", "segments"),
            hyperparameters=SegmentedHyperparameters,
            build=build,
            tasks=tuple(Task),
            # The authors lower the rate too
            defaults=TrainingDefaults(
                optimizer="adam",
                learning_rate=1e-3,
                schedule=CosineSchedule.model_validate({}),
                loss="mae",
                epochs=30,
                batch_size=64,
            ),
            tiny={"units": 8, "segment": 4, "dropout": 0.0},
            inputs=("window",),
            api=2,
        )
    ]
