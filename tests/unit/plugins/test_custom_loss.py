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


def by_hand(truth, forecast, under_weight, horizon_decay):
    error = truth.astype(float) - forecast
    weight = horizon_decay ** np.arange(HORIZON)[:, None] * np.where(error > 0, under_weight, 1)
    return (weight * error**2).mean(axis=(1, 2))


def test_training_defaults(architecture):
    assert architecture("custom-loss").defaults == TrainingDefaults(
        optimizer="adam",
        learning_rate=1e-3,
        schedule=ExponentialSchedule(steps=10_000, rate=0.9),
        epochs=100,
        batch_size=32,
    )


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


def test_by_default_under_prediction_and_near_steps_weigh_more(loss_of):
    truth = np.random.default_rng(1).normal(size=(5, HORIZON, TARGETS)).astype("float32")
    assert (loss_of(truth, truth - 1) > loss_of(truth, truth + 1)).all()
    near, far = np.zeros((2, 1, HORIZON, TARGETS), "float32")
    near[:, 0], far[:, -1] = 1, 1
    assert loss_of(near, np.zeros_like(near)) > loss_of(far, np.zeros_like(far))


@pytest.mark.parametrize(("name", "value"), [("under_weight", 0), ("horizon_decay", 0), ("horizon_decay", 1.01)])
def test_bounds_of_the_weights(name, value, architecture):
    with pytest.raises(ConfigError, match=f"'{name}'"):
        architecture("custom-loss").configure({name: value})
