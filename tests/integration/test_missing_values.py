"""Tables with holes and series too short for a window: trained on, exported, verified and forecast with masks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import zoo
from zoo_registry.errors import DataError

WINDOW = ("--window", "24", "--horizon", "6", "--season", "24", "--epochs", "1")


def holes(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The same table, of whose values some are missing, alone and in runs, in all parts of it."""
    random, found = np.random.default_rng(0), frame.copy()
    for column in columns:
        missing = random.random(len(frame)) < 0.02
        for first in random.integers(0, len(frame), len(frame) // 300):
            missing[first : first + random.integers(1, 40)] = True
        missing[-3] = True
        found.loc[missing, column] = np.nan
    return found


def train_export(zoo_command, architecture: str, *arguments: str) -> Path:
    trained = zoo_command("train", architecture, "--export", "--json", *WINDOW, *arguments)
    assert trained.exit_code == 0, trained.output
    bundle = Path(json.loads(trained.stdout)["bundle"])
    assert zoo_command("verify", str(bundle)).exit_code == 0
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    assert all(part["difference"] < 1e-5 for part in manifest["parity"].values())
    assert "Loop" not in manifest["onnx"]["operators"]
    with np.load(bundle / "golden.npz") as golden:
        assert np.isnan(golden["window"]).any()
    return bundle


def predicted(zoo_command, bundle: Path, data: Path, tmp_path: Path) -> pd.DataFrame:
    output = tmp_path / f"{data.stem}-forecast.csv"
    result = zoo_command("predict", str(bundle), "--data", str(data), "--output", str(output))
    assert result.exit_code == 0, result.output
    return pd.read_csv(output)


@pytest.mark.parametrize(
    ("architecture", "settings"),
    [
        ("linear", ("--target", "OT")),
        pytest.param("basic", ("--target", "OT", "--calendar", "hour"), marks=pytest.mark.full),
        pytest.param("segmented", ("--target", "OT,HUFL", "--normalize-window", "instance"), marks=pytest.mark.full),
        pytest.param("bidirectional", ("--target", "OT,HUFL", "--channels", "shared"), marks=pytest.mark.full),
    ],
)
def test_a_table_with_holes(zoo_command, etth1, tmp_path, architecture, settings):
    data = tmp_path / "holes.csv"
    frame = pd.read_csv(etth1, usecols=["date", "HUFL", "OT"]).iloc[:1200]
    holes(frame, ["HUFL", "OT"]).to_csv(data, index=False)
    bundle = train_export(zoo_command, architecture, "--data", str(data), "--missing", "mask", *settings)
    problem = zoo.load_bundle(bundle).problem
    assert problem.masked == ("HUFL", "OT")
    told = predicted(zoo_command, bundle, data, tmp_path)
    assert len(told) == 6
    assert np.isfinite(told[list(problem.targets)].to_numpy()).all()


def frame_of(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    random, steps = np.random.default_rng(seed), np.arange(rows)
    load = 100 + 10 * np.sin(steps * np.pi / 12) + random.normal(0, 0.5, rows)
    return pd.DataFrame({"load": np.clip(load, 90, 110), "wind": 5 + np.cos(steps * np.pi / 10)})


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory):
    """A bundle that knows holes of the load alone, and its table."""
    frame = holes(frame_of(), ["load"])
    folder = tmp_path_factory.mktemp("masked")
    settings = {"target": "load", "missing": "mask", "window": 24, "horizon": 6, "season": 24, "epochs": 1}
    run = zoo.train("linear", frame, runs=folder / "runs", **settings)
    return run.export(folder / "exported"), frame


def test_arrays_may_hold_nan_where_the_training_did(masked):
    bundle, frame = masked
    window = frame.iloc[-24:].to_numpy(copy=True)
    assert np.isfinite(bundle.predict(window)).all()
    window[-2, 1] = np.nan
    with pytest.raises(DataError, match=r"column 'wind' \(from 0\): expected a finite"):
        bundle.predict(window)
    window[:, 1], window[:, 0] = 5.0, np.nan
    assert np.isnan(bundle.predict(window)).all(), "of nothing nothing is said"


def test_a_table_is_forecast_with_its_holes_as_in_the_training(masked):
    bundle, frame = masked
    told = bundle.predict(frame)["load"].to_numpy()
    np.testing.assert_allclose(told, bundle.predict(frame.iloc[-24:].to_numpy())[0, :, 0], rtol=1e-6)
    filled = bundle.predict(frame, missing="ffill")["load"].to_numpy()
    assert np.abs(told - filled).max() > 1e-6
    whole = frame.assign(wind=frame["wind"].where(frame.index != len(frame) - 5))
    with pytest.raises(DataError, match=r"column 'wind', row 396: the value is missing \(1 in all\), but in the train"):
        bundle.predict(whole)
    silent = frame.assign(load=frame["load"].where(frame.index < len(frame) - 24))
    with pytest.raises(DataError, match=r"no value of what the forecast is made from was observed in the last 24 rows"):
        bundle.predict(silent)
    told = bundle.predict(silent, errors="report")
    assert told["load"].isna().all()
    assert told["status"].str.startswith("no value of what the forecast is made from was observed").all()


def test_a_backtest_leaves_out_windows_that_say_nothing(masked):
    bundle, frame = masked
    silent = frame.assign(load=frame["load"].where((frame.index < 100) | (frame.index > 150)))
    answers = pd.concat(list(bundle.backtest(silent)))
    assert np.isfinite(answers["load"]).all()
    assert len(answers) == 6 * (400 - 23 - 28)


def test_short_series_are_filled_up_in_training_and_at_prediction(tmp_path):
    lengths = {"a": 300, "b": 300, "c": 30, "d": 22}
    parts = [frame_of(rows, seed)[["load"]].assign(id=name) for seed, (name, rows) in enumerate(lengths.items())]
    table = pd.concat([part.assign(t=np.arange(len(part))) for part in parts], ignore_index=True)
    settings = {"target": "load", "series": "id", "time": "t", "season": 24, "window": 24, "horizon": 3, "epochs": 1}
    run = zoo.train("linear", table, runs=tmp_path / "runs", short_series="pad", **settings)
    assert run.record.data.repairs.padded.series == ("c", "d")
    assert run.record.problem.masked == ("load",)
    bundle = run.export(tmp_path / "exported")
    newest = pd.concat([table[table["id"] == "a"], table[table["id"] == "d"].tail(5)])
    told = bundle.predict(newest)
    assert told.groupby("id").size().to_dict() == {"a": 3, "d": 3}
    assert np.isfinite(told["load"]).all()
    window = np.full((24, 1), np.nan)
    window[-5:, 0] = newest["load"].tail(5)
    np.testing.assert_allclose(told[told["id"] == "d"]["load"], bundle.predict(window)[0, :, 0], rtol=1e-6)
    bad = newest.assign(load=newest["load"].where(newest["id"] == "d"))
    told = bundle.predict(bad, errors="report", missing="ffill")
    assert (told["status"] == "").tolist() == told["load"].notna().tolist() == [False] * 3 + [True] * 3
    np.testing.assert_allclose(told["load"].tail(3), bundle.predict(window)[0, :, 0], rtol=1e-6)
