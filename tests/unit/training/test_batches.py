"""Batches: every epoch holds each window once, in an order that seed and epoch decide."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.split import Split
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
