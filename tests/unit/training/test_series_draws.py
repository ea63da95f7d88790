"""Draws by series: each series as often as any other, each window of a series too, by seed and step alone."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.intervals import intervals
from zoo.data.splits import Split
from zoo.data.storage import collect
from zoo.data.windows import Layout, Windows, split_windows
from zoo.training.batches import feed, shuffled_batches
from zoo.training.series_draws import draw_by_series, series_offsets


def drawn(offsets, batch_size, seed, steps, first=0):
    """The numbers of the windows of so many steps, one after the other."""
    draw = draw_by_series(np.array(offsets, np.int64), batch_size, seed)
    return np.concatenate([draw(tf.constant(first + step, tf.int64)).numpy() for step in range(steps)])


@settings(max_examples=15, deadline=None)
@given(
    counts=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    batch_size=st.integers(1, 7),
    seed=st.integers(0, 2**31 - 1),
)
def test_each_series_and_each_of_its_windows_as_often_as_any_other(counts, batch_size, seed):
    offsets = np.r_[0, np.cumsum(counts)]
    period = len(counts) * int(np.lcm.reduce(counts))  # after which each window was drawn a whole number of times
    numbers = drawn(offsets, batch_size, seed, -(-2 * period // batch_size))[: 2 * period]
    series = np.searchsorted(offsets, numbers, side="right") - 1
    for start in range(0, len(series), len(counts)):
        assert sorted(series[start : start + len(counts)]) == list(range(len(counts))), "one of each in a round"
    expected = np.repeat(2 * period // len(counts) // np.array(counts), counts)
    np.testing.assert_array_equal(np.bincount(numbers, minlength=offsets[-1]), expected)


def test_windows_of_a_series_come_once_before_any_comes_again():
    numbers = drawn([0, 5, 45], 16, 3, 10)  # 80 rounds
    for first, last in ((0, 5), (5, 45)):
        own = numbers[(numbers >= first) & (numbers < last)]
        for start in range(0, 80, last - first):
            assert sorted(own[start : start + last - first]) == list(range(first, last))


def test_orders_differ_and_depend_on_seed_and_step_alone():
    offsets = [0, 30, 60, 90]
    whole = drawn(offsets, 9, 5, 20)
    np.testing.assert_array_equal(whole[72:], drawn(offsets, 9, 5, 12, first=8))
    np.testing.assert_array_equal(whole, drawn(offsets, 180, 5, 1))  # the batch size has no say
    orders = [tuple(whole[start : start + 3] // 30) for start in range(0, 180, 3)]
    assert len(set(orders)) == 6, "all orders of three series"
    own = [whole[whole // 30 == number] - 30 * number for number in range(3)]
    assert len({tuple(windows[:30]) for windows in own}) == 3, "each series has an order of its own"
    assert not np.array_equal(whole, drawn(offsets, 9, 6, 20))


def cut(stretches, series):
    """Windows on these stretches of rows, all of them train rows, of series that begin at these rows."""
    rows = int(max(stop for _, stop in stretches))
    values = np.arange(rows, dtype=np.float32)[:, None]
    ends = [*series[1:], rows]
    splits = [Split(range(a, b), range(b, b), range(b, b)) for a, b in zip(series, ends, strict=True)]
    return split_windows(values, -values, splits, Layout(3, 1, 3), stretches=intervals(stretches))["train"]


def test_a_series_of_several_stretches_is_one_and_one_without_a_window_none():
    windows = cut([(0, 10), (12, 20), (20, 23), (23, 30)], [0, 20, 23])
    assert len(windows.firsts) == 3, "those of the second series are too few rows"
    offsets = series_offsets(windows, np.array([0, 20, 23]))
    assert offsets.tolist() == [0, 7 + 5, 7 + 5 + 4]


@pytest.mark.parametrize("spooled", [False, True])
def test_batches_hold_the_windows_that_are_drawn(spooled, tmp_path):
    windows = cut([(0, 40), (40, 50)], [0, 40])
    if spooled:
        arrays = [collect([array], array.shape, np.float32, tmp_path) for array in (windows.features, windows.targets)]
        windows = Windows(*arrays, windows.firsts, windows.offsets, windows.layout)
    offsets = series_offsets(windows, np.array([0, 40]))
    batches, draw = feed(windows, 8, 1, 2, series=offsets)
    iterator = iter(batches)
    later = iter(shuffled_batches(windows, 8, 1, 2, series=offsets))
    for step in range(3):
        inputs, outputs = draw(iterator, tf.constant(step, tf.int64))
        starts = windows.starts(drawn(offsets, 8, 1, 1, first=2 + step))
        np.testing.assert_array_equal(inputs[:, 0, 0], starts)
        np.testing.assert_array_equal(outputs[:, 0, 0], -starts - 3.0)
        np.testing.assert_array_equal(inputs, next(later)[0])
        assert (starts < 40).sum() == 4, "half of each batch is the short series'"
