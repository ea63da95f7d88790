"""Windows that miss values: which tell something, which features have a mask, and which begin before their series."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.intervals import contains, intervals
from zoo.data.masks import masked_features, required_features, silent_windows, telling_ends
from zoo.data.splits import Split
from zoo.data.windows import Layout, Windows, split_windows
from zoo.settings.resolve import resolve
from zoo.training.preparation import prepare
from zoo_registry import discover
from zoo_registry.errors import ConfigError, DataError

NAN = np.nan


@st.composite
def panel(draw: st.DrawFn):
    """Series one after the other with missing values, some of them shorter than the window."""
    window, horizon = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    lengths = draw(st.lists(st.integers(horizon + 1, 15), min_size=1, max_size=4))
    missing = draw(st.lists(st.booleans(), min_size=2 * sum(lengths), max_size=2 * sum(lengths)))
    values = np.arange(2.0 * sum(lengths), dtype=np.float32).reshape(-1, 2)
    values[np.reshape(missing, values.shape)] = NAN
    ends = np.cumsum(lengths)
    series = [range(int(end) - length, int(end)) for length, end in zip(lengths, ends, strict=True)]
    return values, series, window, horizon


def of(rows: range) -> Split:
    return Split(rows, range(rows.stop, rows.stop), range(rows.stop, rows.stop))


@given(panel(), st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_windows_of_short_series_begin_before_them_and_others_are_as_ever(case, stride):
    values, series, window, horizon = case
    layout = Layout(window, horizon, window, stride)
    padded = [rows for rows in series if len(rows) < layout.span]
    found = split_windows(values, values, list(map(of, series)), layout, stretches=intervals(series), padded=padded)[
        "train"
    ]
    expected = []
    for rows in series:
        first = rows.start + (0 if rows in padded else window - 1)
        for last in range(first, rows.stop - horizon, stride):
            known = values[max(rows.start, last + 1 - window) : last + 1]
            front = np.full((window - len(known), 2), NAN)
            expected.append((last, np.concatenate([front, known]), values[last + 1 : last + 1 + horizon]))
    assert found.last_rows().tolist() == [last for last, *_ in expected]
    for number, (_, inputs, outputs) in enumerate(expected):
        np.testing.assert_array_equal(found.inputs()[number], inputs)
        np.testing.assert_array_equal(found.outputs()[number], outputs)


@given(panel(), st.sampled_from([[(0,)], [(0,), (1,)], [(0, 1)]]), st.booleans())
@settings(max_examples=200, deadline=None)
def test_windows_that_tell_nothing_of_a_target_are_left_out(case, required, pad):
    values, series, window, _ = case
    hidden = [np.flatnonzero(np.isnan(column)) for column in values.T]
    padded = [rows for rows in series if pad and len(rows) < window]
    starts = np.array([rows.start for rows in series])
    telling = telling_ends(hidden, required, starts, window, len(values), padded)
    for rows in series:
        for last in range(rows.start + (0 if rows in padded else window - 1), rows.stop):
            seen = values[None, max(rows.start, last + 1 - window) : last + 1]
            silent = silent_windows(seen, required)[0]
            assert silent == any(np.isnan(seen[0][:, list(columns)]).all() for columns in required)
            assert contains(telling, np.array([last]))[0] == (not silent)


@given(panel())
@settings(max_examples=100, deadline=None)
def test_a_feature_has_a_mask_where_a_train_window_misses_it(case):
    values, series, window, horizon = case
    layout, hidden = Layout(window, horizon, window), [np.flatnonzero(np.isnan(column)) for column in values.T]
    padded = [rows for rows in series if len(rows) < layout.span]
    train = split_windows(values, values, list(map(of, series)), layout, stretches=intervals(series), padded=padded)
    inputs = train["train"].inputs()
    missed = np.flatnonzero(np.isnan(inputs).any(axis=(0, 1))).tolist()
    begun = bool(len(inputs)) and bool((train["train"].first_rows() > train["train"].starts()).any())
    assert list(masked_features(train["train"], hidden)) == ([0, 1] if begun else missed)


def test_of_targets_their_own_past_is_needed_and_of_others_any_feature():
    assert required_features((1, 0), [0, 1, 2]) == [(1,), (0,)]
    assert required_features((1, None), [0, 1, 2]) == [(1,), (0, 1, 2)]
    assert required_features((), [0, 2]) == [(0, 2)]


def config(**given):
    catalogue = discover().catalogue
    usual = {"source": "DataFrame", "window": 4, "horizon": 2, "target": "y", "missing": "mask", "season": 1}
    return resolve("linear", catalogue["linear"].item, {}, usual | given).data


def table(rows: int = 60, **columns: list[int]) -> pd.DataFrame:
    """A column y and others, which miss these rows."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame({name: random.normal(size=rows) for name in ("y", *(name for name in columns if name != "y"))})
    for name, missing in columns.items():
        frame.loc[missing, name] = NAN
    return frame


def test_missing_values_stay_in_windows_and_scalers_learn_of_the_others():
    frame = table(y=[5, 6], x=[20])
    found = prepare(config(), frame)
    assert found.problem.masked == ("y", "x")
    train = found.parts["train"]
    assert np.isnan(train.inputs()).any()
    assert not np.isnan(train.outputs()).any()  # what is no truth is not trained on
    assert found.repairs.missing.model_dump() == {"method": "mask", "values": {"y": 2, "x": 1}}
    known = frame["y"][:42].dropna()
    assert found.preprocessor.features_.groups[0].fitted.mean_[0] == pytest.approx(known.mean())
    assert found.preprocessor.targets_.groups[0].fitted.mean_[0] == pytest.approx(known.mean())


@pytest.mark.parametrize("scaler", ["standard", "minmax", "robust", "maxabs", "huber", "log", "none"])
def test_every_scaler_takes_columns_with_missing_values(scaler):
    found = prepare(config(scaler=scaler), table(y=[5, 6], x=[20, 21]))
    inputs = found.parts["train"].inputs()
    assert np.isnan(inputs).any()
    assert np.isfinite(inputs).mean() > 0.9


def test_a_column_that_is_whole_in_the_train_rows_has_no_mask_and_its_later_holes_no_windows():
    found = prepare(config(), table(y=[5], x=[55]))
    assert found.problem.masked == ("y",)
    test = found.parts["test"]
    assert not np.isnan(test.inputs()[:, :, 1]).any()
    assert not (contains(np.stack([test.starts(), test.last_rows() + 1], axis=1), np.array([55]))).any()


def test_without_a_missing_value_there_is_no_mask():
    assert prepare(config(), table()).problem.masked == ()


def test_a_column_without_any_value_in_the_train_rows_is_refused():
    with pytest.raises(DataError, match="column 'x' has no value in the train rows"):
        prepare(config(), table(x=list(range(45))))


@given(st.lists(st.integers(0, 59), max_size=20), st.integers(42, 59))
@settings(max_examples=25, deadline=None)
def test_values_of_later_rows_change_no_window_of_earlier_ones(missing, cut):
    frame = table(y=sorted({*missing, 3}), x=[10])
    later = frame.copy()
    later.iloc[cut:] = later.iloc[cut:].isna() * 1e3  # what was there is 0, what was missing a thousand
    before, after = prepare(config(), frame), prepare(config(), later)
    for name in ("train", "validation", "test"):
        kept = [part.starts()[(part.ends() < cut)] for part in (before.parts[name], after.parts[name])]
        np.testing.assert_array_equal(*kept)
        inputs = [part.inputs()[part.ends() < cut] for part in (before.parts[name], after.parts[name])]
        np.testing.assert_array_equal(*inputs)


def short_series() -> pd.DataFrame:
    random = np.random.default_rng(0)
    lengths = {"long": 60, "short": 14, "tiny": 3}
    rows = [{"id": name, "t": t, "y": random.normal()} for name, length in lengths.items() for t in range(length)]
    return pd.DataFrame(rows)


def test_short_series_are_filled_up_in_front_and_those_too_short_for_that_are_told():
    asked = config(missing="error", short_series="pad", series="id", time="t", window=10)
    found = prepare(asked, short_series())
    assert found.problem.masked == ("y",)
    assert found.repairs.padded.series == ("short",)
    assert found.repairs.short_series.dropped == ("tiny",)
    inputs = found.parts["train"].inputs()
    lacking = np.isnan(inputs[..., 0]).sum(axis=1)
    assert set(lacking) == {
        0,
        *range(2, 10),
    }  # of the short series' ten train rows the first eight can be a window's last
    assert not np.isnan(inputs[:, -1]).any()


def test_series_that_are_filled_up_need_windows_that_reach_back():
    with pytest.raises(ConfigError, match=r"`short_series='pad'`.*leave `context` at true"):
        prepare(config(short_series="pad", context=False), table())


def test_an_architecture_that_gives_the_window_back_takes_no_filled_up_windows():
    catalogue = discover().catalogue
    own = {"source": "DataFrame", "task": "anomaly", "window": 8, "short_series": "pad"}
    asked = resolve("autoencoder", catalogue["autoencoder"].item, {}, own).data
    with pytest.raises(ConfigError, match=r"`short_series='pad'`: this architecture gives the whole window back"):
        prepare(asked, table())


def test_windows_are_picked_by_their_numbers_before_their_series_too():
    values = np.arange(5, dtype=np.float32)[:, None]
    windows = Windows(values, values, np.array([-2]), np.array([0, 4]), Layout(3, 1, 3), np.array([0]))
    assert windows.first_rows(np.array([3, 0])).tolist() == [1, 0]
    np.testing.assert_array_equal(windows.inputs(np.array([1]))[0, :, 0], [NAN, 0, 1])
