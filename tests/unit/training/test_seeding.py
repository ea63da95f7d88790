"""One seed gives one network, whatever other threads draw meanwhile, and all globals are as before at the end."""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import config
from tensorflow.python.framework.func_graph import FuncGraph

import zoo
from zoo.api import train_prepared
from zoo.models.custom_objects import load_with
from zoo.settings.schema import TrainingConfig
from zoo.training.rate_range import find_rate
from zoo.training.seeding import seeded
from zoo.training.trainer import fit
from zoo_registry import head
from zoo_registry.errors import TrainingError


def weights(between=lambda: None):
    with seeded(7):
        first = keras.layers.Dense(3)
        between()
        second = keras.layers.Dense(2)
        model = keras.Sequential([keras.Input((4,)), first, keras.layers.Dropout(0.5), second])
    return [np.asarray(array).tobytes() for array in model.get_weights()]


def test_numbers_that_others_draw_change_nothing():
    assert weights() == weights(random.random)


def test_repair_03_networks_that_other_threads_make_change_nothing():
    def another():
        with ThreadPoolExecutor(1) as executor:
            executor.submit(keras.layers.Dropout, 0.5).result(60)

    assert weights() == weights(another)


def test_it_is_what_keras_gives_with_that_seed():
    keras.utils.set_random_seed(7)
    first, second = keras.layers.Dense(3), keras.layers.Dense(2)
    model = keras.Sequential([keras.Input((4,)), first, keras.layers.Dropout(0.5), second])
    assert [np.asarray(array).tobytes() for array in model.get_weights()] == weights()


def drawn():
    """The next numbers of every global generator."""
    return random.random(), np.random.rand(), float(tf.random.normal(())), float(keras.random.normal(()))  # noqa: NPY002


def dense(hp, shape):
    inputs = keras.Input(shape.input)
    hidden = keras.layers.Dropout(0.5)(keras.layers.Dense(4)(keras.layers.Flatten()(inputs)))
    return keras.Model(inputs, head(shape)(hidden))


def trained(architecture, prepared, seed=7):
    settings = TrainingConfig(epochs=1, patience=0, seed=seed, engine="keras")
    fitted = fit(architecture, architecture.configure({}), prepared, settings)
    return [array.tobytes() for array in fitted.model.get_weights()]


def find_a_rate(architecture, prepared):
    return find_rate(architecture, architecture.configure({}), prepared, TrainingConfig(), batches=3)


@pytest.mark.parametrize("train", [trained, find_a_rate])
def test_repair_03_every_global_is_as_before_at_the_end(train, make_architecture, prepared):
    before = config.is_op_determinism_enabled()
    config.disable_op_determinism()
    filters = list(tf.get_logger().filters)
    keras.utils.set_random_seed(3)
    drawn()
    try:
        with suppress(TrainingError):  # three batches may find no rate
            train(make_architecture(dense), prepared)
        assert not config.is_op_determinism_enabled(), "which refuses random operations without a seed"
        assert tf.get_logger().filters == filters
        found = drawn()
        keras.utils.set_random_seed(3)
        drawn()
        assert found == drawn()
    finally:
        if before:
            tf.config.experimental.enable_op_determinism()


@pytest.mark.full
def test_repair_17_no_graph_of_a_training_stays_in_memory(make_architecture, prepared):
    def recurrent(hp, shape):
        inputs = keras.Input(shape.input)
        return keras.Model(inputs, head(shape)(keras.layers.LSTM(3)(inputs)))

    def graphs():
        gc.collect()
        return sum(isinstance(thing, FuncGraph) for thing in gc.get_objects())

    architecture = make_architecture(recurrent)
    found = []
    for _ in range(2):  # the first makes what all share
        fit(architecture, architecture.configure({}), prepared, TrainingConfig(epochs=1, patience=0, engine="fused"))
        found.append(graphs())
    assert found[1] <= found[0]  # those of other tests may go meanwhile


def test_repair_03_trainings_in_threads_wait_for_each_other(make_architecture, prepared):
    expected = trained(make_architecture(dense), prepared)
    begun, ended = threading.Event(), threading.Event()

    def first(hp, shape):  # which gives the other one time to come between, if it could
        begun.set()
        assert not ended.wait(0.3)
        return dense(hp, shape)

    def second(hp, shape):
        model = dense(hp, shape)
        ended.set()
        return model

    def after_the_first():
        assert begun.wait(60)
        return trained(make_architecture(second), prepared)

    with ThreadPoolExecutor(2) as executor:
        both = [executor.submit(trained, make_architecture(first), prepared), executor.submit(after_the_first)]
        assert [task.result(100) for task in both] == [expected, expected]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_repair_03_a_child_that_was_forked_after_tensorflow_ran_is_refused(make_architecture, prepared, tmp_path):
    tf.constant(1.0).numpy()
    architecture = make_architecture(dense)
    calls = {
        "fit": lambda: trained(architecture, prepared),
        "find_rate": lambda: find_a_rate(architecture, prepared),
        "export": lambda: zoo.Run.export(None),
        "load_with": lambda: load_with(tmp_path / "network.keras", lambda: None, "run one"),
        "zoo.load_run": lambda: zoo.load_run("latest", runs=tmp_path),
        "zoo.train": lambda: train_prepared(None, prepared),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python's own, of threads
        child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)  # it would wait for ever
        told = {}
        for name, call in calls.items():
            try:
                call()
            except Exception as error:
                told[name] = str(error)
        (tmp_path / "told.json").write_text(json.dumps(told))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    told = json.loads((tmp_path / "told.json").read_text())
    assert told.keys() == calls.keys()
    for sentence in told.values():
        assert sentence.startswith("this process was forked from one in which TensorFlow had run already")
        assert 'multiprocessing.get_context("spawn")' in sentence
