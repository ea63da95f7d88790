"""Recurrence over segments, and segments decoded side by side."""

import numpy as np
import pytest

from zoo_registry import CosineSchedule, Task, TrainingDefaults
from zoo_registry.errors import ConfigError

WINDOWS = np.random.default_rng(0).normal(size=(3, 6, 3)).astype(np.float32)
CELLS = pytest.mark.parametrize("cell", ["gru", "lstm"])


@pytest.fixture(scope="module")
def build(network):
    """``build(segment=4, horizon=5)``: a small network of the shape of all these tests, its sizes changed."""
    return lambda **values: network("segmented", **{"units": 6, "segment": 3, "dropout": 0.0} | values)


def by_hand(model, windows, *, segment, horizon, columns):
    """What the network says, channel by channel and segment by segment."""
    import keras

    layers = {layer.name: layer for layer in model.layers}
    width = layers["cell"].units
    positions = np.asarray(layers["positions"].kernel).reshape(-1, width - width // 2 * (len(columns) > 1))
    outputs = []
    for channel, own in enumerate(columns):
        segments = windows[:, :, own].reshape(len(windows), -1, segment * len(own))
        _, *states = layers["cell"](layers["embedding"](segments))
        decoded = []
        for position in positions:
            name = np.asarray(layers["channels"].kernel).reshape(len(columns), -1)[channel] if len(columns) > 1 else []
            step = np.tile(np.concatenate([position, name]).astype(np.float32), (len(windows), 1, 1))
            decoded.append(layers["head"](layers["cell"](step, initial_state=states)[0]))
        outputs.append(keras.ops.concatenate(decoded, axis=1)[:, :horizon])
    return np.stack([np.asarray(output) for output in outputs], axis=2)


def test_training_defaults(architecture):
    expected = TrainingDefaults(
        optimizer="adam", learning_rate=1e-3, schedule=CosineSchedule(), loss="mae", epochs=30, batch_size=64
    )
    assert architecture("segmented").defaults == expected


@CELLS
def test_every_channel_and_segment_is_what_it_is_by_itself(build, cell):
    model = build(cell=cell, horizon=7)
    expected = by_hand(model, WINDOWS, segment=3, horizon=7, columns=[[0, 1], [2, 1]])  # columns 0 and 2 are targets
    np.testing.assert_allclose(model(WINDOWS), expected, rtol=0, atol=1e-6)


@CELLS
def test_of_one_target_all_columns_are_read(build, cell):
    model = build(cell=cell, horizon=4, n_targets=1, target_columns=(1,))
    assert "channels" not in [layer.name for layer in model.layers]
    expected = by_hand(model, WINDOWS, segment=3, horizon=4, columns=[[0, 1, 2]])
    np.testing.assert_allclose(model(WINDOWS), expected, rtol=0, atol=1e-6)


def test_one_recurrent_layer_encodes_and_decodes(build):
    model = build(cell="gru")
    names = {weight.path.split("/")[-3] for weight in model.weights if "gru_cell" in weight.path}
    assert names == {"cell"}
    assert sum(type(layer).__name__ == "GRU" for layer in model.layers) == 1


@CELLS
@pytest.mark.parametrize(("window", "segment"), [(6, 4), (5, 3), (7, 7), (1, 1)])
def test_a_window_is_filled_up_in_front_with_its_first_row(build, cell, window, segment):
    whole = -(-window // segment) * segment
    windows = np.random.default_rng(1).normal(size=(3, window, 3)).astype(np.float32)
    model, filled = (build(cell=cell, segment=segment, window=rows) for rows in (window, whole))
    filled.set_weights(model.get_weights())
    longer = np.concatenate([windows[:, :1]] * (whole - window) + [windows], axis=1)
    np.testing.assert_allclose(model(windows), filled(longer), rtol=0, atol=1e-6)


def test_a_segment_longer_than_the_window_is_the_window(build):
    model = build(segment=48)
    assert model.get_layer("segments").output.shape == (None, 1, 6 * 2)
    assert model.get_layer("head").units == 4  # nor does it write more than the horizon


@CELLS
def test_a_horizon_that_is_no_multiple_is_cut(build, cell):
    short, whole = (build(cell=cell, horizon=rows) for rows in (7, 9))
    whole.set_weights(short.get_weights())
    np.testing.assert_allclose(short(WINDOWS), whole(WINDOWS)[:, :7], rtol=0, atol=1e-6)
    assert whole.get_layer("positions").units == 3 * 3  # three places; the other half is the channel's


def test_a_channel_sees_its_own_column_and_those_of_no_target(build):
    model = build()
    other, beside = WINDOWS.copy(), WINDOWS.copy()
    other[:, :, 0] += 1
    beside[:, :, 1] += 1
    np.testing.assert_array_equal(model(other)[..., 1], model(WINDOWS)[..., 1])
    assert np.abs(model(other)[..., 0] - model(WINDOWS)[..., 0]).max() > 1e-3
    assert (np.abs(model(beside) - model(WINDOWS)).max(axis=(0, 1)) > 1e-3).all()


def test_channels_with_the_same_values_are_told_apart_by_their_embedding(build):
    model = build()
    alike = np.repeat(WINDOWS[:, :, :1], 3, axis=2)
    assert np.abs(model(alike)[..., 0] - model(alike)[..., 1]).max() > 1e-3
    table = model.get_layer("channels")
    table.set_weights([np.zeros_like(value) for value in table.get_weights()])
    np.testing.assert_allclose(model(alike)[..., 0], model(alike)[..., 1], rtol=0, atol=1e-6)


@pytest.mark.parametrize("task", [Task.REGRESS, Task.CLASSIFY])
def test_what_is_no_feature_is_told_from_all_columns(build, task):
    sizes = {"task": task, "horizon": 1, "target_columns": (None, None), "classes": 4 * (task is Task.CLASSIFY)}
    model = build(**sizes)
    for column in range(3):
        other = WINDOWS.copy()
        other[:, :, column] += 1
        assert np.abs(model(other) - model(WINDOWS)).max() > 1e-3


def test_quantiles_are_those_of_their_target(build):
    model = build(quantiles=(0.1, 0.5, 0.9), horizon=7)
    other = WINDOWS.copy()
    other[:, :, 2] += 1
    changed = np.abs(model(other) - model(WINDOWS)).max(axis=(0, 1))
    assert changed.shape == (2, 3)
    assert (changed[0] == 0).all()
    assert (changed[1] > 1e-3).all()


@CELLS
@pytest.mark.parametrize("parts", [pytest.param(2, marks=pytest.mark.full), 4])  # one of four is empty
def test_fused_and_in_parts_it_has_the_gradients_that_keras_gives(build, cell, parts):
    """Its second step begins with a state that is not 0, and its rows are folded into the batch."""
    import tensorflow as tf

    from zoo.acceleration.fusion import Fusion

    model, windows = build(cell=cell, horizon=7), tf.constant(WINDOWS)

    def gradients():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(windows, training=True)))
        return [loss, *tape.gradient(loss, model.trainable_variables)]

    plain, fusion = tf.function(gradients)(), Fusion(model)
    assert fusion.layers == [f"{cell.upper()}(6)"]
    with fusion.active(parts):
        fused = tf.function(gradients)()
    for one, other in zip(plain, fused, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    assert max(float(np.abs(one).max()) for one in plain[1:]) > 1e-3


@pytest.mark.parametrize(("name", "value"), [("units", 1), ("segment", 0), ("dropout", 1.0), ("cell", "rnn")])
def test_bounds(architecture, name, value):
    with pytest.raises(ConfigError, match=f"'{name}'"):
        architecture("segmented").configure({name: value})


def test_a_task_is_its_name(build):
    model = build(task="classify", n_targets=1, target_columns=(None,), horizon=1, classes=3)
    assert model.output_shape == (None, 3)
