"""NLinear and DLinear."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo_registry import CosineSchedule, TrainingDefaults

WINDOWS = np.random.default_rng(0).normal(size=(3, 6, 3)).astype(np.float32)
KINDS = pytest.mark.parametrize("kind", ["nlinear", "dlinear"])
EITHER = pytest.mark.parametrize("individual", [False, True])


@pytest.fixture(scope="module")
def build(network):
    """``build(kind="dlinear", horizon=4)``: a network of the shape of all these tests, its sizes changed."""
    return partial(network, "linear")


def test_training_defaults(architecture):
    expected = TrainingDefaults(
        optimizer="adam", learning_rate=5e-3, schedule=CosineSchedule(), loss="mae", epochs=10, batch_size=32
    )
    assert architecture("linear").defaults == expected


@EITHER
@pytest.mark.parametrize("quantiles", [(), (0.1, 0.5, 0.9)])
@settings(max_examples=10, deadline=None)
@given(shifts=st.lists(st.floats(-50, 50, width=32), min_size=2, max_size=2))
def test_nlinear_moves_with_the_level_of_each_target(build, individual, quantiles, shifts):
    model = build(individual=individual, quantiles=quantiles)
    moved = WINDOWS + np.array([shifts[0], 0, shifts[1]], np.float32)  # columns 0 and 2 are the targets
    by = np.array(shifts, np.float32).reshape(2, *[1] * bool(quantiles))
    np.testing.assert_allclose(model(moved), model(WINDOWS) + by, rtol=0, atol=1e-4)


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 25])
def test_the_trend_of_dlinear_is_a_moving_average_with_the_ends_repeated(build, rows):
    import keras

    model = build(kind="dlinear", moving_average=rows)
    trend = np.asarray(keras.Model(model.input, model.get_layer("moving_average").output)(WINDOWS))
    before = (rows - 1) // 2
    padded = np.pad(WINDOWS[:, :, [0, 2]], ((0, 0), (before, rows - 1 - before), (0, 0)), mode="edge")
    expected = np.stack([padded[:, row : row + rows].mean(axis=1) for row in range(6)], axis=1)
    np.testing.assert_allclose(trend, expected, rtol=0, atol=1e-6)


def test_dlinear_maps_trend_and_remainder_each_by_itself(build):
    import keras

    model = build(kind="dlinear", moving_average=3)
    values = WINDOWS[:, :, [0, 2]]
    trend = np.asarray(keras.Model(model.input, model.get_layer("moving_average").output)(WINDOWS))
    expected = 0
    for name, part in (("trend", trend), ("remainder", values - trend)):
        kernel, bias = model.get_layer(name).get_weights()
        expected = expected + np.einsum("bwt,wh->bht", part, kernel) + bias[:, None]
    np.testing.assert_allclose(model(WINDOWS), expected, rtol=0, atol=1e-5)


@KINDS
@EITHER
def test_a_target_is_made_from_its_own_column_alone(build, kind, individual):
    model = build(kind=kind, individual=individual)
    other = WINDOWS.copy()
    other[:, :, :2] += np.random.default_rng(1).normal(size=(3, 6, 2))  # a target, and a column that is none
    np.testing.assert_array_equal(model(other)[..., 1], model(WINDOWS)[..., 1])
    assert np.abs(model(other)[..., 0] - model(WINDOWS)[..., 0]).max() > 0.1


@KINDS
def test_targets_share_their_weights_or_have_their_own(build, kind):
    shared, own = build(kind=kind), build(kind=kind, individual=True)
    assert own.count_params() == 2 * shared.count_params()
    swapped = WINDOWS[:, :, ::-1]
    np.testing.assert_allclose(shared(swapped), shared(WINDOWS)[..., ::-1], rtol=0, atol=1e-6)
    assert np.abs(own(swapped) - own(WINDOWS)[..., ::-1]).max() > 1e-2
    own.set_weights([np.stack([value, value]) for value in shared.get_weights()])
    np.testing.assert_allclose(own(WINDOWS), shared(WINDOWS), rtol=0, atol=1e-6)


@KINDS
def test_targets_that_are_no_features_are_made_from_all_columns(build, kind):
    model = build(kind=kind, horizon=1, target_columns=(None, 1), moving_average=3)
    for column in range(3):
        other = WINDOWS.copy()
        other[:, :, column] += 1
        assert (np.abs(model(other) - model(WINDOWS)).min(axis=(0, 1)) > 1e-4).all()


def test_nlinear_of_targets_that_are_no_features_is_linear_in_all_values(build):
    model = build(horizon=1, target_columns=(None, None))
    kernel, bias = model.get_layer("head").get_weights()
    np.testing.assert_allclose(model(WINDOWS)[:, 0], WINDOWS.reshape(3, -1) @ kernel + bias, rtol=0, atol=1e-5)


@KINDS
@EITHER
def test_weights_begin_as_small_as_the_authors(build, kind, individual):
    for weight in build(kind=kind, individual=individual, horizon=50).trainable_weights:
        largest = float(np.abs(weight).max())
        assert largest == 0 or 0.9 * 6**-0.5 < largest <= 6**-0.5
