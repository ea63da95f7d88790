"""Windows of prepared data on their own scales: what a loss takes of them, for one series and for several."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from zoo.data.windows import seasonal_rows
from zoo.preprocessing.normalized_truth import apart
from zoo.settings.schema import DataConfig, NetworkConfig, RunConfig, TrainingConfig
from zoo.training.preparation import prepare_run

ROWS, WINDOW, HORIZON, SEASON = 80, 8, 4, 4


def config(kind: str, **settings) -> RunConfig:
    data = {"source": "DataFrame", "target": "y", "features": "y", "window": WINDOW, "horizon": HORIZON}
    data |= {"season": SEASON} | settings
    return RunConfig(
        architecture="basic",
        hyperparameters={},
        data=DataConfig(**data),
        network=NetworkConfig(normalize_window=kind),
        training=TrainingConfig(),
    )


def panel(**own: np.ndarray) -> pd.DataFrame:
    """Series of one shape and very different scales, and others by name."""
    wave = np.sin(np.arange(ROWS) * 1.3) + np.sin(np.arange(ROWS) * 0.2)
    parts = {"tiny": 1e-3 * wave + 5.0, "usual": wave, "huge": 1e6 * wave - 3e7, **own}
    return pd.concat([pd.DataFrame({"id": name, "y": values}) for name, values in parts.items()])


def truths(kind: str, table: pd.DataFrame, part: str = "train"):
    """What the loss takes of each window's targets and the rows behind it, and the series that the window is of."""
    prepared = prepare_run(config(kind, series="id"), table)
    windows = prepared.parts[part]
    stretches = windows.stretches()
    found = windows.judged(np, windows.inputs(), windows.outputs(), stretches)
    series = np.array(list(prepared.splits))[np.searchsorted(prepared.table.starts, windows.firsts, "right") - 1]
    return prepared, *apart(found), series[stretches]


@pytest.mark.parametrize("part", ["train", "validation"])
@pytest.mark.parametrize("kind", ["instance", "seasonal"])
def test_no_series_counts_for_more_than_another_by_its_scale(kind: str, part: str):
    _, truth, _, series = truths(kind, panel(), part)
    sizes = {name: np.abs(truth[series == name]).mean() for name in ("tiny", "usual", "huge")}
    assert max(sizes.values()) / min(sizes.values()) == pytest.approx(1, rel=0.02)
    assert 0.1 < sizes["usual"] < 10


@pytest.mark.parametrize(("scaler", "dtype"), [("standard", "float32"), ("none", "float64")])
def test_windows_are_float64_where_float32_would_round_an_answer_with_its_level_put_back(scaler: str, dtype: str):
    table = pd.DataFrame({"y": 300 + np.random.default_rng(0).normal(0, 5, ROWS)})
    prepared = prepare_run(config("instance", scaler=scaler), table)
    assert prepared.parts["train"].features.dtype == prepared.window_scale.dtype == dtype


@pytest.mark.parametrize("kind", ["last", "instance", "seasonal", "mean", "seasonal+asinh", "mean+asinh"])
def test_the_truth_is_put_back_by_the_rows_behind_it(kind: str):
    prepared, truth, rows, _ = truths(kind, panel())
    windows, normalized = prepared.parts["train"], prepared.normalized_truth
    back = normalized.scaled(np, truth, rows)
    np.testing.assert_allclose(back, windows.outputs(), rtol=1e-6, atol=1e-7)
    by = prepared.window_scale
    level, scale = by.statistics(np, windows.inputs())
    level = by.ahead(np, windows.inputs(), level)
    outputs = by.squashed(np, (windows.outputs() - level) / np.where(scale > 0, scale, 1))
    np.testing.assert_allclose(normalized.judged(np, outputs, rows), truth, rtol=1e-4, atol=1e-3)


def test_constant_windows_count_nothing_and_flat_ones_little():
    random = np.random.default_rng(0).normal(size=ROWS)
    stepped = np.where(np.arange(ROWS) < 20, 3.0, 4.0 + random)  # flat, then a step
    nearly = np.where(np.arange(ROWS) < 20, 1e-6 * random, 10 + random)
    table = panel(stepped=stepped, nearly=nearly, zero=np.where(np.arange(ROWS) < 30, 0.0, random))
    for kind in ("instance", "seasonal", "mean"):
        prepared, truth, rows, series = truths(kind, table)
        constant = np.ptp(prepared.parts["train"].inputs()[:, :, 0], axis=1) == 0
        assert constant.sum() > 20
        assert not truth[constant].any()
        assert not rows.share[constant].any()
        assert (rows.share[~constant] > 0).all()
        assert np.abs(truth[series == "nearly"]).max() < 100, "the step is a millionfold the window's own scale"
        outputs = np.full_like(truth, 7.0)
        judged = prepared.normalized_truth.judged(np, outputs, rows)
        assert not judged[constant].any()
        constants = prepared.parts["train"].inputs()[constant, :1, 0]
        scaled = prepared.normalized_truth.scaled(np, judged, rows)[constant, :, 0]
        np.testing.assert_array_equal(scaled, np.repeat(constants, HORIZON, axis=1))


def test_a_series_that_never_changes_in_its_train_rows():
    _, truth, rows, series = truths("seasonal", panel(zero=np.r_[np.zeros(56), np.arange(24.0)]))
    assert np.isfinite(truth).all()
    assert not rows.share[series == "zero"].any()
    _, later, rows, series = truths("seasonal", panel(zero=np.r_[np.zeros(56), np.arange(24.0)]), "test")
    assert np.isfinite(later).all()
    assert (rows.share[series == "zero"] > 0).all()


def test_the_choice_is_by_rows_that_are_not_tested():
    table = pd.DataFrame({"y": np.sin(np.arange(200.0)) + np.arange(200.0)})
    found = prepare_run(config("auto"), table)
    assert found.reason
    table.loc[170:, "y"] = 1e9
    assert prepare_run(config("auto"), table).window_scale.kind == found.window_scale.kind


def test_nothing_is_chosen_for_a_target_that_is_no_feature():
    table = pd.DataFrame({"y": np.sin(np.arange(200.0)), "x": np.arange(200.0)})
    found = prepare_run(config("auto", features="x"), table)
    assert found.window_scale.kind == "none"
    assert found.normalized_truth is None
    assert found.reason == "target 'y' is no feature"


def test_nothing_is_chosen_for_a_target_on_whose_scale_its_windows_are_not():
    table = pd.DataFrame({"y": np.sin(np.arange(200.0)) + np.arange(200.0), "x": np.arange(200.0)})
    found = prepare_run(config("auto", target_scaler="minmax"), table)
    assert found.window_scale.kind == "none"
    assert found.normalized_truth is None
    assert found.reason == "target 'y' has the scaler minmax, as a feature standard"
    same = prepare_run(config("auto", target_scaler="minmax", scaler_for={"y": "minmax"}), table)
    assert same.window_scale.kind != "none"


@pytest.mark.parametrize("gap", [0, 3])
def test_a_seasonal_answer_is_added_to_the_seasonal_naive_forecast(gap: int):
    table = panel()
    prepared = prepare_run(config("seasonal", series="id", gap=gap, horizon=6), table)
    windows, by = prepared.parts["train"], prepared.window_scale
    level, _ = by.statistics(np, windows.inputs())
    expected = windows.targets[seasonal_rows(windows.origins(), windows.last_rows(), 6, SEASON)]
    np.testing.assert_array_equal(by.ahead(np, windows.inputs(), level), expected)
    short = prepare_run(config("seasonal", series="id", season=WINDOW + 1), table).window_scale
    np.testing.assert_array_equal(short.ahead(np, windows.inputs(), level), level)
