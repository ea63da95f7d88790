"""The last window of a table, and the labels of a forecast."""

from contextlib import nullcontext, suppress

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.last_window import LastWindows, filled_window, read_last_windows, without_silent
from zoo.data.readers.reading import Reading
from zoo.data.table import read_table
from zoo.inference.frames import UnknownTimesWarning, last_frame
from zoo.settings.schema import DataConfig
from zoo.tasks import find_task
from zoo_registry.errors import DataError

FEATURES = ["temperature", "load"]


def read_last_window(source, usual_time=None, **settings):
    return read_last_windows(source, reading=Reading(usual_time=usual_time), **settings)


def test_the_last_rows_in_the_order_of_the_features(series: pd.DataFrame):
    last = read_last_window(series, features=FEATURES, window=8)
    np.testing.assert_array_equal(last.values[0], series[FEATURES].to_numpy()[-8:])
    assert last.values.dtype == np.float64


def test_other_columns_do_not_matter(series: pd.DataFrame):
    frame = series.assign(note="x", empty=np.nan)
    np.testing.assert_array_equal(
        read_last_window(frame, features=FEATURES, window=8).values[0], series[FEATURES].to_numpy()[-8:]
    )


def test_exactly_a_window_of_rows(series: pd.DataFrame):
    assert read_last_window(series[:8], features=FEATURES, window=8).values.shape == (1, 8, 2)
    with pytest.raises(DataError, match=r"expected at least 8 rows \(the window\), found 7; give more rows"):
        read_last_window(series[:7], features=FEATURES, window=8)


def test_a_value_missing_before_the_window_does_not_matter(series: pd.DataFrame):
    series.loc[[0, 100], "load"] = np.nan
    for missing in (None, "error", "ffill", "interpolate"):
        last = read_last_window(series, features=FEATURES, window=8, missing=missing)
        np.testing.assert_array_equal(last.values[0], series[FEATURES].to_numpy()[-8:])


def test_a_value_missing_in_the_window_is_told_with_its_own_row(series: pd.DataFrame):
    series.loc[[0, 100, 238], "load"] = np.nan
    with pytest.raises(DataError, match=r"column 'load', row 239 \(2024-01-10 22:00:00\): the value is missing \(1 in"):
        read_last_window(series, features=FEATURES, window=8)


def test_only_ways_that_a_last_window_knows_are_offered_for_a_missing_value(series: pd.DataFrame):
    series.loc[238, "load"] = np.nan
    with pytest.raises(
        DataError, match=r"ask for `missing='interpolate'` or `missing='ffill'`, or fill them yourself$"
    ):
        read_last_window(series, features=FEATURES, window=8)
    with pytest.raises(
        DataError, match=r"interpolate'`, `missing='ffill'` or `missing='mask'`, or fill them yourself$"
    ):
        read_last_window(series, features=FEATURES, window=8, missing="error", masked=FEATURES)


@pytest.mark.parametrize(("missing", "filled"), [("ffill", 10.0), ("interpolate", 15.0)])
def test_a_missing_value_is_filled_on_demand(series: pd.DataFrame, missing: str, filled: float):
    series.loc[237:, "load"] = [10.0, np.nan, 20.0]
    assert read_last_window(series, features=["load"], window=2, missing=missing).values[0, 0, 0] == filled


def test_a_window_can_be_filled_from_the_row_before_it(series: pd.DataFrame):
    series.loc[238:, "load"] = np.nan
    last = read_last_window(series, features=["load"], window=2, missing="ffill")
    assert last.values[0, :, 0].tolist() == [series["load"][237]] * 2


def test_an_example_is_filled_in_its_own_way():
    last = read_last_window("example:co2", features=["co2"], window=2284)
    assert last.values.shape == (1, 2284, 1)
    assert not np.isnan(last.values).any()
    with pytest.raises(DataError, match=r"column 'co2', row \d+ .*: the value is missing \(59 in all\)"):
        read_last_window("example:co2", features=["co2"], window=2284, missing="error")


def test_a_forecast_is_labelled_with_the_times_after_the_last_row(labelled, series: pd.DataFrame):
    last = read_last_window(series, features=FEATURES, window=8)
    frame = labelled(last, np.array([[[1.0], [2.0], [3.0]]]), ["load"])
    assert frame.index.name == "time"
    assert frame.index.tolist() == pd.date_range("2024-01-11", periods=3, freq="h").tolist()
    assert frame["load"].tolist() == [1, 2, 3]


def test_the_times_come_from_the_usual_column(labelled, series: pd.DataFrame):
    frame = series.assign(made=pd.date_range("2020-01-01", periods=240, freq="D"))
    last = read_last_window(frame, features=FEATURES, window=8, usual_time="made")
    assert labelled(last, np.zeros((1, 1, 1)), ["load"]).index[0] == pd.Timestamp("2020-08-28")


@pytest.mark.parametrize("times", [None, pd.DatetimeIndex(["2024-01-01"])])
def test_without_a_step_the_forecast_is_labelled_by_steps(labelled, times: pd.DatetimeIndex | None):
    last = LastWindows(np.zeros((1, 1, 1)), times, np.array([0]), np.array([1]), [""])
    with nullcontext() if times is None else pytest.warns(UnknownTimesWarning, match="times to come cannot be known"):
        frame = labelled(last, np.array([[[1.0], [2.0]]]), ["y"])
    assert frame.index.name == "step"
    assert frame.index.tolist() == [1, 2]


@pytest.mark.parametrize("task", ["forecast", "classify"])
def test_the_table_of_several_series_is_those_of_each_one_below_the_other(task):
    config = DataConfig.model_validate({"task": task, "window": 2} | ({"horizon": 3} if task == "forecast" else {}))
    classes, levels = (("low", "high"), ()) if task == "classify" else ((), (0.1, 0.9))
    problem = find_task(task).state(config, ("load", "wind"), ("load",), classes, levels)
    random = np.random.default_rng(0)
    outputs = {tensor.name: random.random((4, *tensor.shape)) for tensor in problem.outputs}
    days = pd.date_range("2024-01-01", periods=4, freq="D")
    times = pd.DatetimeIndex(np.concatenate([pd.date_range(day, periods=2, freq="h") for day in days]))
    names, values, starts = ["a", "b", "c", "d"], np.zeros((4, 2, 2)), np.arange(0, 8, 2)

    def framed(part):
        last = LastWindows(values[part], times, starts[part], starts[part] + 2, names[part], "site", pd.offsets.Hour())
        return last_frame(last, problem, {name: output[part] for name, output in outputs.items()})

    found, each = framed(slice(4)), [framed(slice(number, number + 1)) for number in range(4)]
    pd.testing.assert_frame_equal(found, pd.concat(each))
    assert found["site"].tolist() == [name for name in names for _ in range(len(found) // 4)]


def panel(**changed) -> pd.DataFrame:
    """Three daily series of ten rows, a, b and c, in place of which may stand other tables."""
    times = pd.date_range("2024-01-01", periods=10, freq="D")
    tables = {name: pd.DataFrame({"time": times, "y": np.arange(10.0) + 100 * n}) for n, name in enumerate("abc")}
    tables |= {name: change(tables[name]) for name, change in changed.items()}
    return pd.concat([table.assign(site=name) for name, table in tables.items()], ignore_index=True)


BAD = {
    "missing": (lambda table: table.assign(y=table["y"].mask(table.index == 8)), "the value is missing"),
    "gap": (lambda table: table.drop(8), "have gaps: row 19 "),
    "late": (lambda table: table.iloc[[0, 2, 1, *range(3, 10)]], r"unsorted: row 13 .* follows row 12 "),
    "doubled": (lambda table: pd.concat([table, table.tail(1)]), "are duplicated: row 21 "),
    "short": (lambda table: table.tail(3), "expected at least 4 rows"),
}


@pytest.mark.parametrize("bad", BAD)
def test_one_bad_series_costs_itself_alone(labelled, bad: str):
    change, reason = BAD[bad]
    settings = {"features": ["y"], "window": 4, "reading": Reading(series="site")}
    with pytest.raises(DataError, match=reason):
        read_last_windows(panel(b=change), **settings)
    last = read_last_windows(panel(b=change), **settings, errors="report")
    assert (last.series, last.answered.tolist()) == (["a", "b", "c"], [True, False, True])
    assert list(last.statuses) == ["b"]
    np.testing.assert_array_equal(last.values[:, :, 0], [[6, 7, 8, 9], [206, 207, 208, 209]])
    frame = labelled(last, np.array([[[1.0], [2.0]], [[3.0], [4.0]]]), ["y"])
    assert frame["site"].tolist() == ["a", "a", "b", "b", "c", "c"]
    np.testing.assert_array_equal(frame["y"], [1, 2, np.nan, np.nan, 3, 4])
    assert frame["status"].iloc[[0, 1, 4, 5]].tolist() == [""] * 4
    assert frame["status"].iloc[2] == frame["status"].iloc[3] == last.statuses["b"]
    assert frame.index[[0, 4]].tolist() == [pd.Timestamp("2024-01-11")] * 2
    assert frame.index[2:4].isna().all() == (bad in {"late", "doubled"})


@pytest.mark.parametrize("spooled", [False, True])
def test_a_bad_series_changes_nothing_of_the_others(tmp_path, spooled: bool):
    reading = Reading(series="site", spool=tmp_path if spooled else None)
    found = read_last_windows(panel(a=BAD["late"][0]), features=["y"], window=4, reading=reading, errors="report")
    alone = read_last_windows(panel()[10:], features=["y"], window=4, reading=Reading(series="site"))
    np.testing.assert_array_equal(found.values, alone.values)
    assert found.step == alone.step == pd.offsets.Day()


def test_resampling_leaves_a_bad_series_out():
    reading = Reading(series="site", resample="1D")
    found = read_last_windows(panel(b=BAD["late"][0]), features=["y"], window=4, reading=reading, errors="report")
    assert found.answered.tolist() == [True, False, True]
    assert found.values[1, :, 0].tolist() == [206, 207, 208, 209]
    all_bad = panel(**dict.fromkeys("abc", BAD["late"][0]))
    assert not read_last_windows(all_bad, features=["y"], window=4, reading=reading, errors="report").answered.any()


def test_series_too_short_are_left_out_where_that_is_asked_for():
    reading = Reading(series="site", short_series="drop")
    found = read_last_windows(panel(b=BAD["short"][0]), features=["y"], window=4, reading=reading, errors="report")
    assert (found.series, found.statuses) == (["a", "c"], {})


def test_a_series_whose_times_cannot_be_known_keeps_its_forecast(labelled):
    last = LastWindows(
        np.zeros((2, 1, 1)), pd.Index([1, 2, 3, 1, 2, 5, 9]), np.array([0, 3]), np.array([3, 7]), ["a", "b"], "site"
    )
    forecast = np.array([[[1.0]], [[2.0]]])
    with pytest.warns(UnknownTimesWarning, match="of series 'b' to come cannot be known"):
        assert labelled(last, forecast, ["y"]).index.name == "step"
    frame = labelled(last, forecast, ["y"], report=True)
    assert frame["y"].tolist() == [1, 2]
    assert (frame.index[0], frame.index.isna().tolist()) == (4, [False, True])
    assert frame["status"].iloc[1].startswith("the times to come cannot be known")


@pytest.mark.parametrize("task", ["classify", "anomaly"])
def test_flags_and_classes_of_a_bad_series_are_missing(task: str):
    classes = ("low", "high") if task == "classify" else ()
    problem = find_task(task).state(DataConfig(task=task, window=1), ("y",), ("y",), classes)
    outputs = {tensor.name: np.ones((1, *tensor.shape)) for tensor in problem.outputs}
    times = pd.date_range("2024-01-01", periods=2)
    last = LastWindows(
        np.zeros((1, 1, 1)), times, np.arange(2), np.arange(2) + 1, ["a", "b"], "site", None, {"a": "bad"}
    )
    frame = last_frame(last, problem, outputs)
    assert frame["status"].tolist() == ["bad", ""]
    assert frame.index.tolist() == times.tolist()
    assert frame.drop(columns=["site", "status"]).isna().all(axis=1).tolist() == [True, False]


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["error", "ffill", "interpolate", "mask"]),
    st.sampled_from([0.0, 0.02, 0.2, 0.6]),
    st.lists(st.integers(1, 14), min_size=1, max_size=5),
    st.sampled_from([("x", "y"), ("x",)]),
)
def test_windows_of_many_series_are_filled_as_each_one(seed, missing, share, lengths, masked):
    random, count = np.random.default_rng(seed), sum(lengths)
    values = random.normal(size=(count, 2))
    values[random.random((count, 2)) < share] = np.nan
    values[0] = 0.0
    pad = masked == ("x", "y")
    frame = pd.DataFrame(values, columns=["x", "y"]).assign(site=np.repeat([*"abcde"][: len(lengths)], lengths))
    reads = {"features": ["x", "y"], "reading": Reading(series="site", short_series="pad" if pad else "error")}
    last = read_last_windows(frame, window=6, missing=missing, masked=masked, errors="report", **reads)
    table, expected = read_table(frame, targets=["x"], **reads), []
    for rows in table.series.values():
        if len(rows) >= 6 or pad:
            with suppress(DataError):
                expected.append(filled_window(table, rows, rows.stop - 1, 6, missing, masked))
    np.testing.assert_array_equal(last.values, np.reshape(expected, (-1, 6, 2)))
    assert last.answered.sum() == len(expected)


@pytest.mark.parametrize("errors", ["raise", "report"])
def test_a_window_without_a_value_of_the_target_is_refused(errors: str):
    def unseen(table):
        return table.assign(y=table["y"].mask(table.index >= 6))

    config = DataConfig(source="x", target=("y",), window=4, horizon=2)
    problem = find_task("forecast").state(config, ("y",), ("y",)).model_copy(update={"masked": ("y",)})
    reads = {"features": ["y"], "window": 4, "missing": "mask", "masked": ("y",), "errors": errors}
    reading = Reading(series="site")
    others = {"c": BAD["gap"][0]} if errors == "report" else {}
    last = read_last_windows(panel(b=unseen, **others), reading=reading, **reads)
    if errors == "raise":
        with pytest.raises(
            DataError, match=r"in the last 4 rows \(the window\), of series 'b' \(1 of 3 series\); give"
        ):
            without_silent(last, problem, errors)
        return
    assert np.isnan(last.values).all(axis=(1, 2)).tolist() == [False, True]
    found = without_silent(last, problem, errors)
    assert (found.answered.tolist(), [*found.statuses]) == ([True, False, False], ["c", "b"])
    assert found.statuses["b"].endswith("in the last 4 rows (the window); give rows that hold some")
    assert found.values[:, :, 0].tolist() == [[6, 7, 8, 9]]
