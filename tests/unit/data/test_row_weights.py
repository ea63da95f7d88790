"""A column of weights is read, checked and no feature; it goes with its rows wherever they go."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from zoo.data.readers.reading import Reading
from zoo.data.table import read_table
from zoo_registry.errors import DataError


def frame(**changes):
    rows = 30
    columns = {
        "time": pd.date_range("2024-01-01", periods=rows, freq="h"),
        "site": ["a", "b"] * (rows // 2),
        "y": np.arange(rows) * 1.0,
        "w": np.arange(rows) / 4,
    }
    return pd.DataFrame(columns | changes)


def read(source, **reading):
    return read_table(source, targets=["y"], reading=Reading(**{"weight": "w", "series": "site"} | reading))


def test_it_is_no_feature_and_goes_with_its_rows():
    table = read(frame(), gaps="ignore")
    assert (table.features, table.weight_column) == (("y",), "w")
    np.testing.assert_array_equal(table.weights, table.values[:, 0] / 4)
    shuffled = read(frame().sample(frac=1, random_state=0), gaps="ignore", sort=True)
    np.testing.assert_array_equal(shuffled.weights, shuffled.values[:, 0] / 4)


def test_without_the_setting_it_is_a_feature():
    table = read(frame(), weight=None, gaps="ignore")
    assert (table.features, table.weights, table.weight_column) == (("y", "w"), None, None)


def test_rows_that_resampling_joins_have_their_mean_and_those_it_makes_up_have_none():
    kept = frame().drop(index=range(8, 12))
    table = read(kept, series=None, resample="2h")
    np.testing.assert_array_equal(table.weights[:7], [0.125, 0.625, 1.125, 1.625, 0, 0, 3.125])
    assert np.isnan(table.values[4:6]).all()


def test_weights_are_resampled_with_the_rows_of_their_own_series():
    alike = {"time": frame()["time"].repeat(2).to_numpy()[:30], "y": np.repeat(np.arange(15.0), 2)}
    for table in (frame(), frame(**alike)):
        found = read(table, resample="3h")
        for name, rows in found.series.items():
            own = table[table["site"] == name].set_index("time")["w"].resample("3h").mean().fillna(0.0)
            np.testing.assert_array_equal(found.weights[rows.start : rows.stop], own)


def test_through_a_folder_as_at_once(tmp_path):
    path, spool = tmp_path / "table.csv", tmp_path / "spool"
    spool.mkdir()
    frame().sort_values("site", kind="stable").to_csv(path, index=False)
    one, other = read(path, gaps="ignore"), read(path, gaps="ignore", spool=spool)
    np.testing.assert_array_equal(one.weights, other.weights)
    assert one.fingerprint() == other.fingerprint()


def test_the_fingerprint_changes_with_a_weight():
    found = {read(frame(w=weights), gaps="ignore").fingerprint() for weights in (1.0, np.r_[np.ones(29), 2.0])}
    assert len(found | {read(frame().drop(columns="w"), weight=None, gaps="ignore").fingerprint()}) == 3


@pytest.mark.parametrize(
    ("changes", "reading", "message"),
    [
        ({"w": np.r_[np.ones(4), -1, np.ones(25)]}, {}, "column 'w', row 5: expected a weight of 0 or more, found -1;"),
        ({"w": np.r_[np.ones(4), np.nan, np.ones(25)]}, {}, "row 5: expected a weight of 0 or more, found none; mend"),
        ({"w": np.r_[np.ones(4), np.inf, np.ones(25)]}, {}, "column 'w', row 5: expected a finite number"),
        ({"w": ["1"] * 4 + ["x"] + ["1"] * 25}, {}, "column 'w', row 5: expected a number, found 'x'"),
        ({"w": 0.0}, {}, "column 'w' holds nothing but 0, expected weights of rows; leave `weight` out"),
        ({}, {"weight": "weights"}, "there is no column 'weights'"),
        ({}, {"weight": "y"}, "column 'y' is the weight, so it can be neither target nor feature"),
        ({}, {"weight": "site"}, "column 'site' is the column of series, so it cannot be the weight too"),
        ({}, {"weight": "time"}, "column 'time' is the "),
    ],
)
def test_what_cannot_be_a_weight(changes, reading, message):
    with pytest.raises(DataError, match=message):
        read(frame(**changes), **{"gaps": "ignore"} | reading)
