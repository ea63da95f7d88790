"""Cross-validation: what is measured, told and refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from zoo.settings.resolve import resolve
from zoo.training.preparation import prepare_run, read_data
from zoo.training.trainer import fit
from zoo.tuning.cross_validation import CrossValidated, cross_validate
from zoo.tuning.folds import time_folds
from zoo_registry import discover
from zoo_registry.errors import ConfigError


def values(result: CrossValidated) -> list[Any]:
    return [(fold.number, fold.error, fold.mae, fold.scaled_mae, fold.epochs) for fold in result.folds]


@pytest.fixture(scope="module")
def study(make_config):
    """A configuration, its table and two folds."""
    config, random, steps = make_config(), np.random.default_rng(0), np.arange(240)
    table = read_data(
        config.data,
        pd.DataFrame(
            {
                "time": pd.date_range("2024-01-01", periods=240, freq="h"),
                "load": 100 + 10 * np.sin(steps / 4) + random.normal(0, 0.5, 240),
                "temperature": 20 + 3 * np.cos(steps / 4),
            }
        ),
    )
    return config, table, time_folds(config, table, folds=2)


@pytest.fixture(scope="module")
def validated(study):
    epochs, folds = [], []
    config, table, cut = study
    result = cross_validate(config, table, cut, on_epoch=lambda *told: epochs.append(told), on_fold=folds.append)
    return result, epochs, folds


def test_the_error_is_that_of_a_training_on_the_folds_rows(study, validated):
    config, table, folds = study
    architecture = discover().catalogue["basic"].item
    for fold, found in zip(folds, validated[0].folds, strict=True):
        prepared = prepare_run(config, table, splits=fold)
        model = fit(architecture, architecture.configure({"units": 4}), prepared, config.training).model
        test, load = prepared.parts["test"], table.values[:, 0]
        scaled = model.predict(test.inputs(), verbose=0).astype(np.float64)
        forecast = prepared.preprocessor.inverse_transform_targets(scaled)[..., 0]
        mae = np.abs(forecast - load[test.target_rows()]).mean()
        assert found.mae == pytest.approx({"load": mae}, rel=1e-5)
        assert found.error == found.mae["load"]
        train = fold[""].train
        assert found.scaled_mae == pytest.approx(mae / load[train.start : train.stop].std(), rel=1e-5)
        assert (found.windows, found.train_windows) == (len(test), len(prepared.parts["train"]))


def test_mean_and_spread_are_over_the_folds(validated):
    result = validated[0]
    errors = [fold.error for fold in result.folds]
    assert result.measure == "MAE"
    assert result.error == pytest.approx(np.mean(errors))
    assert result.spread == pytest.approx(np.std(errors, ddof=1))
    assert CrossValidated("MAE", result.folds[:1]).spread == 0.0
    plain = result.plain()
    assert plain["error"] == result.error
    assert [fold["number"] for fold in plain["folds"]] == [1, 2]
    assert plain["epochs"] == 4


def test_every_epoch_and_fold_is_told(validated):
    result, epochs, folds = validated
    assert [(fold, epoch) for fold, epoch, _ in epochs] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert tuple(folds) == result.folds


def test_the_validation_error_does_not_hang_on_loss_and_unit(study, make_config, series):
    """Of a network that always forecasts the train mean, whatever it is trained with."""
    told: dict[str, float] = {}
    for loss, scaler in (("mae", "standard"), ("mse", "none"), ("huber", "standard")):
        config = make_config(loss=loss, scaler=scaler, epochs=1, learning_rate=1e-9, features="temperature")
        cross_validate(
            config, series, time_folds(config, series)[:1], on_epoch=lambda *t, name=loss: told.update({name: t[2]})
        )
    assert told["mae"] == pytest.approx(told["huber"], rel=1e-4)
    assert told["mse"] > 5  # it forecasts about 0 where the loads are about 100 with a deviation of 7


def test_an_exception_of_the_callers_ends_it(study):
    class Pruned(Exception):  # noqa: N818
        pass

    def prune(fold: int, epoch: int, error: float) -> None:
        if (fold, epoch) == (2, 1):
            raise Pruned

    folds: list[Any] = []
    with pytest.raises(Pruned):
        cross_validate(*study, on_epoch=prune, on_fold=folds.append)
    assert [fold.number for fold in folds] == [1]


def test_workers_give_the_same(study, validated, inline_workers):
    told: list[Any] = []
    with inline_workers() as workers:
        found = cross_validate(*study, executor=workers, on_fold=told.append)
        with pytest.raises(ConfigError, match="epochs are not told from an executor's workers"):
            cross_validate(*study, executor=workers, on_epoch=lambda *told: None)
    assert values(found) == values(validated[0])
    assert tuple(told) == found.folds


def test_several_targets_are_averaged_in_their_deviations(make_config, series):
    config = make_config(target=("load", "temperature"), epochs=1)
    found = cross_validate(config, series, time_folds(config, series)[:1])
    fold = found.folds[0]
    assert found.measure == "scaled MAE"
    assert found.error == fold.scaled_mae == found.scaled_mae
    deviations = series.iloc[: time_folds(config, series)[0][""].train.stop].std(ddof=0, numeric_only=True)
    expected = np.mean([fold.mae[name] / deviations[name] for name in ("load", "temperature")])
    assert fold.error == pytest.approx(expected)
    assert found.mae == fold.mae


@pytest.fixture
def panel():
    """Three series of 160 hours whose sizes differ a thousandfold, and one that is constant."""
    random, steps, frames = np.random.default_rng(0), np.arange(160), []
    for name, size in (("small", 1.0), ("middle", 30.0), ("huge", 1000.0), ("flat", 0.0)):
        load = 5 + size * (10 + np.sin(steps * np.pi / 12) + random.normal(0, 0.1, len(steps)))
        times = pd.date_range("2024-01-01", periods=len(steps), freq="h")
        frames.append(pd.DataFrame({"name": name, "time": times, "load": load}))
    return pd.concat(frames, ignore_index=True)


def test_several_series_are_judged_by_their_mean_mase(make_config, panel):
    config = make_config(series="name", time="time", season=24, normalize_window="instance", epochs=1)
    table = read_data(config.data, panel)
    (fold, *_) = folds = time_folds(config, table, folds=2)
    told: list[Any] = []
    found = cross_validate(config, table, folds[:1], on_epoch=lambda *t: told.append(t))

    architecture = discover().catalogue["basic"].item
    prepared = prepare_run(config, table, splits=fold)
    model = fit(architecture, architecture.configure({"units": 4}), prepared, config.training).model
    load, expected = table.values[:, 0], {}
    for part in ("validation", "test"):
        windows, mases = prepared.parts[part], {}
        scaled = model.predict(windows.inputs(), verbose=0).astype(np.float64)
        forecast = prepared.preprocessor.inverse_transform_targets(scaled)[..., 0]
        errors = np.abs(forecast - load[windows.target_rows()]).mean(axis=1)
        for name, rows in table.series.items():
            own = np.isin(windows.target_rows()[:, 0], rows)
            train = load[fold[name].train.start : fold[name].train.stop]
            if (change := np.abs(train[24:] - train[:-24]).mean()) > 0:
                mases[name] = errors[own].mean() / change
        assert sorted(mases) == ["huge", "middle", "small"], "the flat one changes by nothing"
        expected[part] = pytest.approx(np.mean([*mases.values()]), rel=1e-4)
    assert found.measure == "mean MASE"
    assert found.error == found.mase == found.folds[0].mase == found.plain()["mase"] == expected["test"]
    assert found.mae == found.folds[0].mae == pytest.approx({"load": errors.mean()}, rel=1e-4)
    assert told == [(1, 1, expected["validation"])]

    pooled = cross_validate(config, table, folds[:1], by_series=False)  # as older studies were
    assert (pooled.measure, pooled.error, pooled.mase) == ("MAE", found.mae["load"], found.mase)


def test_series_of_which_none_has_a_mase_are_judged_by_their_mae(make_config, panel):
    config = make_config(series="name", time="time", season=24, normalize_window="none", epochs=1)
    panel["load"] = panel.groupby("name")["load"].transform("first")
    found = cross_validate(config, panel, time_folds(config, panel, folds=2))
    assert (found.measure, found.mase) == ("MAE", None)
    assert found.error == pytest.approx(found.mae["load"])


def test_quantiles_are_measured_by_the_middle_one(make_config, series):
    config = make_config(quantiles=(0.1, 0.5, 0.9), epochs=1)
    assert cross_validate(config, series, time_folds(config, series)[:1]).folds[0].error > 0


def task_config(task: str, **settings: Any) -> Any:
    basic = discover().catalogue["basic"].item
    return resolve(
        "basic", basic, {"units": 2}, {"task": task, "source": "DataFrame", "window": 8, "epochs": 1} | settings
    )


def test_classes_are_measured_by_log_loss(series):
    series["state"] = np.where(series["load"] > 100, "high", "low")
    config = task_config("classify", target="state")
    told: list[Any] = []
    found = cross_validate(config, series, time_folds(config, series)[:1], on_epoch=lambda *t: told.append(t))
    assert found.measure == "log loss"
    assert 0 < found.error < 3
    assert found.mae == {}
    assert found.scaled_mae is None
    assert len(told) == 1


def test_anomalies_need_labels(series):
    series["odd"] = (np.arange(len(series)) % 17 == 0).astype(int)
    config = task_config("anomaly", label="odd", features=("load", "temperature"))
    found = cross_validate(config, series, time_folds(config, series)[:1])
    assert found.measure == "1 - average precision"
    assert 0 <= found.error <= 1
    config = task_config("anomaly", features=("load", "temperature"))
    with pytest.raises(ConfigError, match="nothing tells which configuration is better; give `label`"):
        cross_validate(config, series, time_folds(config, series)[:1])


def test_what_may_know_the_folds_is_refused(make_config, study):
    _, table, folds = study
    with pytest.raises(ConfigError, match="`start_from` latest: its weights may have seen a fold's test rows"):
        cross_validate(make_config(start_from="latest"), table, folds)
    with pytest.raises(ConfigError, match="expected folds, found none"):
        cross_validate(make_config(), table, [])
