"""``zoo backtest``: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from zoo.settings.toml_file import config_text


@pytest.fixture
def runs(trained) -> Path:
    return trained.folder.parent


def folder_of(tmp_path: Path) -> Path:
    (folder,) = (tmp_path / "backtests").iterdir()
    return folder


def test_a_run(zoo_command, trained, runs, series_file, tmp_path):
    done = zoo_command("backtest", trained.id, "--runs", runs, "--data", series_file)
    assert done.exit_code == 0, done.output
    folder = folder_of(tmp_path)
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"run {trained.id}: basic: 12 origins, 2024-01-09 11:00:00 to 2024-01-10 20:00:00")
    assert next(line.split()[:2] for line in lines if line.startswith("load ")) == ["load", "network"]
    for head in ("step, scaled MAE", "worst origins, scaled MAE"):
        assert any(line.startswith(head) for line in lines)
    assert f"report: backtests/{folder.name}/report.html" in lines
    assert f"forecasts: backtests/{folder.name}/forecasts.parquet" in lines
    assert lines[-1].startswith("By the MAE over all origins the network ")
    assert len(pd.read_parquet(folder / "forecasts.parquet")) == 36
    assert done.stderr == ""


def test_json_says_where_it_is(zoo_command, trained, runs, series_file):
    done = zoo_command("backtest", trained.id, "--runs", runs, "--data", series_file, "--json", "--output", "kept")
    told = json.loads(done.stdout)
    assert Path(told["folder"]).parent.name == "kept"
    record = json.loads((Path(told["folder"]) / "backtest.json").read_text(encoding="utf-8"))
    assert told["network"] == record["network"]


def test_a_configuration_with_trainings_anew(zoo_command, trained, series_file, tmp_path):
    data = trained.config.data.model_copy(update={"source": str(series_file)})
    text = config_text(trained.config.model_copy(update={"data": data}))
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    done = zoo_command("backtest", "c.toml", "--refit-every", 2, "--origins", 4, "--train-rows", 60)
    assert done.exit_code == 0, done.output
    assert "4 origins" in done.stdout
    assert "; 2 trainings;" in done.stdout
    record = json.loads((folder_of(tmp_path) / "backtest.json").read_text(encoding="utf-8"))
    assert [fit["origins"] for fit in record["fits"]] == [2, 2]


def test_a_bundle_and_how_its_table_is_read(zoo_command, exported, series, tmp_path):
    series.iloc[::-1].to_csv(tmp_path / "turned.csv", index=False, sep=";")
    asked = ("backtest", exported.folder, "--data", "turned.csv", "--delimiter", ";")
    refused = zoo_command(*asked)
    assert refused.exit_code == 2
    assert "sort" in refused.stderr
    done = zoo_command(*asked, "--sort")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("bundle tiny/1: basic: 12 origins")


def test_what_flatters_is_told_and_shown(zoo_command, exported, series, tmp_path):
    series.iloc[:-1].to_csv(tmp_path / "other.csv", index=False)
    done = zoo_command("backtest", exported.folder, "--data", "other.csv", "--stride", 4)
    assert "warning: nothing tells which of these rows the network was trained on" in done.stderr
    assert "ridge: not computed, there are too few rows before the first origin" in done.stdout


def test_a_panel_shows_its_worst_series(zoo_command, trained, series, tmp_path):
    sites = pd.concat([series.assign(site=name) for name in ("x", "y")])
    sites.to_csv(tmp_path / "sites.csv", index=False)
    data = trained.config.data.model_copy(update={"source": "sites.csv", "series": "site"})
    training = trained.config.training.model_copy(update={"epochs": 1})
    text = config_text(trained.config.model_copy(update={"data": data, "training": training}))
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    done = zoo_command("backtest", "c.toml")
    assert done.exit_code == 0, done.output
    assert "worst series, scaled MAE" in done.stdout


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--missing", "zero"), "--missing is one of error, drop, ffill, interpolate, mask, found 'zero'"),
        (("--gaps", "fill"), "--gaps is one of error, break, ignore, found 'fill'"),
        (("--start", "2024-01-02"), "--start 2024-01-02: this network was trained on rows before row 205"),
        (("--output", "file"), "--output: expected a folder, found the file file"),
        (("--sort",), "--sort says how a bundle's table is read"),
        (("--refit", "--backend", "ray"), "--backend is one of loky, dask, found 'ray'"),
        (("--refit", "--backend", "dask"), "--backend dask needs the scheduler's --address"),
        (("--refit", "--address", "tcp://127.0.0.1:1"), "--address is for --backend dask, found loky"),
        (("--refit", "--jobs", "0"), "--jobs: expected 1 or more, found 0"),
        (("--refit", "--threads", "0"), "--threads: expected 1 or more, found 0"),
        (("--jobs", "2"), "--jobs is for trainings, but this network stays as it is; add --refit"),
        (("--require-signature", "key.pub"), "--require-signature is for a bundle that is loaded"),
    ],
)
def test_bad_input_leaves_nothing_behind(zoo_command, trained, runs, series_file, tmp_path, options, sentence):
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = zoo_command("backtest", trained.id, "--runs", runs, "--data", series_file, *options)
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert sentence in done.stderr
    assert not (tmp_path / "backtests").exists()
