"""How another table than the training's lies: as its own form says, and as the training's did where it says nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from zoo.data.readers.csv_files import CsvFormat
from zoo.data.reading_choice import likely_layout, reading_of
from zoo.settings.schema import DataConfig

TABLES = {
    "m4.csv": "V1,V2,V3\nH1,5,6\nH2,7,\n",
    "wide.csv": "id,a,b\nx,5,6\ny,7,\n",
    "long.csv": "unique_id,ds,y\na,1,2\n",
    "one.csv": "ds,y\n1,2\n",
    "a.tsf": "@relation x\n@attribute series_name string\n@data\na:1,2\n",
}


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    for name, text in TABLES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "trained", "series", "names", "expected"),
    [
        ("m4.csv", "auto", "unique_id", ["y"], "wide"),
        ("m4.csv", "auto", None, ["V2", "V3"], "auto"),
        ("m4.csv", "auto", "unique_id", ["y", "price"], "auto"),
        ("wide.csv", "auto", "unique_id", ["y"], "auto"),
        ("wide.csv", "wide", "unique_id", ["y"], "wide"),
        ("long.csv", "wide", "unique_id", ["y"], "auto"),
        ("a.tsf", "wide", "unique_id", ["y"], "auto"),
        ("one.csv", "files", "series", ["y"], "files"),
        ("one.csv", "auto", "series", ["y"], "auto"),
        ("long.csv", "files", "unique_id", ["y"], "auto"),
        (".", "files", "series", ["y"], "auto"),
        (".", "long", "unique_id", ["y"], "long"),
        ("none.csv", "files", "series", ["y"], "auto"),
    ],
)
def test_a_table_lies_as_its_form_says(tables: Path, name: str, trained: Any, series: Any, names: Any, expected: str):
    assert likely_layout(tables / name, CsvFormat(), trained, series, names) == expected


def test_frames_and_examples_lie_as_they_stand():
    for source in (pd.DataFrame({"y": [1.0]}), "example:panel"):
        assert likely_layout(source, CsvFormat(), "wide", "unique_id", ["y"]) == "auto"


def test_the_table_of_a_configuration_is_read_as_it_says(tables: Path):
    own = str(tables / "wide.csv")
    config = DataConfig(source=own, layout="wide", target="y", series="unique_id")
    assert reading_of(config).layout == reading_of(config, None, own).layout == "wide"
    assert reading_of(config, None, tables / "long.csv").layout == "auto"
