"""Windows against plain slicing."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.splits import Split
from zoo.data.windows import Layout, split_windows


@st.composite
def cut(draw: st.DrawFn):
    window, horizon = draw(st.integers(1, 12)), draw(st.integers(1, 8))
    lengths = [window + horizon + draw(st.integers(0, 10)) for _ in range(3)]
    ends = np.cumsum(lengths).tolist()
    split = Split(range(ends[0]), range(ends[0], ends[1]), range(ends[1], ends[2]))
    rows = ends[2] + draw(st.integers(0, 5))
    features, targets = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    random = np.random.default_rng(0)
    return (
        random.normal(size=(rows, features)).astype(np.float32),
        random.normal(size=(rows, targets)).astype(np.float32),
        split,
        window,
        horizon,
    )


@given(cut())
@settings(max_examples=60, deadline=None)
def test_windows_are_plain_slices(case):
    features, targets, split, window, horizon = case
    parts = split_windows(features, targets, [split], Layout(window, horizon, window))
    for name, rows in split.items():
        part = parts[name]
        origins = [row for row in rows if row >= window and row + horizon <= rows.stop]
        assert part.origins().tolist() == origins
        assert len(part) == len(origins) > 0
        assert part.inputs().shape == (len(origins), window, features.shape[1])
        assert part.outputs().shape == (len(origins), horizon, targets.shape[1])
        for index, origin in enumerate(origins):
            np.testing.assert_array_equal(part.inputs()[index], features[origin - window : origin])
            np.testing.assert_array_equal(part.outputs()[index], targets[origin : origin + horizon])


def test_all_parts_share_the_two_arrays_and_windows_are_two_numbers_a_stretch():
    values = np.arange(200, dtype=np.float32).reshape(100, 2)
    split = Split(range(60), range(60, 80), range(80, 100))
    parts = split_windows(values, values[:, :1], [split], Layout(10, 5, 10))
    for part in parts.values():
        assert part.features is values
        assert np.shares_memory(part.targets, values)
        assert part.firsts.shape == (1,)
        assert part.offsets.shape == (2,)


@given(cut(), st.integers(1, 7), st.booleans())
@settings(max_examples=60, deadline=None)
def test_stride_and_context(case, stride: int, context: bool):
    features, targets, split, window, horizon = case
    every = split_windows(features, targets, [split], Layout(window, horizon, window, context=context))
    some = split_windows(features, targets, [split], Layout(window, horizon, window, stride, context))
    for name, rows in split.items():
        first = rows.start if context else rows.start + window
        assert every[name].origins().tolist() == [
            row for row in range(max(first, window), rows.stop) if row + horizon <= rows.stop
        ]
        assert some[name].origins().tolist() == every[name].origins().tolist()[::stride]
        np.testing.assert_array_equal(some[name].inputs(), every[name].inputs()[::stride])
        np.testing.assert_array_equal(some[name].outputs(), every[name].outputs()[::stride])
        assert some[name].features is features
