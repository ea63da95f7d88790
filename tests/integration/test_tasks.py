"""Tasks and long tables through the real command: train, export, verify, predict."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import zoo

TINY = ("--window", 6, "--epochs", 1, "--set", "units=2", "--batch-size", 64, "--export", "--name", "tiny", "--json")


@pytest.fixture
def long_file(tmp_path: Path) -> Path:
    """Three series of different length and end, hour by hour, their rows among each other."""
    frames = []
    for number, rows in enumerate((90, 60, 75)):
        random = np.random.default_rng(number)
        times = pd.date_range("2024-01-01", periods=rows, freq="h")
        load = 10 * number + 3 * np.sin(np.arange(rows) / 4) + random.normal(0, 0.3, rows)
        frames.append(
            pd.DataFrame({"time": times, "site": f"s{number}", "load": load, "wind": random.normal(0, 1, rows)})
        )
    path = tmp_path / "long.csv"
    pd.concat(frames).sort_values(["time", "site"]).to_csv(path, index=False)
    return path


def run(zoo_command, *arguments: object) -> str:
    done = zoo_command(*arguments)
    assert done.exit_code == 0, done.output
    return str(done.stdout)


def verify(zoo_command) -> None:
    verdict = json.loads(run(zoo_command, "verify", "exported/tiny", "--json"))
    assert verdict["passed"]
    assert {replay["runtime"] for replay in verdict["runtimes"]} == {"onnxruntime", "tensorflow"}


def test_a_regression(zoo_command, series_file: Path, series: pd.DataFrame):
    trained = run(zoo_command, "train", "basic", "--data", series_file, "--task", "regress", "--target", "load", *TINY)
    record = json.loads(trained)
    assert record["config"]["data"]["task"] == "regress"
    assert record["data"]["features"] == ["temperature"]
    assert set(record["evaluation"]["baselines"]) == {"train mean", "ridge"}
    verify(zoo_command)

    series.drop(columns="load").to_csv(series_file, index=False)  # what is asked for is not needed
    run(zoo_command, "predict", "exported/tiny", "--data", series_file, "--output", "load.csv")
    answer = pd.read_csv("load.csv", parse_dates=["time"])
    assert list(answer.columns) == ["time", "load"]
    assert answer["time"].tolist() == [series["time"].iloc[-1]]  # of the window's last row, not after it
    bundle, windows = zoo.load_bundle("exported/tiny"), series[["temperature"]].to_numpy()[-6:]
    np.testing.assert_allclose(answer["load"], bundle.predict(windows)[0, :, 0], rtol=1e-6)
    again = zoo.load_run("latest").predict(series_file)
    assert again.index.tolist() == answer["time"].tolist()
    np.testing.assert_allclose(again["load"], answer["load"], rtol=1e-5)


def test_several_series_with_a_calendar_and_a_gap(zoo_command, long_file: Path):
    of_data = ("--target", "load", "--series", "site", "--calendar", "hour,weekday", "--horizon", 3, "--gap", 2)
    trained = run(zoo_command, "train", "basic", "--data", long_file, *of_data, *TINY)
    record = json.loads(trained)
    assert record["data"]["features"] == ["load", "wind", "hour_sin", "hour_cos", "weekday_sin", "weekday_cos"]
    assert (record["data"]["series_column"], record["data"]["series"]) == ("site", 3)
    assert record["data"]["split"]["train"]["rows"] == 63 + 42 + 52
    assert record["data"]["split"]["train"]["windows"] == 63 + 42 + 52 - 3 * 10  # a window spans 6 + 2 + 3 rows
    verify(zoo_command)
    interface = zoo.load_bundle("exported/tiny").manifest.interface
    assert (interface.window, interface.gap, interface.horizon) == (6, 2, 3)

    run(zoo_command, "predict", "exported/tiny", "--data", long_file, "--output", "load.csv")
    answer = pd.read_csv("load.csv", parse_dates=["time"])
    assert list(answer.columns) == ["time", "site", "load"]
    assert answer["site"].tolist() == ["s0"] * 3 + ["s1"] * 3 + ["s2"] * 3
    table = pd.read_csv(long_file, parse_dates=["time"])
    run_of_it = zoo.load_run("latest")
    for name, rows in table.groupby("site"):
        found, last = answer[answer["site"] == name], rows["time"].max()
        assert found["time"].tolist() == [last + pd.Timedelta(hours=2 + step) for step in (1, 2, 3)]
        alone = run_of_it.predict(rows)  # a series' forecast does not hang on the others
        np.testing.assert_allclose(found["load"], alone["load"], rtol=1e-4, atol=1e-4)

    rows = json.loads(run(zoo_command, "predict", "exported/tiny", "--data", long_file, "--json"))
    assert [list(row) for row in rows] == [["time", "site", "load"]] * 9
    assert [row["site"] for row in rows] == answer["site"].tolist()
    printed = run(zoo_command, "predict", "exported/tiny", "--data", long_file)
    assert printed.splitlines()[0].split() == ["time", "site", "load"]
    assert len(printed.strip().splitlines()) == 10


def test_a_long_table_that_is_cut_short(zoo_command, long_file: Path):
    of_data = ("--target", "load", "--series", "site", "--horizon", 2)
    run(zoo_command, "train", "basic", "--data", long_file, *of_data, *TINY)
    table = pd.read_csv(long_file)
    table[(table["site"] != "s1") | (table.groupby("site").cumcount() < 4)].to_csv(long_file, index=False)
    refused = zoo_command("predict", "exported/tiny", "--data", long_file)
    assert refused.exit_code == 2
    assert "expected at least 6 rows (the window) of each series, found fewer of 's1' (4 rows)" in refused.stderr
    dropped = run(zoo_command, "predict", "exported/tiny", "--data", long_file, "--short-series", "drop", "--json")
    assert [row["site"] for row in json.loads(dropped)] == ["s0", "s0", "s2", "s2"]
