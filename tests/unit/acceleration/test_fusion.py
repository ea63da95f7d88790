"""Fused recurrence gives what Keras gives: outputs, states and gradients, over shapes, directions and parts."""

from __future__ import annotations

from contextlib import nullcontext

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.acceleration import fusion
from zoo.acceleration.fusion import Fusion, treats_windows_alone
from zoo.keras_internals import flatten_layers

OUTPUTS, GRADIENTS = 1e-6, 1e-5  # relative to the greatest value


def outputs_and_gradients(model: keras.Model, inputs: np.ndarray, training: bool = False) -> list[list[np.ndarray]]:
    """What a network makes of inputs, and the gradients of inputs and weights by a loss in which all of it counts."""

    @tf.function
    def run(values):
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs = tf.nest.flatten(model(values, training=training))
            flat = tf.concat([tf.reshape(tf.cast(output, tf.float32), (-1,)) for output in outputs], 0)
            loss = tf.reduce_sum(tf.sin(flat) * tf.cos(tf.range(tf.cast(tf.size(flat), tf.float32))))
        return outputs, tape.gradient(loss, [values, *model.trainable_variables])

    return [[part.numpy() for part in parts] for parts in run(tf.constant(inputs))]


def assert_close(found: list[np.ndarray], expected: list[np.ndarray], tolerance: float) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).max() <= tolerance * max(1e-3, np.abs(other).max())


def assert_same(found: list[list[np.ndarray]], expected: list[list[np.ndarray]]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert_close(one, other, 0.0)


def model_of(layer: keras.layers.Layer, steps: int, features: int) -> keras.Model:
    inputs = keras.Input((steps, features), dtype=layer.dtype)
    model = keras.Model(inputs, layer(inputs))
    random = np.random.default_rng(0)
    model.set_weights([random.normal(0, 0.5, weight.shape) for weight in model.weights])  # biases of zero would hide
    return model


@settings(max_examples=12, deadline=None)
@given(
    kind=st.sampled_from(["LSTM", "GRU"]),
    units=st.integers(1, 9),
    batch=st.integers(1, 7),
    steps=st.integers(1, 9),
    features=st.integers(1, 4),
    parts=st.integers(1, 3),
    sequences=st.booleans(),
    states=st.booleans(),
    backwards=st.booleans(),
)
def test_a_layer_of_any_shape(kind, units, batch, steps, features, parts, sequences, states, backwards):
    layer = getattr(keras.layers, kind)(units, return_sequences=sequences, return_state=states, go_backwards=backwards)
    model = model_of(layer, steps, features)
    inputs = np.random.default_rng(1).normal(size=(batch, steps, features)).astype(np.float32)
    expected = outputs_and_gradients(model, inputs)
    found_of = Fusion(model)
    assert (found_of.layers, found_of.others) == ([f"{kind}({units})"], [])
    with found_of.active(parts):
        found = outputs_and_gradients(model, inputs)
    assert_close(found[0], expected[0], OUTPUTS)
    assert_close(found[1], expected[1], GRADIENTS)
    assert_same(outputs_and_gradients(model, inputs), expected)


def encoder_decoder() -> keras.Model:
    """The decoder begins with the encoder's states, so that gradients go through those."""
    inputs = keras.Input((5, 2))
    _, hidden, cell = keras.layers.LSTM(4, return_state=True)(inputs)
    decoded = keras.layers.LSTM(4, return_sequences=True)(
        keras.layers.RepeatVector(3)(hidden), initial_state=[hidden, cell]
    )
    return keras.Model(inputs, keras.layers.GRU(3)(decoded, initial_state=keras.layers.Dense(3)(cell)))


def nested() -> keras.Model:
    inner = keras.Sequential([keras.Input((5, 2)), keras.layers.LSTM(3, return_sequences=True), keras.layers.LSTM(2)])
    inputs = keras.Input((5, 2))
    return keras.Model(inputs, inner(inputs * 2.0))


def normalized() -> keras.Model:
    """Batch normalization looks at the whole batch, whatever the parts."""
    x = inputs = keras.Input((5, 2))
    x = keras.layers.LSTM(4, return_sequences=True)(x)
    return keras.Model(inputs, keras.layers.LSTM(3)(keras.layers.BatchNormalization()(x)))


def bidirectional() -> keras.Model:
    x = inputs = keras.Input((5, 2))
    x = keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True))(x)
    return keras.Model(inputs, keras.layers.Bidirectional(keras.layers.GRU(3), merge_mode="sum")(x))


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("build", [encoder_decoder, nested, normalized, bidirectional])
def test_networks(build, alone, monkeypatch):
    """In parts as a whole, where no layer needs the whole batch, and layer by layer."""
    keras.utils.set_random_seed(0)
    model = build()
    assert all(map(treats_windows_alone, flatten_layers(model))) == (build is not normalized)
    if not alone:
        monkeypatch.setattr(fusion, "treats_windows_alone", lambda layer: False)
    inputs = np.random.default_rng(1).normal(size=(6, 5, 2)).astype(np.float32)
    training = build is normalized
    kept = model.get_weights()
    expected = outputs_and_gradients(model, inputs, training)
    model.set_weights(kept)
    with Fusion(model).active(2):
        found = outputs_and_gradients(model, inputs, training)
    assert_close(found[0], expected[0], OUTPUTS)
    assert_close(found[1], expected[1], GRADIENTS)


def spatial_dropout() -> keras.Model:
    x = inputs = keras.Input((5, 4))
    for _ in range(2):
        x = keras.layers.SpatialDropout1D(0.5)(keras.layers.LSTM(6, return_sequences=True)(x))
    return keras.Model(inputs, keras.layers.LSTM(3)(x))


def called_twice() -> keras.Model:
    inputs = keras.Input((5, 4))
    layer = keras.layers.LSTM(4, return_sequences=True, dropout=0.2)
    drop = keras.layers.Dropout(0.5)
    return keras.Model(inputs, drop(layer(drop(layer(inputs)))))


def rows_of_channels() -> keras.Model:
    """Each window is read channel by channel, then decoded in two segments of each: 1, 4 and 8 rows of a window."""
    inputs = keras.Input((5, 4))
    whole = keras.layers.Dropout(0.3)(inputs)
    channels = keras.ops.reshape(keras.ops.transpose(whole, (0, 2, 1)), (-1, 5, 1))
    _, state = keras.layers.GRU(6, dropout=0.5, return_state=True)(channels)
    segments = keras.ops.reshape(keras.layers.RepeatVector(2)(keras.layers.Dropout(0.3)(state)), (-1, 1, 6))
    decoded = keras.layers.Dropout(0.5)(keras.layers.GRU(3)(segments))
    return keras.Model(inputs, keras.ops.reshape(decoded, (-1, 4 * 2 * 3)))


DROPOUT = {
    "bidirectional": lambda: model_of(keras.layers.Bidirectional(keras.layers.GRU(6, dropout=0.5)), 5, 4),
    "called twice": called_twice,
    "inside": lambda: model_of(keras.layers.LSTM(6, dropout=0.5), 5, 4),
    "recurrent": lambda: model_of(keras.layers.LSTM(6, dropout=0.5, recurrent_dropout=0.5), 5, 4),
    "each gate": lambda: model_of(keras.layers.GRU(6, dropout=0.5, recurrent_dropout=0.5, implementation=1), 5, 4),
    "rows of channels": rows_of_channels,
    "spatial": spatial_dropout,
}
QUICK = (("called twice", True), ("rows of channels", True))
CASES = [(name, alone) for name in DROPOUT for alone in (True, False)]


@pytest.mark.parametrize(
    ("name", "alone"), [pytest.param(*case, marks=() if case in QUICK else pytest.mark.full) for case in CASES]
)
def test_repair_01_dropout_draws_the_same_masks(name, alone, monkeypatch):
    """As Keras' own, in parts of a whole network and where only layers are in parts; one batch after the other."""
    monkeypatch.setattr(fusion, "treats_windows_alone", lambda layer: alone)
    inputs = np.random.default_rng(1).normal(size=(5, 5, 4)).astype(np.float32)
    results = []
    for parts in (None, 1, 2):
        keras.utils.set_random_seed(3)
        model = DROPOUT[name]()
        with nullcontext() if parts is None else Fusion(model).active(parts):
            results.append([outputs_and_gradients(model, inputs, training=True) for _ in range(2)])
        plain = outputs_and_gradients(model, inputs)
    expected, *others = results
    for found in others:
        for batch, expected_batch in zip(found, expected, strict=True):
            assert_close(batch[0], expected_batch[0], OUTPUTS)
            assert_close(batch[1], expected_batch[1], GRADIENTS)
    assert np.abs(expected[0][0][0] - plain[0][0]).max() > 0.01
    assert np.abs(expected[0][0][0] - expected[1][0][0]).max() > 0.01, "another batch, another mask"


@pytest.mark.parametrize(
    ("name", "parts", "rounds"),
    [pytest.param("called twice", 1, 3, marks=pytest.mark.full), ("rows of channels", 2, 2)],
)
def test_a_batch_in_rounds_is_the_same_batch(name, parts, rounds):
    """Forward, gradients and masks of dropout; of five windows some parts have fewer, or none."""
    inputs = np.random.default_rng(1).normal(size=(5, 5, 4)).astype(np.float32)
    results = []
    for active in ((1, 1), (parts, rounds)):
        keras.utils.set_random_seed(3)
        model = DROPOUT[name]()
        with Fusion(model).active(*active):
            results.append([outputs_and_gradients(model, inputs, training=True) for _ in range(2)])
            results[-1].append(outputs_and_gradients(model, inputs))
    for batch, expected in zip(*results, strict=True):
        assert_close(batch[0], expected[0], OUTPUTS)
        assert_close(batch[1][1:], expected[1][1:], GRADIENTS)  # of weights; nobody asks for that of the data


@pytest.mark.parametrize("windows", [1, 3, 4])
def test_repair_01_rows_that_are_no_windows_are_dropped_in_each_part(windows):
    """Of an input whose first axis is time, or a table of weights: a mask for each part, and no crash."""
    inputs = keras.Input((5, 4))
    by_time = keras.layers.Dropout(0.5)(keras.ops.transpose(inputs, (1, 0, 2)))
    model = keras.Model(inputs, keras.layers.LSTM(3)(keras.ops.transpose(by_time, (1, 0, 2))))
    values = np.random.default_rng(0).normal(size=(windows, 5, 4)).astype(np.float32)
    plain = outputs_and_gradients(model, values)
    with Fusion(model).active(3):
        found = outputs_and_gradients(model, values, training=True)
    assert [part.shape for part in found[0]] == [part.shape for part in plain[0]]
    assert np.abs(found[0][0] - plain[0][0]).max() > 0.01


class Centred(keras.layers.Layer):
    """A plugin's, which looks at the whole batch."""

    def call(self, values):
        return values - keras.ops.mean(values, axis=0)


def convolution():
    """TensorFlow's fail on a part without windows, which of few windows one in four is."""
    return keras.layers.Conv1D(3, 2, padding="causal")


@pytest.mark.parametrize(("layer", "windows"), [(Centred, 6), (convolution, 1), (convolution, 3), (convolution, 4)])
def test_layers_that_need_the_whole_batch(layer, windows):
    inputs = keras.Input((5, 2))
    model = keras.Model(inputs, keras.layers.LSTM(4)(layer()(inputs)))
    assert not treats_windows_alone(model.layers[1])
    values = np.random.default_rng(0).normal(size=(windows, 5, 2)).astype(np.float32)
    plain = outputs_and_gradients(model, values)
    with Fusion(model).active(4):
        fused = outputs_and_gradients(model, values)
    for found, expected, tolerance in zip(fused, plain, (OUTPUTS, GRADIENTS), strict=True):
        assert_close(found, expected, tolerance)


def test_layers_that_may_need_the_whole_batch():
    assert not treats_windows_alone(keras.layers.BatchNormalization())
    assert not treats_windows_alone(keras.layers.LSTM(2, stateful=True))
    assert not treats_windows_alone(keras.layers.Dense(2, activity_regularizer="l2"))
    assert treats_windows_alone(keras.layers.Dense(2, kernel_regularizer="l2"))


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (lambda: keras.layers.LSTM(3, recurrent_dropout=0.1), "recurrent dropout"),
        (lambda: keras.layers.LSTM(3, activation="relu"), "activation relu"),
        (lambda: keras.layers.LSTM(3, recurrent_activation="hard_sigmoid"), "recurrent activation hard_sigmoid"),
        (lambda: keras.layers.LSTM(3, use_bias=False), "no bias"),
        (lambda: keras.layers.GRU(3, reset_after=False), "reset before the product"),
        (lambda: keras.layers.LSTM(3, dtype="float64"), "computed in float64"),
        (lambda: keras.layers.SimpleRNN(3), "a SimpleRNN"),
        (lambda: keras.layers.RNN(keras.layers.LSTMCell(3)), "a RNN"),
    ],
)
def test_what_stays_as_it_is(layer, reason):
    model = model_of(made := layer(), 4, 2)
    found_of = Fusion(model)
    width = "" if type(made) is keras.layers.RNN else 3
    assert (found_of.layers, found_of.others) == ([], [f"{type(made).__name__}({width}): {reason}"])
    inputs = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(made.compute_dtype)
    expected = outputs_and_gradients(model, inputs)
    with found_of.active(1):
        found = outputs_and_gradients(model, inputs)
    assert_same(found, expected)


def test_a_mask_is_heeded():
    x = inputs = keras.Input((5, 2))
    model = keras.Model(inputs, keras.layers.LSTM(3)(keras.layers.Masking()(x)))
    values = np.random.default_rng(0).normal(size=(3, 5, 2)).astype(np.float32)
    values[1, 3:] = 0.0
    expected = outputs_and_gradients(model, values)
    with Fusion(model).active(1):
        found = outputs_and_gradients(model, values)
    assert_same(found, expected)


def test_the_model_is_given_back_plain(tmp_path):
    model = model_of(keras.layers.LSTM(3), 4, 2)
    model.compile("adam", "mse")
    values = np.zeros((4, 4, 2), np.float32)
    with Fusion(model).active(2):
        model.fit(values, np.ones((4, 3), np.float32), verbose=0)
        assert model.train_function is not None
    assert model.train_function is None
    assert "inner_loop" not in vars(model.layers[-1])
    model.save(tmp_path / "plain.keras")
    loaded = keras.saving.load_model(tmp_path / "plain.keras")
    assert np.array_equal(loaded(values), model(values))
