"""What an inspection says of a table, against plain NumPy."""

import numpy as np
import pandas as pd
import pytest

from zoo.inspection import draw, inspect
from zoo.settings.schema import DataConfig
from zoo.training.preparation import prepare


@pytest.fixture
def prepared(series):
    series.loc[series.index[[20, 21, 180]], "load"] = np.nan
    series["place"] = "here"
    series = series.drop(index=[100, 101])  # three hours from one row to the next
    config = DataConfig(
        target="load", features="temperature", window=8, horizon=3, missing="ffill", season=24, gaps="ignore"
    )
    return prepare(config, series), series


def test_statistics_are_of_the_raw_rows(prepared):
    ready, series = prepared
    found = inspect(ready)
    assert (found["rows"], found["features"], found["targets"]) == (238, ["temperature"], ["load"])
    assert found["repairs"] == {"missing": {"method": "ffill", "values": {"load": 3}}}
    load = series["load"].to_numpy()
    train, test = load[:167], load[202:]
    measured = found["columns"]["load"]["parts"]
    assert [measured[part]["missing"] for part in ("train", "validation", "test")] == [2, 1, 0]
    assert measured["train"]["mean"] == pytest.approx(np.nanmean(train))
    assert measured["test"]["deviation"] == pytest.approx(test.std())
    assert (measured["test"]["minimum"], measured["test"]["maximum"]) == (test.min(), test.max())
    assert measured["test"]["drift"] == pytest.approx((test.mean() - np.nanmean(train)) / np.nanstd(train))
    outside = (test < np.nanmin(train)) | (test > np.nanmax(train))
    assert measured["test"]["outside"] == pytest.approx(outside.mean())
    temperature = series["temperature"].iloc[:167]
    ends = (np.array([temperature.min(), temperature.max()]) - temperature.mean()) / temperature.std(ddof=0)
    assert found["columns"]["temperature"]["scaler"] == "standard"
    assert found["columns"]["temperature"]["scaled_range"] == pytest.approx(ends.tolist())
    assert {name: part["windows"] for name, part in found["parts"].items()} == {
        name: len(windows) for name, windows in ready.parts.items()
    }


def test_uneven_steps_are_told_with_the_first(prepared):
    time = inspect(prepared[0])["time"]
    assert time["step"] == "h"
    assert time["uneven_steps"] == 1
    assert time["first_uneven"] == "row 101 (2024-01-05 06:00:00) follows row 100 (2024-01-05 03:00:00)"


def test_columns_that_are_left_out_are_named(series):
    series["place"] = "here"
    found = inspect(prepare(DataConfig(target="load", window=8, horizon=3), series))
    assert found["ignored"] == ["place"]
    assert found["time"]["uneven_steps"] == 0


def test_drift_and_a_part_without_a_value(series):
    series["load"] = np.arange(240.0)
    series.loc[series.index[204:], "load"] = np.nan
    found = inspect(prepare(DataConfig(target="load", window=8, horizon=3, missing="ffill"), series))
    parts = found["columns"]["load"]["parts"]
    assert parts["validation"]["outside"] == 1.0
    assert parts["validation"]["drift"] > 1.5
    assert parts["test"] == {"missing": 36}


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_a_picture(prepared, tmp_path, form):
    draw(prepared[0], tmp_path / f"a.{form}")
    start = (tmp_path / f"a.{form}").read_bytes()[:5]
    assert start.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF-"}[form])


def test_a_picture_without_times(tmp_path):
    frame = pd.DataFrame({f"x{index}": np.sin(np.arange(200) / (index + 2)) for index in range(10)})
    draw(prepare(DataConfig(target="x9", window=8, horizon=3), frame), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000
