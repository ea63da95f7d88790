"""Scalers of each series: scikit-learn's own numbers, of its train rows alone, and what has none is told."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import sklearn.preprocessing
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.preprocessing.preprocessor import Preprocessor
from zoo.preprocessing.series_scaling import SeriesScaling, parse_series_scaling
from zoo.settings.schema import DataConfig, NetworkConfig, RunConfig, TrainingConfig
from zoo.training.preparation import prepare, prepare_run
from zoo_registry.errors import BundleError, ConfigError, DataError

LENGTHS = {"small": 60, "usual": 90, "huge": 75}
LEVELS = {"small": 1e-3, "usual": 10.0, "huge": 1e6}
SCALERS = {
    "standard": sklearn.preprocessing.StandardScaler,
    "minmax": sklearn.preprocessing.MinMaxScaler,
    "maxabs": sklearn.preprocessing.MaxAbsScaler,
    "robust": sklearn.preprocessing.RobustScaler,
}


def panel(**more: np.ndarray) -> pd.DataFrame:
    """Series of different lengths and scales, with a second column beside the target, and others by name."""
    random = np.random.default_rng(0)
    parts = {name: LEVELS[name] * (1 + 0.1 * random.normal(size=rows)) for name, rows in LENGTHS.items()} | more
    frames = [pd.DataFrame({"id": name, "y": own, "x": random.normal(size=len(own))}) for name, own in parts.items()]
    return pd.concat(frames, ignore_index=True)


def data(**settings) -> DataConfig:
    given = {"source": "DataFrame", "target": "y", "features": "y,x", "series": "id", "window": 6, "horizon": 3}
    return DataConfig(**(given | {"scaler_per_series": "refuse"} | settings))


def config(kind: str = "auto", **settings) -> RunConfig:
    network = NetworkConfig(normalize_window=kind)
    return RunConfig(
        architecture="basic", hyperparameters={}, data=data(**settings), network=network, training=TrainingConfig()
    )


def scaling_of(prepared) -> SeriesScaling:
    found = prepared.preprocessor.by_series
    assert found is not None
    return found


@pytest.mark.parametrize("scaler", SCALERS)
def test_each_series_is_scaled_as_by_a_scaler_of_its_own_train_rows(scaler: str):
    table = panel()
    prepared = prepare(data(scaler=scaler), table)
    features = prepared.parts["train"].features
    for name, split in prepared.splits.items():
        rows = prepared.table.series[name]
        own = table[table["id"] == name][["y", "x"]].to_numpy()
        fitted = SCALERS[scaler]().fit(own[: len(split.train)])
        np.testing.assert_allclose(features[rows.start : rows.stop], fitted.transform(own), rtol=2e-5, atol=2e-6)


def test_rows_that_do_not_fit_in_memory_are_scaled_alike(tmp_path):
    whole, spooled = prepare(data(), panel()), prepare(data(), panel(), spool=tmp_path)
    assert scaling_of(spooled).to_json() == scaling_of(whole).to_json()
    np.testing.assert_array_equal(spooled.parts["train"].features, whole.parts["train"].features)


def test_columns_keep_their_own_scalers():
    prepared = prepare(data(scaler_for={"x": "none"}, target_scaler="maxabs", calendar=()), panel())
    by = scaling_of(prepared)
    assert (by.features.scalers, by.targets.scalers) == (("standard", "none"), ("maxabs",))
    values = prepared.table.values[:, 1]
    np.testing.assert_allclose(prepared.parts["train"].features[:, 1], values, rtol=1e-6)
    assert np.abs(prepared.parts["train"].targets).max() < 2


def test_no_row_of_validation_or_test_decides():
    table = panel()
    numbers = scaling_of(prepare(data(), table)).to_json()
    for name, split in prepare(data(), table).splits.items():
        rows = table.index[table["id"] == name][split.validation.start - split.train.start :]
        table.loc[rows, "y"] *= 7
    assert scaling_of(prepare(data(), table)).to_json() == numbers


@pytest.mark.parametrize("quantiles", [0, 3])
@pytest.mark.parametrize("part", ["validation", "test"])
def test_scaled_targets_come_back_in_the_units_of_their_series(part: str, quantiles: int):
    prepared = prepare(data(), panel())
    windows = prepared.parts[part]
    scaled, truth = windows.outputs().astype(np.float64), prepared.history[windows.target_rows()]
    if quantiles:
        scaled, truth = (np.repeat(values[..., None], quantiles, axis=-1) for values in (scaled, truth))
    halves = [scaled[:5], scaled[5:]]
    found = np.concatenate(list(prepared.all_in_units(part, halves)))
    np.testing.assert_allclose(found, truth, rtol=1e-5)


@given(
    names=st.lists(st.sampled_from([*LENGTHS, "new"]), min_size=1, max_size=6),
    level=st.floats(-1e6, 1e6),
    scale=st.floats(1e-3, 1e3),
)
@settings(deadline=None, max_examples=30)
def test_windows_of_known_and_unknown_series_together(names: list[str], level: float, scale: float):
    by = scaling_of(prepare(data(scaler_per_series="window"), panel()))
    shapes = np.random.default_rng(1).normal(size=(len(names), 6, 2))
    windows = level + scale * shapes
    scaled, to_units = by.scale_windows(windows, names, "float64")
    np.testing.assert_allclose(to_units(scaled[:, :, :1]), windows[:, :, :1], rtol=1e-6, atol=1e-6 * scale)
    for name, window, found in zip(names, windows, scaled, strict=True):
        if name == "new":
            expected = sklearn.preprocessing.StandardScaler().fit_transform(window)
        else:
            numbers = [part["parameters"] for part in by.features.to_json()]
            place = by.series.index(name)
            offset, own = (np.array([part[key][place] for part in numbers]) for key in ("offset", "scale"))
            expected = (window - offset) / own
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_an_unknown_series_is_refused_by_its_name():
    by = scaling_of(prepare(data(), panel()))
    windows = np.ones((2, 6, 2))
    with pytest.raises(DataError, match=r"series 'new' was not in the training.*`scaler_per_series='refuse'`"):
        by.scale_windows(windows, ["usual", "new"])
    with pytest.raises(DataError, match=r"expected windows of a table whose column of series"):
        by.scale_windows(windows)
    assert list(by.refusals(["usual", "new"])) == ["new"]


def test_a_window_too_far_from_its_series_is_told():
    by = scaling_of(prepare(data(), panel()))
    with pytest.raises(DataError, match=r"window 1 of series 'small', row 0, column 'y'.*float32"):
        by.scale_windows(np.full((2, 6, 2), 1e38), ["huge", "small"])


def test_a_constant_series_is_scaled_by_its_size_and_comes_back():
    constant, zero = np.full(60, 5000.0), np.zeros(60)
    constant[-1] = 5100.0
    prepared = prepare(data(features="y"), panel(constant=constant, zero=zero))
    by = scaling_of(prepared)
    windows = np.stack([constant[-6:], zero[-6:]])[:, :, None]
    scaled, to_units = by.scale_windows(windows, ["constant", "zero"])
    np.testing.assert_allclose(scaled[0, :-1], 0, atol=1e-9)
    np.testing.assert_allclose(scaled[1], 0, atol=1e-9)
    assert 0.01 < scaled[0, -1, 0] < 0.1
    np.testing.assert_allclose(to_units(scaled), windows, rtol=1e-5, atol=1e-9)


def test_a_series_that_its_scaler_cannot_be_fitted_to_is_named():
    sparse = np.zeros(60)
    sparse[::7] = np.arange(1, 10)
    with pytest.raises(DataError, match=r"series 'sparse': column 'y' cannot be scaled by 'robust' on its own train"):
        prepare(data(scaler="robust"), panel(sparse=sparse))


def test_a_column_that_is_constant_in_each_series_is_refused_with_the_way_out():
    table = panel()
    table["x"] = table["id"].map({"small": 1.0, "usual": 2.0, "huge": 3.0})
    with pytest.raises(DataError, match=r"column 'x' is constant in each series.*`scaler_for` x=none"):
        prepare(data(), table)
    assert prepare(data(scaler_for={"x": "none"}), table).parts["train"].features[:, 1].max() == 3


def test_missing_values_are_left_out_of_the_fit_and_stay_missing():
    table = panel()
    table.loc[[3, 20, 80], "y"] = np.nan
    prepared = prepare(data(missing="mask"), table)
    own = table.loc[table["id"] == "small", ["y"]].to_numpy()[: len(prepared.splits["small"].train)]
    fitted = sklearn.preprocessing.StandardScaler().fit(own)
    numbers = scaling_of(prepared).features.to_json()[0]["parameters"]
    assert numbers["offset"][0] == pytest.approx(fitted.mean_[0])
    assert numbers["scale"][0] == pytest.approx(fitted.scale_[0])
    assert np.isnan(prepared.parts["train"].features[[3, 20, 80], 0]).all()
    table.loc[table["id"] == "small", "y"] = np.nan
    table.loc[table.index[table["id"] == "small"][-12:], "y"] = 1.0
    with pytest.raises(DataError, match=r"series 'small': column 'y' cannot be scaled.*no value"):
        prepare(data(missing="mask"), table)


def test_series_too_short_are_padded_and_scaled_by_the_rows_that_they_have():
    short = np.array([3.0, 4.0, 5.0, 6.0, 3.0, 4.0, 5.0, 6.0, 5.0, 4.0, 3.0, 4.0, 5.0])
    prepared = prepare(data(features="y", short_series="pad", split_last="3,3"), panel(short=short))
    by = scaling_of(prepared)
    train = short[: len(prepared.splits["short"].train)]
    numbers = by.features.to_json()[0]["parameters"]
    assert numbers["offset"][by.series.index("short")] == pytest.approx(train.mean())


def test_it_asks_for_a_column_of_series_and_for_targets_that_a_window_holds():
    with pytest.raises(ConfigError, match=r"nothing tells them apart; name the column that does with `series`"):
        prepare(data(series=None), panel()[["y", "x"]])
    with pytest.raises(ConfigError, match=r"target 'y' is no feature.*`scaler_per_series='refuse'`"):
        prepare(data(features="x", scaler_per_series="window"), panel())
    assert scaling_of(prepare(data(features="x"), panel())).targets.names == ("y",)


def test_windows_are_normalized_on_top_where_that_is_asked_for():
    found = prepare_run(config(), panel())
    assert (found.window_scale.kind, found.reason) == ("none", "each series has a scaler of its own")
    assert prepare_run(config("instance"), panel()).normalized_truth is not None
    with pytest.raises(ConfigError, match=r"`normalize_window='mean'` has 0 as its level"):
        prepare_run(config("mean"), panel())
    assert prepare_run(config("mean", scaler="maxabs"), panel()).window_scale.kind == "mean"


def test_it_is_written_and_read_again_as_plain_numbers(tmp_path):
    prepared = prepare(data(scaler_for={"x": "log"}, scaler_per_series="window"), panel())
    prepared.preprocessor.save(tmp_path)
    again = Preprocessor.load(tmp_path)
    assert again.parameters() == prepared.preprocessor.parameters()
    assert again.units == "scaled"
    windows = np.random.default_rng(0).normal(size=(3, 6, 2))
    names = ["huge", "new", "small"]
    for one, other in zip(
        scaling_of(prepared).scale_windows(windows, names)[:1], again.scale_windows(windows, names)[:1], strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "change",
    [
        lambda by: by.pop("series"),
        lambda by: by["series"].append("more"),
        lambda by: by.update(unknown="whatever"),
        lambda by: by["features"].pop(),
        lambda by: by["features"][0]["parameters"]["scale"].__setitem__(0, None),
        lambda by: by["targets"][0].update(parameters=[]),
    ],
)
def test_a_table_that_does_not_fit_a_bundle_is_one_sentence(tmp_path, change):
    prepared = prepare(data(), panel())
    content = json.dumps(prepared.preprocessor.parameters())
    problem = prepared.problem
    assert parse_series_scaling(content.encode(), tmp_path, problem) is not None
    assert parse_series_scaling(b"{}", tmp_path, problem) is None
    written = json.loads(content)
    change(written["by_series"])
    with pytest.raises(BundleError, match=r"expected the scalers of each series"):
        parse_series_scaling(json.dumps(written).encode(), tmp_path, problem)
