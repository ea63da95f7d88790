"""The main job through the real command and the Python API: list, train, export, verify, predict."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import zoo

TINY = ("--window", 8, "--horizon", 3, "--epochs", 1, "--set", "units=4")


def test_the_whole_way_through_the_command(zoo_command, series_file):
    done = zoo_command("train", "basic", "--data", series_file, "--target", "load", *TINY, "--export", "--json")
    assert done.exit_code == 0, done.output
    run = json.loads(done.stdout)
    assert run["bundle"] == "exported/basic-series/1"
    assert set(run["evaluation"]["baselines"]) == {"last value", "seasonal naive", "ridge"}
    assert run["problem"]["inputs"][0]["columns"] == ["load", "temperature"]

    listed = zoo_command("runs", "--json")
    assert [known["id"] for known in json.loads(listed.stdout)] == [run["id"]]

    again = zoo_command("export", run["id"][:10], "--json")
    assert json.loads(again.stdout)["bundle"] == "exported/basic-series/2", again.output

    verified = zoo_command("verify", "exported/basic-series", "--runtime", "all", "--json")
    assert verified.exit_code == 0, verified.output
    verdicts = json.loads(verified.stdout)
    assert verdicts["bundle"] == "exported/basic-series/2"
    assert {verdict["runtime"] for verdict in verdicts["runtimes"]} == {"onnxruntime", "tensorflow"}
    assert all(verdict["difference"] <= 1e-5 for verdict in verdicts["runtimes"])

    predicted = zoo_command("predict", "exported/basic-series", "--data", series_file, "--output", "forecast.csv")
    assert predicted.exit_code == 0, predicted.output
    forecast = pd.read_csv("forecast.csv", parse_dates=["time"])
    assert list(forecast.columns) == ["time", "load"]
    assert list(forecast["time"]) == list(pd.date_range("2024-01-11", periods=3, freq="h"))
    expected = zoo.load_run("latest").predict(series_file)
    np.testing.assert_allclose(forecast["load"], expected["load"], rtol=1e-5)


def test_tables_for_people(zoo_command, series_file):
    trained = zoo_command("train", "stacked", "--data", series_file, "--target", "load", *TINY)
    assert trained.exit_code == 0, trained.output
    last = trained.stdout.strip().splitlines()[-1]
    assert last.startswith("On the test split's MAE the network ")
    assert "ridge" in last
    assert "last value" in trained.stdout
    runs = zoo_command("runs")
    assert "stacked" in runs.stdout
    exported = zoo_command("export", "latest", "--name", "mine")
    assert "bundle: exported/mine/1" in exported.stdout
    verified = zoo_command("verify", "exported/mine/1", "--runtime", "onnxruntime")
    assert verified.exit_code == 0
    assert "hashes hold" in verified.stdout
    assert "tensorflow" not in verified.stdout
    predicted = zoo_command("predict", "exported/mine", "--data", series_file)
    assert predicted.stdout.splitlines()[0].split() == ["time", "load"]
    assert len(predicted.stdout.strip().splitlines()) == 4


def test_no_data_means_the_example_and_says_so(zoo_command):
    trained = zoo_command("train", "basic", "--epochs", 1, "--set", "units=2", "--json")
    assert trained.exit_code == 0, trained.output
    assert "example:co2" in trained.stderr
    record = json.loads(trained.stdout)
    assert (
        record["config"]["data"] | {"window": 52, "horizon": 13, "missing": "interpolate"} == record["config"]["data"]
    )
    assert record["data"]["repairs"] == {"missing": {"method": "interpolate", "values": {"co2": 59}}}


@pytest.mark.filterwarnings("ignore::zoo.inference.ranges.OutsideRangeWarning")
def test_python_api(trained, series, tmp_path):
    assert {"basic", "stacked", "bidirectional", "custom-loss"} <= {a["name"] for a in zoo.list_architectures()}
    windows = series[["load", "temperature"]].to_numpy()[None, -8:]
    forecast = trained.predict(windows)
    assert forecast.shape == (1, 3, 1)
    frame = trained.predict(series)
    np.testing.assert_allclose(frame["load"], forecast[0, :, 0])

    bundle = trained.export(tmp_path, name="api")
    np.testing.assert_allclose(bundle.predict(windows), forecast, rtol=1e-5)
    np.testing.assert_allclose(zoo.load_bundle(tmp_path / "api").predict(series), frame, rtol=1e-5)
    assert all(verdict.passed for verdict in zoo.verify_bundle(bundle.folder))


def test_evaluation_can_be_repeated(trained, series):
    again = zoo.load_run(trained.folder)
    with pytest.raises(zoo.ZooError, match=r"give it to evaluate\(data\)"):
        again.evaluate()
    assert again.evaluate(series) == trained.metrics
    with pytest.raises(zoo.ZooError, match="is not the table"):
        again.evaluate(series.assign(load=series["load"] + 1))


def test_predict_never_imports_tensorflow(exported, series_file, tmp_path):
    import subprocess
    import sys

    program = (
        "import sys; sys.argv = ['zoo', 'predict', *sys.argv[1:]]\n"
        "from zoo.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print(sorted({'tensorflow', 'keras', 'sklearn', 'statsmodels', 'tf2onnx', 'joblib'} & set(sys.modules)))"
    )
    arguments = [exported.folder, "--data", series_file, "--json"]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_one_seed_gives_bit_equal_weights(series, tmp_path):
    settings = {"target": "load", "window": 8, "horizon": 3, "epochs": 3}
    settings |= {"hyperparameters": {"units": 4, "dropout": 0.3, "recurrent_dropout": 0.2}, "runs": tmp_path}
    one, two = (zoo.train("basic", series, seed=7, **settings).network.get_weights() for _ in range(2))
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first, second)


def test_names_that_mean_something_elsewhere(zoo_command, series, tmp_path):
    """Columns named like markup, like Markdown, and like the forecast's own index."""
    for target in ("load [/h]", "a|b", "step", "time"):
        series[["load", "temperature"]].rename(columns={"load": target}).to_csv(tmp_path / "odd.csv", index=False)
        trained = zoo_command("train", "basic", "--data", "odd.csv", "--target", target, *TINY, "--export")
        assert trained.exit_code == 0, trained.output
        assert target in trained.stdout
        bundle = next(line for line in trained.stdout.splitlines() if line.startswith("bundle: ")).split()[1]
        predicted = zoo_command("predict", bundle, "--data", "odd.csv")
        index = "forecast step" if target == "step" else "step"
        assert predicted.stdout.splitlines()[0].split() == [*index.split(), *target.split()], predicted.output
        zoo_command("predict", bundle, "--data", "odd.csv", "--output", "forecast.parquet")
        assert list(pd.read_parquet("forecast.parquet").columns) == [index, target]
        shutil.rmtree("exported")


def test_a_file_with_semicolons_and_decimal_commas(zoo_command, series, tmp_path):
    series.to_csv(tmp_path / "comma.csv", index=False, sep=";", decimal=",", encoding="latin-1")
    form = ("--delimiter", ";", "--decimal", ",", "--encoding", "latin-1")
    dates = ("--split-dates", "2024-01-08,2024-01-09 12:00", "--embargo", 2, "--stride", 3, "--no-context")
    trained = zoo_command("train", "basic", "--data", "comma.csv", "--target", "load", *TINY, *form, *dates, "--json")
    assert trained.exit_code == 0, trained.output
    run = json.loads(trained.stdout)
    parts = run["data"]["split"]
    assert [part["rows"] for part in parts.values()] == [[0, 166], [168, 202], [204, 240]]
    assert [part["windows"] for part in parts.values()] == [52, 8, 9]
    assert run["evaluation"]["windows"] == 9
    exported = zoo_command("export", "latest", "--name", "comma")
    assert exported.exit_code == 0, exported.output
    predicted = zoo_command("predict", "exported/comma", "--data", "comma.csv", *form, "--json")
    expected = zoo.load_run("latest").predict(str(tmp_path / "comma.csv"))
    np.testing.assert_allclose([row["load"] for row in json.loads(predicted.stdout)], expected["load"], rtol=1e-5)
