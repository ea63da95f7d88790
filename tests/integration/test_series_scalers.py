"""Scalers of each series through the commands: trained, exported, replayed, and tables scaled by the bundle's table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest

import zoo
from zoo.data.shop_sales import make_sales
from zoo_registry.errors import DataError

TRAIN = ("train", "linear", "--data", "example:panel", "--epochs", 1, "--export")
WINDOW, HORIZON = 28, 14
KNOWN, NEW = "shop 03", "newcomer"


def last_rows() -> pd.DataFrame:
    """The last rows of a shop, and the same of another size as those of one that nobody knows."""
    frame = make_sales()
    known = frame[frame["shop"] == KNOWN].tail(WINDOW + HORIZON + 2)
    return pd.concat([known, known.assign(shop=NEW, sales=known["sales"] * 7 + 3)], ignore_index=True)


def run_of(folder: Path) -> zoo.Run:
    (run,) = (folder / "runs").iterdir()
    return zoo.Run(run)


def test_known_series_are_answered_and_others_refused(zoo_command, tmp_path):
    done = zoo_command(*TRAIN, "--scaler-per-series", "refuse", "--name", "shops")
    assert done.exit_code == 0, done.output
    assert "windows are normalized by none: each series has a scaler of its own" in done.stderr
    assert zoo_command("verify", "exported/shops").exit_code == 0
    run, bundle = run_of(tmp_path), zoo.load_bundle("exported/shops")
    assert run.config.data.scaler_per_series == "refuse"
    assert run.evaluate() == run.metrics
    assert run.metrics["network"]["series"]["mase"] < run.metrics["baselines"]["last value"]["series"]["mase"]

    answers = bundle.predict("example:panel")
    of_run = run.predict("example:panel")
    scale = make_sales().groupby("shop")["sales"].std()[answers["shop"]].to_numpy()
    assert (np.abs(answers["sales"] - of_run["sales"]) / scale).max() < 1e-5

    # as a client does it that knows numbers alone
    written = json.loads((bundle.folder / "preprocessing.json").read_text())["by_series"]
    place = written["series"].index(KNOWN)
    numbers = {part: written[part][0]["parameters"] for part in ("features", "targets")}
    (feature, target) = ({key: own[place] for key, own in numbers[part].items()} for part in numbers)
    rows = make_sales().query(f"shop == '{KNOWN}'")["sales"].to_numpy()[-WINDOW:]
    window = ((rows - feature["offset"]) / feature["scale"]).astype(np.float32)[None, :, None]
    session = onnxruntime.InferenceSession(bundle.folder / "model.onnx")
    raw = session.run(["forecast"], {"window": window})[0] * target["scale"] + target["offset"]
    np.testing.assert_allclose(raw.ravel(), answers.loc[answers["shop"] == KNOWN, "sales"], rtol=1e-5)
    np.testing.assert_allclose(bundle.predict(window), session.run(["forecast"], {"window": window})[0], rtol=1e-6)
    scalers = bundle.load_scalers(trusted=True)
    np.testing.assert_allclose(scalers["features"][KNOWN].transform(rows[:, None]), window[0], rtol=1e-5)
    card = (bundle.folder / "README.md").read_text()
    assert "each series has scalers of its own" in card
    assert "No other series is forecast." in card

    last_rows().to_csv("both.csv", index=False)
    refused = zoo_command("predict", "exported/shops", "--data", "both.csv")
    assert refused.exit_code == 2
    assert f"series '{NEW}' was not in the training" in refused.stderr
    assert "--scaler-per-series refuse" in refused.stderr
    going = zoo_command(
        "predict", "exported/shops", "--data", "both.csv", "--errors", "keep-going", "--output", "o.csv"
    )
    assert going.exit_code == 3
    told = pd.read_csv("o.csv").set_index("shop")
    assert told.loc[KNOWN, "status"].isna().all()
    assert told.loc[NEW, "sales"].isna().all()
    with pytest.raises(DataError, match="expected windows of a table"):
        run.predict(rows[:, None])


def test_a_new_series_takes_the_scale_of_its_window(zoo_command, tmp_path):
    more = ("--scaler-per-series", "window", "--scaler", "minmax", "--quantiles", "0.1,0.5,0.9", "--name", "shops")
    done = zoo_command(*TRAIN, *more)
    assert done.exit_code == 0, done.output
    run, bundle = run_of(tmp_path), zoo.load_bundle("exported/shops")
    both = last_rows()
    answers = bundle.predict(both)
    own = answers[answers["shop"] == NEW][["sales 0.1", "sales", "sales 0.9"]].to_numpy()
    rows = both.loc[both["shop"] == NEW, "sales"].to_numpy()[-WINDOW:]
    low, span = rows.min(), np.ptp(rows)
    window = ((rows - low) / span).astype(np.float32)[None, :, None]
    graph = onnxruntime.InferenceSession(bundle.folder / "model.onnx").run(["quantiles"], {"window": window})[0]
    np.testing.assert_allclose(own, graph[0, :, 0] * span + low, rtol=1e-5)
    np.testing.assert_allclose(run.predict(rows[:, None])[0, :, 0], own[:, 1], rtol=1e-4)
    over = pd.concat(bundle.backtest(both, stride=5)), pd.concat(run.backtest(both, stride=5))
    np.testing.assert_allclose(over[0]["sales"], over[1]["sales"], rtol=1e-4)
    assert (over[0].groupby("shop").size() == 4 * HORIZON).all()
    whole = zoo.backtest(bundle, "example:panel", origins=20)
    assert whole.evaluation["unit"]["sales"] == pytest.approx(run.metrics["unit"]["sales"])
    again = zoo.backtest(run)
    shared = again.forecasts.merge(whole.forecasts, on=["shop", "origin", "time"], suffixes=("", " of bundle"))
    assert len({*shared["shop"]}) > 1
    scale = make_sales().groupby("shop")["sales"].std()[shared["shop"]].to_numpy()
    assert (np.abs(shared["sales"] - shared["sales of bundle"]) / scale).max() < 1e-5


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--data", "example:panel", "--loss", "mape"), "take a loss of scaled values, such as mse, mae or huber"),
        (
            (
                "--data",
                "example:co2",
            ),
            "nothing tells them apart; name the column that does with --series",
        ),
        (("--data", "example:panel", "--task", "anomaly"), "--scaler-per-series is for --task forecast"),
    ],
)
def test_what_does_not_go_with_it_is_one_sentence(zoo_command, given, told):
    done = zoo_command("train", "linear", *given, "--scaler-per-series", "refuse", "--epochs", 1)
    assert done.exit_code == 2
    assert told in done.stderr
    assert "Traceback" not in done.output
