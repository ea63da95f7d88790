"""Backtests of runs, configurations and bundles: errors, forecasts, what is trained on what."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest

import zoo
from zoo.bundle.manifest import Manifest
from zoo.workers.messages import WorkerLostError
from zoo_registry.errors import BundleError, ConfigError, DataError, RunError

ROWS, TEST = 240, 204  # rows of the series, and the first of the test part


def maes(measured: dict[str, Any]) -> dict[str, float]:
    return {
        name: found["targets"]["load"]["mae"]
        for name, found in {"network": measured["network"], **measured["baselines"]}.items()
    }


def test_at_every_row_a_run_has_the_errors_of_its_own_evaluation(trained, series):
    found = zoo.backtest(trained, series, stride=1)
    assert maes(found.evaluation) == pytest.approx(maes(trained.metrics))
    assert found.evaluation["by_step"]["network"] == pytest.approx(trained.metrics["by_step"]["network"])
    assert found.evaluation["network"]["targets"]["load"] == pytest.approx(
        trained.metrics["network"]["targets"]["load"]
    )
    assert found.evaluation["windows"] == trained.metrics["windows"]
    assert (found.evaluation["kind"], found.evaluation["fits"]) == ("run", [])


def test_a_configuration_is_trained_on_what_its_run_was(trained, series):
    found = zoo.backtest(trained.config, series, stride=1)
    assert maes(found.evaluation) == pytest.approx(maes(trained.metrics))
    (fit,) = found.evaluation["fits"]
    assert fit["train_rows"] == 168
    assert fit["epochs"] == 2


def test_what_is_trained_anew_validates_on_as_many_rows_as_were_counted(trained, series):
    data = trained.config.data.model_copy(update={"split_last": (20, 30)})
    config = trained.config.model_copy(update={"data": data})
    found = zoo.backtest(config, series, refit=True, origins=2)
    assert found.evaluation["first_origin"] == str(series["time"][ROWS - 7])
    assert [fit["train_rows"] for fit in found.evaluation["fits"]] == [ROWS - 6 - 20, ROWS - 3 - 20]


def test_a_bundle_has_the_errors_of_its_run(trained, exported, series):
    found = zoo.backtest(exported, series, stride=1)
    assert maes(found.evaluation)["network"] == pytest.approx(maes(trained.metrics)["network"], rel=1e-5)
    assert maes(found.evaluation)["last value"] == pytest.approx(maes(trained.metrics)["last value"])
    assert found.evaluation["first_origin"] == "2024-01-09 11:00:00"
    assert zoo.backtest(exported.folder, series).evaluation["origins"] == 12


def test_the_ridge_of_a_network_as_it_is_has_the_scale_of_its_windows(series, tmp_path):
    asked = {"target": ["load", "temperature"], "normalize_window": "instance", "channels": "shared"}
    asked |= {"window": 8, "horizon": 3, "epochs": 1, "hyperparameters": {"units": 2}}
    run = zoo.train("basic", series, runs=tmp_path / "runs", **asked)
    ridge = run.metrics["baselines"]["ridge"]
    for subject in (run, run.export(exported=tmp_path / "exported")):
        found = zoo.backtest(subject, series, stride=1).evaluation["baselines"]["ridge"]
        for name in asked["target"]:
            assert found["targets"][name] == pytest.approx(ridge["targets"][name])


def test_a_bundle_whose_network_nobody_knows_is_told(exported, series, tmp_path):
    shutil.copytree(exported.folder.parent, tmp_path / "tiny")
    folder = tmp_path / "tiny" / "1"
    Manifest.read(folder).model_copy(update={"network": {"normalize_window": "median"}}).write(folder)
    with pytest.raises(BundleError, match="its manifest's network is not one that this lstm-zoo knows"):
        zoo.backtest(folder, series)


def test_all_forecasts_are_there_with_the_truth_beside_them(trained, series):
    found = zoo.backtest(trained, series)
    frame = found.forecasts
    told = [f"load {name}" for name in ("actual", "last value", "seasonal naive", "ridge")]
    assert list(frame.columns) == ["time", "origin", "step", "load", *told]
    assert len(frame) == 12 * 3
    assert frame["time"].tolist() == series["time"][TEST:].tolist()
    np.testing.assert_allclose(frame["load actual"], series["load"][TEST:])
    np.testing.assert_allclose(frame["load last value"], series["load"][TEST - 1 : -1 : 3].repeat(3))
    np.testing.assert_allclose(frame["load seasonal naive"], series["load"][TEST - 24 : -24])
    window = series[["load", "temperature"]].to_numpy()[TEST - 8 : TEST]
    np.testing.assert_allclose(frame["load"][:3], trained.predict(window)[0, :, 0], rtol=1e-6)
    errors = (frame["load"] - frame["load actual"]).abs()
    np.testing.assert_allclose(found.by_origin["load network"], errors.groupby(frame["origin"]).mean())
    assert found.evaluation["network"]["targets"]["load"]["mae"] == pytest.approx(errors.mean())


@pytest.mark.full
def test_a_refit_sees_no_row_behind_its_origin(trained, series):
    """With other values behind the second of three trainings' origins, all that came before stays as it is."""
    before = zoo.backtest(trained.config, series, refit_every=4)
    changed = series.copy()
    second = TEST + 4 * 3  # the first row behind the second training's origin
    changed.loc[second:, ["load", "temperature"]] = np.random.default_rng(5).normal(0, 1e3, (ROWS - second, 2))
    after = zoo.backtest(trained.config, changed, refit_every=4)
    forecast = [name for name in before.forecasts if name not in ("load actual",)]
    known = before.forecasts["origin"] <= series["time"][second - 1]
    assert known.sum() == 5 * 3
    pd.testing.assert_frame_equal(
        before.forecasts.loc[known, forecast], after.forecasts.loc[known, forecast], rtol=0, atol=0
    )
    assert not np.allclose(before.forecasts.loc[~known, "load"], after.forecasts.loc[~known, "load"])
    fits = before.evaluation["fits"]
    assert [fit["origins"] for fit in fits] == [4, 4, 4]
    assert [fit["train_rows"] for fit in fits] == [168, 178, 188]
    assert before.evaluation["refit_every"] == 4
    inside = series.copy()
    inside.loc[second - 60, "load"] += 30
    other = zoo.backtest(trained.config, inside, refit_every=4, origins=8)
    assert other.evaluation["fits"][0]["origin"] == fits[1]["origin"]
    assert not np.allclose(other.forecasts["load"], before.forecasts["load"][12:])


def test_workers_give_the_same_and_are_given_the_table_once(trained, series, inline_workers):
    settings: dict[str, Any] = {"refit": True, "origins": 2, "train_rows": 60}
    here, there = [], []
    expected = zoo.backtest(trained, series, **settings, on_block=lambda *done: here.append(done))
    with inline_workers() as workers:  # one at a time, as Keras is this process's own
        share, files = workers.share, []
        workers.share = lambda path: files.append(path) or share(path)
        found = zoo.backtest(trained, series, **settings, executor=workers, on_block=lambda *done: there.append(done))
    pd.testing.assert_frame_equal(expected.forecasts, found.forecasts, rtol=0, atol=0)
    assert len(files) == 1
    assert here == there == [(0, 2), (1, 2), (2, 2)]
    assert [fit["train_rows"] for fit in expected.evaluation["fits"]] == [49, 49]


def test_a_training_that_is_lost_for_good_is_named(trained, series):
    class Lost(Executor):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_exception(WorkerLostError("its worker process ended 3 times"))
            return future

    with pytest.raises(WorkerLostError, match="the training at origin 2024-01-09 11:00:00: its worker process ended 3"):
        zoo.backtest(trained, series, refit_every=99, executor=Lost())


def test_workers_that_do_not_suit_are_told_before_anything_is_read(trained, exported, series, tmp_path):
    with ThreadPoolExecutor(1) as executor, pytest.raises(ConfigError, match="so that jobs, threads cannot be given"):
        zoo.backtest(tmp_path / "none", executor=executor, jobs=2, threads=1)
    with pytest.raises(ConfigError, match="`backend='dask'` needs the scheduler's `address`"):
        zoo.backtest(tmp_path / "none", backend="dask")
    with pytest.raises(ConfigError, match="`jobs`: expected 1 or more, found 0"):
        zoo.backtest(tmp_path / "none", jobs=0)
    for subject in (trained, exported):
        with pytest.raises(ConfigError, match="`jobs` is for trainings, but this network stays as it is; add `refit`"):
            zoo.backtest(subject, series, jobs=2)


def test_only_a_bundle_that_is_loaded_can_be_asked_for_its_signature(trained, exported):
    for subject in (trained, trained.config, exported):
        with pytest.raises(ConfigError, match="`require_signature` is for a bundle that is loaded"):
            zoo.backtest(subject, require_signature=["ours.pub"])


def test_windows_are_filled_from_earlier_rows_alone(trained, series):
    """A run whose own way is to interpolate meets a hole at an origin's last row."""
    config = trained.config.model_copy(
        update={"data": trained.config.data.model_copy(update={"missing": "interpolate"})}
    )
    holed = series.copy()
    holed.loc[TEST - 1, "load"] = np.nan
    first = zoo.backtest(config, holed, origins=None).forecasts
    holed.loc[TEST:, "load"] += 500.0
    other = zoo.backtest(config, holed).forecasts
    assert first["load"][0] == other["load"][0]
    assert first["load last value"][0] == series["load"][TEST - 2]


def test_a_missing_truth_is_in_no_error(trained, series):
    holed = series.copy()
    holed.loc[TEST + 4, "load"] = np.nan
    found = zoo.backtest(trained.config, holed, missing="ffill")
    assert (found.evaluation["windows"], found.evaluation["left_out"]) == (11, 1)
    assert np.isnan(found.by_origin["load network"][1])
    assert np.isfinite(found.by_origin["load network"]).sum() == 11
    assert "behind every origin" not in found.verdict


def test_series_have_their_own_errors(series):
    both = pd.concat([series.assign(site="x"), series.assign(site="y", load=series["load"] * 2)], ignore_index=True)
    settings = {"target": "load", "series": "site", "window": 8, "horizon": 3, "epochs": 1}
    from zoo.api import plan

    config, _ = plan("basic", both, hyperparameters={"units": 2}, **settings)
    found = zoo.backtest(config, both)
    assert list(found.evaluation["by_series"]) == ["x", "y"]
    assert {own["windows"] for own in found.evaluation["by_series"].values()} == {12}
    assert found.evaluation["origins"] == 12
    assert found.evaluation["windows"] == 24
    assert list(found.by_origin.columns[:2]) == ["origin", "site"]
    assert found.forecasts["site"].unique().tolist() == ["x", "y"]
    scaled = found.by_origin.groupby("site")["scaled MAE network"].mean()
    assert found.evaluation["by_series"]["y"]["scaled_mae"]["network"] == pytest.approx(scaled["y"])
    load = series["load"].to_numpy()[: found.evaluation["fits"][0]["train_rows"] // 2]
    errors = found.by_origin[found.by_origin["site"] == "y"]["load network"].mean()
    mase = errors / (2 * np.abs(load[24:] - load[:-24]).mean())
    assert found.evaluation["by_series"]["y"]["mase"]["network"] == pytest.approx(mase)
    assert found.verdict.startswith("By the mean MASE of the 2 series over all origins the network ")


def test_a_season_that_one_series_is_too_short_for_is_there_for_the_other(series, tmp_path):
    from zoo.api import plan

    late = series[160:].assign(site="late")
    both = pd.concat([series.assign(site="x"), late], ignore_index=True)
    settings = {"target": "load", "series": "site", "window": 8, "horizon": 3, "epochs": 1}
    config, _ = plan("linear", both, **settings)
    found = zoo.backtest(config, both, season=100)
    measured = found.evaluation
    assert measured["skipped"] == {}
    assert measured["series"]["partly"] == {
        "seasonal naive": "1 series ('late'), as the season is longer than what stands before the first origin"
    }
    assert measured["baselines"]["seasonal naive"]["series"]["count"] == 1
    assert measured["windows"] == 12 + 4
    assert measured["by_series"]["late"]["scaled_mae"]["seasonal naive"] is None
    seasonal = found.forecasts.set_index("site")["load seasonal naive"]
    assert seasonal["late"].isna().all()
    np.testing.assert_allclose(seasonal["x"], series["load"][104:140])
    assert (found.save(tmp_path) / "report.html").is_file()


def test_quantiles_and_regression(series):
    from zoo.api import plan

    asked: dict[str, Any] = {"hyperparameters": {"units": 2}, "target": "load", "window": 8, "epochs": 1}
    config, _ = plan("basic", series, **asked, horizon=2, quantiles=(0.1, 0.5, 0.9))
    found = zoo.backtest(config, series, origins=5)
    assert found.evaluation["quantiles"]["levels"] == [0.1, 0.5, 0.9]
    assert (found.forecasts["load 0.1"] <= found.forecasts["load 0.9"]).all()
    np.testing.assert_array_equal(found.forecasts["load"], found.forecasts["load 0.5"])
    config, _ = plan("basic", series, **asked, task="regress", features="temperature")
    found = zoo.backtest(config, series, stride=4)
    assert list(found.evaluation["baselines"]) == ["train mean", "ridge"]
    assert found.forecasts["time"].tolist() == series["time"][TEST::4].tolist()
    assert len(set(found.forecasts["load train mean"])) == 1


def test_nothing_flatters_a_network_by_rows_that_it_was_trained_on(trained, exported, series):
    for subject in (trained, exported):
        with pytest.raises(ConfigError, match="`start` 2024-01-08: this network was trained on rows before row 205"):
            zoo.backtest(subject, series, start="2024-01-08")
        later = zoo.backtest(subject, series, start="2024-01-10 00:00")
        assert later.evaluation["first_origin"] == "2024-01-09 23:00:00"
    assert zoo.backtest(trained, series, start="2024-01-09", refit_every=20).evaluation["origins"] == 16
    longer = pd.concat([series.iloc[:-1], series.iloc[-1:].assign(load=77.0)])  # another table
    for subject in (trained, exported):
        found = zoo.backtest(subject, longer)
        assert found.evaluation["first_origin"] == "2024-01-01 08:00:00"
        assert "nothing tells which of these rows the network was trained on" in found.evaluation["remarks"][0]
        assert "ridge" in found.evaluation["skipped"]
        assert not zoo.backtest(subject, longer, start="2024-01-09 12:00").evaluation["remarks"]


def test_a_bundle_is_fitted_anew_by_its_run(trained, exported, series):
    found = zoo.backtest(exported, series, refit=True, origins=1, runs=trained.folder.parent)
    assert len(found.evaluation["fits"]) == 1
    with pytest.raises(ConfigError, match=f"a bundle does not hold what trains it anew, expected its run {trained.id}"):
        zoo.backtest(exported, series, refit=True, runs="elsewhere")


def test_a_saved_backtest_is_whole(trained, series, tmp_path):
    found = zoo.backtest(trained, series)
    folder = found.save(tmp_path / "backtests")
    files = {"backtest.json", "forecasts.parquet", "origins.parquet", "report.html"}
    assert {path.name for path in folder.iterdir()} == files
    assert [path.name for path in (tmp_path / "backtests").iterdir()] == [folder.name]
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "forecasts.parquet"), found.forecasts)
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "origins.parquet"), found.by_origin)
    record = json.loads((folder / "backtest.json").read_text(encoding="utf-8"))
    assert record["network"] == found.evaluation["network"]
    assert record["fingerprint"] == trained.record.data.fingerprint
    assert found.save(tmp_path / "backtests") != folder


def test_nothing_half_written_stays(trained, series, tmp_path, monkeypatch):
    found = zoo.backtest(trained, series)

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(found.forecasts), "to_parquet", fail)
    with pytest.raises(OSError, match="No space left"):
        found.save(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"stride": 0}, "setting 'stride': expected greater than or equal to 1, found 0"),
        ({"refit_every": 0}, "setting 'refit_every': expected greater than or equal to 1, found 0"),
        ({"train_rows": 50}, "`train_rows` is for a training, but this network stays as it is; add `refit`"),
        ({"sort": True}, "`sort` says how a bundle's table is read"),
        ({"start": "2024-01-10 23:00"}, "no origin has a whole window before it and 3 known rows"),
    ],
)
def test_settings_that_make_no_backtest(trained, series, settings, sentence):
    with pytest.raises((ConfigError, DataError), match=sentence):
        zoo.backtest(trained, series, **settings)


def test_a_bundle_needs_the_true_values(series, tmp_path):
    asked: dict[str, Any] = {"task": "regress", "target": "load", "features": "temperature", "window": 4, "epochs": 1}
    run = zoo.train("basic", series, hyperparameters={"units": 2}, runs=tmp_path / "runs", **asked)
    bundle = run.export(tmp_path / "exported")
    with pytest.raises(DataError, match="expected the target 'load', found no such column; errors need the true"):
        zoo.backtest(bundle, series.drop(columns="load"))
    found = zoo.backtest(bundle, series)
    assert maes(found.evaluation)["network"] == pytest.approx(maes(run.metrics)["network"], rel=1e-5)
    assert maes(found.evaluation)["train mean"] == pytest.approx(maes(run.metrics)["train mean"])


def test_subjects_that_are_none(trained, exported, series, tmp_path):
    with pytest.raises(RunError, match="there are no runs"):
        zoo.backtest("latest", series, runs=tmp_path)
    with pytest.raises(ConfigError, match="a bundle has no table of its own; give `data`"):
        zoo.backtest(exported)
    with pytest.raises(DataError, match="there is no column 'load'"):
        zoo.backtest(exported, series.drop(columns="load"))
    (tmp_path / "some.toml").write_text("[data]\nwindow = 8\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="it names no architecture"):
        zoo.backtest(tmp_path / "some.toml", series)
    classes = trained.config.model_copy(
        update={"data": trained.config.data.model_copy(update={"task": "classify", "horizon": 1})}
    )
    with pytest.raises(ConfigError, match="expected the task forecast or regress, found classify"):
        zoo.backtest(classes, series)
    begun = trained.config.model_copy(
        update={"training": trained.config.training.model_copy(update={"start_from": "latest"})}
    )
    with pytest.raises(ConfigError, match="`start_from` latest: its weights may have seen rows behind an origin"):
        zoo.backtest(begun, series)
