"""Window normalization and shared channels: against NumPy around the architecture's own network."""

from __future__ import annotations

from functools import cache

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from zoo.models.assembly import Assembled, assemble
from zoo.preprocessing.window_scale import WindowScale
from zoo.settings.schema import NetworkConfig
from zoo_registry import Architecture, SequenceShape, Task, discover
from zoo_registry.errors import ConfigError

ARCHITECTURES = ("basic", "stacked", "bidirectional", "custom-loss")


def assembled(
    name: str = "basic",
    targets: tuple[int | None, ...] = (2, 0),
    positions: tuple[int, ...] = (),
    normalize_window: str = "none",
    **config,
) -> Assembled:
    """A tiny network of window 6, three features, horizon 4, and a season of 2."""
    shape = SequenceShape(
        task=Task.FORECAST, window=6, n_features=3, horizon=4, n_targets=len(targets), target_columns=targets
    )
    architecture = discover().catalogue[name].item
    keras.utils.set_random_seed(0)
    by = WindowScale(normalize_window, 2, (-0.5, 0.0, 0.5), positions, rows=(4, 5, 4, 5))
    return assemble(architecture, architecture.configure(architecture.tiny), shape, NetworkConfig(**config), by)


def make(*arguments, **settings) -> keras.Model:
    """What that tells."""
    return assembled(*arguments, **settings).told


def inner(model: keras.Model) -> keras.Model:
    """The architecture's own network inside an assembled one."""
    (network,) = (layer for layer in model.layers if isinstance(layer, keras.Model))
    return network


@pytest.fixture
def windows() -> np.ndarray:
    return np.random.default_rng(0).normal(3.0, 2.0, (5, 6, 3)).astype(np.float32)


def test_last_is_subtracted_and_added_back(windows: np.ndarray):
    assert make().name == "basic", "with nothing around it"
    model = make(normalize_window="last")
    last = windows[:, -1:, :]
    expected = np.asarray(inner(model)(windows - last)) + last[:, :, [2, 0]]
    np.testing.assert_allclose(model(windows), expected, atol=1e-6)


def test_instance_normalization_is_undone(windows: np.ndarray):
    model = make(normalize_window="instance")
    affine = model.get_layer("affine")
    scale, shift = np.array([0.5, 2.0, 3.0], np.float32), np.array([0.1, -1.0, 0.3], np.float32)
    affine.set_weights([scale, shift])
    mean, deviation = windows.mean(axis=1, keepdims=True), windows.std(axis=1, keepdims=True)
    scaled = np.asarray(inner(model)((windows - mean) / deviation * scale + shift))
    back = (scaled - shift[[2, 0]]) / scale[[2, 0]] * deviation[:, :, [2, 0]] + mean[:, :, [2, 0]]
    np.testing.assert_allclose(model(windows), back, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["last", "seasonal", "mean", "seasonal+asinh"])
@pytest.mark.parametrize("count", [1, 5])
def test_normalized_windows_are_rounded_once_whatever_the_order_of_sums(windows: np.ndarray, kind: str, count: int):
    far = windows[:count] + np.float32(300.0)
    shape = SequenceShape(task=Task.FORECAST, window=6, n_features=3, horizon=6, n_targets=3, target_columns=(0, 1, 2))
    mirror = Architecture(name="mirror", summary="Gives its window.", build=_mirror)
    by = WindowScale(kind, 2, (-0.5, 0.0, 0.5))
    seen, told = assemble(mirror, mirror.configure({}), shape, NetworkConfig(), by)
    expected, level, scale = by.normalized(np, far.astype(np.float64))
    squashed = by.squashed(np, expected).astype(np.float32)
    np.testing.assert_array_equal(seen(far), squashed)
    back = np.sinh(squashed.astype(np.float64)) if by.squashing else squashed
    np.testing.assert_allclose(told(far), level + back * scale, rtol=2**-23)


def _mirror(hp: object, shape: SequenceShape) -> keras.Model:
    window = keras.Input(shape.input)
    return keras.Model(window, keras.layers.Identity()(window))


@pytest.mark.parametrize("kind", ["last", "instance"])
def test_columns_of_a_calendar_stay_as_they_are(windows: np.ndarray, kind: str):
    model = make(normalize_window=kind, targets=(0,), positions=(1, 2))
    moved = windows + np.array([0.0, 0.7, 0.0], np.float32)
    assert np.abs(np.asarray(model(moved)) - np.asarray(model(windows))).max() > 1e-4, "a place matters"
    if kind == "last":
        level = windows[:, -1:, :] * np.array([1, 0, 0], np.float32)
        expected = np.asarray(inner(model)(windows - level)) + level[:, :, :1]
        np.testing.assert_allclose(model(windows), expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["last", "instance"])
def test_a_target_that_is_no_feature_is_left_alone(windows: np.ndarray, kind: str):
    model = make(normalize_window=kind, targets=(None, 1))
    shift = np.array([0.0, 5.0, 0.0], np.float32)
    moved, before = np.asarray(model(windows + shift)), np.asarray(model(windows))
    np.testing.assert_allclose(moved[..., 0], before[..., 0], atol=2e-4)
    np.testing.assert_allclose(moved[..., 1], before[..., 1] + 5, atol=2e-4)


def test_shared_is_one_network_on_each_target_beside_the_other_features(windows: np.ndarray):
    model = make(channels="shared")
    own = inner(model)
    assert own.input_shape == (None, 6, 2)
    for place, column in enumerate((2, 0)):
        alone = np.asarray(own(windows[:, :, [column, 1]]))
        np.testing.assert_allclose(np.asarray(model(windows))[:, :, place], alone[..., 0], atol=1e-6)


@pytest.mark.parametrize("channels", ["joint", "shared"])
@pytest.mark.parametrize("kind", ["none", "last", "instance", "seasonal+asinh", "mean"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_shapes_and_the_round_trip_through_a_file(windows, tmp_path, name: str, kind: str, channels: str):
    model = make(name, normalize_window=kind, channels=channels)
    assert model.output_shape == (None, 4, 2)
    model.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras", compile=False)
    np.testing.assert_array_equal(np.asarray(again(windows)), np.asarray(model(windows)))


KINDS = ("last", "instance", "seasonal", "mean", "last+asinh", "instance+asinh", "seasonal+asinh", "mean+asinh")


@given(kind=st.sampled_from(KINDS), factor=st.floats(1e-3, 1e3), shift=st.floats(-100, 100), seed=st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_a_forecast_follows_the_scale_of_its_series(kind: str, factor: float, shift: float, seed: int):
    """a x + b is forecast as a f + b, where the mode knows no scale that a window has not."""
    model, windows = _models(kind), np.random.default_rng(seed).normal(3.0, 2.0, (5, 6, 3)).astype(np.float32)
    zero = np.array([-0.5, 0.0, 0.5], np.float32)
    if kind.startswith("last"):
        factor = 1.0
    if kind.startswith("mean"):  # about what is zero in original units
        moved, shift = (windows - zero) * factor + zero, 0.0
    else:
        moved = windows * factor + shift
    before, after = np.asarray(model(windows)), np.asarray(model(moved.astype(np.float32)))
    away = zero[[2, 0]] if kind.startswith("mean") else 0.0
    expected = (before - away) * factor + away + shift
    np.testing.assert_allclose(after, expected, rtol=1e-3, atol=2e-4 * (factor + abs(shift)))


@cache
def _models(kind: str) -> keras.Model:
    return make(normalize_window=kind)


@pytest.mark.parametrize("value", [0.0, 7.25, -1e6])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith("last")])
def test_a_constant_window_is_forecast_as_its_constant(kind: str, value: float):
    windows = np.random.default_rng(0).normal(3.0, 2.0, (2, 6, 3)).astype(np.float32)
    windows[0] = value
    told = np.asarray(_models(kind)(windows))
    np.testing.assert_array_equal(told[0], np.full((4, 2), value, np.float32))
    assert np.isfinite(told).all()
    assert np.ptp(told[1]) > 0


def test_the_network_that_is_trained_gives_normalized_values_by_the_same_weights(windows: np.ndarray):
    trained, told = assembled(normalize_window="seasonal")
    level, scale = windows[:, [4, 5, 4, 5]][..., [2, 0]], windows.std(axis=1, keepdims=True)[..., [2, 0]]
    np.testing.assert_allclose(told(windows), np.asarray(trained(windows)) * scale + level, atol=1e-5)
    assert [id(one) for one in trained.weights] == [id(one) for one in told.weights]


@pytest.mark.filterwarnings("ignore::zoo.inference.ranges.OutsideRangeWarning")
@pytest.mark.parametrize(
    "kind", [pytest.param("last", marks=pytest.mark.full), pytest.param("instance", marks=pytest.mark.full), "seasonal"]
)
def test_trained_and_exported_with_it(series, tmp_path, kind: str):
    asked = {"target": ["load", "temperature"], "calendar": ("hour",), "window": 8, "horizon": 3, "epochs": 2}
    asked |= {"hyperparameters": {"units": 4}, "normalize_window": kind, "channels": "shared", "runs": tmp_path}
    run = zoo.train("stacked", series, season=4, **asked)
    bundle = run.export(tmp_path, name="x")  # raises ParityError where a format differs
    assert bundle.manifest.onnx.operators["LSTM"] == 2
    assert "Loop" not in bundle.manifest.onnx.operators
    forecast = bundle.predict(series)
    np.testing.assert_allclose(forecast, zoo.load_run(run.folder).predict(series), rtol=1e-4)


def test_shared_channels_want_each_target_among_the_features(series, tmp_path):
    asked = {"target": "load", "features": "temperature", "window": 8, "horizon": 3, "channels": "shared"}
    with pytest.raises(ConfigError, match="target 'load' is no feature; add it to `features`"):
        zoo.train("basic", series, runs=tmp_path, **asked)
