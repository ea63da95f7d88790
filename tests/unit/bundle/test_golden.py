"""Golden windows span every column's range; a replay finds every way to differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.bundle.golden import BATCH_SIZES, GOLDEN_WINDOWS, PARITY_LIMIT, WHOLE_BYTES, Golden, Ruler, golden_windows
from zoo.bundle.synthetic_windows import SyntheticWindows
from zoo_registry.errors import BundleError

FINITE = st.floats(-1e6, 1e6)
RANGES = st.lists(st.tuples(FINITE, st.floats(1e-3, 1e6)), min_size=1, max_size=5)


def ruler_of(unit, **more):
    """A ruler of outputs that are what their names say."""
    kinds = {
        "forecast": "value",
        "quantiles": "value",
        "probabilities": "share",
        "score": "score",
        "is_anomaly": "flag",
    }
    return Ruler(unit, kinds, **more)


class Replay:
    """A session that gives the expected forecasts, changed; the windows hold their own numbers."""

    def __init__(self, golden, change=lambda forecast: forecast):
        self.golden, self.change, self.sizes = golden, change, []

    def run(self, window):
        self.sizes.append(len(window))
        return {"forecast": self.change(self.golden.outputs["forecast"][window[:, 0, 0].astype(int)].copy())}


@pytest.fixture
def golden():
    """64 windows of one column that count up, and forecasts of two targets over three steps."""
    window = np.arange(GOLDEN_WINDOWS, dtype=np.float32)[:, None, None] * np.ones((1, 4, 1), np.float32)
    forecast = np.random.default_rng(0).normal(size=(GOLDEN_WINDOWS, 3, 2)).astype(np.float32)
    return Golden(window, {"forecast": forecast})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=25, deadline=None)
@given(ranges=RANGES, window=st.integers(1, 12))
def test_windows_span_each_columns_range(dtype, ranges, window):
    minimum = np.array([low for low, _ in ranges])
    maximum = minimum + np.array([width for _, width in ranges])
    windows = golden_windows(minimum, maximum, window, dtype)
    assert windows.shape == (GOLDEN_WINDOWS, window, len(ranges))
    assert windows.dtype == dtype
    low, high = minimum.astype(dtype), maximum.astype(dtype)
    np.testing.assert_array_equal(windows[0], np.broadcast_to(low, windows[0].shape))
    np.testing.assert_array_equal(windows[1], np.broadcast_to(high, windows[1].shape))
    np.testing.assert_array_equal(windows.min(axis=(0, 1)), low)
    np.testing.assert_array_equal(windows.max(axis=(0, 1)), high)


def test_there_are_windows_enough_for_every_batch_size():
    assert max(BATCH_SIZES) <= GOLDEN_WINDOWS
    assert GOLDEN_WINDOWS >= 64
    assert {1, 7} < set(BATCH_SIZES)


def test_windows_depend_on_the_seed_alone():
    ends = np.zeros(2), np.ones(2)
    first = golden_windows(*ends, 6, "float32")
    np.testing.assert_array_equal(first, golden_windows(*ends, 6, "float32"))
    assert not np.array_equal(first, golden_windows(*ends, 6, "float32", seed=1))
    assert len(np.unique(first.reshape(GOLDEN_WINDOWS, -1), axis=0)) == GOLDEN_WINDOWS, "no window stands twice"


def test_half_of_the_windows_are_ramps():
    windows = golden_windows(np.zeros(1), np.ones(1), 9, "float64")
    straight = np.abs(np.diff(windows, n=2, axis=1)).max(axis=(1, 2)) < 1e-4
    assert straight.sum() == GOLDEN_WINDOWS // 2 + 2, "and the two that are constant"


def test_they_survive_their_file(golden, tmp_path):
    golden.write(tmp_path)
    again = Golden.read(tmp_path)
    assert set(again.outputs) == {"forecast"}
    for found, expected in ((again.window, golden.window), (again.outputs["forecast"], golden.outputs["forecast"])):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


def test_nothing_is_unpickled(golden, tmp_path):
    np.savez(tmp_path / "golden.npz", window=np.array([{"a": 1}], dtype=object), forecast=golden.outputs["forecast"])
    with pytest.raises(BundleError, match=r"golden\.npz: no golden windows \(an array of type object"):
        Golden.read(tmp_path)


def test_equal_forecasts_at_every_batch_size(golden):
    session = Replay(golden)
    assert golden.difference(session, ruler_of(np.ones(2))) == 0.0
    assert session.sizes == [1] * 64 + [7] * 9 + [1] + [64]


@settings(max_examples=25, deadline=None)
@given(
    index=st.integers(0, GOLDEN_WINDOWS - 1), step=st.integers(0, 2), target=st.integers(0, 1), off=st.floats(1e-3, 1e3)
)
def test_the_largest_difference_counts_in_each_targets_unit(index, step, target, off):
    window, wrong = np.arange(GOLDEN_WINDOWS, dtype=np.float64)[:, None, None], np.zeros((GOLDEN_WINDOWS, 3, 2))
    golden = Golden(window, {"forecast": wrong.copy()})
    wrong[index, step, target] = -off
    unit = np.array([2.0, 50.0])
    difference = golden.difference(Replay(Golden(window, {"forecast": wrong})), ruler_of(unit))
    assert difference == pytest.approx(off / unit[target])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_farther_than_anything(golden, value):
    def spoil(forecast):
        forecast[-1, -1, -1] = value
        return forecast

    assert golden.difference(Replay(golden, spoil), ruler_of(np.ones(2))) > 1e300


@pytest.mark.parametrize(
    "change",
    [
        lambda forecast: forecast[:1],
        lambda forecast: np.concatenate([forecast, forecast]),
        lambda forecast: forecast[:0],
        lambda forecast: forecast[:, :1],
        lambda forecast: forecast[:, :, :1],
        lambda forecast: forecast[None],
        lambda forecast: forecast[0],
        lambda forecast: np.float32(1.0),
    ],
)
def test_another_shape_is_infinitely_far(golden, change):
    """Although NumPy would stretch many of them until they fit, and find no difference."""
    equal = Golden(golden.window, {"forecast": np.ones_like(golden.outputs["forecast"])})
    assert equal.difference(Replay(equal, change), ruler_of(np.ones(2))) == np.inf


@pytest.mark.parametrize(
    ("value", "unit", "allowed"),
    [
        (0.0, 1.0, 1e-5),
        (100.0, 10.0, 1e-4 + 400 / 2**24),
        (-5e5, 1e3, 1e-2 + 2e6 / 2**24),
        (1e6, 1.0, 1e-3),
        (4e3, 1.0, 1e-5 + 16e3 / 2**24),
        (5e3, 1.0, 1e-3),
    ],
)
@pytest.mark.parametrize("name", ["forecast", "quantiles"])
def test_repair_14_four_roundings_and_never_more_than_a_thousandth(value, unit, allowed, name):
    shape = (1, 1, 1, 2)[: 3 + (name == "quantiles")]
    expected, ruler = {name: np.full(shape, value)}, ruler_of(np.array([unit]), roundings=4)
    for sign in (-1, 1):
        assert ruler.farthest({name: np.full(shape, value + sign * allowed * 0.999)}, expected) <= PARITY_LIMIT
        assert ruler.farthest({name: np.full(shape, value + sign * allowed * 1.001)}, expected) > PARITY_LIMIT
    assert ruler_of(np.array([unit])).farthest({name: np.full(shape, value + 1.01e-5 * unit)}, expected) > PARITY_LIMIT


def test_probabilities_differ_absolutely():
    expected = {"probabilities": np.array([[0.25, 0.75]])}
    assert ruler_of(np.array([])).farthest({"probabilities": np.array([[0.5, 0.5]])}, expected) == 0.25


def test_scores_differ_in_units_of_their_size_where_that_is_above_one():
    expected = {"score": np.array([[0.5], [100.0]]), "is_anomaly": np.array([[False], [True]])}
    ruler = ruler_of(np.array([]), threshold=2.0)
    for score, far in (([0.75, 100.0], 0.25), ([0.5, 125.0], 0.25)):
        found = {"score": np.array(score)[:, None], "is_anomaly": expected["is_anomaly"]}
        assert ruler.farthest(found, expected) == far


@pytest.mark.parametrize(("away", "far"), [(0.5, 0.0), (2.0, np.inf), (-0.5, 0.0), (-2.0, np.inf)])
def test_flags_count_only_where_the_score_is_clear_of_the_threshold(away, far):
    """``away`` counts parity limits of a score of 4."""
    score = np.array([[4.0]]) + away * PARITY_LIMIT * 4
    expected = {"score": score, "is_anomaly": score > 4.0}
    found = {"score": score, "is_anomaly": ~expected["is_anomaly"]}
    assert ruler_of(np.array([]), threshold=4.0).farthest(found, expected) == far


def test_a_missing_output_and_one_that_holds_no_numbers_are_infinitely_far():
    expected = {"score": np.ones((2, 1)), "is_anomaly": np.zeros((2, 1), bool)}
    ruler = ruler_of(np.array([]), threshold=2.0)
    assert ruler.farthest(dict(expected), expected) == 0.0
    assert ruler.farthest({"score": expected["score"]}, expected) == np.inf
    assert ruler.farthest(expected | {"score": np.full((2, 1), "1")}, expected) == np.inf


@settings(max_examples=25, deadline=None)
@given(ranges=RANGES, window=st.integers(1, 12), data=st.data())
def test_values_are_missing_in_columns_with_a_mask_alone(ranges, window, data):
    masked = data.draw(st.lists(st.integers(0, len(ranges) - 1), unique=True))
    minimum = np.array([low for low, _ in ranges])
    maximum = minimum + np.array([width for _, width in ranges])
    windows = golden_windows(minimum, maximum, window, "float64", masked=masked)
    missing = np.isnan(windows)
    assert missing[-1].all(axis=0).tolist() == [column in masked for column in range(len(ranges))]
    assert not missing[..., [column for column in range(len(ranges)) if column not in masked]].any()
    assert not missing[:2].any(), "the extremes are whole"
    np.testing.assert_array_equal(windows[~missing], golden_windows(minimum, maximum, window, "float64")[~missing])


def test_nan_is_an_answer_where_values_may_be_missing_and_equal_to_itself_alone():
    unit = np.ones(1)
    nan, number = ({"forecast": np.full((1, 1, 1), value)} for value in (np.nan, 1.0))
    assert ruler_of(unit, masked=True).farthest(nan, nan) == 0
    assert ruler_of(unit, masked=True).farthest(nan, number) == np.inf
    assert ruler_of(unit, masked=True).farthest(number, nan) == np.inf
    assert ruler_of(unit).farthest(nan, nan) == np.inf


def wide(targets=862, dtype="float32", window=96, horizon=96):
    """Golden windows of many columns, and outputs that count up."""
    random = np.random.default_rng(0)
    minimum = random.normal(size=targets) * 1000
    made_of = SyntheticWindows.spanning(minimum, minimum + random.uniform(1, 1e4, targets), window, dtype)
    shape = (GOLDEN_WINDOWS, horizon, targets)
    forecast = np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    return Golden(made_of.values, {"forecast": forecast}, made_of)


class Wide:
    """A session that gives the expected forecasts window by window, however they are batched, but for a change."""

    def __init__(self, golden, change=lambda forecast: forecast):
        self.golden, self.change, self.done = golden, change, 0

    def run(self, window):
        rows = np.arange(self.done, self.done + len(window)) % GOLDEN_WINDOWS
        np.testing.assert_array_equal(window, self.golden.window[rows])
        self.done += len(window)
        return {"forecast": self.change(self.golden.outputs["forecast"].copy())[rows]}


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    """Golden windows of 862 columns as they are made, and as they are read."""
    folder, made = tmp_path_factory.mktemp("wide"), wide()
    made.write(folder)
    return made, Golden.read(folder), folder / "golden.npz"


def test_of_a_wide_interface_they_take_less_than_a_megabyte(panel):
    made, read, file = panel
    assert file.stat().st_size < WHOLE_BYTES == 10**6
    assert made.window.nbytes + made.outputs["forecast"].nbytes > 40 * WHOLE_BYTES
    np.testing.assert_array_equal(read.window, made.window)
    assert read.window.dtype == np.float32


@pytest.mark.parametrize(
    ("targets", "dtype", "window", "horizon"), [(321, "float64", 720, 192), (2000, "float32", 24, 24)]
)
def test_so_they_do_of_other_sizes(tmp_path, targets, dtype, window, horizon):
    wide(targets, dtype, window, horizon).write(tmp_path)
    assert (tmp_path / "golden.npz").stat().st_size < WHOLE_BYTES
    Golden.read(tmp_path)


def test_of_a_wide_interface_each_step_of_each_target_is_told_for_some_window(panel):
    made, read, _ = panel
    told = read.outputs["forecast"] == made.outputs["forecast"]
    assert 1 < read.every <= GOLDEN_WINDOWS
    assert told.any(axis=0).all()
    assert told.any(axis=(1, 2)).all(), "and of each window something"


def test_of_a_wide_interface_each_column_takes_each_course(panel):
    _, read, _ = panel
    assert (np.sort(read.made_of.chosen, axis=0) == np.arange(GOLDEN_WINDOWS)[:, None]).all()


def test_of_a_wide_interface_equal_forecasts_are_equal(panel):
    made, read, _ = panel
    assert read.difference(Wide(made), ruler_of(np.ones(862))) == 0.0
    assert made.difference(Wide(made), ruler_of(np.ones(862))) == 0.0


@pytest.mark.parametrize(("step", "target"), [(0, 0), (95, 861), (17, 400)])
def test_of_a_wide_interface_an_output_that_is_off_in_all_windows_is_found(panel, step, target):
    made, read, _ = panel

    def spoil(forecast):
        forecast[:, step, target] += 8.0  # which float32 tells apart up to 2^26
        return forecast

    assert read.difference(Wide(made, spoil), ruler_of(np.ones(862))) >= 4.0


@pytest.mark.parametrize("window", [0, 31, 63])
def test_of_a_wide_interface_a_window_that_is_off_is_found(panel, window):
    made, read, _ = panel

    def spoil(forecast):
        forecast[window] += 8.0
        return forecast

    assert read.difference(Wide(made, spoil), ruler_of(np.ones(862))) >= 4.0


def test_of_a_wide_interface_any_number_that_is_none_is_found(panel):
    made, read, _ = panel
    untold = np.unravel_index(np.argmax(read.outputs["forecast"] != made.outputs["forecast"]), (64, 96, 862))

    def spoil(forecast):
        forecast[untold] = np.nan
        return forecast

    assert read.difference(Wide(made, spoil), ruler_of(np.ones(862))) > 1e300


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("courses", np.zeros((2, 96), np.uint16)),
        ("courses", np.zeros((64, 96), np.float32)),
        ("chosen", np.zeros((65, 862), np.uint8)),
        ("chosen", np.zeros((64, 861), np.uint8)),
        ("ends", np.zeros((2, 862), np.int64)),
        ("every", np.array(0)),
        ("every", np.array(7)),
        ("forecast", np.zeros((64, 96, 1), np.float32)),
        ("forecast.shape", np.array([64, 2**40, 2**40])),
        ("forecast.shape", np.array([63, 96, 862])),
        ("forecast.shape", np.array([64, -96, -862])),
    ],
)
def test_what_does_not_fit_together_is_told_with_the_file(panel, tmp_path, name, array):
    with np.load(panel[2]) as file:
        arrays = dict(file)
    np.savez(tmp_path / "golden.npz", **arrays | {name: array})
    with pytest.raises(BundleError, match=r"golden\.npz: no golden windows \(.*; export again"):
        Golden.read(tmp_path)


def test_windows_that_unpack_to_more_than_is_held_are_refused_before(tmp_path):
    made_of = {"courses": np.zeros((1, 10**5), np.uint16), "chosen": np.zeros((64, 10**4), np.uint8)}
    outputs = {"every": np.array(1), "forecast": np.zeros(64, np.float32), "forecast.shape": np.array([64, 1, 1])}
    np.savez(tmp_path / "golden.npz", ends=np.zeros((2, 10**4)), **made_of, **outputs)
    with pytest.raises(BundleError, match="its windows would take more than 1073741824 bytes"):
        Golden.read(tmp_path)


def test_of_a_narrow_interface_all_numbers_are_told_as_ever(tmp_path):
    wide(targets=3).write(tmp_path)
    with np.load(tmp_path / "golden.npz") as file:
        assert {name: array.shape for name, array in file.items()} == {"window": (64, 96, 3), "forecast": (64, 96, 3)}
