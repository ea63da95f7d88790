"""Quantile forecasts: in order, measured by their coverage, exported and predicted beside the forecast."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import zoo
from zoo.evaluation.metrics import QuantileErrors
from zoo.models.layers import OrderedQuantiles, middle_quantile
from zoo_registry.errors import ConfigError

LEVELS = (0.1, 0.5, 0.9)


@given(
    values=arrays(np.float32, (2, 3, 1, 4), elements=st.floats(-50, 50, width=32)),
    levels=st.lists(st.floats(0.01, 0.99), min_size=4, max_size=4, unique=True).map(sorted),
)
@settings(max_examples=60, deadline=None)
def test_quantiles_never_cross_and_the_middle_one_is_the_networks(values: np.ndarray, levels: list[float]):
    layer = OrderedQuantiles(levels)
    ordered = np.asarray(layer(values))
    assert (np.diff(ordered, axis=-1) >= 0).all()
    assert abs(levels[layer.middle] - 0.5) == min(abs(level - 0.5) for level in levels)
    np.testing.assert_array_equal(ordered[..., layer.middle], values[..., layer.middle])
    steps = np.log1p(np.exp(-np.abs(values.astype(float)))) + np.maximum(values, 0)  # softplus
    for index in range(3):
        step = steps[..., index if index < layer.middle else index + 1]
        np.testing.assert_allclose(ordered[..., index + 1] - ordered[..., index], step, atol=2e-4)


def test_coverage_and_pinball_are_loops():
    random = np.random.default_rng(0)
    truth, quantiles = random.normal(size=(5, 3, 2)), np.sort(random.normal(size=(5, 3, 2, 3)), axis=-1)
    errors = QuantileErrors(LEVELS, 2)
    errors.add(truth[:2], quantiles[:2])
    errors.add(truth[2:], quantiles[2:])
    scale = np.array([2.0, 0.5])
    found = errors.measured(scale)
    for index, level in enumerate(LEVELS):
        assert found["below"][index] == pytest.approx((truth <= quantiles[..., index]).mean())
        losses = [
            (level if t > q else level - 1) * (t - q) / scale[column]
            for column in range(2)
            for t, q in zip(truth[..., column].ravel(), quantiles[..., column, index].ravel(), strict=True)
        ]
        assert found["pinball"][index] == pytest.approx(np.mean(losses))
    inside = ((truth >= quantiles[..., 0]) & (truth <= quantiles[..., 2])).mean()
    assert found["interval"] == {"nominal": pytest.approx(0.8), "inside": pytest.approx(inside)}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Noise around a sine, its quantiles trained long enough to be of use."""
    random, steps = np.random.default_rng(0), np.arange(900)
    import pandas as pd

    frame = pd.DataFrame({"y": np.sin(steps / 5) + random.normal(0, 0.5, 900), "x": np.cos(steps / 5)})
    settings = {"target": ["y", "x"], "window": 10, "horizon": 2, "quantiles": LEVELS, "normalize_window": "instance"}
    settings |= {"hyperparameters": {"units": 8}, "learning_rate": 0.01, "epochs": 12}
    return zoo.train("basic", frame, runs=tmp_path_factory.mktemp("runs"), **settings), frame


def test_coverage_comes_near_the_levels(run):
    measured = run[0].metrics["quantiles"]
    assert measured["levels"] == list(LEVELS)
    np.testing.assert_allclose(measured["below"], LEVELS, atol=0.15)
    assert 0.6 < measured["interval"]["inside"] < 0.95
    assert run[0].config.training.loss == "quantile"


def test_both_formats_give_forecast_and_quantiles(run, tmp_path):
    trained, frame = run
    bundle = trained.export(tmp_path, name="q")  # raises ParityError where a format differs
    problem = bundle.manifest.problem
    assert {tensor.name: tensor.shape for tensor in problem.outputs} == {"forecast": (2, 2), "quantiles": (2, 2, 3)}
    assert problem.quantiles == LEVELS
    windows = frame[["y", "x"]].to_numpy()[None, -10:]
    for runtime in ("onnxruntime", "tensorflow"):
        outputs = zoo.load_bundle(bundle.folder, runtime=runtime).outputs(windows)
        np.testing.assert_array_equal(outputs["forecast"], outputs["quantiles"][..., 1])
        assert (np.diff(outputs["quantiles"], axis=-1) >= 0).all()
    table = bundle.predict(frame)
    assert list(table.columns) == ["y", "y 0.1", "y 0.5", "y 0.9", "x", "x 0.1", "x 0.5", "x 0.9"]
    np.testing.assert_array_equal(table["y"], table["y 0.5"])
    assert (table["y 0.1"] < table["y 0.9"]).all()
    np.testing.assert_allclose(table, trained.predict(frame), rtol=1e-4, atol=1e-5)
    assert trained.evaluate(frame)["quantiles"] == trained.metrics["quantiles"]
    assert "the quantiles 0.1, 0.5, 0.9 along the last axis" in (bundle.folder / "README.md").read_text()
    assert all(verdict.passed for verdict in zoo.verify_bundle(bundle.folder))


def test_a_spoilt_quantile_is_told_by_the_gate(run, tmp_path, monkeypatch):
    from zoo.export import formats
    from zoo_registry.errors import ParityError

    default = formats.default_function

    def spoilt(served, dtype):
        function = default(served, dtype)
        off = np.array([0.0, 0.0, 1e-3], dtype)
        return lambda window: (found := function(window)) | {"quantiles": found["quantiles"] + off}

    monkeypatch.setattr(formats, "default_function", spoilt)
    with pytest.raises(ParityError, match="differs from the trained model"):
        run[0].export(tmp_path, name="q")
    assert not (tmp_path / "q").exists()


def test_the_layer_survives_a_file_and_names_the_middle(tmp_path):
    inputs = keras.Input((2, 1, 3))
    model = keras.Model(inputs, OrderedQuantiles((0.2, 0.45, 0.9))(inputs))
    model.save(tmp_path / "a.keras")
    again = keras.saving.load_model(tmp_path / "a.keras", compile=False)
    assert middle_quantile(again.layers[-1].quantiles) == 1
    assert middle_quantile(()) is None


def test_quantiles_are_for_forecasts(series, tmp_path):
    refused = [({"quantiles": wrong}, "expected rising numbers") for wrong in ("0.9,0.1", "0.5,0.5", "0,0.5", "half")]
    refused.append(({"task": "regress"}, "`quantiles` is for `task='forecast'`, found it with regress"))
    refused.append(({"horizon": 3, "loss": "mae"}, "are trained with `loss='quantile'`, found `loss` mae"))
    for given_settings, told in refused:
        with pytest.raises(ConfigError, match=told):
            zoo.train(
                "basic", series, runs=tmp_path, **{"target": "load", "window": 8, "quantiles": LEVELS} | given_settings
            )
