"""Errors series by series, against the same computed with pandas, series by series."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from zoo.evaluation.evaluation import evaluate
from zoo.evaluation.headline import FORECAST_MEASURES, SERIES_MEASURES, forecast_measures, headline
from zoo.evaluation.measurement import Measurement
from zoo.evaluation.metrics import seasonal_changes
from zoo.evaluation.series_errors import SeriesErrors, named
from zoo.preprocessing.prepared import Prepared
from zoo.settings.schema import DataConfig
from zoo.training.preparation import check_season, prepare, read_data
from zoo_registry.errors import ConfigError

SEASON, HORIZON = 6, 3
LENGTHS = {"a": 80, "b": 120, "big": 100, "flat": 90}


def make_panel(lengths: dict[str, int] | None = None, seed: int = 0) -> pd.DataFrame:
    """Series of very different size, of which one never changes before its test part."""
    random, frames = np.random.default_rng(seed), []
    for number, (name, rows) in enumerate((lengths or LENGTHS).items()):
        steps = np.arange(rows)
        sales = 10.0**number * (5 + np.sin(steps * 2 * np.pi / SEASON) + random.normal(0, 0.3, rows))
        if name == "flat":
            sales[: round(rows * 0.85)] = 7.0
        frames.append(pd.DataFrame({"shop": name, "week": steps + 1, "sales": sales}))
    return pd.concat(frames, ignore_index=True)


def prepare_panel(frame: pd.DataFrame, **more: Any) -> Prepared:
    settings = {"target": "sales", "series": "shop", "time": "week", "window": 8, "horizon": HORIZON, "season": SEASON}
    return prepare(DataConfig.model_validate(settings | more), frame)


def truth_of(prepared: Prepared) -> np.ndarray:
    return prepared.history[prepared.parts["test"].target_rows()]


def noisy(prepared: Prepared, seed: int = 1) -> np.ndarray:
    truth = truth_of(prepared)
    return truth * np.random.default_rng(seed).uniform(0.9, 1.1, truth.shape)


def by_pandas(prepared: Prepared, frame: pd.DataFrame, forecast: np.ndarray) -> pd.DataFrame:
    """MASE and sMAPE of each series, of windows that lie at every row of its test part."""
    train = {name: len(split.train) for name, split in prepared.splits.items()}
    rows = frame.assign(place=frame.groupby("shop").cumcount())
    known = rows[rows["place"] < rows["shop"].map(train)]
    change = known.groupby("shop")["sales"].apply(lambda own: own.diff(SEASON).abs().mean())
    told = prepared.parts["test"].target_rows()
    long = pd.DataFrame({"row": told.ravel(), "forecast": forecast.ravel()})
    long = long.merge(rows, left_on="row", right_index=True)
    long["error"] = (long["forecast"] - long["sales"]).abs()
    long["symmetric"] = 200 * long["error"] / (long["forecast"].abs() + long["sales"].abs())
    means = long.groupby("shop")[["error", "symmetric"]].mean()
    return pd.DataFrame({"mase": means["error"] / change, "smape": means["symmetric"]}).replace(np.inf, np.nan)


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_mase_and_smape_are_those_of_pandas(batch: int):
    frame = make_panel()
    prepared = prepare_panel(frame)
    forecast = noisy(prepared)
    expected = by_pandas(prepared, frame, forecast)
    parts = [forecast[start : start + batch] for start in range(0, len(forecast), batch)]
    found = Measurement.of_forecasts(parts, prepared)
    table = found.tables["series"].set_index("series")
    np.testing.assert_allclose(table["MASE network"], expected["mase"].reindex(table.index))
    np.testing.assert_allclose(table["sMAPE network"], expected["smape"].reindex(table.index))
    assert table["train rows"].tolist() == [56, 84, 70, 63]
    own = found.evaluation["network"]
    assert own["series"]["mase"] == pytest.approx(expected["mase"].mean())
    assert own["series"]["smape"] == pytest.approx(expected["smape"].mean())
    assert own["targets"]["sales"]["mase"] == own["series"]["mase"]
    assert own["targets"]["sales"]["smape"] == own["series"]["smape"]


def test_a_series_that_never_changed_is_in_all_measures_but_mase():
    prepared = prepare_panel(make_panel())
    found = evaluate([noisy(prepared)], prepared)
    assert (found["series"]["count"], found["series"]["without_mase"], found["series"]["unmeasured"]) == (4, 1, 0)
    assert found["network"]["series"]["count"] == 4
    assert [one["series"] for one in found["series"]["worst"]] == sorted(
        ("a", "b", "big"),
        key=lambda name: -next(o["mase"]["network"] for o in found["series"]["worst"] if o["series"] == name),
    )
    assert found["verdict"].startswith("On the test split's mean MASE over 3 series the network beats last value by ")


def test_no_large_series_decides_alone():
    prepared = prepare_panel(make_panel({"a": 80, "b": 80, "c": 80, "d": 80}))
    truth, owners = truth_of(prepared), prepared.parts["test"].origins() // 80
    season = prepared.history[prepared.parts["test"].target_rows() - SEASON]
    forecast = np.where(
        (owners == 3)[:, None, None], truth + 2 * (season - truth), truth
    )  # twice the error in the largest
    found = evaluate([forecast], prepared)
    assert found["network"]["scaled"]["mae"] > 1.5 * found["baselines"]["seasonal naive"]["scaled"]["mae"]
    assert found["baselines"]["seasonal naive"]["series"]["beaten"] == 0.75
    assert "beats" in found["verdict"]
    assert "loses" not in found["verdict"]


def test_a_baseline_that_a_series_is_too_short_for_is_there_for_the_others():
    prepared = prepare_panel(make_panel({"short": 30, "b": 120, "c": 100}), season=27)
    truth = truth_of(prepared)
    measured = Measurement.of_forecasts([truth + 1.0], prepared)
    found = measured.evaluation
    counts = {name: own["series"]["count"] for name, own in found["baselines"].items()}
    assert counts == {"last value": 3, "seasonal naive": 2, "ridge": 3}
    assert found["skipped"] == {}
    assert found["series"]["partly"] == {
        "seasonal naive": "1 series ('short'), as the season of 27 rows is longer than what stands before the test part"
    }
    assert found["series"]["without_mase"] == 1  # no change over 27 rows in 21
    table = measured.tables["series"].set_index("series")
    assert np.isnan(table.loc["short", "sMAPE seasonal naive"])
    assert not np.isnan(table.loc["short", "sMAPE network"])
    own = found["baselines"]["seasonal naive"]["series"]
    assert own["network_mase"] == pytest.approx(table.loc[["b", "c"], "MASE network"].mean())
    numbers = prepared.parts["test"].origins() >= 30
    seasonal = prepared.history[prepared.parts["test"].target_rows()[numbers] - 27]
    expected = np.abs(seasonal - truth[numbers]).mean()
    assert found["baselines"]["seasonal naive"]["targets"]["sales"]["mae"] == pytest.approx(expected)


def test_a_series_whose_truths_are_all_missing_is_counted():
    frame = make_panel()
    frame.loc[(frame["shop"] == "b") & (frame["week"] > 102), "sales"] = np.nan
    prepared = prepare_panel(frame, missing="ffill")
    found = evaluate([truth_of(prepared)], prepared)
    assert (found["series"]["count"], found["series"]["unmeasured"]) == (3, 1)


def test_missing_train_values_are_no_change():
    frame = make_panel()
    frame.loc[frame["week"] % 7 == 0, "sales"] = np.nan
    frame.loc[frame["week"] > 50, "sales"] = make_panel().loc[frame["week"] > 50, "sales"]
    prepared = prepare_panel(frame, missing="interpolate")
    forecast = noisy(prepared)
    table = Measurement.of_forecasts([forecast], prepared).tables["series"].set_index("series")
    expected = by_pandas(prepared, frame, forecast)["mase"].reindex(table.index)
    np.testing.assert_allclose(table["MASE network"], expected)


def test_where_no_series_has_a_mase_the_scaled_mae_decides():
    frame = make_panel({"a": 80, "b": 80})
    frame.loc[frame["week"] <= 60, "sales"] = frame["shop"].map({"a": 1.0, "b": 2.0})
    prepared = prepare_panel(frame)
    found = evaluate([noisy(prepared)], prepared)
    assert found["network"]["series"]["mase"] is None
    assert forecast_measures(found) is FORECAST_MEASURES
    assert found["verdict"].startswith("On the test split's MAE the network ")
    assert found["series"]["worst"] == []


def test_the_targets_of_a_series_count_alike():
    series, targets, owners = ["x", "y"], ("p", "q"), np.array([0, 1, 1])
    errors = SeriesErrors(
        series, targets, changes=np.array([[1.0, 2.0], [0.0, 4.0]]), unit=np.ones(2), network="network"
    )
    truth = np.ones((3, 1, 2))
    errors.add("network", owners, truth, truth + np.array([1.0, 4.0]))
    assert errors.mase("network").tolist() == [(1 + 2) / 2, 1.0]  # of y the one target that changed
    assert errors.by_target("network")["p"]["mase"] == 1.0
    assert errors.by_target("network")["q"]["mase"] == 1.5


def test_one_series_in_a_column_of_series_is_one_series():
    frame = make_panel({"a": 80})
    found = evaluate([truth_of(prepared := prepare_panel(frame))], prepared)
    assert "series" not in found
    sales = frame["sales"].to_numpy()[:56]
    assert found["naive"]["sales"] == pytest.approx(np.abs(sales[SEASON:] - sales[:-SEASON]).mean())


def test_a_baseline_is_compared_on_the_series_that_it_is_for():
    evaluation = {
        "network": {"series": {"mase": 5.0}, "targets": {}},
        "baselines": {
            "last value": {"series": {"mase": 4.9, "network_mase": 5.0}},
            "seasonal naive": {"series": {"mase": 2.0, "network_mase": 1.0}},
            "ridge": {"series": {"mase": None, "network_mase": None}},
        },
    }
    measures = replace(SERIES_MEASURES, of=lambda measured, _: measured["series"])
    assert measures.rivals(evaluation) == {"last value": (5.0, 4.9), "seasonal naive": (1.0, 2.0)}
    assert headline(evaluation, measures) == ("mean MASE", 5.0, "last value", 4.9)


def test_series_are_named_up_to_three():
    assert named(["a", "b"], np.array([False, True])) == "1 series ('b')"
    assert named(list("abcdef"), np.ones(6, bool)) == "6 series ('a', 'b', 'c' and 3 more)"


def test_many_series_take_no_loop_over_them():
    count, rows, horizon = 20_000, 30, 4
    values = np.random.default_rng(0).normal(size=(count * rows, 1))
    starts = np.arange(count) * rows
    changes = seasonal_changes(values, np.stack([starts, starts + 20], axis=1), starts, 7)
    errors = SeriesErrors(list(map(str, starts)), ("y",), changes=changes, unit=np.ones(1), network="network")
    told = (starts + 20)[:, None] + np.arange(horizon)
    for part in np.split(np.arange(count), 40):
        errors.add("network", part, values[told[part]], values[told[part] - 7])
    own = values.reshape(count, rows)
    expected = np.abs(own[:, 20:24] - own[:, 13:17]).mean(axis=1) / np.abs(own[:, 7:20] - own[:, :13]).mean(axis=1)
    np.testing.assert_allclose(errors.mase("network"), expected)
    worst = errors.summary(count)["worst"]
    assert [int(one["series"]) // rows for one in worst] == np.argsort(-expected)[:10].tolist()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, "whole numbers as times"),
        ({"week": None}, "no times"),
    ],
)
def test_the_season_is_asked_for_where_nothing_tells_it(change: dict[str, Any], told: str):
    frame = make_panel()
    if "week" in change:
        frame = frame.drop(columns="week")
    settings = {"target": "sales", "series": "shop", "window": 8, "horizon": 3}
    config = DataConfig.model_validate(settings | ({} if change else {"time": "week"}))
    table = read_data(config, frame)
    with pytest.raises(ConfigError, match=rf"4 series with {told} do not .* give `season`, the rows in a season, 1"):
        check_season(config, table)
    for fine in (
        {"season": 1},
        {"task": "regress", "features": ("week",)} if not change else {"season": 2},
    ):
        check_season(config.model_copy(update=fine), table)
    dated = frame.assign(week=pd.Timestamp("2020-01-01") + pd.to_timedelta(frame.groupby("shop").cumcount(), unit="D"))
    config = DataConfig.model_validate(settings | {"time": "week"})
    check_season(config, read_data(config, dated))
    check_season(config, read_data(config, make_panel({"a": 80})))
