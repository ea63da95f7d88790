"""The last window of a table, and the labels of a forecast."""

from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest

from zoo.data.last_window import LastWindows, read_last_windows
from zoo.data.readers.reading import Reading
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
