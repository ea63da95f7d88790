"""A network beside the baselines, in numbers and in words."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from zoo.evaluation.evaluation import evaluate
from zoo.preprocessing.prepared import Prepared
from zoo.settings.schema import DataConfig
from zoo.training.preparation import prepare
from zoo_registry.errors import DataError


@pytest.fixture
def prepared(series: pd.DataFrame) -> Prepared:
    config = DataConfig(target=["load", "temperature"], features=["temperature", "load"], window=8, horizon=3)
    return prepare(config, series)


def truth_of(prepared: Prepared) -> np.ndarray:
    return prepared.history[prepared.parts["test"].target_rows()]


def run(prepared: Prepared, forecast: np.ndarray, season: int | None = 24, *, past: bool = True) -> dict[str, Any]:
    return evaluate(
        [forecast[:5], forecast[5:]],
        replace(prepared, problem=prepared.problem.model_copy(update={"season": season})),
        past=past,
    )


def test_every_forecast_is_measured_on_the_same_test_windows(prepared: Prepared, series: pd.DataFrame):
    test = prepared.parts["test"]
    truth = truth_of(prepared)
    found = run(prepared, truth + np.array([2.0, -0.5]))
    assert found["windows"] == len(test) == 36 - 3 + 1
    assert list(found["baselines"]) == ["last value", "seasonal naive", "ridge"]
    assert found["skipped"] == {}
    assert found["network"]["targets"]["load"]["mae"] == pytest.approx(2.0)
    assert found["network"]["targets"]["temperature"]["mae"] == pytest.approx(0.5)
    deviation = series[["load", "temperature"]].to_numpy()[:168].std(axis=0)
    assert found["network"]["scaled"]["mae"] == pytest.approx((2.0 / deviation[0] + 0.5 / deviation[1]) / 2)

    rows = prepared.history
    last = np.mean([np.abs(rows[o - 1] - rows[o : o + 3]).mean(axis=0) for o in test.origins()], axis=0)
    seasonal = np.mean([np.abs(rows[o - 24 : o - 21] - rows[o : o + 3]).mean(axis=0) for o in test.origins()], axis=0)
    for name, expected in (("last value", last), ("seasonal naive", seasonal)):
        found_errors = found["baselines"][name]["targets"]
        assert [found_errors[t]["mae"] for t in ("load", "temperature")] == pytest.approx(expected.tolist())
    for season, lag in ((24, 24), (None, 1)):  # without a season the change of one row is what MASE is measured by
        change = np.abs(rows[lag:168] - rows[: 168 - lag]).mean(axis=0)
        measured = run(prepared, truth + 1.0, season=season)
        assert measured["naive"] == pytest.approx(dict(zip(("load", "temperature"), change.tolist(), strict=True)))
        assert measured["baselines"]["last value"]["targets"]["load"]["mase"] == pytest.approx(last[0] / change[0])
    assert found["verdict"].startswith("On the test split's MAE the network ")


def test_a_perfect_forecast_beats_all_three(prepared: Prepared):
    words = "beats last value by 100.0%, seasonal naive by 100.0%, ridge by 100.0%."
    assert run(prepared, truth_of(prepared))["verdict"] == f"On the test split's MAE the network {words}"


def test_the_season_may_be_unknown_or_too_long(prepared: Prepared):
    forecast = truth_of(prepared)
    unknown = run(prepared, forecast, season=None)
    assert unknown["skipped"] == {"seasonal naive": "no season is known; give one with `season`"}
    assert list(unknown["baselines"]) == ["last value", "ridge"]
    first = int(prepared.parts["test"].origins()[0])
    assert run(prepared, forecast, season=first)["skipped"] == {}
    assert run(prepared, forecast, season=first + 1)["skipped"] == {
        "seasonal naive": f"the season of {first + 1} rows is longer than the {first} rows before the test part"
    }


def test_a_series_that_repeats_exactly_is_no_division_by_zero():
    frame = pd.DataFrame({"y": np.tile([1.0, 2.0, 4.0, 3.0], 60)})
    prepared = prepare(DataConfig(target="y", window=8, horizon=4), frame)
    found = run(prepared, truth_of(prepared) + 1.0, season=4)
    assert found["network"]["targets"]["y"]["mase"] is None
    assert "loses to seasonal naive (which makes no error)" in found["verdict"]


def test_windows_without_a_whole_truth_are_left_out(series: pd.DataFrame):
    config = DataConfig(target="load", window=8, horizon=3, missing="interpolate")
    gap = slice(220, 224)  # inside the test part, which begins at row 204
    series.loc[series.index[gap], "load"] = np.nan
    prepared = prepare(config, series)
    forecast = truth_of(prepared)
    touched = np.isin(prepared.parts["test"].origins(), np.arange(gap.start - 2, gap.stop))
    forecast[touched] += 1000.0  # errors there must not count
    found = run(prepared, forecast)
    assert (found["windows"], found["left_out"]) == (34 - touched.sum(), touched.sum()) == (28, 6)
    assert found["network"]["scaled"]["mae"] == 0.0

    series.loc[series.index[204:], "load"] = np.nan
    prepared = prepare(config, series)
    with pytest.raises(DataError, match="every test window has a missing target"):
        run(prepared, truth_of(prepared))


# ---------------------------------------------------------------------------------------------------------------------
# Tasks, gaps, and windows that are left out


def mae(found: dict[str, Any], baseline: str, target: str = "load") -> float:
    return float(found["baselines"][baseline]["targets"][target]["mae"])


def test_a_regression_is_measured_beside_the_train_mean_and_ridge_and_no_past_of_its_target(series: pd.DataFrame):
    series["load"] = 3 * series["temperature"] + 7  # told by the window's last row alone
    prepared = prepare(DataConfig(task="regress", target="load", window=8, horizon=1), series)
    found = run(prepared, truth_of(prepared), past=False)
    assert list(found["baselines"]) == ["train mean", "ridge"]
    assert found["skipped"] == {}
    load = series["load"].to_numpy()
    assert mae(found, "train mean") == pytest.approx(np.abs(load[204:] - load[:168].mean()).mean())
    assert mae(found, "ridge") < 0.05 * mae(found, "train mean")
    assert found["verdict"].endswith("beats train mean by 100.0%, ridge by 100.0%.")


def test_the_train_mean_is_that_of_the_known_targets_of_all_series(series: pd.DataFrame):
    other = series[:120].assign(load=series["load"] * 2, site="b")
    frame = pd.concat([series.assign(site="a"), other], ignore_index=True)
    frame.loc[list(range(20, 60)), "load"] = np.nan
    config = DataConfig(task="regress", target="load", window=8, horizon=1, series="site", missing="drop")
    prepared = prepare(config, frame)
    truth = truth_of(prepared)[:, 0, 0]
    known = np.concatenate([frame["load"][:20], frame["load"][60:168], frame["load"][240:324]])
    found = run(prepared, truth[:, None, None], past=False)
    assert mae(found, "train mean") == pytest.approx(np.abs(truth - known.mean()).mean())


@pytest.mark.parametrize("gap", [0, 1, 5])
def test_a_gap_moves_the_row_of_the_last_value(series: pd.DataFrame, gap: int):
    prepared = prepare(DataConfig(target="load", window=8, horizon=3, gap=gap), series)
    load = series["load"].to_numpy()
    origins = range(204, 238)
    assert prepared.parts["test"].origins().tolist() == list(origins)
    last = [abs(load[origin - 1 - gap] - load[origin + step]) for origin in origins for step in range(3)]
    assert mae(run(prepared, truth_of(prepared)), "last value") == pytest.approx(np.mean(last))


@pytest.mark.parametrize(("gap", "season"), [(0, 4), (2, 4), (5, 4), (9, 24), (3, 1)])
def test_seasonal_naive_knows_nothing_of_the_gap(series: pd.DataFrame, gap: int, season: int):
    prepared = prepare(DataConfig(target="load", window=8, horizon=6, gap=gap), series)
    load, errors = series["load"].to_numpy(), []
    for origin in range(204, 235):
        for row in range(origin, origin + 6):
            known = max(back for back in range(row % season, row, season) if back < origin - gap)
            errors.append(abs(load[known] - load[row]))
    assert mae(run(prepared, truth_of(prepared), season=season), "seasonal naive") == pytest.approx(np.mean(errors))


def test_dropped_rows_leave_out_windows_everywhere(series: pd.DataFrame):
    load = series["load"].to_numpy()
    series.loc[215, "load"] = np.nan  # read by windows that end in rows 215 to 222, and asked of by three more
    series.loc[208, "temperature"] = np.nan
    config = DataConfig(target="load", features=("load", "temperature"), window=4, horizon=3, missing="drop")
    prepared = prepare(config, series)
    origins = [row for row in range(204, 238) if not (209 <= row <= 212 or 216 <= row <= 219 or 213 <= row <= 215)]
    assert prepared.parts["test"].origins().tolist() == origins
    found = run(prepared, truth_of(prepared))
    assert (found["windows"], found["left_out"]) == (len(origins), 0)
    last = [abs(load[origin - 1] - load[origin + step]) for origin in origins for step in range(3)]
    assert mae(found, "last value") == pytest.approx(np.mean(last))


def test_the_last_value_is_the_last_that_is_known(series: pd.DataFrame):
    load = series["load"].to_numpy(copy=True)
    series.loc[[209, 210], "load"] = np.nan  # no feature, so that windows may end there
    config = DataConfig(target="load", features=("temperature",), window=4, horizon=1, missing="drop")
    prepared = prepare(config, series)
    origins = [row for row in range(204, 240) if row not in (209, 210)]
    assert prepared.parts["test"].origins().tolist() == origins
    last = [abs(load[208 if origin == 211 else origin - 1] - load[origin]) for origin in origins]
    assert mae(run(prepared, truth_of(prepared)), "last value") == pytest.approx(np.mean(last))
