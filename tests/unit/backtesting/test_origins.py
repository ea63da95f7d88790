"""Origins: where they lie, how they are grouped, and what is known at each of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.backtesting.origins import blocks, fitted_rows, lay_origins, rows_from
from zoo.data.intervals import intervals
from zoo.data.readers.reading import Reading
from zoo.data.splits import Split
from zoo.data.table import Table, read_table
from zoo.data.table_windows import TableWindows, lay_over
from zoo.settings.schema import DataConfig
from zoo.tasks import find_task
from zoo_registry import Task
from zoo_registry.errors import ConfigError, DataError

WINDOW, HORIZON = 6, 3


def make_table(rows: int = 60, *, late: int | None = None, times: bool = True, holes: tuple[int, ...] = ()) -> Table:
    """One series of hours, and with ``late`` a second one that begins so many hours later."""
    frames = []
    for name, first in (("a", 0), *([("b", late)] if late is not None else [])):
        frame = pd.DataFrame({"load": np.arange(rows, dtype=float) + 100 * first})
        frame.loc[list(holes), "load"] = np.nan
        if times:
            frame.insert(0, "time", pd.date_range("2024-01-01", periods=rows, freq="h") + pd.Timedelta(hours=first))
        frames.append(frame.assign(site=name))
    series = "site" if late is not None else None
    return read_table(pd.concat(frames), targets=["load"], features=["load"], reading=Reading(series=series))


def lay(table: Table, *, gap: int = 0, task: Task = Task.FORECAST, missing: str = "error") -> TableWindows:
    horizon = HORIZON if task is Task.FORECAST else 1
    config = DataConfig(task=task, window=WINDOW, horizon=horizon, gap=gap)
    return lay_over(
        table,
        find_task(config.task).state(config, ["load"], ["load"]),
        find_task(config.task).roles,
        intervals(list(table.series.values())),
        missing=missing,
    )


def test_origins_lie_a_stride_apart_with_their_horizon_inside_the_tested_rows():
    laid = lay_origins(lay(make_table(), gap=1), {"": range(40, 55)}, stride=4)
    assert laid.told_rows()[:, 0].tolist() == [40, 44, 48, 52]
    assert laid.told_rows()[-1].tolist() == [52, 53, 54]
    assert laid.windows.last_rows().tolist() == [38, 42, 46, 50]
    assert lay_origins(lay(make_table()), {"": range(40, 60)}, stride=1).told_rows()[-1, -1] == 59


def test_only_the_last_ones_of_each_series():
    laid = lay_origins(lay(make_table(late=7)), {"a": range(20, 60), "b": range(100, 120)}, stride=5, most=2)
    assert laid.told_rows()[:, 0].tolist() == [50, 55, 110, 115]
    assert laid.series_of().tolist() == [0, 0, 1, 1]


def test_windows_with_holes_are_left_out_and_the_others_stay_where_they_are():
    laid = lay_origins(lay(make_table(holes=(44,)), missing="drop"), {"": range(40, 60)}, stride=3)
    assert laid.told_rows()[:, 0].tolist() == [40, 43, 52, 55]


def test_series_that_are_not_tested_have_no_origins():
    laid = lay_origins(lay(make_table(late=7)), {"b": range(100, 120)}, stride=5)
    assert set(laid.series_of().tolist()) == {1}


def test_no_origin_at_all():
    with pytest.raises(DataError, match=r"no origin has a whole window before it and 3 known rows \(the horizon\)"):
        lay_origins(lay(make_table()), {"": range(58, 60)}, stride=1)


def test_a_start_is_a_time_or_a_row():
    assert rows_from(make_table(), "2024-01-02 06:00") == {"": range(30, 60)}
    assert rows_from(make_table(late=7), "2024-01-02 06:00") == {"a": range(30, 60), "b": range(83, 120)}
    assert rows_from(make_table(times=False), "31") == {"": range(30, 60)}
    for table, start, kind in (
        (make_table(), "soon", "a time such as"),
        (make_table(times=False), "x", "a whole number"),
    ):
        with pytest.raises(ConfigError, match=f"`start`: expected {kind}"):
            rows_from(table, start)
    with pytest.raises(ConfigError, match=r"`start`: .* names a zone, but the times have none"):
        rows_from(make_table(), "2024-01-02T00:00Z")
    with pytest.raises(DataError, match="no row is left from `start` 2025-01-01 on"):
        rows_from(make_table(), "2025-01-01")


def test_one_block_knows_the_rows_up_to_the_first_origin():
    laid = lay_origins(lay(make_table()), {"": range(40, 60)}, stride=3)
    (block,) = blocks(laid, None)
    assert block.known == {"": range(40)}
    assert block.numbers.tolist() == list(range(len(laid.windows)))


def test_series_are_known_up_to_the_same_time():
    laid = lay_origins(lay(make_table(late=10)), {"a": range(40, 60), "b": range(100, 120)}, stride=5)
    first, *_, last = blocks(laid, 1)
    assert first.known == {"a": range(40), "b": range(60, 90)}  # which began ten hours later
    assert first.numbers.tolist() == [0]
    assert last.known == {"a": range(60), "b": range(60, 115)}


def test_to_regress_an_origins_own_row_is_not_known():
    laid = lay_origins(lay(make_table(), task=Task.REGRESS), {"": range(40, 60)}, stride=1)
    assert laid.told_rows()[:, 0].tolist() == list(range(40, 60))
    assert blocks(laid, 1)[0].known == {"": range(40)}


def test_train_and_validation_of_what_is_known():
    assert fitted_rows({"": range(10, 50)}, validation=0.25, embargo=2, least=9) == {
        "": Split(range(10, 36), range(38, 48), range(50, 50))
    }
    found = fitted_rows({"": range(50), "b": range(60, 64)}, validation=0.25, embargo=0, least=9, train_rows=20)
    assert found == {"": Split(range(30, 45), range(45, 50), range(50, 50))}
    with pytest.raises(
        DataError, match=r"^50 rows before the first origin, of which `train_rows` keeps 8, are too few"
    ):
        fitted_rows({"": range(50)}, validation=0.25, embargo=0, least=9, train_rows=8)


@given(
    stride=st.integers(1, 5),
    gap=st.integers(0, 3),
    every=st.integers(1, 4),
    late=st.none() | st.integers(0, 20),
    embargo=st.integers(0, 3),
    times=st.booleans(),
    train_rows=st.none() | st.integers(25, 60),
)
@settings(max_examples=80, deadline=None)
def test_no_block_knows_a_row_behind_one_of_its_origins(stride, gap, every, late, embargo, times, train_rows):
    table = make_table(late=late, times=times)
    tested = {name: range(rows.start + 40, rows.stop) for name, rows in table.series.items()}
    laid = lay_origins(lay(table, gap=gap), tested, stride=stride)
    found = blocks(laid, every)
    numbers = np.concatenate([block.numbers for block in found])
    assert sorted(numbers.tolist()) == list(range(len(laid.windows)))
    last, told = laid.windows.last_rows(), laid.told_rows()
    place = np.arange(len(table.values)) if table.times is None else table.times.asi8
    place = place - table.starts.repeat([len(rows) for rows in table.series.values()]) * (table.times is None)
    for block in found:
        splits = fitted_rows(block.known, validation=0.2, embargo=embargo, least=9, train_rows=train_rows)
        used = np.concatenate([[*split.train, *split.validation] for split in splits.values()]).astype(int)
        assert place[used].max() <= place[last[block.numbers]].min()
        assert place[used].max() < place[told[block.numbers]].min()
        assert all(len(split.train) + len(split.validation) <= (train_rows or 60) for split in splits.values())
