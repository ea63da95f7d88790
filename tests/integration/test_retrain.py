"""A run is trained again: on newer rows by its own split, and for production on all of them."""

from __future__ import annotations

import html
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import zoo
from zoo.api import plan_again
from zoo.runs.claiming import begin_run
from zoo.runs.retraining import lineage
from zoo_registry import discover
from zoo_registry.errors import ConfigError, RunError

SMALL = {"window": 8, "horizon": 3, "hyperparameters": {"units": 3}}


@pytest.fixture(scope="module")
def production(trained, tmp_path_factory):
    """The tiny run, trained again on all rows of its table."""
    return zoo.retrain(trained, all_rows=True, runs=tmp_path_factory.mktemp("production"))


def weights(run):
    return [array.tobytes() for array in run.network.get_weights()]


def newer(series: pd.DataFrame, rows: int = 60) -> pd.DataFrame:
    """The table with rows behind it, and a column that it had not."""
    times = pd.date_range(series["time"].iloc[-1], periods=rows + 1, freq="h")[1:]
    more = series.iloc[:rows].assign(time=times, load=lambda frame: frame["load"] + 50)
    return pd.concat([series, more], ignore_index=True).assign(noise=1.0)


def test_all_rows_are_trained_on_and_nothing_is_measured(trained, production):
    record = production.record
    assert record.data.split["train"].model_dump() == {
        "rows": (0, 240),
        "first": "row 1 (2024-01-01 00:00:00)",
        "last": "row 240 (2024-01-10 23:00:00)",
        "windows": 230,
    }
    assert [record.data.split[part].rows for part in ("validation", "test")] == [0, 0]
    assert record.evaluation is None
    assert production.metrics == {}
    assert (record.training.epochs, record.training.best_epoch) == (trained.record.training.best_epoch,) * 2
    assert record.training.val_loss is None
    assert record.training.loss > 0
    assert record.retrained_from.run == trained.id
    assert record.retrained_from.verdict == trained.metrics["verdict"]
    assert (production.folder / "history.csv").read_text().splitlines()[0] == "epoch,loss,learning_rate"
    told = json.loads((production.folder / "run.json").read_text())
    assert told["evaluation"] is None
    assert told["config"]["data"]["all_rows"] is True


def test_the_weights_are_fresh_and_of_the_seed(trained, production, tmp_path):
    again = zoo.retrain(trained, all_rows=True, runs=tmp_path)
    assert weights(again) == weights(production)
    assert weights(again) != weights(trained)
    parameters = again.preprocessor.parameters()
    assert parameters == production.preprocessor.parameters() != trained.preprocessor.parameters()


def test_the_last_row_is_seen(trained, production, series, tmp_path):
    series.loc[239, "load"] += 1000
    other = zoo.retrain(trained, series, all_rows=True, runs=tmp_path)
    assert other.preprocessor.parameters() != production.preprocessor.parameters()
    assert weights(other) != weights(production)


def test_by_its_own_split_it_is_the_same_run_again(trained, series, tmp_path):
    again = zoo.retrain(trained, runs=tmp_path)
    assert weights(again) == weights(trained)
    assert again.metrics == trained.metrics
    assert again.record.retrained_from.run == trained.id
    longer = zoo.retrain(trained.folder, newer(series), runs=tmp_path)
    assert longer.problem.features == trained.problem.features
    assert longer.record.data.rows == 300
    assert longer.metrics["windows"] > trained.metrics["windows"]


def test_every_place_says_that_there_are_no_figures_and_whose_stand_for_it(trained, production, zoo_command):
    own, runs = trained.id, production.folder.parent
    said = f"trained on all rows, so that none is left to test it on; the figures of run {own}, whose settings and"
    page = html.unescape((production.folder / "report.html").read_text())
    assert said in page
    assert trained.metrics["verdict"] in page
    assert "Loss of train windows." in page
    listed = zoo_command("runs", "--runs", runs).stdout
    assert f"none, trained on all rows; figures: {own}" in listed
    compared = zoo_command("compare", production.folder, trained.folder)
    assert compared.exit_code == 2
    assert said in compared.stderr
    with pytest.raises(RunError, match=f"run {production.id} was trained on all rows.* figures of run {own}"):
        production.evaluate()


def test_its_bundle_is_verified_and_its_card_says_so_too(trained, production, series, tmp_path, zoo_command):
    bundle = production.export(tmp_path / "exported", name="load")
    assert all(verdict.passed for verdict in zoo.verify_bundle(bundle.folder))
    assert bundle.manifest.metrics is None
    assert bundle.manifest.retrained_from == production.record.retrained_from
    card = " ".join((bundle.folder / "README.md").read_text().split())
    assert "## Accuracy This network was trained on all rows, so that none is left to test it on" in card
    assert f"the figures of run {trained.id}" in card.replace("\\", "")
    assert "untouched test split" not in card.partition("Of that run:")[0]
    (listed,) = json.loads(zoo_command("bundles", "exported", "--json").stdout)
    assert trained.id in listed["untested"]
    assert listed["measure"] is None
    assert "none, trained on all rows" in zoo_command("bundles", "exported").stdout
    found, told = bundle.predict(series), production.predict(series)
    np.testing.assert_allclose(found["load"], told["load"], rtol=1e-5)
    with pytest.raises(
        ConfigError, match=r"trained on all rows.*give `data` with newer rows, or the bundle of that run"
    ):
        zoo.backtest(bundle, series)


def test_rows_that_it_has_seen_test_nothing_but_what_is_trained_anew(production, series, tmp_path):
    with pytest.raises(
        ConfigError, match=r"trained on all rows.*give `data` with newer rows, or `refit` with a `start`"
    ):
        zoo.backtest(production, series)
    later = zoo.backtest(production, newer(series), start="2024-01-11")
    assert later.evaluation["first_origin"] >= "2024-01-10 23"
    anew = zoo.backtest(production, series, refit=True, start="2024-01-09", origins=1)
    assert [fit["epochs"] for fit in anew.evaluation["fits"]] == [production.config.training.epochs]


def test_no_tested_training_begins_with_weights_that_have_seen_all_rows(trained, production, series, tmp_path):
    folder, settings = str(production.folder), {**SMALL, "hyperparameters": {"units": 4}}
    with pytest.raises(
        ConfigError, match=f"^`start_from` .*all rows.* test them here; begin with run {trained.id}, or"
    ):
        zoo.train("basic", series, target="load", start_from=folder, runs=tmp_path, **settings)
    assert not list(tmp_path.iterdir())


def test_the_next_one_names_the_run_that_was_tested(trained, production, series, tmp_path):
    again = zoo.retrain(production, newer(series), all_rows=True, runs=tmp_path)
    assert again.record.retrained_from.run == trained.id
    assert again.record.training.epochs == production.record.training.epochs
    with pytest.raises(ConfigError, match="has no split to train again by"):
        zoo.retrain(production)


def test_one_that_was_stopped_goes_on(trained, production, series, tmp_path):
    config, prepared = plan_again(trained.record, series, all_rows=True)

    class Killed(BaseException):
        """As SIGKILL: nothing is done about it."""

    entry, of = discover().catalogue["basic"], lineage(trained.record)
    with pytest.raises(Killed), begin_run(tmp_path, config, entry, prepared.table.fingerprint(), None, of):
        raise Killed
    run = zoo.resume("latest", series, runs=tmp_path)
    assert weights(run) == weights(production)
    assert run.record.retrained_from == production.record.retrained_from
    assert run.record.evaluation is None


def test_the_command(zoo_command, series, tmp_path):
    series.to_csv(tmp_path / "load.csv", index=False)
    newer(series).to_csv(tmp_path / "newer.csv", index=False)
    train = (
        "train basic --data load.csv --target load --window 8 --horizon 3 --set units=3 --epochs 2 --split-last 24,24"
    )
    assert zoo_command(*train.split()).exit_code == 0
    (tested,) = (path for path in Path("runs").iterdir() if (path / "run.json").is_file())
    own = json.loads((tested / "run.json").read_text())
    assert own["data"]["split"]["test"]["rows"] == [216, 240]
    found = zoo_command("retrain", "latest", "--all-rows", "--data", "newer.csv", "--export", "--name", "load")
    assert found.exit_code == 0, found.output
    epochs = own["training"]["best_epoch"]
    assert f"{epochs} epochs, train loss" in found.stdout
    assert "windows: train 290\n" in found.stdout
    assert "bundle: exported/load/1" in found.stdout
    last = found.stdout.splitlines()[-1]
    assert last.startswith(
        "The network was trained on all rows, so that none is left to test it on; the figures of run"
    )
    assert last.endswith(own["evaluation"]["verdict"])
    assert zoo_command("verify", "exported/load").exit_code == 0
    split = zoo_command("retrain", tested.name, "--data", "newer.csv", "--json")
    record = json.loads(split.stdout)
    assert record["data"]["split"]["test"]["rows"] == [276, 300]
    assert record["retrained_from"]["run"] == tested.name


@pytest.mark.full
def test_classes_and_quantiles_too_and_anomalies_by_their_split_alone(series, tmp_path):
    series["state"] = np.where(series["load"] > 100, "high", "low")
    settings = {"window": 4, "epochs": 1, "runs": tmp_path, "hyperparameters": {"units": 2}}
    classes = zoo.train("basic", series, task="classify", target="state", **settings)
    again = zoo.retrain(classes, all_rows=True, runs=tmp_path)
    assert again.problem.classes == ("high", "low")
    assert "trained on all rows" in (again.folder / "report.html").read_text()
    levels = zoo.train(
        "basic", series[["time", "load"]], target="load", quantiles=(0.1, 0.5, 0.9), horizon=2, **settings
    )
    again = zoo.retrain(levels, all_rows=True, runs=tmp_path)
    assert again.outputs(np.full((1, 4, 1), 100.0))["quantiles"].shape == (1, 2, 1, 3)
    odd = zoo.train("basic", series[["time", "load"]], task="anomaly", **settings)
    with pytest.raises(ConfigError, match="`all_rows` is not for `task='anomaly'`, whose threshold is set by rows"):
        zoo.retrain(odd, all_rows=True, runs=tmp_path)
    assert zoo.retrain(odd, runs=tmp_path).metrics["threshold"] == odd.metrics["threshold"]


@pytest.mark.full
def test_the_guide(request, zoo_command, tmp_path):
    text = (request.config.rootpath / "docs" / "retraining.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    (?:\$ )?zoo (.+?)(?:  +#.*)?$", text, flags=re.MULTILINE)
    assert len(commands) > 3
    for command in commands:
        words = shlex.split(command)
        if words[0] == "train":
            words += ["--epochs", "2", "--set", "units=2"]
        found = zoo_command(*words)
        assert found.exit_code == 0, (command, found.output)
