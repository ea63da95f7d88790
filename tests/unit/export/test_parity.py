"""The rule of the parity gate: what float32 rounds passes, and a fault in any stage of the graph does not."""

from __future__ import annotations

import math

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from zoo.bundle.golden import PARITY_LIMIT, Golden, Ruler, golden_windows
from zoo.bundle.loading import load_bundle
from zoo.bundle.verification import verify_bundle
from zoo.export.export_run import export
from zoo.export.graph import raw_function
from zoo.inference.answers import answer_windows
from zoo.preprocessing.scaled_columns import ScaledColumns
from zoo_registry.errors import ParityError


@pytest.fixture(scope="module")
def plain(make_trained):
    """One target around 100 with a deviation of 10, served in float32."""
    return make_trained(pd.DataFrame({"load": 100 + 10 * np.random.default_rng(0).normal(size=120)}))


@pytest.fixture(scope="module")
def offset(make_trained, offset_series):
    """One target around a million with a deviation of 1, served in float64."""
    return make_trained(offset_series[["load"]])


def scaling(monkeypatch, trained):
    """The features' offset is a thousandth of a deviation too high."""
    forward, shift = ScaledColumns.forward, 1e-3 * trained.preprocessor.features_.deviation
    monkeypatch.setattr(ScaledColumns, "forward", lambda self, ops, raw, dtype: forward(self, ops, raw - shift, dtype))
    return {}


def network(monkeypatch, trained):
    """The last bias is off by a ten-thousandth."""
    other = keras.models.clone_model(trained.network)
    *weights, bias = trained.network.get_weights()
    other.set_weights([*weights, bias + 1e-4])
    return {"network": other}


def inverse(monkeypatch, trained):
    """The targets' scale is too large by a ten-thousandth."""
    back, middle = ScaledColumns.inverse, trained.preprocessor.targets_.inverse_transform(np.zeros((1, 1)))[0]
    monkeypatch.setattr(
        ScaledColumns,
        "inverse",
        lambda self, ops, scaled, dtype: middle + (back(self, ops, scaled, dtype) - middle) * (1 + 1e-4),
    )
    return {}


def dtype(monkeypatch, trained):
    """What enters the network was rounded to half precision on the way, or at an offset to single precision."""
    forward = ScaledColumns.forward
    if trained.preprocessor.serving_dtype == "float64":
        return {"inner": "float32"}
    monkeypatch.setattr(
        ScaledColumns,
        "forward",
        lambda *arguments: tf.cast(tf.cast(forward(*arguments), tf.float16), tf.float64),
    )
    return {}


@pytest.mark.parametrize("level", ["plain", "offset"])
@pytest.mark.parametrize("fault", [scaling, network, inverse, dtype])
def test_repair_14_a_fault_in_each_stage_is_refused(request, served, monkeypatch, level, fault):
    trained = request.getfixturevalue(level)
    ends = trained.preprocessor.serving_dtype
    assert ends == {"plain": "float32", "offset": "float64"}[level]
    features, graph = trained.preprocessor.features_, served(trained)
    window = golden_windows(features.minimum, features.maximum, 8, ends)
    told = answer_windows(trained.network, trained.preprocessor, graph.answers, window)
    expected = {"forecast": told["forecast"].astype(ends)}
    ruler = Ruler(
        trained.preprocessor.targets_.deviation, {"forecast": "value"}, roundings=4 if ends == "float32" else 0
    )

    def difference(network=None, **how):
        found = raw_function(served(trained, network), ends, **how)(tf.constant(window))
        return ruler.farthest({"forecast": found["forecast"].numpy()}, expected)

    assert difference() <= PARITY_LIMIT
    assert 2 * PARITY_LIMIT < difference(**fault(monkeypatch, trained)) < 0.2


def growing(hp, shape):
    window = keras.Input(shape.input)
    steps = keras.layers.Dense(math.prod(shape.output))(keras.layers.Flatten()(window))
    return keras.Model(window, keras.layers.Reshape(shape.output)(steps))


@pytest.fixture(scope="module")
def panel(make_trained):
    """414 series of very different scale, and a network whose forecasts go up to a thousand deviations."""
    random, rows = np.random.default_rng(0), 24
    scale = 100 * np.exp(random.normal(0, 2, (414, 1)))
    load = scale * (3 + np.sin(np.arange(rows) / 4) + random.normal(0, 0.2, (414, rows)))
    series = np.repeat([f"s{index}" for index in range(414)], rows)
    frame = pd.DataFrame({"hour": np.tile(np.arange(rows), 414), "series": series, "load": load.ravel()})
    trained = make_trained(frame, growing, time="hour", series="series", window=4, horizon=1, split=(0.4, 0.3, 0.3))
    trained.network.set_weights([np.full((4, 1), 12.3), np.zeros(1)])
    return trained


def test_repair_14_series_of_very_different_scale_are_exported(panel, tmp_path):
    unit = panel.preprocessor.targets_.deviation
    assert panel.preprocessor.serving_dtype == "float32"
    bundle = load_bundle(export(panel, tmp_path, "panel"))
    golden = Golden.read(bundle.folder)
    exact = panel.preprocessor.inverse_transform_targets(
        panel.network.predict(panel.preprocessor.transform(golden.window), verbose=0)
    )
    rounded = np.abs(golden.outputs["forecast"] - exact) / unit
    assert rounded.max() > PARITY_LIMIT, "float32's rounding alone exceeds the limit"
    assert bundle.manifest.parity_roundings == 4
    assert all(verdict.passed for verdict in verify_bundle(bundle.folder, ["onnxruntime", "tensorflow"]))


def test_repair_14_a_real_error_among_them_is_refused(panel, tmp_path, monkeypatch):
    """One and a half thousandths of a deviation, at the largest values less than four roundings and the limit."""
    back, shift = ScaledColumns.inverse, 1.5e-3 * panel.preprocessor.targets_.deviation
    monkeypatch.setattr(ScaledColumns, "inverse", lambda *arguments: back(*arguments) + shift)
    with pytest.raises(ParityError, match=r"by more than 1e-5 \(onnxruntime by "):
        export(panel, tmp_path, "panel")


def test_repair_14_float32_that_was_asked_for_is_told_as_the_cause(offset, tmp_path):
    with pytest.raises(ParityError, match="these columns take float64, so leave `serving_dtype` float32 out"):
        export(offset, tmp_path, "coarse", dtype="float32")
