"""Finding, loading and predicting: arrays and tables in, original units out, nothing unpickled."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from zoo.bundle.golden import Golden
from zoo.bundle.loading import load_bundle
from zoo.bundle.manifest import Manifest
from zoo.bundle.opening import find_bundle, versions
from zoo_registry.errors import BundleError, DataError

# What windows hold is of no matter here; tests/unit/bundle/test_ranges.py looks at it
pytestmark = pytest.mark.filterwarnings("ignore::zoo.inference.ranges.OutsideRangeWarning")


def make_folders(model, *names):
    for name in names:
        (model / name).mkdir(parents=True)
    return model


def test_a_models_folder_means_its_highest_version(tmp_path):
    names = ("1", "2", "10", "007", "0", ".staging-99", "v99", "-99", "1.5", "\u0669\u0669", "\u00b2")
    make_folders(tmp_path, *names)
    (tmp_path / "99").write_text("a file")
    assert versions(tmp_path) == [1, 2, 10]
    assert find_bundle(tmp_path) == tmp_path / "10"
    assert find_bundle(str(tmp_path)) == tmp_path / "10"


def test_a_bundle_means_itself(exported):
    assert find_bundle(exported.folder) == exported.folder
    assert find_bundle(exported.folder.parent) == exported.folder


def test_no_bundle(tmp_path):
    make_folders(tmp_path / "mine", ".staging-1", "01")
    with pytest.raises(BundleError, match="mine: expected a bundle or a model folder with versions, found neither"):
        find_bundle(tmp_path / "mine")
    with pytest.raises(BundleError, match=r"nowhere: .*; give a bundle such as exported/NAME/1"):
        find_bundle(tmp_path / "nowhere")
    (tmp_path / "bundle.zip").write_text("a file")
    with pytest.raises(BundleError, match=r"bundle\.zip: .*; give a bundle such as exported/NAME/1"):
        find_bundle(tmp_path / "bundle.zip")
    assert versions(tmp_path / "nowhere") == []


def test_the_highest_version_is_loaded_or_nothing(bundle):
    """A broken newest version is an error, not a reason to serve an older one in silence."""
    make_folders(bundle.parent, "2")
    with pytest.raises(BundleError, match=r"2: expected a bundle, found no manifest\.json"):
        load_bundle(bundle.parent)
    assert load_bundle(bundle).folder == bundle


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_an_array(exported, count, dtype):
    windows = np.full((count, 8, 2), 100, dtype=dtype)
    forecast = exported.predict(windows)
    assert forecast.shape == (count, 3, 1)
    assert forecast.dtype == np.float32
    np.testing.assert_allclose(forecast, np.broadcast_to(forecast[:1], forecast.shape), rtol=1e-6)


def test_one_window_and_lists(exported):
    window = Golden.read(exported.folder).window[5]
    expected = exported.predict(window[None])
    np.testing.assert_array_equal(exported.predict(window), expected)
    np.testing.assert_array_equal(exported.predict(window.tolist()), expected)
    np.testing.assert_array_equal(exported.predict(tuple(map(tuple, window.tolist()))), expected)


def test_a_graph_that_gives_another_shape_than_the_manifest_says(bundle, series):
    manifest = Manifest.read(bundle)
    output = manifest.problem.outputs[0].model_copy(update={"shape": (4, 1)})
    problem = manifest.problem.model_copy(update={"horizon": 4, "outputs": (output,)})
    manifest.model_copy(update={"problem": problem}).write(bundle)
    loaded = load_bundle(bundle)
    for ask in (loaded.predict, lambda table: next(iter(loaded.backtest(table)))):
        with pytest.raises(BundleError, match=r"output 'forecast' of shape \(\d+, 4, 1\), .* found \(\d+, 3, 1\)"):
            ask(series)


@pytest.mark.parametrize("runtime", ["onnxruntime", "tensorflow"])
def test_golden_forecasts(exported, runtime):
    golden = Golden.read(exported.folder)
    loaded = load_bundle(exported.folder, runtime=runtime)
    unit = exported.manifest.parity_unit["load"]
    assert np.abs(loaded.predict(golden.window) - golden.outputs["forecast"]).max() <= 1e-5 * unit


@settings(max_examples=20, deadline=None)
@given(shape=st.lists(st.integers(0, 9), max_size=4).map(tuple))
def test_any_shape_is_predicted_or_refused(exported, shape):
    if shape in ((8, 2), (1, 8, 2)) or (shape[1:] == (8, 2) and shape[0]):
        assert exported.predict(np.full(shape, 100.0)).shape == (shape[0] if len(shape) == 3 else 1, 3, 1)
    else:
        with pytest.raises(DataError, match=r"expected windows of shape \(batch, 8, 2\) with the columns load,"):
            exported.predict(np.full(shape, 100.0))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(exported, value):
    windows = np.full((3, 8, 2), 100.0)
    windows[2, 5, 1] = value
    with pytest.raises(DataError, match=r"window 2, row 5, column 'temperature'.*: expected a finite .*number"):
        exported.predict(windows)


@pytest.mark.parametrize("value", [1e39, -1e300])
def test_values_that_the_serving_type_cannot_hold(exported, value):
    windows = np.full((1, 8, 2), 100.0)
    windows[0, 5, 1] = value
    with pytest.raises(DataError, match="window 0, row 5, column 'temperature'"):
        exported.predict(windows)


@pytest.mark.parametrize("data", [np.full((1, 8, 2), "x"), [["x", "y"]] * 8, [[1, 2], [3]], [[None, 1]] * 8])
def test_values_that_are_no_numbers(exported, data):
    with pytest.raises(DataError):
        exported.predict(data)


def test_a_table(exported, series, series_file):
    forecast = exported.predict(series)
    assert list(forecast.columns) == ["load"]
    windows = series[["load", "temperature"]].to_numpy()[None, -8:]
    np.testing.assert_array_equal(forecast.to_numpy(), exported.predict(windows)[0])
    np.testing.assert_allclose(exported.predict(str(series_file)), forecast, rtol=1e-6)
    swapped = series[["temperature", "time", "load"]]
    np.testing.assert_array_equal(exported.predict(swapped), forecast, err_msg="columns go by name")


def test_a_table_that_does_not_fit(exported, series):
    with pytest.raises(DataError, match="there is no column 'load'; did you mean 'loads'"):
        exported.predict(series.rename(columns={"load": "loads"}))
    with pytest.raises(DataError, match=r"expected at least 8 rows \(the window\), found 7"):
        exported.predict(series.tail(7))


def test_float64(wide_bundle):
    run, bundle = wide_bundle
    assert bundle.manifest.problem.inputs[0].dtype == "float64"
    random = np.random.default_rng(1)
    windows = 1e6 + random.normal(size=(9, 4, 1))
    unit = bundle.manifest.parity_unit["price"]
    for runtime in ("onnxruntime", "tensorflow"):
        forecast = load_bundle(bundle.folder, runtime=runtime).predict(windows)
        assert forecast.dtype == np.float64
        assert np.abs(forecast - run.predict(windows)).max() <= 1e-5 * unit


def test_nothing_is_unpickled(bundle, series, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("something was unpickled")

    for module in (pickle, joblib):
        monkeypatch.setattr(module, "load", refuse)
    monkeypatch.setattr(pickle, "loads", refuse)
    monkeypatch.setattr(pickle, "Unpickler", refuse)
    monkeypatch.setattr(joblib.numpy_pickle, "NumpyUnpickler", refuse)
    loaded = load_bundle(bundle)
    assert loaded.predict(series).shape == (3, 1)
    assert all(verdict.passed for verdict in zoo.verify_bundle(bundle))
    with pytest.raises(AssertionError, match="unpickled"):
        joblib.load(bundle / "scalers.joblib")


def test_the_session_is_made_once(bundle, monkeypatch):
    import onnxruntime

    made, session = [], onnxruntime.InferenceSession

    def count(*arguments, **options):
        made.append(1)
        return session(*arguments, **options)

    monkeypatch.setattr(onnxruntime, "InferenceSession", count)
    loaded = load_bundle(bundle)
    for _ in range(3):
        loaded.predict(np.full((1, 8, 2), 100.0))
    assert len(made) == 1
