"""Repairs of missing values: what is filled, from which rows, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.imputation import repair_missing
from zoo.data.splits import Split
from zoo.data.table import Table, read_table

NAN = np.nan
ROWS = 24
SPLIT = Split(range(10), range(10, 16), range(16, 21))  # rows 21 to 23 are used by none


def make_table(*columns: list[float]) -> Table:
    return read_table(pd.DataFrame({f"x{index}": column for index, column in enumerate(columns)}), targets=["x0"])


def whole(rows: int) -> Split:
    return Split(range(rows), range(rows, rows), range(rows, rows))


def repaired(values: list[float], method: str, split: Split | None = None) -> list[float]:
    return repair_missing(make_table(values), [split or whole(len(values))], method).values[:, 0].tolist()


def test_ffill_repeats_the_last_value():
    assert repaired([1, NAN, NAN, 4, NAN], "ffill") == [1, 1, 1, 4, 4]


def test_interpolate_draws_a_line_and_repeats_the_last_value_at_the_end():
    assert repaired([1, NAN, NAN, 4, NAN], "interpolate") == [1, 2, 3, 4, 4]


@pytest.mark.parametrize(
    ("method", "expected"),
    [("ffill", [0, 1, 1, 1, 1, 7, 7, 7, 7]), ("interpolate", [0, 1, 1, 3, 5, 7, 7, 7, 7])],
)
def test_a_gap_over_a_cutoff_is_filled_from_before_it(method: str, expected: list[float]):
    split = Split(range(3), range(3, 6), range(6, 9))
    # train knows nothing of row 5, so its row 2 repeats row 1; validation draws its line from there
    assert repaired([0, 1, NAN, NAN, NAN, 7, NAN, NAN, NAN], method, split) == expected


def test_repairs_are_counted_by_column_and_rows_that_no_part_uses_are_left_out():
    table = make_table([1, NAN, 3, NAN, 5, NAN], [1, 2, 3, 4, 5, 6], [NAN, 2, 3, 4, NAN, 6])
    table.values[0, 2] = 1.0
    repaired = repair_missing(table, [Split(range(2), range(2, 4), range(4, 5))], "ffill")
    assert repaired.missing == {"x0": 2, "x2": 1}
    assert repaired.values.shape == (5, 3)
    assert np.isnan(table.values[:, 0]).sum() == 3  # the table itself stays as it was


def test_a_whole_table_needs_no_repair():
    table = make_table([1.0, 2.0, 3.0])
    repaired = repair_missing(table, [whole(3)], "error")
    assert repaired.missing == {}
    assert np.shares_memory(repaired.values, table.values)


@given(
    st.data(),
    st.sampled_from(["ffill", "interpolate"]),
    st.sets(st.integers(1, ROWS - 1), min_size=1, max_size=15),
    st.sampled_from(["train", "validation", "test"]),
)
@settings(max_examples=60, deadline=None)
def test_values_after_a_part_leave_it_bit_identical(data: st.DataObject, method: str, gaps: set[int], part: str):
    numbers = st.floats(-1e6, 1e6)
    values = np.array(data.draw(st.lists(numbers, min_size=ROWS, max_size=ROWS)))
    values[sorted(gaps)] = NAN
    end = getattr(SPLIT, part).stop
    changed = values.copy()
    changed[end:] = data.draw(st.lists(numbers | st.just(NAN), min_size=ROWS - end, max_size=ROWS - end))
    before = repair_missing(make_table(values.tolist()), [SPLIT], method).values
    after = repair_missing(make_table(changed.tolist()), [SPLIT], method).values
    assert before[:end].tobytes() == after[:end].tobytes()
    assert not np.isnan(before).any()
    known = ~np.isnan(values[: len(before)])
    np.testing.assert_array_equal(before[known, 0], values[: len(before)][known])


@pytest.mark.parametrize("method", ["ffill", "interpolate"])
def test_rows_of_an_embargo_are_filled_and_fill_no_row_before_them(method: str):
    split = Split(range(3), range(5, 8), range(8, 10))  # rows 3 and 4 are the embargo's
    first = repaired([0, 1, NAN, 50, NAN, NAN, 8, 9, NAN, 9], method, split)
    other = repaired([0, 1, NAN, 99, NAN, NAN, 8, 9, NAN, 9], method, split)
    assert first[:3] == other[:3] == [0, 1, 1]
    assert not np.isnan(first).any()
