"""One seed gives one network, whatever other threads draw meanwhile."""

from __future__ import annotations

import random

import keras
import numpy as np

from zoo.training.seeding import seeded


def weights(between=lambda: None):
    with seeded(7):
        first = keras.layers.Dense(3)
        between()
        second = keras.layers.Dense(2)
        model = keras.Sequential([keras.Input((4,)), first, keras.layers.Dropout(0.5), second])
    return [np.asarray(array).tobytes() for array in model.get_weights()]


def test_numbers_that_others_draw_change_nothing():
    assert weights() == weights(random.random)


def test_it_is_what_keras_gives_with_that_seed():
    keras.utils.set_random_seed(7)
    first, second = keras.layers.Dense(3), keras.layers.Dense(2)
    model = keras.Sequential([keras.Input((4,)), first, keras.layers.Dropout(0.5), second])
    assert [np.asarray(array).tobytes() for array in model.get_weights()] == weights()


def test_keras_has_its_own_again_at_the_end():
    from keras.src.random import seed_generator

    weights()
    assert seed_generator.python_random is random
