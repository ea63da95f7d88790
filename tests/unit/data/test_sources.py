"""Tables of other libraries, and what is no table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import zoo
from zoo.data.readers.reading import describe, read_frame
from zoo.data.table import read_table
from zoo_registry.errors import DataError

HOURS = pd.date_range("2024-01-01", periods=5, freq="h", tz="UTC")


class Foreign:
    """A table that is known by Arrow's C interface alone, as polars' is."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._table.__arrow_c_stream__(requested_schema)


def test_repair_17_tables_are_taken_through_arrows_c_interface():
    arrow = pa.table({"time": HOURS, "id": ["a", "b", "a", None, "c"], "y": [1.0, 2.0, None, 4.0, 5.0]})
    for source in (arrow, Foreign(arrow)):
        assert describe(source) == "DataFrame"
        pd.testing.assert_frame_equal(read_frame(source), arrow.to_pandas())
        table = read_table(source, targets=["y"])
        assert (table.time_column, table.zone, table.features) == ("time", "UTC", ("y",))


def test_repair_17_polars_frames_are_taken():
    polars = pytest.importorskip("polars", reason="polars is no part of the project; its interface is tested above")
    frame = polars.DataFrame(
        {"day": pd.date_range("2024-01-01", periods=3).date.tolist(), "id": ["a", "a", "b"], "y": [1, 2, 3]}
    )
    table = read_table(frame, targets=["y"])
    assert table.time_column == "day"
    assert table.values[:, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (np.zeros((5, 2)), r"a bare array of shape \(5, 2\)"),
        ([1.0, 2.0], "a list"),
        ({"y": [1.0]}, "a dict"),
        (pd.Series([1.0]), "a Series"),
        (iter([1.0]), "a list_iterator"),
        (1, "an int"),
    ],
)
def test_repair_17_what_is_no_table_is_told(data: Any, found: str):
    sentence = (
        rf"expected a table, found {found}; give a CSV or Parquet file, a DataFrame .* \(values, times, columns\)"
    )
    with pytest.raises(DataError, match=sentence):
        read_frame(data)
    with pytest.raises(DataError, match=sentence):
        zoo.train("basic", data, target="y")


def test_repair_17_columns_that_arrow_has_not_are_told():
    class Wide(Foreign):
        columns = ("y",)

        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            raise pa.ArrowInvalid("Invalid or unsupported format string: '_pli128'")

    with pytest.raises(DataError, match=r"a column cannot be taken through Arrow \(.*_pli128'\); convert it"):
        read_table(Wide(pa.table({"y": [1.0]})), targets=["y"])
