"""Each runtime gives what the trained Keras network and the scikit-learn scalers give, at any batch size."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from zoo.runtimes import find_runtime, load_session, runtimes
from zoo_plugins.runtimes.onnxruntime_session import OnnxRuntimeSession
from zoo_plugins.runtimes.tensorflow_session import TensorFlowSession

INSTALLED = [name for name, runtime in runtimes().items() if runtime.version and not runtime.exporter]


@pytest.fixture(scope="module")
def sessions(exported):
    """A session of each runtime that is installed and runs any bundle."""
    return {name: load_session(find_runtime(name), exported.folder) for name in INSTALLED}


@pytest.fixture
def windows(series):
    """64 windows of the series, which are not the golden ones."""
    rows = series[["load", "temperature"]].to_numpy(np.float32)
    return np.stack([rows[start : start + 8] for start in range(64)])


@pytest.mark.parametrize("size", [1, 7, 64])
@pytest.mark.parametrize("name", INSTALLED)
def test_equal_to_the_trained_model(sessions, trained, windows, name, size):
    outputs = sessions[name].run(windows[:size])
    assert set(outputs) == {"forecast"}
    forecast = outputs["forecast"]
    assert (forecast.shape, forecast.dtype) == ((size, 3, 1), np.float32)
    difference = np.abs(forecast - trained.predict(windows[:size])).max()
    assert difference <= 1e-5 * trained.preprocessor.targets_.deviation.min()
    assert size == 1 or np.ptp(forecast[:, 0]) > 0, "the forecast depends on the window"


@pytest.mark.parametrize("name", INSTALLED)
def test_a_window_does_not_depend_on_its_neighbours(sessions, trained, windows, name):
    together = sessions[name].run(windows)["forecast"]
    alone = np.concatenate([sessions[name].run(windows[index : index + 1])["forecast"] for index in range(0, 64, 9)])
    assert np.abs(together[::9] - alone).max() <= 1e-5 * trained.preprocessor.targets_.deviation.min()


def test_the_scaled_signature(exported, trained, windows):
    """Scikit-learn before and after it gives what ``serving_default`` gives."""
    features, targets = trained.preprocessor.features_, trained.preprocessor.targets_
    scaled = TensorFlowSession(exported.folder, "scaled").run(features.transform(windows))
    assert set(scaled) == {"forecast"}
    np.testing.assert_allclose(scaled["forecast"], trained.network(features.transform(windows)), atol=1e-6)
    served = TensorFlowSession(exported.folder).run(windows)["forecast"]
    assert np.abs(targets.inverse_transform(scaled["forecast"]) - served).max() <= 1e-5 * targets.deviation.min()


@pytest.mark.parametrize("make", [OnnxRuntimeSession, TensorFlowSession])
def test_sessions_say_nothing(exported, capfd, make):
    make(exported.folder).run(np.full((1, 8, 2), 100, np.float32))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", INSTALLED)
def test_repair_17_any_characters_in_the_path_of_a_bundle(exported, windows, sessions, tmp_path, name):
    folder = shutil.copytree(exported.folder, tmp_path / "a b?c=50%20#{d}[1]*" / "1")
    loaded = load_session(find_runtime(name), folder)
    np.testing.assert_array_equal(loaded.run(windows)["forecast"], sessions[name].run(windows)["forecast"])
