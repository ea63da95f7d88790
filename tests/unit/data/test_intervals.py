"""Intervals against plain sets of rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zoo.data import intervals as module
from zoo.data.intervals import Intervals, blocks_of_rows, contains, intersect, intervals, outside

STOP = 30


@st.composite
def stretches(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Sorted, disjoint pairs; some of them empty, some next to each other."""
    cuts = sorted(draw(st.lists(st.integers(0, STOP), max_size=12)))
    return list(zip(cuts[::2], cuts[1::2], strict=False))


def rows_of(found: Intervals) -> set[int]:
    return {row for start, stop in found.tolist() for row in range(start, stop)}


def check(found: Intervals) -> None:
    """Each is an interval at all, and they are sorted and disjoint."""
    assert found.dtype == np.int64
    assert found.ndim == 2
    assert found.shape[1] == 2
    assert (found[:, 0] < found[:, 1]).all()
    assert (found[1:, 0] >= found[:-1, 1]).all()


@given(stretches())
def test_pairs_ranges_and_arrays_make_the_same(pairs: list[tuple[int, int]]):
    wanted = {row for start, stop in pairs for row in range(start, stop)}
    given_as = [
        intervals(pairs),
        intervals([range(*pair) for pair in pairs]),
        intervals(np.array(pairs, np.int64).reshape(-1, 2)),
    ]
    for found in given_as:
        check(found)
        assert rows_of(found) == wanted
        np.testing.assert_array_equal(found, given_as[0])


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), max_size=6))
def test_what_ends_before_it_begins_is_empty(pairs: list[tuple[int, int]]):
    assert intervals(pairs).tolist() == [list(pair) for pair in pairs if pair[0] < pair[1]]


@given(stretches(), stretches())
def test_intersection(one: list[tuple[int, int]], other: list[tuple[int, int]]):
    left, right = intervals(one), intervals(other)
    found = intersect(left, right)
    check(found)
    assert rows_of(found) == rows_of(left) & rows_of(right)
    np.testing.assert_array_equal(found, intersect(right, left))


@given(stretches(), stretches())
def test_an_intersection_keeps_the_ends_of_both(one: list[tuple[int, int]], other: list[tuple[int, int]]):
    """No window reaches over an end, so that neighbours may not grow together."""
    left, right = intervals(one), intervals(other)
    common = rows_of(left) & rows_of(right)
    first = {row for row in common if row - 1 not in common or row in {*left[:, 0].tolist(), *right[:, 0].tolist()}}
    assert intersect(left, right)[:, 0].tolist() == sorted(first)


@given(st.sets(st.integers(0, STOP - 1)), st.booleans())
def test_outside(rows: set[int], tight: bool):
    stop = max(rows, default=0) + 1 if tight else STOP
    found = outside(np.array(sorted(rows), np.int64), stop)
    check(found)
    assert rows_of(found) == set(range(stop)) - rows


@given(stretches(), st.lists(st.integers(-3, STOP + 3)))
def test_contains(pairs: list[tuple[int, int]], rows: list[int]):
    found = contains(intervals(pairs), np.array(rows, np.int64))
    assert found.dtype == np.bool_
    assert found.tolist() == [row in rows_of(intervals(pairs)) for row in rows]


@given(stretches(), st.integers(1, STOP))
def test_rows_come_in_their_order_in_blocks(pairs: list[tuple[int, int]], most: int):
    blocks = list(blocks_of_rows(intervals(pairs), most))
    assert [row for block in blocks for row in block.tolist()] == sorted(rows_of(intervals(pairs)))
    assert all(len(block) == most for block in blocks[:-1])


@given(stretches())
def test_the_rows_of_intervals_stand_in_order(pairs: list[tuple[int, int]]):
    assert module.rows_of(intervals(pairs)).tolist() == [row for start, stop in pairs for row in range(start, stop)]
