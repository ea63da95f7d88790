"""Missing values inside the graph: nothing of them but that they are missing reaches a network."""

from __future__ import annotations

from functools import cache

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.models.assembly import Assembled, assemble
from zoo.models.masking import with_masks
from zoo.preprocessing.window_scale import WindowScale
from zoo.settings.schema import NetworkConfig
from zoo_registry import Architecture, SequenceShape, Task, discover, last_observed

NAN = np.float32(np.nan)


def shape_of(targets: tuple[int | None, ...] = (2, 0), masked: tuple[int, ...] = (0, 2), **more) -> SequenceShape:
    """Window 6, three features, horizon 4."""
    sizes = {"window": 6, "n_features": 3, "horizon": 4, "n_targets": len(targets), "target_columns": targets}
    return SequenceShape(task=Task.FORECAST, masked=masked, **sizes, **more)


@cache
def assembled(
    name: str = "basic",
    kind: str = "none",
    channels: str = "joint",
    positions: tuple[int, ...] = (),
    shape: SequenceShape | None = None,
) -> Assembled:
    architecture = discover().catalogue[name].item
    keras.utils.set_random_seed(0)
    by = WindowScale(kind, 2, (-0.5, 0.0, 0.5), positions)
    hp = architecture.configure(architecture.tiny)
    return assemble(architecture, hp, shape or shape_of(), NetworkConfig(channels=channels), by)


def windows(seed: int = 0, n: int = 8, columns: tuple[int, ...] = (0, 2), share: float = 0.3) -> np.ndarray:
    random = np.random.default_rng(seed)
    found = random.normal(3.0, 2.0, (n, 6, 3)).astype(np.float32)
    missing = random.random(found.shape) < share
    missing[:, 2] = False  # a row that is whole
    found[missing & np.isin(np.arange(3), columns)] = NAN
    return found


@pytest.mark.parametrize(
    ("name", "kind"),
    [("basic", "none"), ("basic", "instance+asinh"), ("linear", "none"), ("segmented", "last"), ("linear", "mean")],
)
def test_what_is_missing_is_read_as_missing_and_answers_are_numbers(name, kind):
    given = windows()
    told = np.asarray(assembled(name, kind).told(given))
    assert np.isfinite(told).all()
    whole = np.asarray(assembled(name, kind).told(np.nan_to_num(given, nan=3.0)))
    assert np.abs(told - whole).max() > 1e-4, "a number is not taken for what is missing"


@given(
    seed=st.integers(0, 100), kind=st.sampled_from(["last", "instance", "seasonal"]), scale=st.sampled_from([0.5, 8.0])
)
@settings(max_examples=10, deadline=None)
def test_the_level_and_scale_are_of_observed_values_alone(seed, kind, scale):
    """What is moved and stretched is forecast so: nothing that stands for a missing value stays where it was."""
    given = windows(seed)
    factor = 1.0 if kind == "last" else scale
    told = [np.asarray(assembled("basic", kind).told(each)) for each in (given, given * np.float32(factor) + 16)]
    np.testing.assert_allclose(told[1], told[0] * factor + 16, rtol=0, atol=2e-3)


@pytest.mark.parametrize(("channels", "kind"), [("joint", "last"), ("shared", "none")])
def test_a_target_without_an_observed_value_is_answered_with_nan_alone(channels, kind):
    given = windows()
    given[3, :, 2] = NAN  # the first target's
    told = np.asarray(assembled("basic", kind, channels).told(given))
    assert np.isnan(told[3, :, 0]).all()
    assert np.isfinite(told[3, :, 1]).all()
    assert np.isfinite(np.delete(told, 3, axis=0)).all()
    assert np.isfinite(np.asarray(assembled("basic", kind, channels).trained(given))).all(), "a loss is a number"


def test_a_target_that_is_no_feature_needs_any_value_but_of_the_calendar():
    shape = shape_of((None,), (0, 1, 2))
    given = windows(columns=())
    given[0, :, :2] = NAN  # but for the calendar's
    given[1, :, 1:] = NAN
    told = np.asarray(assembled("basic", positions=(2,), shape=shape).told(given))
    assert np.isnan(told[0]).all()
    assert np.isfinite(told[1:]).all()


def test_classes_and_quantiles_are_told_of_what_is_known():
    given = windows(columns=())
    given[0] = NAN
    classes = shape_of((None,), (0, 1, 2), classes=3)
    told = np.asarray(assembled("basic", shape=classes).told(given))
    assert np.isnan(told[0]).all()
    assert np.isfinite(told[1:]).all()
    quantiles = np.asarray(assembled("basic", "last", shape=shape_of(quantiles=(0.1, 0.5, 0.9))).told(given))
    assert quantiles.shape == (8, 4, 2, 3)
    assert np.isnan(quantiles[0]).all()
    assert np.isfinite(quantiles[1:]).all()


def test_a_window_with_whole_columns_has_nothing_around_its_network():
    assert assembled(shape=shape_of(masked=())).told.name == "basic"


def test_masks_are_the_last_features_and_all_targets_have_one_where_one_has():
    shape = with_masks(shape_of((2, 0), (2,)))
    assert (shape.n_features, shape.target_columns, shape.mask_columns, shape.masked) == (5, (2, 0), (4, 3), ())
    beside = with_masks(shape_of((2,), (1,)))
    assert (beside.n_features, beside.mask_columns) == (4, ())
    assert with_masks(shape_of(masked=())) == shape_of(masked=())


def plain(asked: list[SequenceShape]) -> Architecture:
    """Of API 1, which reads a window of more features as any other."""

    def build(hp, shape):
        asked.append(shape)
        window = keras.Input(shape.input)
        outputs = keras.layers.Dense(8)(keras.layers.Flatten()(window))
        return keras.Model(window, keras.layers.Reshape(shape.output)(outputs))

    return Architecture(name="plain", summary="A plain network.", build=build)


def test_an_architecture_of_api_1_is_told_of_masks_as_further_features():
    asked: list[SequenceShape] = []
    architecture = plain(asked)
    found = assemble(architecture, architecture.configure({}), shape_of(), NetworkConfig())
    assert asked[0].input == (6, 5)
    assert np.isfinite(np.asarray(found.told(windows()))).all()


def test_each_channel_of_a_shared_network_is_told_its_own_mask():
    shape = shape_of((2, 0), (0, 1, 2))
    shared = assembled("basic", channels="shared", shape=shape).trained
    (network,) = (layer for layer in shared.layers if isinstance(layer, keras.Model))
    assert network.input_shape == (None, 6, 4), "a target, the feature that is none, and the masks of both"
    given = windows(columns=(0,))
    changed = given.copy()
    changed[:, 0, 0] = np.where(np.isnan(given[:, 0, 0]), 1.0, NAN)
    before, after = (np.asarray(shared(each)) for each in (given, changed))
    np.testing.assert_allclose(after[..., 0], before[..., 0], atol=1e-6)
    assert np.abs(after[..., 1] - before[..., 1]).max() > 1e-4


def test_the_last_observed_value_is_found():
    values = np.array([[1, 5], [2, 0], [0, 0]], np.float32)[None]
    mask = np.array([[1, 0], [1, 0], [0, 0]], np.float32)[None]
    np.testing.assert_array_equal(np.asarray(last_observed(values * mask, mask)), [[[2, 0]]])
