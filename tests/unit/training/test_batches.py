"""Batches: every epoch holds each window once, in an order that seed and epoch decide."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.intervals import intervals
from zoo.data.splits import Split
from zoo.data.windows import Layout, Windows, split_windows
from zoo.training.batches import ordered_batches, shuffled_batches


def numbered(count, window=3, horizon=2, first=4):
    """Windows whose very first value is the row that they start at."""
    rows = first + count + window + horizon - 1
    features = np.stack([np.arange(rows), -np.arange(rows)], axis=1).astype(np.float32)
    targets = 1000 + np.arange(rows, dtype=np.float32)[:, None]
    return Windows(features, targets, np.array([first]), np.array([0, count]), Layout(window, horizon, window))


def epochs(windows, batch_size, seed, count):
    """The starts of each epoch's windows, in the order of training."""
    steps = math.ceil(len(windows) / batch_size)
    batches = shuffled_batches(windows, batch_size, seed).take(steps * count).as_numpy_iterator()
    starts = [inputs[:, 0, 0].astype(int) for inputs, _ in batches]
    return [np.concatenate(starts[epoch * steps : (epoch + 1) * steps]).tolist() for epoch in range(count)]


@settings(max_examples=15, deadline=None)
@given(count=st.integers(1, 60), batch_size=st.integers(1, 70), seed=st.integers(0, 2**31 - 1))
def test_every_epoch_is_a_permutation_of_the_windows(count, batch_size, seed):
    windows = numbered(count)
    for order in epochs(windows, batch_size, seed, 3):
        assert sorted(order) == windows.starts().tolist()


def test_the_order_differs_between_epochs_and_depends_on_the_seed_alone():
    windows = numbered(40)
    orders = epochs(windows, 8, 5, 3)
    assert orders == epochs(windows, 8, 5, 3)
    assert orders == epochs(windows, 40, 5, 3), "the batch size has no say"
    assert len({tuple(order) for order in [*orders, *epochs(windows, 8, 6, 3)]}) == 6
    assert windows.starts().tolist() not in orders, "it is shuffled at all"


@pytest.mark.parametrize("part", ["train", "validation"])
def test_values_are_those_of_the_windows(part):
    random = np.random.default_rng(0)
    features, targets = random.normal(size=(2, 50, 3)).astype(np.float32)
    split = Split(range(30), range(30, 40), range(40, 50))
    windows = split_windows(features, targets[:, :2], [split], Layout(5, 4, 5))[part]

    batches = list(ordered_batches(windows, 4).as_numpy_iterator())
    inputs, outputs = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    np.testing.assert_array_equal(inputs, windows.inputs())
    np.testing.assert_array_equal(outputs, windows.outputs())
    assert inputs.dtype == outputs.dtype == np.float32
    assert {len(batch) for batch, _ in batches[:-1]} <= {4}

    steps = math.ceil(len(windows) / 4)
    for batch_inputs, batch_outputs in shuffled_batches(windows, 4, seed=1).take(2 * steps).as_numpy_iterator():
        for one, ahead in zip(batch_inputs, batch_outputs, strict=True):
            (index,) = np.flatnonzero((windows.inputs() == one).all(axis=(1, 2)))
            np.testing.assert_array_equal(ahead, windows.outputs()[index])


@pytest.mark.parametrize("stride", [1, 3])
def test_windows_of_several_stretches_with_a_gap(stride):
    values = np.arange(60, dtype=np.float32)[:, None]
    splits = [
        Split(range(first, first + 14), range(first + 14, first + 16), range(first + 16, first + 20))
        for first in (0, 20, 40)
    ]
    layout = Layout(window=3, horizon=2, lead=5, stride=stride)
    stretches = intervals([(0, 20), (20, 40), (40, 60)])
    train = split_windows(values, -values, splits, layout, stretches=stretches)["train"]
    starts = [row for first in (0, 20, 40) for row in range(first, first + 14 - 6, stride)]
    for inputs, outputs in [
        *ordered_batches(train, 4).as_numpy_iterator(),
        next(shuffled_batches(train, 9, 0).as_numpy_iterator()),
    ]:
        assert set(inputs[:, 0, 0]) <= set(starts)
        np.testing.assert_array_equal(inputs[:, :, 0], inputs[:, :1, 0] + np.arange(3))
        np.testing.assert_array_equal(outputs[:, :, 0], -inputs[:, :1, 0] - np.arange(5, 7))
    assert [row for order in epochs(train, 4, 0, 1) for row in sorted(order)] == starts


MEMORY = """
import re
from pathlib import Path

import numpy as np
import tensorflow as tf

from zoo.data.storage import collect
from zoo.data.windows import Layout, Windows
from zoo.training.batches import ordered_batches, shuffled_batches


def megabytes():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)) / 1e3


tf.config.experimental.enable_op_determinism()  # as a training does
features, targets = (collect([np.ones((2**22, n), np.float32)], (2**22, n), np.float32) for n in (12, 1))
windows = Windows(features, targets, np.array([0]), np.array([0, 2**22 - 60]), Layout(50, 10, 50))
before = megabytes()
for batches in (shuffled_batches(windows, 64, 0), ordered_batches(windows, 64)):
    for inputs, outputs in batches.take(100):
        pass
print(megabytes() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="needs /proc")
def test_batches_of_an_array_take_a_part_of_its_memory():
    found = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    assert float(found.stdout) < 60, "the arrays have 218 MB"
