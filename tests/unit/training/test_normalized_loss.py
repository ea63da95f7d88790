"""A loss where windows are normalized: of normalized values, of original units, or of scaled ones, as it asks."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from zoo.preprocessing.normalized_truth import NormalizedTruth, apart
from zoo.preprocessing.target_scale import TargetScale
from zoo.preprocessing.window_scale import WindowScale
from zoo.settings.schema import TrainingConfig
from zoo.training.compilation import make_loss
from zoo_registry import LossContext, SequenceShape, Task

DEVIATION, MEAN = 10.0, 500.0  # of a standard scaler
SHAPE = SequenceShape(task=Task.FORECAST, window=6, n_features=1, horizon=3, n_targets=1, target_columns=(0,))
CONTEXT = LossContext(shape=SHAPE, to_original=lambda scaled: scaled * DEVIATION + MEAN, deviations=(DEVIATION,))


@pytest.fixture(params=["instance", "seasonal", "mean", "instance+asinh"])
def batch(request):
    """Normalization, rows of truth and outputs; the second window is constant."""
    random = np.random.default_rng(0)
    normalized = NormalizedTruth(
        TargetScale(WindowScale(request.param, 2, (-MEAN / DEVIATION,), rows=(4, 5, 4)), (0,)),
        np.full((1, 1), 0.01, np.float32),
    )
    windows = random.normal(0.0, 2.0, (4, 6, 1)).astype(np.float32)
    windows[1] = 1.0
    truth = random.normal(0.0, 2.0, (4, 3, 1)).astype(np.float32)
    rows = normalized(np, windows, truth, np.zeros(4, np.int64))
    return normalized, truth, rows, random.normal(0.0, 1.0, (4, 3, 1)).astype(np.float32)


def loss_of(name: str, batch, context: LossContext = CONTEXT, **of_architecture) -> np.ndarray:
    normalized, _, rows, outputs = batch
    loss = make_loss(TrainingConfig(loss=name), of_architecture.get("architecture"), None, context, normalized)
    return np.asarray(loss(keras.ops.convert_to_tensor(rows), keras.ops.convert_to_tensor(outputs)))


def scaled(batch) -> tuple[np.ndarray, np.ndarray]:
    """Outputs and truth with the scale put back; a constant window gives its constant in both."""
    normalized, truth, rows, outputs = batch
    _, behind = apart(rows)
    told = normalized.scaled(np, normalized.judged(np, outputs, behind), behind)
    return told, np.where(behind.share > 0, truth, behind.level)


def test_squared_errors_are_of_normalized_values(batch):
    normalized, _, rows, outputs = batch
    truth, behind = apart(rows)
    expected = np.square(truth - normalized.judged(np, outputs, behind)).mean(axis=(1, 2))
    np.testing.assert_allclose(loss_of("mse", batch), expected, rtol=1e-5)
    assert loss_of("mse", batch)[1] == 0, "nothing can be learned of a constant window"


@pytest.mark.parametrize("name", ["mape", "smape"])
def test_shares_are_of_original_units(name: str, batch):
    told, truth = (CONTEXT.to_original(values) for values in scaled(batch))
    size = np.abs(truth) if name == "mape" else (np.abs(truth) + np.abs(told)) / 2
    expected = (np.abs(truth - told) / np.maximum(size, 0.1 * DEVIATION)).mean(axis=(1, 2))
    np.testing.assert_allclose(loss_of(name, batch), expected, rtol=1e-4, atol=1e-6)


def test_directional_has_both(batch):
    normalized, _, rows, outputs = batch
    truth, behind = apart(rows)
    judged = normalized.judged(np, outputs, behind)
    told, true = (CONTEXT.to_original(values) / DEVIATION for values in scaled(batch))
    slope, weight = 10.0, 1.0
    found = loss_of(f"directional:slope={slope},weight={weight}", batch)
    penalty = np.abs(true) / (1 + np.exp(np.clip(slope * true * told, -80, 80)))
    expected = (np.square(truth - judged) + weight * penalty).mean(axis=(1, 2))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("api", [1, 2])
def test_an_architectures_own_loss_is_told_as_its_version_says(batch, make_architecture, api: int):
    seen = []

    def own(hp, context):
        def loss(y_true, y_pred):
            seen.extend([np.asarray(y_true), np.asarray(y_pred), np.asarray(context.to_original(y_pred))])
            return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=(1, 2))

        return loss

    loss_of("architecture", batch, architecture=make_architecture(loss=own, api=api))
    told, truth = scaled(batch)
    np.testing.assert_allclose(seen[2], CONTEXT.to_original(told), rtol=1e-5)
    if api == 1:
        np.testing.assert_allclose(seen[0], truth, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(seen[1], told, rtol=1e-5, atol=1e-6)
    else:
        np.testing.assert_allclose(seen[0], apart(batch[2])[0], rtol=1e-6)


def test_quantiles_are_normalized_too(batch):
    normalized, _, rows, outputs = batch
    context = replace(CONTEXT, shape=replace(SHAPE, quantiles=(0.1, 0.5, 0.9)))
    spread = np.stack([outputs - 1, outputs, outputs + 1], axis=-1)
    found = loss_of("quantile", (normalized, None, rows, spread), context)
    truth, behind = apart(rows)
    error = truth[..., None] - normalized.judged(np, spread, behind)
    levels = np.array([0.1, 0.5, 0.9])
    expected = np.maximum(levels * error, (levels - 1) * error).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_gradients_are_finite_whatever_the_window(batch):
    import tensorflow as tf

    normalized, _, rows, outputs = batch
    variable = tf.Variable(outputs * 100)
    for name in ("mse", "smape", "log-cosh"):
        loss = make_loss(TrainingConfig(loss=name), None, None, CONTEXT, normalized)
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(loss(tf.constant(rows), variable))
        assert np.isfinite(tape.gradient(total, variable).numpy()).all(), name


def test_the_rows_are_told_apart():
    truth, rows = apart(np.arange(6.0).reshape(1, 6, 1))
    assert truth.ravel().tolist() == [0, 1]
    assert [values.ravel().tolist() for values in rows] == [[2, 3], [4], [5]]
