"""Losses against NumPy, their gradients and minima, and trainings on them."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, log_softmax
from sklearn.utils.class_weight import compute_class_weight

from zoo.data.labels import balanced_weights
from zoo.settings.schema import TrainingConfig
from zoo.training.trainer import fit
from zoo_registry import BUILT_IN_LOSSES, OWN, LossContext, SequenceShape, Task, discover
from zoo_registry.errors import ConfigError

BATCH, HORIZON, TARGETS, CLASSES = 4, 3, 2, 4
OFFSET, SCALE = np.float32([5.0, -2.0]), np.float32([2.0, 0.5])
DEVIATIONS = np.array([2.5, 0.4])

SIZES = {"window": 6, "n_features": 3, "horizon": HORIZON, "n_targets": TARGETS, "target_columns": (0, None)}
SHAPE = SequenceShape(task=Task.FORECAST, **SIZES)
THREE = SequenceShape(task=Task.FORECAST, quantiles=(0.1, 0.5, 0.9), **SIZES)
OF_CLASSES = SequenceShape(
    task=Task.CLASSIFY, window=6, n_features=3, horizon=1, n_targets=1, target_columns=(None,), classes=CLASSES
)

NUMBERS = st.floats(-50, 50, width=32)
VALUES = arrays(np.float32, (BATCH, HORIZON, TARGETS), elements=NUMBERS)
LOGITS = arrays(np.float32, (BATCH, CLASSES), elements=NUMBERS)
LABELS = arrays(np.int32, (BATCH,), elements=st.integers(0, CLASSES - 1))
FORECAST_LOSSES = [name for name in BUILT_IN_LOSSES if Task.FORECAST in discover().losses[name].item.tasks]
quick = settings(max_examples=30, deadline=None)


def to_original(scaled):
    return scaled * SCALE + OFFSET


def context_of(shape=SHAPE, **fields):
    return LossContext(**({"shape": shape, "to_original": to_original, "deviations": tuple(DEVIATIONS)} | fields))


def make(name, context=None, **values):
    loss = discover().losses[name].item
    return loss.make(loss.configure(values), context or context_of())


def computed(name, truth, forecast, context=None, **values):
    found = make(name, context, **values)(tf.constant(truth), tf.constant(forecast))
    assert found.shape == (len(truth),)
    assert found.dtype == tf.float32
    return found.numpy()


def gradient(name, truth, forecast, context=None, **values):
    function = make(name, context, **values)
    with tf.GradientTape() as tape:
        tape.watch(variable := tf.constant(forecast))
        cost = function(tf.constant(truth), variable)
    return tape.gradient(cost, variable).numpy()


def original(values):
    return values.astype(np.float64) * SCALE + OFFSET


# ---------------------------------------------------------------------------------------------------------------------
# Each against its formula; y and f are float64 of shape (BATCH, HORIZON, TARGETS)


def huber(y, f, delta=1.0):
    size = np.abs(y - f)
    return np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))


def mape(y, f, guard=0.1):
    y, f = original(y), original(f)
    return np.abs(y - f) / np.maximum(np.abs(y), guard * DEVIATIONS)


def smape(y, f, guard=0.1):
    y, f = original(y), original(f)
    return np.abs(y - f) / np.maximum((np.abs(y) + np.abs(f)) / 2, guard * DEVIATIONS)


def directional(y, f, weight=1.0, slope=10.0):
    u, v = original(y) / DEVIATIONS, original(f) / DEVIATIONS
    return (y - f) ** 2 + weight * np.abs(u) * expit(-slope * u * v)


FORMULAS = {
    "mse": lambda y, f: (y - f) ** 2,
    "mae": lambda y, f: np.abs(y - f),
    "huber": huber,
    "log-cosh": lambda y, f: np.logaddexp(y - f, f - y) - np.log(2),
    "mape": mape,
    "smape": smape,
    "quantile": lambda y, f, q=0.5: np.where(y > f, q * (y - f), (1 - q) * (f - y)),
    "weighted-mse": lambda y, f, decay=0.98: (y - f) ** 2 * decay ** np.arange(HORIZON)[:, None],
    "asymmetric": lambda y, f, under=2.0, over=1.0: (y - f) ** 2 * np.where(y > f, under, over),
    "directional": directional,
}
PARAMETERS = {
    "huber": {"delta": st.floats(0.01, 50)},
    "mape": {"guard": st.floats(0.01, 5)},
    "smape": {"guard": st.floats(0.01, 5)},
    "quantile": {"q": st.floats(0.01, 0.99)},
    "weighted-mse": {"decay": st.floats(0.01, 1)},
    "asymmetric": {"under": st.floats(0.01, 9), "over": st.floats(0.01, 9)},
    "directional": {"weight": st.floats(0, 9), "slope": st.floats(0.1, 50)},
    "focal": {"gamma": st.floats(0, 5)},
}


def test_the_built_in_ones():
    built_in = {name: entry.item for name, entry in discover().losses.items() if entry.distribution == OWN}
    assert tuple(built_in) == BUILT_IN_LOSSES
    assert set(FORMULAS) == set(FORECAST_LOSSES)
    for name, loss in built_in.items():
        assert set(loss.parameters.model_fields) == set(PARAMETERS.get(name, {}))
        assert all(field.description for field in loss.parameters.model_fields.values())
        assert set(loss.parameters.search_space()) == set(PARAMETERS.get(name, {}))


@pytest.mark.parametrize("name", FORMULAS)
@quick
@given(truth=VALUES, forecast=VALUES, data=st.data())
def test_a_loss_is_the_mean_of_its_formula(name, truth, forecast, data):
    chosen = data.draw(st.fixed_dictionaries({}, optional=PARAMETERS.get(name, {})))
    expected = FORMULAS[name](truth.astype(np.float64), forecast.astype(np.float64), **chosen).mean(axis=(1, 2))
    np.testing.assert_allclose(computed(name, truth, forecast, **chosen), expected, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("name", FORMULAS)
@quick
@given(truth=VALUES, data=st.data())
def test_gradients_are_finite_also_where_truth_or_error_is_0(name, truth, data):
    zero = np.broadcast_to((-OFFSET / SCALE).astype(np.float32), truth.shape)  # 0 in original units
    truth, forecast = (np.where(data.draw(arrays(bool, truth.shape)), zero, values) for values in (truth, truth[::-1]))
    for given_forecast in (forecast, truth, zero):
        assert np.isfinite(computed(name, truth, given_forecast)).all()
        assert np.isfinite(gradient(name, truth, given_forecast)).all()


@pytest.mark.parametrize("name", FORMULAS)
def test_the_gradient_is_that_of_the_formula(name):
    truth, forecast = np.random.default_rng(0).normal(0, 2, (2, BATCH, HORIZON, TARGETS)).astype(np.float32)
    y, f, step = truth.astype(np.float64), forecast.astype(np.float64), 1e-6
    expected = (FORMULAS[name](y, f + step) - FORMULAS[name](y, f - step)) / (2 * step) / (HORIZON * TARGETS)
    np.testing.assert_allclose(gradient(name, truth, forecast), expected, rtol=1e-3, atol=1e-5)


@quick
@given(truth=VALUES, forecast=VALUES)
def test_weights_of_1_give_the_mean_squared_error(truth, forecast):
    expected = computed("mse", truth, forecast)
    for name, values in (
        ("weighted-mse", {"decay": 1}),
        ("asymmetric", {"under": 1, "over": 1}),
        ("directional", {"weight": 0}),
    ):
        np.testing.assert_allclose(computed(name, truth, forecast, **values), expected, rtol=1e-6)
    np.testing.assert_allclose(2 * computed("huber", truth, forecast, delta=1e4), expected, rtol=1e-5)
    np.testing.assert_allclose(2 * computed("quantile", truth, forecast), computed("mae", truth, forecast), rtol=1e-5)


@pytest.mark.parametrize("name", ["mape", "smape", "directional"])
def test_a_loss_in_original_units_has_to_know_them(name):
    """The deviations, and a way back, which is tried before the training."""
    with pytest.raises(ValueError, match="expected a context with the targets' deviations, found none"):
        make(name, context_of(deviations=None))

    def to_original(scaled):
        assert scaled.shape == (1, HORIZON, TARGETS)
        raise ConfigError("scaler 'quantile' cannot give itself as tensor operations")

    with pytest.raises(ConfigError, match="cannot give itself"):
        make(name, context_of(to_original=to_original))


# ---------------------------------------------------------------------------------------------------------------------
# Quantiles


@quick
@given(truth=VALUES, forecast=arrays(np.float32, (BATCH, HORIZON, TARGETS, 3), elements=NUMBERS))
def test_several_quantiles_give_the_mean_of_each_ones_loss(truth, forecast):
    each = [computed("quantile", truth, forecast[..., index], q=q) for index, q in enumerate(THREE.quantiles)]
    found = computed("quantile", truth, forecast, context_of(THREE))
    np.testing.assert_allclose(found, np.mean(each, axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found, computed("quantile", truth, forecast, context_of(THREE), q=0.9))


# ---------------------------------------------------------------------------------------------------------------------
# Classes


@quick
@given(logits=LOGITS, labels=LABELS, data=st.data())
def test_losses_of_classes(logits, labels, data):
    chosen = data.draw(st.fixed_dictionaries({}, optional=PARAMETERS["focal"]))
    weights = data.draw(st.none() | st.tuples(*[st.floats(0.1, 9)] * CLASSES))
    log = log_softmax(logits.astype(np.float64), axis=1)
    own = log[np.arange(BATCH), labels]
    weight = 1.0 if weights is None else np.array(weights)[labels]
    context = context_of(OF_CLASSES, class_weights=weights)
    found = computed("cross-entropy", labels, logits, context)
    np.testing.assert_allclose(found, -weight * own, rtol=1e-4, atol=1e-4)
    others = np.exp(log).sum(axis=1) - np.exp(own)
    expected = -weight * others ** chosen.get("gamma", 2.0) * own
    np.testing.assert_allclose(computed("focal", labels, logits, context, **chosen), expected, rtol=1e-3, atol=1e-4)


@quick
@given(logits=LOGITS, labels=LABELS)
def test_focal_with_gamma_0_is_cross_entropy(logits, labels):
    context = context_of(OF_CLASSES, class_weights=(1.0, 2.0, 3.0, 0.5))
    expected = computed("cross-entropy", labels, logits, context)
    np.testing.assert_array_equal(computed("focal", labels, logits, context, gamma=0), expected)
    np.testing.assert_allclose(computed("focal", labels, logits, context, gamma=1e-6), expected, rtol=1e-3)


@quick
@given(logits=LOGITS, labels=LABELS)
def test_weights_of_1_change_nothing(logits, labels):
    for name in ("cross-entropy", "focal"):
        plain = computed(name, labels, logits, context_of(OF_CLASSES))
        weighted = computed(name, labels, logits, context_of(OF_CLASSES, class_weights=(1.0,) * CLASSES))
        np.testing.assert_array_equal(weighted, plain)


@pytest.mark.parametrize("name", ["cross-entropy", "focal"])
def test_class_numbers_of_any_shape_and_type(name):
    logits = np.random.default_rng(0).normal(size=(BATCH, CLASSES)).astype(np.float32)
    labels = np.arange(BATCH, dtype=np.int32)
    expected = computed(name, labels, logits, context_of(OF_CLASSES))
    for given_labels in (labels[:, None, None], labels[:, None], labels[:, None, None].astype(np.float32)):
        np.testing.assert_array_equal(computed(name, given_labels, logits, context_of(OF_CLASSES)), expected)


@pytest.mark.parametrize("name", ["cross-entropy", "focal"])
@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 5.0])
def test_gradients_of_classes_are_finite_also_where_all_is_certain(name, gamma):
    labels = np.arange(CLASSES, dtype=np.int32)
    values = {"gamma": gamma} if name == "focal" else {}
    for size in (0, 1, 1e3, 1e6):
        for logits in (size * np.eye(CLASSES, dtype=np.float32), -size * np.eye(CLASSES, dtype=np.float32)):
            assert np.isfinite(computed(name, labels, logits, context_of(OF_CLASSES), **values)).all()
            assert np.isfinite(gradient(name, labels, logits, context_of(OF_CLASSES), **values)).all()


@given(labels=st.lists(st.integers(0, 3), min_size=1, max_size=60).map(lambda found: [0, 1, 2, 3, *found]))
def test_balanced_weights_are_scikit_learns(labels):
    found = balanced_weights(np.bincount(labels))
    np.testing.assert_allclose(found, compute_class_weight("balanced", classes=np.arange(4), y=labels))
    assert np.mean(np.array(found)[labels]) == pytest.approx(1), "on the rows that they are made of"


# ---------------------------------------------------------------------------------------------------------------------
# In Keras


@pytest.mark.parametrize("name", FORECAST_LOSSES)
def test_a_training_on_each_brings_it_down(name, make_architecture, prepared):
    def build(hp, shape):
        window = keras.Input(shape.input)
        dense = keras.layers.Dense(shape.horizon)(keras.layers.Flatten()(window))
        return keras.Model(window, keras.layers.Reshape(shape.output)(dense))

    architecture = make_architecture(build)
    config = TrainingConfig(loss=name, epochs=3, learning_rate=0.01, seed=1)
    losses = fit(architecture, architecture.configure({}), prepared, config).history["val_loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("quantiles", [(0.3,), (0.1, 0.5, 0.9)])
def test_keras_trains_quantiles(quantiles):
    shape = replace(OF_CLASSES, task=Task.REGRESS, window=1, n_features=1, classes=0, quantiles=quantiles)
    keras.utils.set_random_seed(0)
    truth = np.random.default_rng(0).normal(size=(500, 1, 1)).astype(np.float32)
    network = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(len(quantiles)), keras.layers.Reshape(shape.output)]
    )
    network.compile(optimizer=keras.optimizers.Adam(0.05), loss=make("quantile", context_of(shape)))
    network.fit(np.ones((500, 1), np.float32), truth, epochs=20, verbose=0)
    found = network.predict(np.ones((1, 1), np.float32), verbose=0).ravel()
    np.testing.assert_allclose(found, np.quantile(truth, quantiles), atol=0.1)


@pytest.mark.parametrize("name", ["cross-entropy", "focal"])
def test_keras_trains_classes(name):
    shape = replace(OF_CLASSES, window=1, n_features=2, classes=3)
    keras.utils.set_random_seed(0)
    labels = np.random.default_rng(0).integers(0, 3, (300, 1, 1)).astype(np.int32)
    inputs = np.eye(3, dtype=np.float32)[labels.ravel()]
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    loss = make(name, context_of(shape, class_weights=balanced_weights(np.bincount(labels.ravel()))))
    network.compile(optimizer=keras.optimizers.Adam(0.05), loss=loss)
    network.fit(inputs, labels, epochs=10, verbose=0)
    assert (network.predict(inputs, verbose=0).argmax(axis=1) == labels.ravel()).all()
