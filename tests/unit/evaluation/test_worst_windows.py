"""The worst window of each series, whatever the batches are."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.evaluation.worst_windows import WorstWindows


@given(counts=st.lists(st.integers(0, 7), min_size=1, max_size=5), batch=st.integers(1, 9), seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_each_series_keeps_its_worst_window(counts: list[int], batch: int, seed: int):
    random = np.random.default_rng(seed)
    owners = np.repeat(np.arange(len(counts)), counts)
    truth = random.normal(size=(len(owners), 3, 2))
    forecast = random.normal(size=truth.shape)
    worst = WorstWindows(len(counts), 3)
    for start in range(0, len(owners), batch):
        part = slice(start, start + batch)
        worst.add(np.arange(len(owners))[part], owners[part], truth[part], forecast[part])
    errors = np.abs(forecast - truth)[:, :, 0].mean(axis=1)
    for series, count in enumerate(counts):
        if not count:
            assert worst.numbers[series] == -1
            assert np.isnan(worst.forecasts[series]).all()
            continue
        mine = np.flatnonzero(owners == series)
        expected = mine[errors[mine].argmax()]
        assert worst.numbers[series] == expected
        np.testing.assert_array_equal(worst.forecasts[series], forecast[expected, :, 0])
