"""Window normalization and shared channels: against NumPy around the architecture's own network."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo.models.assembly import assemble
from zoo.settings.schema import NetworkConfig
from zoo_registry import SequenceShape, Task, discover
from zoo_registry.errors import ConfigError

ARCHITECTURES = ("basic", "stacked", "bidirectional", "custom-loss")


def make(name: str = "basic", targets: tuple[int | None, ...] = (2, 0), positions: tuple[int, ...] = (), **config):
    """A tiny network of window 6, three features, horizon 4."""
    shape = SequenceShape(
        task=Task.FORECAST, window=6, n_features=3, horizon=4, n_targets=len(targets), target_columns=targets
    )
    architecture = discover().catalogue[name].item
    keras.utils.set_random_seed(0)
    return assemble(architecture, architecture.configure(architecture.tiny), shape, NetworkConfig(**config), positions)


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
    mean, deviation = windows.mean(axis=1, keepdims=True), np.sqrt(windows.var(axis=1, keepdims=True) + 1e-5)
    scaled = np.asarray(inner(model)((windows - mean) / deviation * scale + shift))
    back = (scaled - shift[[2, 0]]) / scale[[2, 0]] * deviation[:, :, [2, 0]] + mean[:, :, [2, 0]]
    np.testing.assert_allclose(model(windows), back, rtol=1e-5, atol=1e-5)


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
@pytest.mark.parametrize("kind", ["none", "last", "instance"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_shapes_and_the_round_trip_through_a_file(windows, tmp_path, name: str, kind: str, channels: str):
    model = make(name, normalize_window=kind, channels=channels)
    assert model.output_shape == (None, 4, 2)
    model.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras", compile=False)
    np.testing.assert_array_equal(np.asarray(again(windows)), np.asarray(model(windows)))


@pytest.mark.filterwarnings("ignore::zoo.inference.ranges.OutsideRangeWarning")
@pytest.mark.parametrize("kind", [pytest.param("last", marks=pytest.mark.full), "instance"])
def test_trained_and_exported_with_it(series, tmp_path, kind: str):
    settings = {"target": ["load", "temperature"], "calendar": ("hour",), "window": 8, "horizon": 3, "epochs": 2}
    settings |= {"hyperparameters": {"units": 4}, "normalize_window": kind, "channels": "shared", "runs": tmp_path}
    run = zoo.train("stacked", series, **settings)
    bundle = run.export(tmp_path, name="x")  # raises ParityError where a format differs
    assert bundle.manifest.onnx.operators["LSTM"] == 2
    assert "Loop" not in bundle.manifest.onnx.operators
    forecast = bundle.predict(series)
    np.testing.assert_allclose(forecast, zoo.load_run(run.folder).predict(series), rtol=1e-4)


def test_shared_channels_want_each_target_among_the_features(series, tmp_path):
    settings = {"target": "load", "features": "temperature", "window": 8, "horizon": 3, "channels": "shared"}
    with pytest.raises(ConfigError, match="target 'load' is no feature; add it to `features`"):
        zoo.train("basic", series, runs=tmp_path, **settings)
