"""Many series in every form, through the commands: no option names a column, and one line tells what was found."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import zoo
from zoo.data.shop_sales import make_sales

SIZES = ("--window", 8, "--horizon", 3, "--epochs", 1, "--normalize-window", "instance")
SHOPS = ["shop 01", "shop 04", "shop 35"]


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    """Three shops in the long format, with whole-number times."""
    sales = make_sales().rename(columns={"shop": "unique_id", "sales": "y"})
    sales = sales[sales["unique_id"].isin(SHOPS)].drop(columns="date").reset_index(drop=True)
    sales.insert(1, "ds", sales.groupby("unique_id").cumcount() + 1)
    return sales


def write_long(panel: pd.DataFrame, folder: Path) -> Path:
    panel.to_csv(folder / "panel.csv", index=False)
    return folder / "panel.csv"


def write_wide(panel: pd.DataFrame, folder: Path) -> Path:
    """Write M4's form, with its names."""
    longest = panel["ds"].max()
    lines = [
        ",".join([name, *map(str, own["y"])]) + "," * (longest - len(own))
        for name, (_, own) in zip(NAMES, panel.groupby("unique_id"), strict=True)
    ]
    heads = ",".join(f"V{n}" for n in range(1, longest + 2))
    (folder / "wide.csv").write_text("\n".join([heads, *lines]))
    return folder / "wide.csv"


def write_tsf(panel: pd.DataFrame, folder: Path) -> Path:
    head = "@relation shops\n@attribute series_name string\n@frequency daily\n@horizon 3\n@data\n"
    lines = [f"{name}:{','.join(map(str, own['y']))}" for name, own in panel.groupby("unique_id")]
    (folder / "shops.tsf").write_text(head + "\n".join(lines))
    return folder / "shops.tsf"


def write_files(panel: pd.DataFrame, folder: Path) -> Path:
    (folder / "shops").mkdir()
    for name, own in panel.groupby("unique_id"):
        own[["ds", "y"]].to_csv(folder / "shops" / f"{name}.csv", index=False)
    return folder / "shops"


NAMES = ["H1", "H2", "H3"]
FORMS: dict[str, tuple[Callable[[pd.DataFrame, Path], Path], list[str], str]] = {
    "long": (write_long, SHOPS, "panel.csv: series unique_id, time ds, target y, as in the long format"),
    "wide": (write_wide, NAMES, "wide.csv: a series a line, read as the columns unique_id, ds, y, as M4's files"),
    "tsf": (write_tsf, SHOPS, "shops.tsf: series unique_id, time ds, target y, season 7, as its header says"),
    "files": (write_files, SHOPS, "shops: 3 files, each a series, which the column 'series' names"),
}


@pytest.fixture(scope="module")
def trained(panel: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two bundles of a tiny network: of the long format, and of a folder."""
    folder = tmp_path_factory.mktemp("trained")
    settings: dict[str, Any] = {"window": 8, "horizon": 3, "season": 1, "epochs": 1, "normalize_window": "instance"}
    for form in ("long", "files"):
        write, _, _ = FORMS[form]
        run = zoo.train("linear", str(write(panel, folder)), runs=folder / "runs", **settings)
        assert run.record.data.series == 3
        run.export(folder / "exported", name=form)
    return folder


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_inspected_without_an_option(zoo_command, panel, tmp_path, form):
    write, _, told = FORMS[form]
    result = zoo_command("inspect", "--data", write(panel, tmp_path), *SIZES[:4], "--json")
    assert result.exit_code == 0, result.output
    (line,) = result.stderr.splitlines()
    assert told in line
    found = pd.read_json(StringIO(result.stdout), typ="series")
    assert (found["series"]["used"], found["rows"], found["features"]) == (3, len(panel), ["y"])
    assert found["season"] == (7 if form == "tsf" else None)


@pytest.mark.parametrize("form", ["long", "wide", "tsf"])
def test_a_bundle_of_one_form_answers_to_the_others(zoo_command, trained, panel, tmp_path, form):
    write, names, told = FORMS[form]
    output = tmp_path / "forecast.csv"
    path = write(panel, tmp_path)
    result = zoo_command("predict", trained / "exported" / "long", "--data", path, "--output", output)
    assert result.exit_code == 0, result.output
    assert (told in result.stderr) == (form == "wide")
    frame = pd.read_csv(output)
    assert frame["unique_id"].tolist() == np.repeat(names, 3).tolist()
    assert frame["time"].tolist() == [int(n) + k for n in panel.groupby("unique_id").size() for k in (1, 2, 3)]
    bundle = zoo.load_bundle(trained / "exported" / "long")
    np.testing.assert_allclose(frame["y"], bundle.predict(panel)["y"], rtol=1e-6)
    assert len(bundle.backtest(path)) == len(panel) - 3 * 7


def test_a_folder_is_one_table_or_each_file_is_one(zoo_command, trained, panel, tmp_path):
    bundle, folder = trained / "exported" / "files", write_files(panel, tmp_path)
    one = tmp_path / "all.csv"
    result = zoo_command("predict", bundle, "--data", folder, "--output", one)
    assert result.exit_code == 0, result.output
    assert FORMS["files"][2] in result.stderr
    frame = pd.read_csv(one)
    assert frame["series"].tolist() == np.repeat(SHOPS, 3).tolist()
    shown = zoo_command("predict", bundle, "--data", folder, "--json")
    assert [row["series"] for row in pd.read_json(StringIO(shown.stdout)).to_dict("records")] == [*frame["series"]]
    result = zoo_command("predict", bundle, "--data", folder, "--output", tmp_path / "each", "--jobs", 1)
    assert result.exit_code == 0, result.output
    each = pd.concat([pd.read_parquet(tmp_path / "each" / f"{name}.parquet") for name in SHOPS], ignore_index=True)
    assert each["series"].tolist() == frame["series"].tolist()
    np.testing.assert_allclose(each["y"], frame["y"], rtol=1e-6)


def test_a_frame_with_a_column_of_series_is_read_by_a_bundle_of_a_folder(trained, panel, tmp_path):
    bundle = zoo.load_bundle(trained / "exported" / "files")
    named = panel.rename(columns={"unique_id": "series"})
    assert bundle.predict(named)["series"].tolist() == np.repeat(SHOPS, 3).tolist()
    named.to_csv(tmp_path / "named.csv", index=False)
    assert bundle.predict(str(tmp_path / "named.csv"))["series"].tolist() == np.repeat(SHOPS, 3).tolist()


def test_the_run_of_a_folder_is_measured_and_gone_over_again(trained):
    runs = [zoo.load_run(path) for path in (trained / "runs").iterdir()]
    (run,) = (run for run in runs if run.config.data.layout == "files")
    assert run.config.data.series == "series"
    assert run.evaluate()["network"] == run.metrics["network"]
    assert set(run.predict(str(trained / "shops"))["series"]) == set(SHOPS)


@pytest.mark.full
def test_the_panel_is_trained_at_its_defaults(zoo_command):
    result = zoo_command("train", "basic", "--data", "example:panel", "--epochs", 2)
    assert result.exit_code == 0, result.output
    (run,) = Path("runs").iterdir()
    record = zoo.load_run(run).record
    assert (record.data.series, record.data.series_column, record.config.data.season) == (40, "shop", 7)
