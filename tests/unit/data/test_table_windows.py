"""Windows over a whole table are those that each row would have ended, and are labelled with their own rows."""

from __future__ import annotations

import joblib
import numpy as np
import pandas as pd
import pytest

from zoo.data import reading_choice
from zoo.data.last_window import read_last_windows
from zoo.data.reading_choice import reading_as_trained
from zoo.data.table_windows import lay_windows
from zoo.inference.frames import window_frame
from zoo.provenance import DataRecord
from zoo.settings.schema import DataConfig
from zoo.tasks import find_task
from zoo_registry.errors import ConfigError, DataError

FEATURES = ("temperature", "load")
RECORD = DataRecord.model_validate(
    dict.fromkeys(("time_column", "series_column"))
    | {"source": "load.csv", "fingerprint": "", "rows": 240, "gaps": "error", "calendar": (), "repairs": {}}
    | {"split": {name: {"rows": 80} for name in ("train", "validation", "test")}}
)


def problem(features=FEATURES, targets=("load",), classes=(), quantiles=(), **settings):
    config = DataConfig.model_validate({"window": 8, "horizon": 3} | settings)
    return find_task(config.task).state(config, features, targets, classes, quantiles)


def lay(source, asked=None, stride=1, missing=None, **reading):
    asked = asked or problem()
    how = reading_as_trained(source, asked, RECORD, **reading)
    return lay_windows(source, asked, find_task(asked.task).roles, reading=how, stride=stride, missing=missing)


def frames(laid, outputs=None):
    """All answers of a network that repeats the last load, or of ``outputs(windows)``."""
    outputs = outputs or (lambda windows: {"forecast": windows[:, -1:, 1:].repeat(laid.problem.horizon, axis=1)})
    parts = [window_frame(laid, numbers, outputs(laid.inputs(numbers))) for numbers in laid.windows.batches(50)]
    return pd.concat(parts, ignore_index=True)


def every(laid):
    return np.concatenate([laid.inputs(numbers) for numbers in laid.windows.batches(50)])


@pytest.mark.parametrize("missing", ["ffill", "interpolate"])
def test_each_window_is_the_last_one_of_the_rows_up_to_it(labelled, series: pd.DataFrame, missing: str):
    """So nothing that comes after a window is in it, not even in what fills its missing values."""
    frame = series[:60].copy()
    holes = np.random.default_rng(0).random((60, 2)) < 0.4
    holes[0], holes[20:33, 0] = False, True  # longer than a window
    frame[["load", "temperature"]] = frame[["load", "temperature"]].mask(holes)
    laid = lay(frame, missing=missing)
    plain = [read_last_windows(frame[:stop], features=FEATURES, window=8, missing=missing) for stop in range(8, 61)]
    np.testing.assert_array_equal(every(laid), np.concatenate([last.values for last in plain]))
    found = frames(laid)
    expected = [labelled(last, np.zeros((1, 3, 1)), ["load"]).index for last in plain]
    assert found["time"].tolist() == [time for index in expected for time in index]
    assert found["origin"].tolist() == series["time"][7:60].repeat(3).tolist()
    assert found["step"].tolist() == [1, 2, 3] * 53


def test_the_truth_stands_beside_and_is_never_filled(series: pd.DataFrame):
    frame = series[:12].copy()
    frame.loc[9, "load"] = np.nan
    found = frames(lay(frame, missing="ffill"))
    truth = [frame["load"].get(row + step, np.nan) for row in range(7, 12) for step in (1, 2, 3)]
    np.testing.assert_array_equal(found["load actual"], truth)
    np.testing.assert_array_equal(found["load"], frame["load"].ffill()[7:12].repeat(3))


def test_a_target_that_is_no_feature_is_read_where_it_is_there(series: pd.DataFrame):
    asked = problem(("temperature",), horizon=2, gap=1)
    outputs = lambda windows: {"forecast": np.zeros((len(windows), 2, 1))}  # noqa: E731
    found = frames(lay(series[:20], asked), outputs)
    np.testing.assert_array_equal(found["load actual"][:4], series["load"][[9, 10, 10, 11]])
    assert found["step"].tolist()[:2] == [2, 3]
    assert "load actual" not in frames(lay(series[:20].drop(columns="load"), asked), outputs)


def two_series(series):
    parts = [series[:30].assign(place="north"), series[30:50].assign(place="south"), series[50:54].assign(place="x")]
    return pd.concat(parts, ignore_index=True)


def test_no_window_crosses_series(series: pd.DataFrame):
    frame = two_series(series)
    with pytest.raises(DataError, match=r"of each series, found fewer of 'x' \(4 rows\)"):
        lay(frame, series="place")
    shuffled = frame.sample(frac=1, random_state=0).sort_values("time", kind="stable")
    for table in (frame, shuffled):
        laid = lay(table, series="place", short_series="drop")
        found = frames(laid)
        assert len(laid.windows) == 23 + 13
        for name, rows in (("north", series[:30]), ("south", series[30:50])):
            alone = frames(lay(rows.reset_index(drop=True)))
            pd.testing.assert_frame_equal(
                found[found["place"] == name].drop(columns="place").reset_index(drop=True), alone
            )


def test_no_window_crosses_a_gap_on_request(series: pd.DataFrame):
    frame = series[:40].drop(index=range(20, 25)).reset_index(drop=True)
    with pytest.raises(DataError, match="have gaps"):
        lay(frame)
    found = frames(lay(frame, gaps="break"))
    whole = [frames(lay(part.reset_index(drop=True))) for part in (series[:20], series[25:40])]
    pd.testing.assert_frame_equal(found, pd.concat(whole, ignore_index=True))  # times go on by the step in the gap
    ignoring = frames(lay(frame, gaps="ignore"))
    assert len(ignoring) == 3 * (35 - 7)
    row = ignoring[ignoring["origin"] == series["time"][19]].iloc[0]
    assert (row["time"], row["load actual"]) == (series["time"][25], series["load"][25])


def test_windows_with_missing_values_are_left_out_on_request(series: pd.DataFrame):
    frame = series[:30].copy()
    frame.loc[15, "temperature"] = np.nan
    with pytest.raises(DataError, match=r"column 'temperature', row 16 .*: the value is missing \(1 in all\)"):
        lay(frame)
    laid = lay(frame, missing="drop")
    assert laid.windows.last_rows().tolist() == [*range(7, 15), *range(23, 30)]
    np.testing.assert_array_equal(frames(laid)["load actual"][21:24], series["load"][15:18])
    with pytest.raises(DataError, match=r"expected 8 rows \(the window\) without a gap or a missing value, found none"):
        lay(frame[10:20].reset_index(drop=True), missing="drop")


def test_what_cannot_be_filled_is_told_before_anything_is_answered(series: pd.DataFrame):
    frame = series[:30].copy()
    frame.loc[:2, "load"] = np.nan
    with pytest.raises(DataError, match=r"column 'load', row 1 .*: the value is missing and none stands before it"):
        lay(frame, missing="ffill")


def test_stride(series: pd.DataFrame):
    assert lay(series, stride=24).windows.last_rows().tolist() == list(range(7, 240, 24))
    with pytest.raises(ConfigError, match="stride: expected a number of rows of 1 or more, found 0"):
        lay(series, stride=0)


def test_zones_counts_and_tables_without_times(series: pd.DataFrame):
    rows = series[:12]
    found = frames(lay(rows.assign(time=rows["time"].dt.tz_localize("Europe/Berlin"))))
    assert str(found["time"].dtype) == "datetime64[us, Europe/Berlin]"
    assert found["time"].dt.tz_localize(None).tolist() == frames(lay(rows))["time"].tolist()
    counted = frames(lay(rows.assign(time=np.arange(100, 220, 10)), time="time"))
    assert counted["time"].tolist()[-3:] == [220, 230, 240]
    assert counted["origin"].tolist()[0] == 170
    bare = frames(lay(rows.drop(columns="time")))
    assert bare.columns.tolist() == ["origin", "step", "load", "load actual"]
    assert bare["origin"].tolist()[::3] == [8, 9, 10, 11, 12]


def test_a_time_that_no_step_leads_to_is_missing(series: pd.DataFrame):
    asked = problem(window=1, horizon=1)
    outputs = lambda windows: {"forecast": np.zeros((len(windows), 1, 1))}  # noqa: E731
    assert frames(lay(series[:1], asked), outputs)["time"].isna().all()
    assert frames(lay(series[:1].assign(time=[5]), asked, time="time"), outputs)["time"].isna().all()


def test_other_tasks_have_a_row_for_each_window(series: pd.DataFrame):
    frame = series[:20].assign(weather=["sun", "rain"] * 10)
    asked = problem(targets=("weather",), classes=("rain", "sun"), task="classify")
    found = frames(lay(frame, asked), lambda windows: {"probabilities": np.tile([[0.75, 0.25]], (len(windows), 1))})
    assert found.columns.tolist() == ["time", "weather", "weather actual", "weather rain", "weather sun"]
    assert found["time"].tolist() == series["time"][7:20].tolist()
    assert set(found["weather"]) == {"rain"}
    assert found["weather actual"].tolist() == frame["weather"][7:].tolist()
    asked = problem(targets=FEATURES, task="anomaly")
    judged = {"score": lambda n: np.arange(n)[:, None], "is_anomaly": lambda n: np.ones((n, 1))}
    found = frames(
        lay(frame.drop(columns="time"), asked), lambda windows: {k: v(len(windows)) for k, v in judged.items()}
    )
    assert found.columns.tolist() == ["row", "score", "is_anomaly"]
    assert found["row"].tolist() == list(range(8, 21))
    assert found["is_anomaly"].dtype == bool
    asked = problem(("temperature",), task="regress")
    found = frames(lay(frame, asked), lambda windows: {"forecast": np.zeros((len(windows), 1, 1))})
    assert found.columns.tolist() == ["time", "load", "load actual"]
    np.testing.assert_array_equal(found["load actual"], series["load"][7:20])


def test_quantiles_and_names_that_are_taken(series: pd.DataFrame):
    frame = series[:20].rename(columns={"temperature": "origin", "time": "when"})
    asked = problem(("origin", "load"), ("origin", "load"), quantiles=(0.1, 0.9), horizon=1)
    outputs = lambda n: {"forecast": np.full((n, 1, 2), 5.0), "quantiles": np.tile([4.0, 6.0], (n, 1, 2, 1))}  # noqa: E731
    found = frames(lay(frame, asked), lambda windows: outputs(len(windows)))
    answers = [part for name in ("origin", "load") for part in (name, f"{name} 0.1", f"{name} 0.9", f"{name} actual")]
    assert found.columns.tolist() == ["time", "forecast origin", "step", *answers]
    assert found.loc[0, ["load", "load 0.1", "load 0.9"]].tolist() == [5, 4, 6]


def test_a_large_file_goes_through_temporary_files(series: pd.DataFrame, series_file, monkeypatch):
    plain = frames(lay(series_file))
    monkeypatch.setattr(reading_choice, "SPOOLED_ABOVE", 10)
    laid = lay(series_file)
    assert isinstance(laid.table.values, np.memmap)
    pd.testing.assert_frame_equal(frames(laid), plain, check_dtype=False)  # the spool counts nanoseconds
    assert not isinstance(lay(series_file, sort=True).table.values, np.memmap)
    reading = reading_as_trained(series_file, problem(), RECORD)
    last = read_last_windows(series_file, features=FEATURES, window=8, reading=reading)
    np.testing.assert_array_equal(last.values[0], series[list(FEATURES)].to_numpy()[-8:])


def test_they_are_written_with_one_copy_of_the_rows_and_mapped_into_memory(series: pd.DataFrame, tmp_path):
    laid = lay(series).chosen(np.array([3, 200, 17]))
    joblib.dump(laid, tmp_path / "laid")
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 3 * laid.table.values.nbytes
    read = joblib.load(tmp_path / "laid", mmap_mode="r")
    assert read.windows.features is read.windows.targets is read.table.values
    assert isinstance(read.table.values, np.memmap)
    np.testing.assert_array_equal(every(read), every(laid))
    pd.testing.assert_frame_equal(frames(read), frames(laid))


def masked_problem(masked=FEATURES):
    return problem().model_copy(update={"masked": masked})


def test_with_masks_windows_keep_what_is_missing_and_those_that_tell_nothing_are_left_out(series: pd.DataFrame):
    frame = series[:60].copy()
    frame.loc[20:33, "load"] = np.nan  # longer than a window
    frame.loc[[5, 40], "temperature"] = np.nan
    laid = lay(frame, masked_problem(), missing="mask")
    lasts = [last for last in range(7, 60) if not 27 <= last <= 33]
    assert laid.windows.last_rows().tolist() == lasts
    read = {"features": FEATURES, "window": 8, "missing": "mask", "masked": FEATURES}
    plain = [read_last_windows(frame[: last + 1], **read).values for last in lasts]
    np.testing.assert_array_equal(every(laid), np.concatenate(plain))
    assert np.isnan(every(laid)).any()


def test_windows_of_short_series_are_filled_up_in_front(series: pd.DataFrame):
    rows = {"a": 12, "b": 3}
    parts = [series[:count].assign(place=name) for name, count in rows.items()]
    frame = pd.concat(parts, ignore_index=True)
    laid = lay(frame, masked_problem(), series="place", short_series="pad")
    assert laid.windows.last_rows().tolist() == [7, 8, 9, 10, 11, 12, 13, 14]
    windows = every(laid)
    assert np.isnan(windows).all(axis=2).sum(axis=1).tolist() == [0] * 5 + [7, 6, 5]
    np.testing.assert_array_equal(windows[6, 6:], frame.loc[12:13, list(FEATURES)])
    chosen = laid.chosen(np.array([6, 2]))
    np.testing.assert_array_equal(every(chosen), windows[[6, 2]])


def test_a_network_without_masks_takes_no_missing_values(series: pd.DataFrame):
    with pytest.raises(ConfigError, match="`missing='mask'`: the network was trained on whole windows alone"):
        lay(series, missing="mask")
    with pytest.raises(ConfigError, match="`short_series='pad'`: the network was not trained on windows filled up"):
        lay(series, short_series="pad")
    holed = series.assign(temperature=series["temperature"].where(series.index != 30))
    with pytest.raises(
        DataError, match=r"column 'temperature', row 31 .*: the value is missing \(1 in all\), but in the"
    ):
        lay(holed, masked_problem(("load",)), missing="mask")
