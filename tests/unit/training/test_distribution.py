"""Shares of batches, the step on a share, and which networks cannot be shared; the processes are played by one."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.engine.collective import Group, is_loss
from zoo.training.batches import Share, feed, ordered_batches, shuffled_batches
from zoo.training.checkpoints import Checkpoint, TrainingState
from zoo.training.distribution import (
    batch_wide,
    check_network,
    generators,
    losses_told,
    shared_checkpoint,
    shared_step,
)
from zoo_registry.errors import ConfigError, TrainingError

STEPS = 8


class Alone:
    """A group whose other processes send ``others``, and whose process 0 says ``content``."""

    rank, size = 0, 2

    def __init__(self, others=None):
        self.others = others

    def sum(self, values):
        return values if self.others is None else values + self.others

    def told(self, content=b""):
        return content


@given(first=st.integers(0, 100), count=st.integers(1, 100), size=st.integers(1, 20))
def test_shares_are_all_of_a_batch_and_differ_by_one_at_most(first, count, size):
    shares = [Share(rank, size).of(first, first + count) for rank in range(size)]
    assert [number for share in shares for number in range(*share)] == list(range(first, first + count))
    assert {end - start for start, end in shares} <= {count // size, -(-count // size)}


@settings(max_examples=5, deadline=None)
@given(batch_size=st.integers(3, 200), size=st.integers(2, 5), seed=st.integers(0, 2**31 - 1))
def test_the_shares_of_a_step_are_its_batch(prepared_windows, batch_size, size, seed):
    whole, _ = zip(*shuffled_batches(prepared_windows, batch_size, seed, 1).take(STEPS), strict=True)
    drawn = []
    for rank in range(size):
        _, draw = feed(prepared_windows, batch_size, seed, 1, Share(rank, size))
        drawn.append([draw(None, tf.constant(step, tf.int64)) for step in range(STEPS)])
    for step, expected in enumerate(whole):
        parts = [drawn[rank][step] for rank in range(size)]
        assert all(len(inputs) == max(1, count) for inputs, _, count in parts)
        np.testing.assert_array_equal(np.concatenate([inputs[:count] for inputs, _, count in parts]), expected)


@pytest.fixture(scope="module")
def prepared_windows():
    from tests.conftest import make_series
    from zoo.training.config import DataConfig
    from zoo.training.preparation import prepare

    config = DataConfig(source="DataFrame", target="load", window=8, horizon=3)
    return prepare(config, make_series()).parts["train"]


def test_batches_read_ahead_are_the_same_shares(prepared_windows):
    _, draw = feed(prepared_windows, 50, 3, 0, Share(1, 3))
    for step, ahead in enumerate(shuffled_batches(prepared_windows, 50, 3, 0, Share(1, 3)).take(5)):
        for one, other in zip(ahead, draw(None, tf.constant(step, tf.int64)), strict=True):
            np.testing.assert_array_equal(one, other)


def test_each_has_a_part_of_the_validation_windows_but_one_at_least(prepared_windows):
    parts = [
        np.concatenate([inputs for inputs, _ in ordered_batches(prepared_windows, 7, Share(rank, 3))])
        for rank in range(3)
    ]
    np.testing.assert_array_equal(np.concatenate(parts), prepared_windows.inputs())
    many = len(prepared_windows) + 1
    assert [len(inputs) for inputs, _ in ordered_batches(prepared_windows, 7, Share(0, many))] == [1]


def network(*layers):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((4, 2))
    outputs = inputs
    for layer in (*layers, keras.layers.LSTM(3, kernel_regularizer="l2"), keras.layers.Dense(2)):
        outputs = layer(outputs)
    model = keras.Model(inputs, outputs)
    model.compile(optimizer=keras.optimizers.AdamW(0.01, global_clipnorm=0.1), loss="mse")
    return model


def batch(count):
    random = np.random.default_rng(0)
    return tf.constant(random.normal(size=(count, 4, 2)), tf.float32), tf.ones((count, 2))


@pytest.mark.parametrize("jit", [False, True])
def test_the_step_of_a_group_of_one_is_that_of_keras(jit):
    own, shared = network(), network()
    step = shared_step(shared, Alone(), jit=jit)
    for _ in range(3):
        own.train_step(batch(6))
        step((*batch(6), tf.constant(6, tf.int64)))
    for one, other in zip(own.get_weights(), shared.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)
    assert float(shared.get_metrics_result()["loss"]) == pytest.approx(float(own.get_metrics_result()["loss"]))


def test_a_process_without_windows_adds_nothing_even_where_its_stand_in_overflows():
    shared, lone = network(), network()
    weights = sum(np.prod(variable.shape) for variable in shared.trainable_variables)
    others = tf.concat([tf.ones(int(weights) + 1), [1.0]], 0)  # gradients and loss 1, of one window
    inputs, outputs = batch(1)
    shared_step(shared, Alone(others))((inputs * np.inf, outputs, tf.constant(0, tf.int64)))
    lone.optimizer.apply_gradients([(tf.ones(variable.shape), variable) for variable in lone.trainable_variables])
    for one, other in zip(lone.get_weights(), shared.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    assert float(shared.get_metrics_result()["loss"]) == 1.0


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (lambda: keras.layers.BatchNormalization(), "normalizes by the mean of the batch"),
        (lambda: keras.layers.LSTM(2, return_sequences=True, activity_regularizer="l2"), "has a loss over the batch"),
        (lambda: keras.layers.SpectralNormalization(keras.layers.Dense(2)), "change without gradients"),
        (lambda: keras.Sequential([keras.layers.BatchNormalization()]), "normalizes by the mean of the batch"),
    ],
)
def test_a_layer_over_the_batch_is_refused(layer, words):
    with pytest.raises(ConfigError, match=words):
        check_network(network(layer()))


def test_other_layers_are_not():
    frozen = keras.layers.Dense(3)
    frozen.trainable = False
    layers = [keras.layers.Normalization(mean=[0.0, 1.0], variance=[1.0, 2.0]), keras.layers.LayerNormalization()]
    check_network(network(*layers, keras.layers.Conv1D(2, 2, padding="causal"), keras.layers.Dropout(0.1), frozen))
    stateful = keras.layers.LSTM(2, stateful=True)
    assert batch_wide(stateful) == "carries its state from batch to batch"


def test_the_generators_of_dropout_are_found():
    dropout = keras.layers.Dropout(0.1)
    states = generators(network(dropout))
    assert any(state is dropout.seed_generator.state for state in states)
    assert len(states) == len(generators(network())) + 1
    assert all(tuple(state.shape) == (2,) for state in states)


def test_a_checkpoint_is_handed_on_whole():
    state = TrainingState(
        epoch=2,
        history={"loss": [0.1, 1 / 3]},
        stopped=False,
        callbacks={"EarlyStopping": {"best": float("inf")}},
        generators={},
        seconds=1.5,
    )
    arrays = {"weights/0": np.arange(3, dtype=np.float32), "random/0": np.array([1, 2], dtype=np.int64)}
    found = shared_checkpoint(Alone(), Checkpoint(state, arrays))
    assert found is not None
    assert found.state == state
    for name, array in arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
        assert found.arrays[name].dtype == array.dtype
    assert shared_checkpoint(Alone(), None) is None


def test_only_the_loss_of_a_process_is_told_as_one():
    gone = tf.errors.UnavailableError(None, None, "recvmsg: Connection reset by peer")
    aborted = tf.errors.InternalError(None, None, "Collective ops is aborted by: something")
    full = tf.errors.ResourceExhaustedError(None, None, "out of memory")
    assert [is_loss(error) for error in (gone, aborted, full, ValueError("Collective"))] == [True, True, False, False]
    with pytest.raises(TrainingError, match=r"another of the 2 processes has ended"), losses_told(Alone(), None):
        raise gone
    with pytest.raises(tf.errors.ResourceExhaustedError), losses_told(Alone(), None):
        raise full


def test_a_gpu_is_refused(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["one"])
    with pytest.raises(ConfigError, match=r"--distribute trains on CPUs, found 1 GPU"):
        Group(("a:1", "b:2"), 0)
