"""Series of very different scales, trained together by every kind of normalization, exported and verified."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import zoo
from zoo.bundle.verification import verify_bundle

ROWS, SEASON, HORIZON = 120, 6, 4
SCALES = {"tiny": 1e-3, "usual": 1.0, "huge": 1e6}


def panel(**levels: float) -> pd.DataFrame:
    """Series that are the same but for their scale, each at a level of its own, and one that never changes."""
    steps = np.arange(ROWS)
    wave = np.sin(2 * np.pi * steps / SEASON) + np.sin(steps * 0.11)
    parts = {name: scale * (3 + wave) + levels.get(name, 0.0) for name, scale in SCALES.items()}
    parts["constant"] = np.full(ROWS, 41.5)
    table = {name: pd.DataFrame({"id": name, "t": steps, "y": values}) for name, values in parts.items()}
    return pd.concat(table.values(), ignore_index=True)


def trained(table: pd.DataFrame, folder, kind: str | None, **settings) -> zoo.Run:
    asked = {"target": "y", "features": "y", "series": "id", "time": "t", "season": SEASON, "window": 12, "epochs": 3}
    asked |= {"horizon": HORIZON, "learning_rate": 0.01, "hyperparameters": {"units": 4}} | settings
    return zoo.train("basic", table, runs=folder, normalize_window=kind, **asked)


@pytest.mark.parametrize(
    "kind",
    [
        "seasonal",
        *(pytest.param(kind, marks=pytest.mark.full) for kind in ("instance+asinh", "mean", "mean+asinh", None)),
    ],
)
def test_every_series_is_forecast_on_its_own_scale(tmp_path, kind: str | None):
    table = panel(huge=1e8, tiny=50.0)
    run = trained(table, tmp_path, kind)
    assert run.config.network.normalize_window not in ("auto", "none")
    bundle = run.export(tmp_path, name="panel")
    assert bundle.problem.dtype == "float64"
    assert "Loop" not in bundle.manifest.onnx.operators
    for verdict in verify_bundle(bundle.folder, ["onnxruntime", "tensorflow"]):
        assert not verdict.refused, verdict
        assert verdict.difference < 1e-5
    told = bundle.predict(table)
    by_series = {name: found["y"].to_numpy() for name, found in told.groupby("id", sort=False)}
    np.testing.assert_array_equal(by_series["constant"], 41.5)
    if kind == "seasonal":  # which knows neither level nor scale: all three are one series
        usual = by_series["usual"]
        np.testing.assert_allclose((by_series["tiny"] - 50.0) / 1e-3, usual, rtol=1e-3)
        np.testing.assert_allclose((by_series["huge"] - 1e8) / 1e6, usual, rtol=1e-3)
    np.testing.assert_allclose(
        told["y"], zoo.load_run(run.folder).predict(table)["y"], rtol=1e-5, err_msg="Keras and the graph"
    )


def test_linear_comes_near_the_best_linear_map(tmp_path):
    found = zoo.train("linear", "example:panel", runs=tmp_path).metrics
    ridge = found["baselines"]["ridge"]["series"]
    assert (
        found["network"]["series"]["mase"]
        < 1.05 * ridge["mase"]
        < found["baselines"]["seasonal naive"]["series"]["mase"]
    )
