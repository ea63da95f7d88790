"""Statistics of each series: against a loop over them, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.preprocessing.series_statistics import SeriesStatistics


@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    season=st.integers(1, 5),
    block=st.integers(1, 9),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_they_are_those_of_a_loop(lengths: list[int], season: int, block: int, seed: int):
    random = np.random.default_rng(seed)
    parts, start = [], 0
    for length in lengths:
        parts.append(range(start + 1, start + 1 + length))
        start += length + 2  # rows before and behind belong to no part
    values = random.integers(-2, 3, (start, 2)).astype(np.float32)
    values[random.uniform(size=values.shape) < 0.1] = np.nan
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.data.storage.BLOCK_ROWS", block)
        found = SeriesStatistics.of(values, parts, season, (0.0, 1.0))
    for number, rows in enumerate(parts):
        for column, zero in enumerate((0.0, 1.0)):
            own = values[rows.start : rows.stop, column].astype(np.float64)
            lag = season if len(own) > season else 1
            steps = np.abs(own[lag:] - own[:-lag])
            steps, known = steps[~np.isnan(steps)], own[~np.isnan(own)]
            expected = {
                "mean": known.mean() if len(known) else 0.0,
                "deviation": known.std() if len(known) else 0.0,
                "change": steps.mean() if len(steps) else 0.0,
                "size": np.abs(known - zero).mean() if len(known) else 0.0,
                "zeros": (known == zero).mean() if len(known) else 0.0,
            }
            for name, value in expected.items():
                assert getattr(found, name)[number, column] == pytest.approx(value, abs=1e-9), name
