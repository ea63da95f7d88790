"""A backtest is what a plain loop over the windows gives, in frames of a bounded size."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from zoo.inference import predictor
from zoo.inference.ranges import OutsideRangeWarning
from zoo_registry.errors import ConfigError, DataError

FEATURES = ["load", "temperature"]


def plain_loop(bundle, series):
    """The forecasts of each window on its own, (windows * 3,)."""
    values = series[FEATURES].to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OutsideRangeWarning)
        return np.concatenate(
            [bundle.outputs(values[stop - 8 : stop])["forecast"].ravel() for stop in range(8, len(values) + 1)]
        )


def test_it_is_the_plain_loop(exported, series: pd.DataFrame):
    backtest = exported.backtest(series)
    found = pd.concat(backtest)
    assert len(backtest) == 233
    assert found.index.tolist() == list(range(233 * 3))
    np.testing.assert_allclose(found["load"], plain_loop(exported, series), rtol=1e-6)
    last = exported.run(exported.check(series[FEATURES].to_numpy()[-8:]))["forecast"]
    np.testing.assert_allclose(found["load"][-3:], last.ravel(), rtol=1e-6)
    assert found["load actual"].isna().sum() == 1 + 2 + 3


@pytest.mark.parametrize(("batch", "frame_rows"), [(1, 1), (7, 20), (256, 10**6)])
def test_batches_and_frames_change_nothing(exported, series: pd.DataFrame, monkeypatch, batch, frame_rows):
    expected = pd.concat(exported.backtest(series))
    monkeypatch.setattr(predictor, "BATCH", batch)
    monkeypatch.setattr(predictor, "FRAME_ROWS", frame_rows)
    frames = list(exported.backtest(series))
    assert all(frame_rows <= len(frame) < frame_rows + 3 * batch for frame in frames[:-1])
    pd.testing.assert_frame_equal(pd.concat(frames), expected, rtol=1e-5)


def test_what_lies_outside_is_counted_over_all_windows(exported, series: pd.DataFrame):
    frame = series.assign(load=100.0, temperature=20.0)
    frame.loc[100, "temperature"] = 500.0
    backtest = exported.backtest(frame)
    assert backtest.outside == []
    for _ in range(2):  # going over it again counts anew
        assert len(pd.concat(backtest)) == 699
        (found,) = backtest.outside
        assert (found.column, found.highest, found.windows, found.total) == ("temperature", 500, 8, 233)


def test_what_is_no_table_and_no_setting_is_refused(exported, series: pd.DataFrame):
    with pytest.raises(DataError, match="expected a table to go over, found an array of windows"):
        exported.backtest(np.zeros((1, 8, 2)))
    with pytest.raises(ConfigError, match="there is no setting 'sorted' of how a table is read; did you mean 'sort'"):
        exported.backtest(series, sorted=True)


def test_many_series_are_answered_batch_by_batch(exported, series: pd.DataFrame, monkeypatch):
    both = pd.concat([series.assign(site=name, load=series["load"] + n) for n, name in enumerate("abcde")])
    monkeypatch.setattr(predictor, "BATCH", 2)
    found = exported.predict_table(both, series="site", errors="report")[0]
    monkeypatch.setattr(predictor, "BATCH", 256)
    expected = exported.predict_table(both, series="site")[0]
    assert found.pop("status").eq("").all()
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6)


def test_a_table_without_a_good_series_has_statuses_alone(exported, series: pd.DataFrame):
    frame = series.assign(load=np.nan).fillna({"load": series["load"][:100]})
    found = exported.predict(frame, errors="report")
    assert found["load"].isna().all()
    assert found["status"].str.contains("the value is missing").all()
    assert found.index[0] == series["time"].iloc[-1] + pd.Timedelta(hours=1)


def test_errors_that_cannot_be_told_of_series_are_raised(exported, series: pd.DataFrame):
    with pytest.raises(DataError, match="there is no column 'load'"):
        exported.predict(series.drop(columns="load"), errors="report")
    with pytest.raises(ConfigError, match="`errors` is raise or report, found 'ignore'"):
        exported.predict(series, errors="ignore")
    with pytest.raises(ConfigError, match="is for tables, found an array of windows"):
        exported.predict(np.zeros((1, 8, 2)), errors="report")


def test_a_cell_that_is_no_number_costs_its_series_alone(exported, series: pd.DataFrame):
    both = pd.concat([series.assign(site=name) for name in "abcd"], ignore_index=True).astype({"load": object})
    both.loc[2 * 240 - 100, "load"] = "n/a?"  # of b, before its last window
    both.loc[3 * 240 - 1, "temperature"] = np.inf
    both.loc[3 * 240 - 2, "load"] = "7,5"
    with pytest.raises(DataError, match=r"^DataFrame: column 'load', row 381: expected a number, found 'n/a\?'; mend"):
        exported.predict(both, series="site")
    found = exported.predict_table(both, series="site", errors="report")[0].groupby("site")
    status = found["status"].first()
    assert status["a"] == status["d"] == ""
    assert status["b"] == "column 'load', row 381: expected a number, found 'n/a?'; mend it"
    assert status["c"].startswith("column 'load', row 719: expected a number, found '7,5'; write it with a decimal")
    good = exported.predict_table(series)[0]
    for name in "ad":
        np.testing.assert_allclose(found.get_group(name)["load"], good["load"], rtol=1e-6)
    for name in "bc":
        assert found.get_group(name)["load"].isna().all()
        assert found.get_group(name).index.tolist() == good.index.tolist(), "its times are known"
    alone = exported.predict_table(both[240:480], errors="report")[0]  # of one series without a name
    assert alone["status"].str.startswith("column 'load', row 141: expected a number, found 'n/a?'").all()


def test_statuses_of_a_folder_name_the_file_and_its_own_row(exported, series: pd.DataFrame, tmp_path):
    folder = tmp_path / "sites"
    folder.mkdir()
    text = series.astype({"load": object})
    text.loc[200, "load"] = "closed"
    swapped = series.iloc[[*range(238), 239, 238]]
    holed = series.assign(load=series["load"].where(series.index != 235))
    frames = {"a": series, "b": text, "c": swapped, "d": holed, "e": series.drop(index=236), "f": series[:5]}
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    status = exported.predict_table(folder, errors="report")[0].groupby("series")["status"].first()
    assert status["a"] == ""
    assert status["b"] == f"{folder / 'b.csv'}: column 'load', row 201: expected a number, found 'closed'; mend it"
    for name, row in (("c", 240), ("d", 236), ("e", 237), ("f", None)):
        assert status[name].startswith(f"{folder / name}.csv: ")
        assert row is None or f"row {row} " in status[name]
