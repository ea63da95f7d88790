"""Long tables with several series: each is on its own from the file to the forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.last_window import read_last_windows
from zoo.data.readers.reading import Reading
from zoo.data.splits import PARTS, Split
from zoo.data.table import read_table
from zoo.evaluation.evaluation import evaluate
from zoo.preprocessing.prepared import Prepared
from zoo.provenance import Repairs
from zoo.settings.schema import DataConfig
from zoo.training.preparation import prepare
from zoo_registry import Step
from zoo_registry.errors import ConfigError, DataError

NAN = np.nan


def one_series(name: str, rows: int, number: int = 0) -> pd.DataFrame:
    """Hourly rows whose values say which series and which row they are of."""
    steps = np.arange(rows)
    times = pd.date_range("2024-01-01", periods=rows, freq="h")
    return pd.DataFrame(
        {"time": times, "site": name, "load": 1000.0 * number + steps, "wind": 1000.0 * number + 500.0 + steps}
    )


def make_table(lengths: Mapping[str, int], seed: int | None = None) -> pd.DataFrame:
    """Series one after the other, or their rows shuffled among each other, each series' own in order."""
    frames = [one_series(name, rows, number) for number, (name, rows) in enumerate(lengths.items())]
    if seed is None:
        return pd.concat(frames, ignore_index=True)
    turns = np.repeat(np.arange(len(frames)), [len(frame) for frame in frames])
    np.random.default_rng(seed).shuffle(turns)
    places = [(turns == number).nonzero()[0] for number in range(len(frames))]
    return pd.concat([frame.set_axis(place) for frame, place in zip(frames, places, strict=True)]).sort_index()


def config(**changes: Any) -> DataConfig:
    base = {"source": "DataFrame", "target": "load", "series": "site", "window": 4, "horizon": 2, "scaler": "none"}
    return DataConfig(**(base | changes))


def cut(rows: int, parts: Sequence[float]) -> dict[str, range]:
    first, second = round(rows * parts[0]), round(rows * (parts[0] + parts[1]))
    return {"train": range(first), "validation": range(first, second), "test": range(second, rows)}


@st.composite
def layouts(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "window": draw(st.integers(1, 4)),
        "horizon": draw(st.integers(1, 3)),
        "gap": draw(st.integers(0, 2)),
        "stride": draw(st.integers(1, 3)),
        "context": draw(st.booleans()),
    }


@given(
    lengths=st.lists(st.integers(30, 45), min_size=1, max_size=4),
    seed=st.none() | st.integers(0, 1000),
    layout=layouts(),
)
@settings(max_examples=60, deadline=None)
def test_windows_never_cross_series(lengths: list[int], seed: int | None, layout: dict[str, Any]):
    frame = make_table({f"s{number}": rows for number, rows in enumerate(lengths)}, seed)
    parts = (0.4, 0.3, 0.3)
    prepared = prepare(config(split=parts, **layout), frame)
    window, horizon, lead = layout["window"], layout["horizon"], layout["window"] + layout["gap"]
    for part in PARTS:
        inputs, outputs = [], []
        for name in dict.fromkeys(frame["site"]):
            rows = frame.loc[frame["site"] == name, ["load", "wind"]].to_numpy()
            mine = cut(len(rows), parts)[part]
            first = max(mine.start - (lead if layout["context"] else 0), 0)
            for start in range(first, len(rows), layout["stride"]):
                targets = range(start + lead, start + lead + horizon)
                if targets[-1] in mine and targets[0] in mine:
                    inputs.append(rows[start : start + window])
                    outputs.append(rows[targets.start : targets.stop, :1])
        windows = prepared.parts[part]
        assert len(windows) == len(inputs) > 0
        np.testing.assert_array_equal(windows.inputs(), np.array(inputs))
        np.testing.assert_array_equal(windows.outputs(), np.array(outputs))


def test_series_stand_in_the_order_of_their_first_rows():
    frame = make_table({"b": 3, "a": 2}).iloc[[3, 0, 4, 1, 2]]
    table = read_table(frame, targets=["load"], reading=Reading(series="site"))
    assert table.series == {"a": range(2), "b": range(2, 5)}
    assert table.values[:, 0].tolist() == [1000, 1001, 0, 1, 2]
    assert table.file_rows.tolist() == [0, 2, 1, 3, 4]
    assert table.features == ("load", "wind")
    assert table.stretches.tolist() == [[0, 2], [2, 5]]
    grouped = read_table(make_table({"b": 3, "a": 2}), targets=["load"], reading=Reading(series="site"))
    assert grouped.file_rows is None
    assert grouped.series == {"b": range(3), "a": range(3, 5)}


@pytest.mark.parametrize("dtype", ["int64", "float64", "object", "category", "string"])
def test_series_may_be_named_by_text_and_by_numbers(dtype: str):
    frame = make_table({"7": 3, "12": 3}).assign(time=None).drop(columns="time")
    frame["site"] = frame["site"].astype("int64" if dtype in ("int64", "float64") else "object").astype(dtype)
    table = read_table(frame, targets=["load"], reading=Reading(series="site"))
    assert table.series == {"7": range(3), "12": range(3, 6)}


def test_one_name_for_two_tables_is_one_fingerprint_only_where_the_series_are_the_same():
    frame = make_table({"a": 4, "b": 4})

    def fingerprint(source: pd.DataFrame) -> str:
        return read_table(source, targets=["load"], reading=Reading(series="site")).fingerprint()

    assert fingerprint(frame.iloc[[0, 4, 1, 5, 2, 6, 3, 7]]) == fingerprint(frame)
    assert fingerprint(frame.replace({"site": {"a": "c"}})) != fingerprint(frame)


# ---------------------------------------------------------------------------------------------------------------------
# Messages name the row of the file, and the series


@given(seed=st.integers(0, 1000), row=st.integers(5, 24), name=st.sampled_from(["north", "south"]))
@settings(max_examples=25, deadline=None)
def test_a_missing_value_is_named_by_its_row_in_the_file_and_its_series(seed: int, row: int, name: str):
    frame = make_table({"north": 25, "south": 30}, seed)
    place = int(np.flatnonzero(frame["site"] == name)[row])
    frame.loc[place, "wind"] = NAN
    expected = (
        f"column 'wind', row {place + 1} ({frame['time'][place]}, series '{name}'): the value is missing (1 in all)"
    )
    with pytest.raises(DataError) as caught:
        prepare(config(), frame)
    assert expected in str(caught.value)


def test_missing_values_are_counted_over_all_series():
    frame = make_table({"a": 30, "b": 30})
    frame.loc[[5, 6, 40], "wind"] = NAN
    frame.loc[50, "load"] = NAN
    with pytest.raises(DataError, match=r"column 'wind', row 6 \(.*, series 'a'\): the value is missing \(4 in all\)"):
        prepare(config(), frame)


def test_times_out_of_order_are_named_by_their_rows_in_the_file(tmp_path: Path):
    frame = make_table({"a": 5, "b": 5}).iloc[[0, 5, 1, 7, 2, 6, 3, 8, 4, 9]]
    frame.to_csv(path := tmp_path / "long.csv", index=False)
    with pytest.raises(
        DataError, match=r"unsorted: row 6 \(.*, series 'b'\) follows row 4 \(.*, series 'b'\)"
    ) as caught:
        read_table(path, targets=["load"], reading=Reading(series="site"))
    assert "--series" not in str(caught.value)  # it is given
    table = read_table(path, targets=["load"], reading=Reading(series="site", sort=True))
    assert table.row_name(7) == "row 4 (2024-01-01 02:00:00, series 'b')"
    assert table.repairs == {"sort": {"rows_moved": 2}}


# ---------------------------------------------------------------------------------------------------------------------
# Splits


@pytest.mark.parametrize("seed", [None, 3])
def test_fractions_are_of_each_series_rows(seed: int | None):
    prepared = prepare(config(split=(0.5, 0.25, 0.25)), make_table({"a": 40, "b": 20}, seed))
    first, second = prepared.splits
    base = {first: 0, second: {"a": 40, "b": 20}[first]}
    for name, rows in (("a", 40), ("b", 20)):
        plain = Split(range(rows // 2), range(rows // 2, rows * 3 // 4), range(rows * 3 // 4, rows))
        assert prepared.splits[name] == plain.shifted(base[name])
    described = prepared.split()
    assert {name: part.rows for name, part in described.items()} == {"train": 30, "validation": 15, "test": 15}


def test_counts_are_of_each_series_rows():
    prepared = prepare(config(split=(10, 6, 7), embargo=1), make_table({"a": 30, "b": 25}))
    assert prepared.splits == {
        "a": Split(range(9), range(10, 15), range(16, 23)),
        "b": Split(range(30, 39), range(40, 45), range(46, 53)),
    }


def test_dates_are_the_same_for_all_series():
    late = one_series("b", 30, 1)
    late["time"] += pd.Timedelta(hours=5)
    frame = pd.concat([one_series("a", 30), late], ignore_index=True)
    prepared = prepare(config(split_dates=("2024-01-01 14:00", "2024-01-01 20:00", "2024-01-02 03:00")), frame)
    assert prepared.splits == {
        "a": Split(range(14), range(14, 20), range(20, 27)),
        "b": Split(range(30, 39), range(39, 45), range(45, 52)),
    }
    described = prepared.split()
    assert described["train"].first == "row 1 (2024-01-01 00:00:00, series 'a')"
    assert described["test"].last.endswith("(2024-01-02 02:00:00, series 'a')")


# ---------------------------------------------------------------------------------------------------------------------
# Short series


def test_short_series_are_dropped_and_recorded():
    lengths = {"a": 40, "b": 9, "c": 40, "d": 3}
    frame = make_table(lengths)
    frame.loc[frame["site"] == "b", "load"] = NAN  # what is left out may be missing
    prepared = prepare(config(short_series="drop"), frame)
    assert prepared.repairs.model_dump() == {"short_series": {"dropped": ("b", "d")}}
    assert list(prepared.splits) == ["a", "c"]
    for windows in prepared.parts.values():
        found = {int(value) // 1000 for value in windows.inputs().ravel()}
        assert found == {0, 2}
    same = prepare(config(), frame[frame["site"].isin(["a", "c"])])
    assert same.repairs == Repairs()
    assert same.preprocessor.parameters() == prepared.preprocessor.parameters()


def test_a_series_that_ends_before_the_dates_is_short():
    frame = make_table({"a": 48, "b": 12})
    dates = ("2024-01-01 20:00", "2024-01-02 06:00")
    with pytest.raises(DataError, match=r"1 of 2 series are too short: 'b' \(12 rows\); the first: the validation"):
        prepare(config(split_dates=dates), frame)
    prepared = prepare(config(split_dates=dates, short_series="drop"), frame)
    assert prepared.repairs.model_dump() == {"short_series": {"dropped": ("b",)}}


def test_the_windows_of_validation_and_test_may_be_shorter_than_a_window_where_they_reach_back():
    frame = make_table({"a": 14, "b": 14})
    prepared = prepare(config(split=(10, 2, 2)), frame)
    assert {name: len(windows) for name, windows in prepared.parts.items()} == {"train": 10, "validation": 2, "test": 2}
    with pytest.raises(DataError, match=r"2 of 2 series are too short: .*the validation part has 2 of 14 rows"):
        prepare(config(split=(10, 2, 2), context=False), frame)


# ---------------------------------------------------------------------------------------------------------------------
# Missing values


@pytest.mark.parametrize("missing", ["ffill", "interpolate"])
def test_a_series_first_value_is_not_filled_from_the_series_before(missing: str):
    frame = make_table({"a": 30, "b": 30})
    frame.loc[30, "wind"] = NAN
    with pytest.raises(DataError, match=r"column 'wind', row 31 \(2024-01-01 00:00:00, series 'b'\): the value is"):
        prepare(config(missing=missing), frame)


@pytest.mark.parametrize("missing", ["ffill", "interpolate"])
def test_a_series_last_value_is_not_filled_from_the_series_after(missing: str):
    frame = make_table({"a": 30, "b": 30})
    frame.loc[[28, 29], "wind"] = NAN
    prepared = prepare(config(missing=missing), frame)
    assert prepared.values[27:31, 1].tolist() == [527.0, 527.0, 527.0, 1500.0]


@given(
    missing=st.sampled_from(["drop", "ffill", "interpolate"]),
    seed=st.none() | st.integers(0, 1000),
    holes=st.sets(st.tuples(st.integers(0, 39), st.sampled_from(["load", "wind"])), max_size=4),
    shift=st.floats(1.0, 1e3),
)
@settings(max_examples=50, deadline=None)
def test_no_value_of_one_series_depends_on_another(missing, seed, holes, shift):
    frame = make_table({"a": 40, "b": 40}, seed)
    other = frame["site"] == "b"
    for row, column in holes:
        if row > 0 or missing == "drop":
            frame.loc[frame.index[other][row], column] = NAN
    changed = frame.copy()
    changed.loc[~other, ["load", "wind"]] *= -shift
    changed.loc[frame.index[~other][5], "wind"] = NAN
    names = list(dict.fromkeys(frame["site"]))
    rows = slice(0, 40) if names[0] == "b" else slice(40, 80)
    before, after = (prepare(config(missing=missing), source) for source in (frame, changed))
    assert before.values[rows].tobytes() == after.values[rows].tobytes()
    assert not np.isnan(before.values).any()
    assert before.table.values[:, 0].tobytes() != after.table.values[:, 0].tobytes()


# ---------------------------------------------------------------------------------------------------------------------
# Baselines


def measure(prepared: Prepared, forecast: np.ndarray, season: int | None) -> dict[str, Any]:
    return evaluate([forecast], replace(prepared, problem=prepared.problem.model_copy(update={"season": season})))


@pytest.mark.parametrize("gap", [0, 2])
def test_baselines_stay_in_their_series(gap: int):
    random = np.random.default_rng(0)
    frame = make_table({"a": 40, "b": 60}, seed=2)
    frame["load"] += random.normal(0, 5, len(frame))
    prepared = prepare(config(gap=gap, scaler="standard"), frame)
    season, last, seasonal, mases = 7, [], [], []
    for name in dict.fromkeys(frame["site"]):
        rows = frame.loc[frame["site"] == name, "load"].to_numpy()
        parts = cut(len(rows), (0.7, 0.15, 0.15))
        before = len(last)
        for origin in parts["test"]:
            if origin + 2 > len(rows):
                continue
            for row in (origin, origin + 1):
                last.append(abs(rows[origin - 1 - gap] - rows[row]))
                back = row
                while back > origin - 1 - gap:
                    back -= season
                seasonal.append(abs(rows[back] - rows[row]))
        train = rows[parts["train"].start : parts["train"].stop]
        mases.append(np.mean(last[before:]) / np.abs(train[season:] - train[:-season]).mean())
    test = prepared.parts["test"]
    found = measure(prepared, prepared.history[test.target_rows()], season)["baselines"]
    assert found["last value"]["targets"]["load"]["mae"] == pytest.approx(np.mean(last))
    assert found["seasonal naive"]["targets"]["load"]["mae"] == pytest.approx(np.mean(seasonal))
    assert found["last value"]["targets"]["load"]["mase"] == pytest.approx(np.mean(mases))


def test_a_season_longer_than_a_series_is_not_looked_for_in_the_series_before():
    prepared = prepare(config(scaler="standard"), make_table({"long": 200, "short": 40}))
    truth = prepared.history[prepared.parts["test"].target_rows()]
    assert measure(prepared, truth, 34)["skipped"] == {}
    found = measure(prepared, truth, 35)
    assert found["skipped"] == {}
    told = "1 series ('short'), as the season of 35 rows is longer than what stands before the test part"
    assert found["series"]["partly"] == {"seasonal naive": told}
    too_long = "the season of 171 rows is longer than what stands before the test part"
    assert measure(prepared, truth, 171)["skipped"] == {"seasonal naive": f"in each of the 2 series {too_long}"}


# ---------------------------------------------------------------------------------------------------------------------
# The last window of each series


def last_windows(frame: Any, window: int = 4, missing: Any = None, **more: Any) -> Any:
    reading = Reading(series="site", **more)
    return read_last_windows(frame, features=["load", "wind"], window=window, missing=missing, reading=reading)


@pytest.mark.parametrize("seed", [None, 5])
def test_the_last_window_of_each_series(labelled, seed: int | None):
    lengths = {"a": 12, "b": 20, "c": 15}
    frame = make_table(lengths, seed)
    last = last_windows(frame)
    assert last.values.shape == (3, 4, 2)
    forecast = np.arange(6.0).reshape(3, 2, 1)
    labelled = labelled(last, forecast, ["load"], gap=1)
    assert list(labelled.columns) == ["site", "load"]
    assert labelled.index.name == "time"
    names = list(dict.fromkeys(frame["site"]))
    assert last.series == names
    for number, name in enumerate(names):
        rows = frame[frame["site"] == name]
        np.testing.assert_array_equal(last.values[number], rows[["load", "wind"]].to_numpy()[-4:])
        mine = labelled[labelled["site"] == name]
        assert mine["load"].tolist() == forecast[number, :, 0].tolist()
        after = rows["time"].max()
        assert mine.index.tolist() == [after + pd.Timedelta(hours=2), after + pd.Timedelta(hours=3)]


def test_a_last_window_is_not_filled_from_another_series():
    frame = make_table({"a": 10, "b": 4})
    frame.loc[10, "load"] = NAN
    with pytest.raises(DataError, match=r"column 'load', row 11 \(.*, series 'b'\): the value is missing and none"):
        last_windows(frame, missing="ffill")
    frame.loc[[10, 12], "load"] = [1000.0, NAN]
    assert last_windows(frame, missing="ffill").values[1, :, 0].tolist() == [1000, 1001, 1001, 1003]


def test_series_too_short_for_a_window():
    frame = make_table({"a": 10, "b": 3, "c": 4})
    with pytest.raises(DataError, match=r"at least 4 rows \(the window\) of each series"):
        last_windows(frame)
    assert last_windows(frame, short_series="drop").series == ["a", "c"]
    with pytest.raises(DataError, match=r"found fewer of 'a' \(10 rows\), 'b' \(3 rows\), 'c' \(4 rows\)"):
        last_windows(frame, window=11, short_series="drop")


def test_a_window_of_one_row_for_each_series(labelled):
    frame = make_table({"a": 1, "b": 1, "c": 2})
    frame["time"] = ["2024-01-05 00:00", "2024-01-02 00:00", "2024-01-01 23:00", "2024-01-02 00:00"]
    hour, reading = Step(name="h", size=3600.0), Reading(series="site")
    last = read_last_windows(frame, features=["load"], window=1, step=hour, reading=reading)
    assert last.values[:, 0, 0].tolist() == [0, 1000, 2001]
    labelled = labelled(last, np.zeros((3, 1, 1)), ["load"])
    assert labelled.index.tolist() == [pd.Timestamp(f"2024-01-0{day} 01:00") for day in (5, 2, 2)]


def test_a_filling_that_leaves_rows_out_is_refused():
    with pytest.raises(ConfigError, match="missing: expected error, ffill or interpolate, as no newest row can be"):
        last_windows(make_table({"a": 10}), missing="drop")


def test_a_gap_in_one_series_last_window_is_told():
    frame = make_table({"a": 10, "b": 10}).drop(index=[2, 17])
    with pytest.raises(DataError, match=r"have gaps: row 17 \(2024-01-01 08:00:00, series 'b'\) follows row 16"):
        last_windows(frame)
    assert last_windows(frame, gaps="ignore").values[1, :, 0].tolist() == [1005, 1006, 1008, 1009]
    assert last_windows(frame.drop(index=list(range(10, 17)), errors="ignore"), window=2).values.shape == (2, 2, 2)
