"""LSTM with a loss of its own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo_registry import ExponentialSchedule, LossContext, TrainingDefaults
from zoo_registry.errors import ConfigError

HORIZON, TARGETS = 4, 2


@pytest.fixture(scope="session")
def loss_of(architecture, shape):
    """``loss_of(truth, forecast, under_weight=2)``: the loss of each window."""
    found = architecture("custom-loss")

    def evaluate(truth, forecast, **weights):
        from keras import ops

        function = found.loss(found.configure(weights), LossContext(shape=shape, to_original=None))
        return np.asarray(function(ops.convert_to_tensor(truth), ops.convert_to_tensor(forecast)))

    return evaluate


@pytest.fixture(scope="session")
def values():
    """Truth and forecast of 5 windows, (5, HORIZON, TARGETS)."""
    random = np.random.default_rng(1)
    return random.normal(size=(2, 5, HORIZON, TARGETS)).astype("float32")


def by_hand(truth, forecast, under_weight, horizon_decay):
    total = np.zeros(len(truth))
    for window in range(len(truth)):
        for step in range(HORIZON):
            for target in range(TARGETS):
                error = float(truth[window, step, target]) - float(forecast[window, step, target])
                weight = horizon_decay**step * (under_weight if error > 0 else 1)
                total[window] += weight * error**2 / (HORIZON * TARGETS)
    return total


def test_training_defaults(architecture):
    assert architecture("custom-loss").defaults == TrainingDefaults(
        optimizer="adam",
        learning_rate=1e-3,
        schedule=ExponentialSchedule(steps=10_000, rate=0.9),
        epochs=100,
        batch_size=32,
    )


def test_one_recurrent_layer_of_128_units_and_a_linear_head(network, layers_of):
    assert layers_of(network("custom-loss")) == ["LSTM 128", "Dense 8", "Reshape"]
    assert network("custom-loss", units=4, dropout=0.25).layers[1].dropout == 0.25


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    under_weight=st.floats(0.01, 100),
    horizon_decay=st.floats(0.01, 1),
)
def test_the_loss_is_what_is_computed_by_hand(loss_of, seed, under_weight, horizon_decay):
    truth, forecast = np.random.default_rng(seed).normal(0, 3, (2, 6, HORIZON, TARGETS)).astype("float32")
    found = loss_of(truth, forecast, under_weight=under_weight, horizon_decay=horizon_decay)
    assert found.shape == (6,)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_hand(truth, forecast, under_weight, horizon_decay), rtol=1e-5)


def test_weights_of_1_give_the_mean_squared_error(loss_of, values):
    import keras

    truth, forecast = values
    found = loss_of(truth, forecast, under_weight=1, horizon_decay=1)
    np.testing.assert_allclose(found, np.square(truth - forecast).mean(axis=(1, 2)), rtol=1e-6)
    whole = keras.losses.MeanSquaredError()(truth, forecast)
    assert found.mean() == pytest.approx(float(whole), rel=1e-6)


def test_under_prediction_weighs_more_than_over_prediction(loss_of, values):
    truth = values[0]
    under = loss_of(truth, truth - 1, under_weight=3, horizon_decay=1)
    over = loss_of(truth, truth + 1, under_weight=3, horizon_decay=1)
    np.testing.assert_allclose(over, 1, rtol=1e-5)
    np.testing.assert_allclose(under, 3, rtol=1e-5)


def test_by_default_under_prediction_and_near_steps_weigh_more(loss_of, values):
    truth = values[0]
    assert (loss_of(truth, truth - 1) > loss_of(truth, truth + 1)).all()
    near, far = np.zeros((2, 1, HORIZON, TARGETS), "float32")
    near[:, 0], far[:, -1] = 1, 1
    assert loss_of(near, np.zeros_like(near)) > loss_of(far, np.zeros_like(far))


def test_the_weight_decays_over_the_horizon(loss_of):
    losses = []
    for step in range(HORIZON):
        truth = np.zeros((1, HORIZON, TARGETS), "float32")
        truth[:, step] = 1
        losses.append(float(loss_of(truth, np.zeros_like(truth), under_weight=1, horizon_decay=0.5)[0]))
    assert losses == pytest.approx([0.25 * 0.5**step for step in range(HORIZON)])


def test_a_perfect_forecast_costs_nothing(loss_of, values):
    assert not loss_of(values[0], values[0]).any()


def test_the_gradient_follows_the_weights(loss_of, architecture, shape):
    import tensorflow as tf

    found = architecture("custom-loss")
    function = found.loss(
        found.configure({"under_weight": 3, "horizon_decay": 0.5}), LossContext(shape=shape, to_original=None)
    )
    forecast = tf.Variable(tf.zeros((1, HORIZON, TARGETS)))
    truth = tf.constant([[1.0, -1.0]] * HORIZON)[None]
    with tf.GradientTape() as tape:
        cost = function(truth, forecast)
    decay = 0.5 ** np.arange(HORIZON)
    expected = np.stack([-2 * 3 * decay, 2 * decay], axis=1)[None] / (HORIZON * TARGETS)
    np.testing.assert_allclose(tape.gradient(cost, forecast), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "bound"),
    [
        ({"under_weight": 0}, "greater than 0"),
        ({"under_weight": -1}, "greater than 0"),
        ({"horizon_decay": 0}, "greater than 0"),
        ({"horizon_decay": 1.01}, "less than or equal to 1"),
    ],
)
def test_bounds_of_the_weights(values, bound, architecture):
    with pytest.raises(ConfigError, match=bound):
        architecture("custom-loss").configure(values)
