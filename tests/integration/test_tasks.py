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
    verdict = json.loads(run(zoo_command, "verify", "exported/tiny", "--runtime", "all", "--json"))
    assert verdict["passed"]
    assert {replay["runtime"] for replay in verdict["runtimes"]} == {"onnxruntime", "tensorflow"}


def test_a_regression(zoo_command, series_file: Path, series: pd.DataFrame):
    trained = run(zoo_command, "train", "basic", "--data", series_file, "--task", "regress", "--target", "load", *TINY)
    record = json.loads(trained)
    assert record["config"]["data"]["task"] == "regress"
    assert record["problem"]["inputs"][0]["columns"] == ["temperature"]
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
    calendar = ["hour_sin", "hour_cos", "weekday_sin", "weekday_cos"]
    assert record["problem"]["inputs"][0]["columns"] == ["load", "wind", *calendar]
    assert (record["data"]["series_column"], record["data"]["series"]) == ("site", 3)
    assert record["data"]["split"]["train"]["rows"] == 63 + 42 + 52
    assert record["data"]["split"]["train"]["windows"] == 63 + 42 + 52 - 3 * 10  # a window spans 6 + 2 + 3 rows
    verify(zoo_command)
    problem = zoo.load_bundle("exported/tiny").manifest.problem
    assert (problem.window, problem.gap, problem.horizon) == (6, 2, 3)

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


@pytest.fixture
def labelled_file(tmp_path: Path, series: pd.DataFrame) -> Path:
    """The series with a class of three and with spikes that are labelled."""
    level = np.array(["low", "middle", "high"])[np.digitize(series["load"], [95, 105])]
    spikes = np.arange(len(series)) % 24 == 12
    path = tmp_path / "labelled.csv"
    series.assign(level=level, load=series["load"] + 30 * spikes, fault=spikes.astype(int)).to_csv(path, index=False)
    return path


def test_a_classification(zoo_command, labelled_file: Path):
    of_data = ("--data", labelled_file, "--task", "classify", "--target", "level", "--features", "load,temperature")
    trained = json.loads(run(zoo_command, "train", "stacked", *of_data, "--class-weights", "balanced", *TINY))
    assert trained["config"]["training"]["loss"] == "cross-entropy"
    assert (trained["problem"]["targets"], trained["problem"]["classes"]) == (["level"], ["high", "low", "middle"])
    assert set(trained["evaluation"]["baselines"]) == {"majority class", "logistic regression"}
    assert np.sum(trained["evaluation"]["network"]["confusion"]) == trained["evaluation"]["windows"]
    verify(zoo_command)
    bundle = zoo.load_bundle("exported/tiny")
    problem = bundle.manifest.problem
    assert (problem.task, problem.targets, problem.classes) == ("classify", ("level",), ("high", "low", "middle"))
    assert [(output.name, output.shape) for output in problem.outputs] == [("probabilities", (3,))]
    assert bundle.manifest.metrics["baselines"].keys() == trained["evaluation"]["baselines"].keys()

    frame = pd.read_csv(labelled_file)
    frame.drop(columns=["level", "fault"]).to_csv(labelled_file, index=False)  # what is asked for is not needed
    (answer,) = json.loads(run(zoo_command, "predict", "exported/tiny", "--data", labelled_file, "--json"))
    assert list(answer) == ["time", "level", "level high", "level low", "level middle"]
    shares = bundle.predict(frame[["load", "temperature"]].to_numpy()[-6:])
    np.testing.assert_allclose([answer[f"level {name}"] for name in problem.classes], shares[0], rtol=1e-5)
    assert answer["level"] == problem.classes[shares[0].argmax()]
    again = zoo.load_run("latest").predict(labelled_file)
    assert again["level"].tolist() == [answer["level"]]
    assert zoo.load_run("latest").outputs(frame[["load", "temperature"]].to_numpy()[-6:]).keys() == {"probabilities"}


@pytest.mark.parametrize("missing_label", [False, True])
def test_anomalies(zoo_command, labelled_file: Path, missing_label: bool):
    of_data = ["--data", labelled_file, "--task", "anomaly", "--features", "load,temperature"]
    of_data += [] if missing_label else ["--label", "fault"]
    trained = json.loads(run(zoo_command, "train", "basic", *of_data, "--anomaly-rate", 0.1, *TINY))
    found = trained["evaluation"]
    assert found["quantile"] == 0.9
    assert trained["problem"]["targets"] == ["load", "temperature"]
    assert ("average_precision" in found["network"]) is not missing_label
    assert found["anomalies"] == (None if missing_label else 2)
    verify(zoo_command)
    bundle = zoo.load_bundle("exported/tiny")
    assert bundle.manifest.threshold == found["threshold"]
    assert [(o.name, o.dtype, o.shape) for o in bundle.manifest.problem.outputs] == [
        ("score", "float32", (1,)),
        ("is_anomaly", "bool", (1,)),
    ]
    frame = pd.read_csv(labelled_file)
    windows = np.lib.stride_tricks.sliding_window_view(frame[["load", "temperature"]].to_numpy(), 6, axis=0)
    outputs = bundle.outputs(windows.transpose(0, 2, 1))
    np.testing.assert_array_equal(outputs["is_anomaly"], outputs["score"] > np.float32(found["threshold"]))
    test_rows = outputs["score"][-36:, 0]  # the last 15 percent
    assert (test_rows > found["threshold"]).sum() == found["network"]["flagged"]

    (answer,) = json.loads(run(zoo_command, "predict", "exported/tiny", "--data", labelled_file, "--json"))
    assert list(answer) == ["time", "score", "is_anomaly"]
    assert answer["score"] == pytest.approx(float(outputs["score"][-1, 0]))
    assert answer["time"] == frame["time"].iloc[-1]
    again = zoo.load_run("latest").predict(labelled_file)
    assert again["is_anomaly"].tolist() == [answer["is_anomaly"]]


def test_labels_may_be_partial(zoo_command, labelled_file: Path):
    """They train nothing, so that a row without one only leaves the measures."""
    of_data = ("--data", labelled_file, "--task", "anomaly", "--features", "load,temperature", "--label", "fault")
    whole = json.loads(run(zoo_command, "train", "basic", *of_data, *TINY))
    frame = pd.read_csv(labelled_file).astype({"fault": "Int64"})
    frame.loc[[*range(100), 235, 236], "fault"] = pd.NA
    frame.to_csv(labelled_file, index=False)
    partial = json.loads(run(zoo_command, "train", "basic", *of_data, *TINY))
    assert partial["training"]["val_loss"] == whole["training"]["val_loss"]
    assert [trained["evaluation"]["windows"] for trained in (whole, partial)] == [36, 34]
    assert partial["evaluation"]["left_out"] == 2
    assert partial["evaluation"]["anomalies"] == whole["evaluation"]["anomalies"] == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--task", "classify", "--target", "level", "--channels", "shared"), "--channels is not for --task classify"),
        (("--task", "classify", "--target", "level", "--quantiles", "0.1,0.9"), "--quantiles is for --task forecast"),
        (("--task", "anomaly", "--class-weights", "balanced"), "--class-weights is for --task classify, found it with"),
        (("--target", "load", "--threshold", "0.9"), "--threshold is for --task anomaly, found it with forecast"),
        (("--task", "anomaly", "--threshold", "0.9", "--anomaly-rate", "0.1"), "set the same limit; give one of them"),
        (("--task", "anomaly", "--target-scaler", "minmax"), "--target-scaler is not for --task anomaly"),
        (("--task", "anomaly", "--target", "load", "--features", "temperature"), "judges columns of the window itself"),
        (("--task", "classify", "--target", "level", "--loss", "mse"), "loss 'mse' does not serve the task 'classify'"),
        (("--task", "anomaly", "--anomaly-rate", "1.5"), "--anomaly-rate: expected less than 1"),
    ],
)
def test_settings_of_other_tasks(zoo_command, labelled_file: Path, options: tuple[str, ...], message: str):
    refused = zoo_command("train", "basic", "--data", labelled_file, "--window", 6, *options)
    assert refused.exit_code == 2
    assert message in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert not Path("runs").exists()


def test_a_run_is_evaluated_again(zoo_command, labelled_file: Path):
    for task, more in (("classify", ("--target", "level")), ("anomaly", ("--label", "fault"))):
        options = ("--task", task, *more, "--window", 6, "--epochs", 1, "--set", "units=2")
        run(zoo_command, "train", "basic", "--data", labelled_file, "--features", "load,temperature", *options)
        again = zoo.load_run("latest")
        assert again.evaluate() == again.metrics


def test_a_value_beyond_all_measure_is_the_most_unusual_one(tmp_path: Path):
    """The variance of its window overflows: the row is flagged, and the run ends as any other."""
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(400, 2)), columns=["a", "b"])
    frame.loc[380, "a"] = 1e25
    settings = {"window": 6, "epochs": 1, "normalize_window": "instance", "hyperparameters": {"units": 2}}
    done = zoo.train("basic", frame, task="anomaly", runs=tmp_path, **settings)
    assert done.metrics["network"]["flagged"] >= 1
    assert (done.folder / "report.html").is_file()
