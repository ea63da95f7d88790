"""The long format needs no flag, whatever the table comes as; what the user says holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import zoo
from zoo.data.readers.recognition import recognise
from zoo.settings.resolve import form_of, resolve_data
from zoo.settings.schema import DEFAULT_SOURCE
from zoo_registry.errors import ConfigError

ALL = {"series": "unique_id", "time": "ds", "target": "y"}


@pytest.fixture
def panel() -> pd.DataFrame:
    """Two series with whole-number times, and a feature."""
    steps = np.arange(60)
    parts = [
        pd.DataFrame({"unique_id": name, "ds": steps + 1, "y": scale * np.sin(steps), "price": 1.0 + steps % 7})
        for name, scale in (("a", 1.0), ("b", 1000.0))
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("kind", ["csv", "parquet", "pandas", "arrow", "index", "polars"])
def test_the_long_format_is_recognised(panel: pd.DataFrame, tmp_path: Path, kind: str):
    source: Any = panel
    if kind in ("csv", "parquet"):
        source = str(tmp_path / f"panel.{kind}")
        panel.to_csv(source, index=False) if kind == "csv" else panel.to_parquet(source, index=False)
    elif kind == "arrow":
        source = pa.Table.from_pandas(panel)
    elif kind == "index":
        source = panel.set_index("unique_id")
    elif kind == "polars":
        source = pytest.importorskip("polars", reason="polars is no part of the project").from_pandas(panel)
    form = recognise(source, {})
    assert form.settings == ALL
    assert form.told is not None
    assert form.told.endswith(": series unique_id, time ds, target y, as in the long format")


def test_what_the_user_says_holds(panel: pd.DataFrame):
    form = recognise(panel, {"target": "price", "series": "shop"})
    assert form.settings == {"time": "ds"}
    assert recognise(panel, ALL).told is None


@pytest.mark.parametrize("lacking", ["unique_id", "ds", "y"])
def test_nothing_less_is_the_long_format(panel: pd.DataFrame, lacking: str):
    assert recognise(panel.drop(columns=lacking), {}).settings == {}


@pytest.mark.parametrize(
    "source", ["none.csv", DEFAULT_SOURCE, (np.zeros((3, 1)), None, ["y"]), (1, 2), np.zeros((3, 2)), 7, "folder"]
)
def test_what_cannot_be_read_has_no_form(source: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    assert recognise(source, {}).settings == {}


def test_arrays_have_names_too(panel: pd.DataFrame):
    arrays = (panel[["y", "ds"]].to_numpy(), None, ["y", "ds", "unique_id"])
    assert recognise(arrays, {}).settings == ALL


def test_the_configuration_has_it(panel: pd.DataFrame, tmp_path: Path):
    path = tmp_path / "panel.csv"
    panel.to_csv(path, index=False)
    config = resolve_data({"source": str(path)})
    assert (config.series, config.time, config.target) == ("unique_id", "ds", ("y",))
    config = resolve_data({"source": str(path), "task": "anomaly", "window": 8})
    assert (config.series, config.time, config.target) == ("unique_id", "ds", ())
    with pytest.raises(ConfigError, match="there is no task 'nothing'"):
        form_of(str(path), {"task": "nothing"})


def test_a_frame_trains_and_predicts_without_a_name(panel: pd.DataFrame, tmp_path: Path):
    settings: dict[str, Any] = {"window": 8, "horizon": 2, "season": 1, "epochs": 1}
    run = zoo.train("linear", panel, runs=tmp_path / "runs", **settings)
    assert (run.config.data.series, run.config.data.time, run.config.data.target) == ("unique_id", "ds", ("y",))
    assert run.problem.features == ("y", "price")
    forecast = run.predict(panel)
    assert forecast["unique_id"].tolist() == ["a", "a", "b", "b"]
    assert forecast.index.tolist() == [61, 62, 61, 62]
