"""Ids of series and labels of classes are text, as they stand in a CSV file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pandas._libs.parsers import STR_NA_VALUES

from zoo.data.columns import known_class
from zoo.data.readers.csv_files import MISSING_TEXTS, CsvFormat
from zoo.data.readers.reading import Reading, read_frame
from zoo.data.roles import Roles
from zoo.data.table import Table, read_table
from zoo.data.table_windows import lay_windows
from zoo.inference.frames import window_frame
from zoo.settings.schema import DataConfig
from zoo.tasks import find_task
from zoo_registry.errors import DataError

IDS = ["7", "007", "1e3", "1000", "NA", "null", " 7", "1.0", "True"]


def write(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def labelled(folder: Path, labels: list[str]) -> Table:
    rows = [f"2024-01-{day:02},{day}.5,{label}" for day, label in enumerate(labels, start=1)]
    return read_table(write(folder / "a.csv", ["time,x,state", *rows]), targets=["state"], roles=Roles(classes=True))


@pytest.mark.parametrize("spool", [False, True])
def test_repair_11_ids_of_series_are_text_as_they_stand(tmp_path: Path, spool: bool):
    rows = [f"{name},2024-01-{day:02},{day}" for name in IDS for day in (1, 2, 3)]
    source = write(tmp_path / "a.csv", ["unique_id,ds,y", *rows])
    reading = Reading(series="unique_id", spool=tmp_path if spool else None)
    table = read_table(source, targets=["y"], reading=reading)
    assert list(table.series) == IDS
    assert table.values[:, 0].tolist() == [1, 2, 3] * len(IDS)


def test_repair_11_only_nothing_is_no_id(tmp_path: Path):
    source = write(tmp_path / "a.csv", ["id,y", "NA,1", ",2"])
    with pytest.raises(DataError, match="column 'id', row 2: expected the name of a series, found none"):
        read_table(source, targets=["y"], reading=Reading(series="id"))


def test_repair_11_labels_of_classes_are_text_as_they_stand(tmp_path: Path):
    table = labelled(tmp_path, ["01", "1", "NA", "", "01"])
    assert table.classes == ("01", "1", "NA")
    assert table.labels.tolist() == [0, 1, 2, -1, 0]


def test_repair_11_classes_that_are_numbers_keep_the_order_of_numbers(tmp_path: Path):
    assert labelled(tmp_path, ["10", "9", "1e1", "nine"]).classes == ("10", "1e1", "9", "nine")
    assert labelled(tmp_path, ["10", "9", "1e1", "-1"]).classes == ("-1", "9", "10", "1e1")


def test_repair_11_fractions_are_no_classes_in_a_file_either(tmp_path: Path):
    with pytest.raises(DataError, match=r"'state', row 2: expected a class .*, found 0.5; "):
        labelled(tmp_path, ["1", "0.5", "2"])


def test_repair_11_other_columns_are_read_as_ever(tmp_path: Path):
    source = write(tmp_path / "a.csv", ["id,y,z", "007,NA,007", "7,2.5,null"])
    frame, plain = read_frame(source, CsvFormat(), ["id"]), read_frame(source, CsvFormat())
    assert frame["id"].tolist() == ["007", "7"]
    pd.testing.assert_frame_equal(frame[["y", "z"]], plain[["y", "z"]])


def test_repair_11_what_is_missing_is_what_pandas_takes_for_it():
    assert set(MISSING_TEXTS) == STR_NA_VALUES


def test_repair_11_labels_of_frames_and_of_anomalies_stay_what_they_were(tmp_path: Path):
    frame = pd.DataFrame({"x": np.arange(4.0), "state": [1.0, 0.0, 1.0, 0.0]})
    assert read_table(frame, targets=["state"], roles=Roles(classes=True)).classes == ("0", "1")
    assert read_table(frame.assign(state=["0.5", "1.5"] * 2), targets=["state"], roles=Roles(classes=True)).classes == (
        "0.5",
        "1.5",
    )
    source = write(tmp_path / "a.csv", ["x,alarm", "1,0.0", "2,1.0"])
    assert read_table(source, targets=[], roles=Roles(judged=True), label="alarm").classes == ("0", "1")


@pytest.mark.parametrize(
    ("name", "classes", "known"),
    [
        ("1.0", ("0", "1"), "1"),
        ("TRUE", ("False", "True"), "True"),
        ("1.0", ("1", "1.0"), "1.0"),
        ("two", ("0", "1"), "two"),
    ],
)
def test_repair_11_classes_of_older_models_keep_their_names(name: str, classes: tuple[str, ...], known: str):
    assert known_class(name, classes) == known


def test_repair_11_the_truth_beside_an_older_models_classes_has_their_names(tmp_path: Path):
    source = write(tmp_path / "a.csv", ["x,state", *(f"{row},{row % 2}.0" for row in range(6))])
    problem = find_task("classify").state(DataConfig(task="classify", window=2), ["x"], ["state"], ("0", "1"))
    laid = lay_windows(source, problem, Roles(classes=True))
    frame = window_frame(laid, slice(0, 5), {"probabilities": np.tile([0.25, 0.75], (5, 1))})
    assert frame["state actual"].tolist() == ["1", "0", "1", "0", "1"]


def test_repair_11_ids_that_a_missing_one_has_made_floats_are_never_merged():
    exact = pd.array([2**60 + 1, None, 2**60 + 2], dtype="Int64")
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "state": exact})
    assert read_table(frame, targets=["state"], roles=Roles(classes=True)).classes == (str(2**60 + 1), str(2**60 + 2))
    for source in (
        frame.astype({"state": float}),
        pa.table({"x": [1.0, 2.0, 3.0], "state": [2**60 + 1, None, 2**60 + 2]}),
    ):
        with pytest.raises(DataError, match="'state', row 1: expected whole numbers below 2 to the power 53"):
            read_table(source, targets=["state"], roles=Roles(classes=True))
