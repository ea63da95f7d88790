"""From a table to windows: scalers see train rows alone, and a run's own scalers are used again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import TimeSeriesSplit

from zoo.data.splits import Split, fold_splits
from zoo.settings.schema import DataConfig
from zoo.training.preparation import prepare
from zoo_registry import Task
from zoo_registry.errors import ConfigError, DataError


def config(**changes):
    return DataConfig(**({"source": "DataFrame", "target": "load", "window": 8, "horizon": 3} | changes))


def test_scalers_are_fitted_on_train_rows_alone(series, prepared):
    changed = series.copy()
    changed.loc[168:, ["load", "temperature"]] *= 1000
    assert prepare(config(), changed).preprocessor.parameters() == prepared.preprocessor.parameters()
    changed.loc[167, "load"] *= 1000
    assert prepare(config(), changed).preprocessor.parameters() != prepared.preprocessor.parameters()


def test_a_fitted_preprocessor_is_used_as_it_is(series, prepared):
    again = prepare(config(), series.assign(load=series["load"] + 5), prepared.preprocessor)
    assert again.preprocessor is prepared.preprocessor
    raised = 5 / prepared.preprocessor.targets_.unit
    difference = again.parts["train"].outputs() - prepared.parts["train"].outputs()
    np.testing.assert_allclose(difference, np.broadcast_to(raised, difference.shape), atol=1e-5)


def test_windows_are_scaled_rows(series, prepared):
    assert (prepared.shape.input, prepared.shape.output) == ((8, 2), (3, 1))
    assert prepared.shape.target_columns == (0,)
    np.testing.assert_array_equal(prepared.history[:, 0], series["load"])
    columns = series[["load", "temperature"]].to_numpy()
    train = columns[:168]
    expected = (columns - train.mean(axis=0)) / train.std(axis=0)
    windows = prepared.parts["validation"]
    np.testing.assert_allclose(windows.inputs()[0], expected[160:168], atol=1e-6)
    np.testing.assert_allclose(windows.outputs()[0], expected[168:171, :1], atol=1e-6)


def test_the_season(series, prepared):
    assert prepared.season == 24, "a day of hours"
    assert prepare(config(season=5), series).season == 5
    assert prepare(config(), series.drop(columns="time")).season is None


def test_repairs_are_counted(series):
    holes = series.copy()
    holes.loc[[10, 11, 200], "temperature"] = np.nan
    prepared = prepare(config(missing="ffill"), holes)
    assert prepared.missing == {"temperature": 3}
    assert prepared.repairs.model_dump() == {"missing": {"method": "ffill", "values": {"temperature": 3}}}
    assert np.isfinite(prepared.values).all()


# ---------------------------------------------------------------------------------------------------------------------
# Tasks: which rows a window reads, and which it is asked about


@given(window=st.integers(1, 9), horizon=st.integers(1, 5), gap=st.integers(0, 6), stride=st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_a_gap_lies_between_the_window_and_the_targets(window, horizon, gap, stride):
    frame = pd.DataFrame({"load": np.arange(150.0), "other": -np.arange(150.0)})
    prepared = prepare(config(window=window, horizon=horizon, gap=gap, stride=stride, scaler="none"), frame)
    assert (prepared.shape.input, prepared.shape.output) == ((window, 2), (horizon, 1))
    for windows in prepared.parts.values():
        last, targets = windows.inputs()[:, -1, 0], windows.outputs()[:, :, 0]
        np.testing.assert_array_equal(targets, last[:, None] + 1 + gap + np.arange(horizon))
        assert (np.diff(last) == stride).all()
    first = {name: int(windows.outputs()[0, 0, 0]) for name, windows in prepared.parts.items()}
    assert first["train"] == window + gap
    assert [first["validation"], first["test"]] == [105, 128]
    assert int(prepared.parts["test"].outputs()[-1, -1, 0]) > 149 - stride


def test_a_part_has_room_for_window_gap_and_horizon():
    frame = pd.DataFrame({"load": np.arange(60.0)})
    with pytest.raises(DataError, match=r"the train part has 12 of 60 rows, but window \+ gap \+ horizon need 13"):
        prepare(config(gap=2, split=(12, 20, 20)), frame)
    assert len(prepare(config(gap=2, split=(13, 20, 20)), frame).parts["train"]) == 1


def test_regress_asks_for_the_windows_last_row(series):
    prepared = prepare(config(task="regress", horizon=1, scaler="none"), series)
    assert prepared.table.features == ("temperature",)
    assert prepared.table.targets == ("load",)
    assert (prepared.shape.input, prepared.shape.output) == ((8, 1), (1, 1))
    assert prepared.shape.target_columns == (None,)
    assert prepared.parts["test"].last_rows().tolist() == list(range(204, 240))


def test_regress_has_several_targets_and_features_that_are_named(series):
    frame = series.assign(wind=np.cos(np.arange(240)), note="x")
    prepared = prepare(config(task="regress", horizon=1, target=("load", "wind")), frame)
    assert prepared.table.features == ("temperature",)
    assert prepared.shape.output == (1, 2)
    with pytest.raises(DataError, match="target 'load' is a feature too, from which the network would read it off"):
        prepare(config(task="regress", horizon=1, features=("temperature", "load")), frame)
    both = prepare(config(features=("temperature", "load")), frame)  # a forecast may
    assert both.shape.target_columns == (1,)


def test_anomaly_forecasts_the_windows_last_row_from_the_rows_before_it(series):
    prepared = prepare(config(task="anomaly", target=(), horizon=1, scaler="none"), series)
    assert prepared.table.features == prepared.table.targets == ("load", "temperature")
    assert prepared.table.labels is None
    assert (prepared.shape.input, prepared.shape.output) == ((7, 2), (1, 2))
    assert prepared.shape.target_columns == (0, 1)
    assert prepared.parts["test"].origins().tolist() == list(range(204, 240))


def test_anomaly_may_judge_some_columns(series):
    frame = series.assign(fault=(np.arange(240) % 50 == 9).astype(int))
    prepared = prepare(config(task="anomaly", target="temperature", horizon=1), frame)
    assert prepared.table.features == ("load", "temperature", "fault")
    assert prepared.shape.target_columns == (1,)
    labelled = prepare(config(task="anomaly", target="temperature", label="fault", horizon=1), frame)
    assert labelled.table.features == ("load", "temperature")
    assert labelled.table.classes == ("0", "1")


def test_classify_has_a_class_for_each_window(series):
    series["state"] = np.where(np.arange(240) % 3, "off", "on")
    prepared = prepare(config(task="classify", target="state", horizon=1), series)
    assert prepared.table.features == ("load", "temperature")
    assert (prepared.shape.input, prepared.shape.output) == ((8, 2), (2,))
    assert prepared.shape.classes == 2
    assert prepared.preprocessor.parameters()["targets"] == []
    assert prepared.history.shape == (240, 0)


def test_splits_may_come_from_elsewhere(series):
    split = Split(range(20, 120), range(125, 150), range(160, 200))
    prepared = prepare(config(scaler="none"), series, splits={"": split})
    assert prepared.splits == {"": split}
    assert prepared.parts["train"].starts()[0] == 20
    assert prepared.parts["train"].target_rows().max() == 119
    assert prepared.parts["test"].origins()[[0, -1]].tolist() == [160, 197]
    assert len(prepared.values) == 200


def test_splits_of_several_series_lie_in_their_rows(series):
    frame = pd.concat([series.assign(site=name) for name in "abc"])
    fold = fold_splits(TimeSeriesSplit(2), 240)[1]
    splits = {"c": fold.shifted(480), "a": fold}  # in any order, and not of every series
    prepared = prepare(config(series="site"), frame, splits=splits)
    assert list(prepared.splits) == ["a", "c"]
    alone = prepare(config(), series, splits={"": fold})
    for part, windows in prepared.parts.items():
        np.testing.assert_allclose(windows.inputs(), np.tile(alone.parts[part].inputs(), (2, 1, 1)), atol=1e-6)
    with pytest.raises(ConfigError, match="splits: there is no series 'd'; known are: a, b, c"):
        prepare(config(series="site"), frame, splits={"d": fold})
    with pytest.raises(ConfigError, match="of series 'b' one after the other in the rows 240 to 480, found Split"):
        prepare(config(series="site"), frame, splits={"b": fold})
    with pytest.raises(ConfigError, match="of series '' one after the other in the rows 0 to 240"):
        prepare(config(), series, splits={"": Split(range(100, 200), range(50, 100), range(200, 240))})


def test_a_column_without_a_value_in_the_rows_that_are_used(series):
    series.loc[:99, "temperature"] = np.nan
    expected = "no train row is left without a missing value, of which column 'temperature' has the most"
    with pytest.raises(DataError, match=expected):
        prepare(config(missing="drop", split=(40, 30, 30)), series)
    with pytest.raises(
        DataError, match=r"column 'temperature', row 1 .*: the value is missing and none stands before it"
    ):
        prepare(config(missing="ffill", split=(40, 30, 30)), series)


# ---------------------------------------------------------------------------------------------------------------------
# All at once, against plain loops


@st.composite
def long_tables(draw: st.DrawFn) -> pd.DataFrame:
    """One to three series, interleaved, with gaps in their whole-numbered times and with missing values."""
    frames = []
    for number in range(draw(st.integers(1, 3))):
        rows = draw(st.integers(60, 75))
        steps = np.ones(rows, np.int64)
        steps[draw(st.lists(st.integers(3, rows - 1), max_size=2))] = 3
        frame = pd.DataFrame({"tick": steps.cumsum(), "site": f"s{number}"})
        for column, name in enumerate(("load", "wind", "other")):
            values = 1000.0 * number + 100_000.0 * column + np.arange(rows)
            values[draw(st.lists(st.integers(0, rows - 1), max_size=2))] = np.nan
            frame[name] = values
        frame["state"] = ["off" if row % 2 else "on" for row in range(rows)]
        frame.loc[draw(st.lists(st.integers(0, rows - 1), max_size=2)), "state"] = None
        frames.append(frame)
    return pd.concat(frames).sort_values(["tick", "site"], ignore_index=True)


@given(
    frame=long_tables(),
    task=st.sampled_from(list(Task)),
    reconstruct=st.booleans(),
    window=st.integers(2, 4),
    horizon=st.integers(1, 2),
    gap=st.integers(0, 2),
    context=st.booleans(),
    embargo=st.integers(0, 2),
)
@settings(max_examples=80, deadline=None)
def test_windows_of_every_kind_are_those_of_plain_loops(
    frame, task, reconstruct, window, horizon, gap, context, embargo
):
    features, targets = ["load", "wind"], ["other", "load"]
    asked = {"target": targets, "horizon": horizon, "gap": gap}
    read, lead = window, window + gap
    if task is Task.REGRESS:
        asked, targets, lead, horizon = {"target": "other", "horizon": 1}, ["other"], window - 1, 1
    elif task is Task.CLASSIFY:
        asked, targets, lead, horizon = {"target": "state", "horizon": 1}, ["state"], window - 1, 1
    elif task is Task.ANOMALY:
        targets = ["wind", "load"] if gap else ["load", "wind"]
        asked, read, lead, horizon = {"target": targets, "horizon": 1}, window - 1, window - 1, 1
        if reconstruct:  # targets may lie before the part, but for the last row of them
            asked, read, lead, horizon = asked | {"reconstruct": True}, window, 0, window
    more = {
        "series": "site",
        "time": "tick",
        "gaps": "break",
        "missing": "drop",
        "scaler": "none",
        "split": (0.4, 0.3, 0.3),
    }
    prepared = prepare(
        config(task=task, features=features, window=window, context=context, embargo=embargo, **more, **asked), frame
    )
    numbers = frame.assign(state=frame["state"].map({"off": 0.0, "on": 1.0}))
    for part, windows in prepared.parts.items():
        inputs, outputs = [], []
        for _, rows in numbers.groupby("site", sort=False):
            ticks, given_rows, said = rows["tick"].to_numpy(), rows[features].to_numpy(), rows[targets].to_numpy()
            first, second = round(len(rows) * 0.4), round(len(rows) * 0.7)
            ends = {"train": (0, first - embargo), "validation": (first, second - embargo), "test": (second, len(rows))}
            begin, end = ends[part]
            for start in range(0 if context else begin, len(rows)):
                asked_of = range(start + lead, start + lead + horizon)
                last = max(start + read - 1, asked_of[-1])
                owned = asked_of[-1] if task is Task.ANOMALY else asked_of[0]
                if owned < begin or asked_of[-1] >= end or ticks[last] - ticks[start] != last - start:
                    continue
                x, y = given_rows[start : start + read], said[asked_of.start : asked_of.stop]
                if not (np.isnan(x).any() or np.isnan(y).any()):
                    inputs.append(x)
                    outputs.append(y)
        np.testing.assert_array_equal(windows.inputs(), np.array(inputs))
        np.testing.assert_array_equal(windows.outputs(), np.array(outputs))
