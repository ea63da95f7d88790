"""A layer that raises in training, when it is called or exported is told in one sentence, by its name."""

from __future__ import annotations

import builtins

import keras
import pytest
import tensorflow as tf

from zoo.models.layer_errors import layers_told
from zoo.settings.schema import TrainingConfig
from zoo.training.rate_range import find_rate
from zoo.training.trainer import fit, forecast_batches
from zoo_registry import head
from zoo_registry.errors import TrainingError


class Raising(keras.layers.Layer):
    """Raises in training or outside of it, while TensorFlow's graph is made or when it runs."""

    def __init__(self, *, training=True, traced=True, error="RuntimeError", name="fragile", **settings):
        super().__init__(name=name, **settings)
        self.error = getattr(builtins, error)
        self.in_training, self.traced, self.armed = training, traced, training

    def call(self, values, training=False):
        if training != self.in_training or not self.armed:
            return values
        if self.traced:
            raise self.error("the weather\n is bad")
        with tf.control_dependencies([tf.debugging.assert_less(tf.reduce_sum(values) * 0.0, -1.0, message="too warm")]):
            return tf.identity(values)


def network(**how):
    def build(hp, shape):
        inputs, inner = keras.Input(shape.input), keras.Input((2,))
        nested = keras.Model(inner, keras.layers.Dense(2)(Raising(**how)(inner)), name="nested")
        hidden = nested(keras.layers.Dense(2, name="nested_1")(keras.layers.Flatten()(inputs)))
        return keras.Model(inputs, head(shape)(hidden))

    return build


def trained(architecture, prepared, callbacks=(), engine="keras"):
    settings = TrainingConfig(epochs=1, patience=0, engine=engine)
    return fit(architecture, architecture.configure({}), prepared, settings, callbacks)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({}, "RuntimeError: the weather;"),
        ({"error": "KeyError"}, "KeyError: the weather;"),
        ({"traced": False}, "InvalidArgumentError: .*too warm"),
    ],
)
def test_repair_04_a_layer_that_raises_in_training_is_told(how, said, make_architecture, prepared):
    with pytest.raises(TrainingError, match=rf"^layer 'fragile' \(Raising\) cannot be trained: {said}") as caught:
        trained(make_architecture(network(**how)), prepared)
    assert "\n" not in str(caught.value)


def test_repair_04_and_so_it_is_in_a_range_test(make_architecture, prepared):
    architecture = make_architecture(network())
    with pytest.raises(TrainingError, match="layer 'fragile'"):
        find_rate(architecture, architecture.configure({}), prepared, TrainingConfig(), batches=3)


def test_repair_04_and_so_it_is_when_it_is_called(make_architecture, prepared):
    inputs = keras.Input(prepared.shape.input)
    layer = Raising(training=False)
    model = keras.Model(inputs, head(prepared.shape)(layer(keras.layers.Flatten()(inputs))))
    layer.armed = True  # the network is there
    with pytest.raises(TrainingError, match=r"layer 'fragile' \(Raising\) cannot be called: RuntimeError: the weather"):
        list(forecast_batches(model, prepared.parts["test"]))


def test_repair_04_a_layer_of_keras_is_told_too():
    inputs = keras.Input((None, 4))
    model = keras.Model(inputs, keras.layers.Dense(3, activation="glu", name="odd")(inputs))
    told = pytest.raises(TrainingError, match=r"^layer 'odd' \(Dense\) cannot be called: ValueError: axis size must be")
    with told, layers_told(model, "called"):
        model(tf.zeros((1, 2, 4)))


def test_what_a_callback_raises_passes(make_architecture, prepared):
    def build(hp, shape):
        inputs = keras.Input(shape.input)
        return keras.Model(inputs, head(shape)(keras.layers.Flatten()(inputs)))

    class Ends(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            keras.layers.Dense(2)(tf.zeros(3))

    with pytest.raises(ValueError, match="min_ndim=2"):
        trained(make_architecture(build), prepared, [Ends()])
