"""Nothing after the train cutoff reaches scalers, train windows or trained weights, whatever stands there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import TimeSeriesSplit

from zoo.data.splits import fold_splits
from zoo.preprocessing.prepared import Prepared
from zoo.settings.schema import DataConfig, TrainingConfig
from zoo.training.preparation import prepare
from zoo.training.trainer import fit
from zoo_registry import BUILT_IN_SCALERS, Task, discover

ROWS, TRAIN = 120, 60  # of each series, and of its train part
COLUMNS = ("load", "temperature", "price")
HOLES = ((7, "load"), (8, "load"), (20, "temperature"), (33, "price"), (TRAIN - 1, "load"), (TRAIN - 1, "price"))


def make_table(n_series: int = 1, *, gap: bool = False) -> pd.DataFrame:
    """Hourly series with missing values in train, the last at its cutoff; with ``gap`` rows 15 and 80 are not there."""
    frames = []
    for number in range(n_series):
        random = np.random.default_rng(number)
        frame = pd.DataFrame({name: random.normal(10 * number, 3, ROWS).cumsum() for name in COLUMNS})
        for row, name in HOLES:
            frame.loc[row, name] = np.nan
        frame.insert(0, "site", f"s{number}")
        frame.insert(
            0, "time", pd.date_range("2024-01-01", periods=ROWS + 2 * gap, freq="h").delete([15, 81][: 2 * gap])
        )
        frames.append(frame)
    return pd.concat(frames).sort_values(["time", "site"], ignore_index=True)


def config(table: pd.DataFrame, **changes: Any) -> DataConfig:
    several = len(set(table["site"])) > 1
    base = {"source": "DataFrame", "target": "load", "features": COLUMNS, "window": 4, "horizon": 2}
    base |= {} if "split_last" in changes else {"split": (60, 30, 30)}
    return DataConfig(**(base | {"series": "site" if several else None} | changes))


def place_in_series(table: pd.DataFrame) -> pd.Series:
    """Each row's number within its series."""
    return table.groupby("site").cumcount()


@st.composite
def changes(draw: st.DrawFn) -> tuple[int, float, list[tuple[int, str]]]:
    """What is put in place of the values: a seed and a size for random ones, and where values are missing."""
    holes = st.tuples(st.integers(0, ROWS - 1), st.sampled_from(COLUMNS))
    return draw(st.integers(0, 2**32)), draw(st.sampled_from([1e-3, 1.0, 1e4])), draw(st.lists(holes, max_size=3))


def change(table: pd.DataFrame, change: tuple[int, float, list[tuple[int, str]]], free: pd.Series) -> pd.DataFrame:
    """Other values in all rows that are ``free``; missing in some of them, in the first and right after the cutoff."""
    seed, size, holes = change
    changed = table.copy()
    random = np.random.default_rng(seed)
    for name in COLUMNS:
        changed.loc[free, name] = random.normal(0, size, int(free.sum()))
    place = place_in_series(table)
    for row, name in [(int(place[free].min()), "load"), (int(place[~free].max()) + 1, "load"), *holes]:
        changed.loc[free & (place == row), name] = np.nan
    return changed


def seen(prepared: Prepared) -> tuple[str, bytes, bytes, bytes]:
    """All that a training sees, to the last bit."""
    parameters, train = prepared.preprocessor.parameters(), prepared.parts["train"]
    known = json.dumps([parameters["features"], parameters["targets"]], allow_nan=False)  # repr: every bit of a double
    return known, train.starts().tobytes(), train.inputs().tobytes(), train.outputs().tobytes()


def assert_blind(table: pd.DataFrame, changed: pd.DataFrame, configured: DataConfig) -> None:
    before, after = prepare(configured, table), prepare(configured, changed)
    assert len(before.parts["train"]) > 10
    assert seen(before) == seen(after)


@pytest.mark.parametrize("missing", ["drop", "ffill", "interpolate"])
@pytest.mark.parametrize("scaler", sorted(BUILT_IN_SCALERS))
@given(change_of=changes(), n_series=st.integers(1, 3), embargo=st.integers(0, 3))
@settings(max_examples=10, deadline=None)
def test_no_scaler_and_no_repair_looks_behind_the_cutoff(scaler, missing, change_of, n_series, embargo):
    table = make_table(n_series)
    changed = change(table, change_of, place_in_series(table) >= TRAIN - embargo)
    assert_blind(table, changed, config(table, scaler=scaler, missing=missing, embargo=embargo))


@given(
    change_of=changes(),
    missing=st.sampled_from(["drop", "ffill", "interpolate"]),
    n_series=st.integers(1, 2),
    embargo=st.integers(0, 3),
    calendar=st.sampled_from([(), ("hour", "weekday")]),
    uneven=st.booleans(),
    task=st.sampled_from([Task.FORECAST, Task.REGRESS, Task.ANOMALY]),
    gap=st.integers(0, 2),
    stride=st.integers(1, 3),
    context=st.booleans(),
    target_scaler=st.sampled_from([None, "minmax", "robust"]),
    cut=st.sampled_from([{}, {"split_last": (30, 30)}]),
)
@settings(max_examples=60, deadline=None)
def test_no_setting_lets_a_training_look_behind_the_cutoff(
    change_of, missing, n_series, embargo, calendar, uneven, task, gap, stride, context, target_scaler, cut
):
    table = make_table(n_series, gap=uneven)
    changed = change(table, change_of, place_in_series(table) >= TRAIN - embargo)
    of_task = {
        Task.FORECAST: {"horizon": 2, "gap": gap},
        Task.REGRESS: {"horizon": 1, "features": COLUMNS[1:]},
        Task.ANOMALY: {"horizon": 1, "target": ()},
    }
    more = {"embargo": embargo, "calendar": calendar, "stride": stride, "target_scaler": target_scaler, **cut}
    gaps = "break" if uneven else "error"
    configured = config(table, task=task, missing=missing, gaps=gaps, context=context, **more, **of_task[task])
    assert_blind(table, changed, configured)


@given(change_of=changes(), labels=st.lists(st.sampled_from(["calm", "busy", None]), min_size=60, max_size=60))
@settings(max_examples=20, deadline=None)
def test_labels_behind_the_cutoff_are_not_seen(change_of, labels):
    table = make_table().assign(state=np.where(np.arange(ROWS) % 3, "calm", "busy"))
    changed = change(table, change_of, place_in_series(table) >= TRAIN)
    changed["state"] = changed["state"].astype(object)
    changed.loc[TRAIN:, "state"] = [*labels[:-2], "calm", "busy"]
    assert_blind(table, changed, config(table, task="classify", target="state", horizon=1, missing="drop"))


@pytest.mark.parametrize("missing", ["drop", "ffill", "interpolate"])
@pytest.mark.parametrize("scaler", sorted(BUILT_IN_SCALERS))
def test_a_value_before_the_cutoff_is_seen(scaler, missing):
    for table, row in ((make_table(), TRAIN - 10), (make_table(2), 2 * TRAIN - 19)):
        changed = table.copy()
        changed.loc[row, "load"] += 1e3
        configured = config(table, scaler=scaler, missing=missing)
        before, after = seen(prepare(configured, table)), seen(prepare(configured, changed))
        assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, False, False]


class Blocked:
    """A splitter of somebody's own: blocks that do not overlap, given as lists, with two rows left out in each."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[list[int], list[int]]]:
        for start in range(0, len(X) - 39, 40):
            yield list(range(start, start + 25)), list(range(start + 27, start + 40))


SPLITTERS = {
    "expanding": TimeSeriesSplit(3),
    "sliding": TimeSeriesSplit(3, max_train_size=35),
    "gap": TimeSeriesSplit(3, gap=5),
    "test size": TimeSeriesSplit(4, test_size=15),
    "sliding with a gap": TimeSeriesSplit(4, max_train_size=40, gap=3, test_size=12),
    "of one's own": Blocked(),
}


@pytest.mark.parametrize("splitter", SPLITTERS.values(), ids=SPLITTERS)
@given(change_of=changes(), missing=st.sampled_from(["error", "drop", "ffill", "interpolate"]))
@settings(max_examples=6, deadline=None)
def test_no_fold_looks_outside_its_train_rows(splitter, change_of, missing):
    table = make_table()
    whole = table.ffill() if missing == "error" else table
    if missing == "drop":
        change_of = (*change_of[:2], [])  # parts of folds are short, and each hole takes windows away
    configured = config(table, missing=missing)
    splits = fold_splits(splitter, ROWS, validation=0.35)
    for split, (train, test) in zip(splits, splitter.split(np.zeros((ROWS, 1))), strict=True):
        assert [*split.train, *split.validation] == list(train)
        assert list(split.test) == list(test)
        rows = np.arange(ROWS)
        changed = change(whole, change_of, pd.Series((rows < split.train.start) | (rows >= split.train.stop)))
        if missing == "error":  # what no part uses may be missing all the same
            used = (rows >= split.train.start) & (rows < split.test.stop)
            changed.loc[used] = changed.loc[used].ffill()
            changed.loc[used & (rows >= split.train.stop), COLUMNS] += 1.0
        before, after = (prepare(configured, source, splits={"": split}) for source in (whole, changed))
        assert seen(before) == seen(after)
        assert before.parts["test"].target_rows().min() >= split.test.start
        assert before.parts["train"].target_rows().max() < split.train.stop
        assert before.parts["train"].starts().min() >= split.train.start
        inside = whole.copy()
        inside.loc[split.train.start + 1, list(COLUMNS)] -= 1e3
        assert seen(prepare(configured, inside, splits={"": split})) != seen(before)


def weights(prepared: Prepared) -> list[bytes]:
    architecture = discover().catalogue["basic"].item
    training = TrainingConfig(epochs=2, patience=0, keep="last", batch_size=16, seed=3)
    model = fit(architecture, architecture.configure({"units": 2}), prepared, training).model
    return [np.asarray(array).tobytes() for array in model.get_weights()]


@pytest.mark.parametrize(
    ("case", "missing"),
    [
        ("one", "interpolate"),
        pytest.param("several", "drop", marks=pytest.mark.full),
        pytest.param("fold", "ffill", marks=pytest.mark.full),
    ],
)
def test_trained_weights_are_the_same_to_the_last_bit(case: str, missing: str):
    table = make_table(2 if case == "several" else 1)
    fold = fold_splits(SPLITTERS["sliding with a gap"], ROWS, validation=0.35)[1]
    splits, cutoff = ({"": fold}, fold.train.stop) if case == "fold" else (None, TRAIN)
    later = place_in_series(table) >= cutoff
    changed = change(table, (5, 1e3, [(70, "price"), (100, "load")]), later)
    inside = table.copy()
    inside.loc[np.flatnonzero(~later)[-10], "load"] += 1.0
    configured = config(table, missing=missing, calendar=("hour",))
    first, same, other = (weights(prepare(configured, source, splits=splits)) for source in (table, changed, inside))
    assert first == same
    assert first != other
