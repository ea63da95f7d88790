"""No fold's preprocessing, window or early stopping sees a row past its cutoff, whatever stands there."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import TimeSeriesSplit

from zoo.data.splits import Split
from zoo.preprocessing.prepared import Prepared
from zoo.training.preparation import prepare_run
from zoo.training.trainer import fit
from zoo.tuning.cross_validation import validate_fold
from zoo.tuning.folds import Fold, time_folds
from zoo_registry import BUILT_IN_SCALERS, discover

ROWS, HOLES = 160, (9, 40, 77)
COLUMNS = ("load", "price")
SMALL = {"window": 4, "horizon": 2, "features": COLUMNS, "split": (0.6, 0.2, 0.2)}


def make_table(n_series: int, *, holes: bool) -> pd.DataFrame:
    """Hourly series one after the other, with missing values where ``holes``."""
    frames = []
    for number in range(n_series):
        random = np.random.default_rng(number)
        frame = pd.DataFrame({name: random.normal(5 * number, 2, ROWS).cumsum() for name in COLUMNS})
        if holes:
            frame.loc[list(HOLES), "load"] = np.nan
        frame.insert(0, "site", f"s{number}")
        frame.insert(0, "time", pd.date_range("2024-01-01", periods=ROWS, freq="h"))
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def changed_behind(table: pd.DataFrame, fold: Fold, part: str, seed: int, size: float, *, holes: bool) -> pd.DataFrame:
    """The table with other values in every row behind a part of each series, the first of them missing."""
    random, changed = np.random.default_rng(seed), table.copy()
    starts = np.flatnonzero(table["site"].ne(table["site"].shift()))
    for split, end in zip(fold.values(), [*starts[1:], len(table)], strict=True):
        later = range(getattr(split, part).stop, end)
        for name in COLUMNS:
            changed.loc[list(later), name] = random.normal(0, size, len(later))
        if holes:
            changed.loc[later.start, "load"] = np.nan
    return changed


def scalers(prepared: Prepared) -> str:
    """To the last bit: a float is written so that the very same is read again."""
    parameters = prepared.preprocessor.parameters()
    return json.dumps([parameters["features"], parameters["targets"]], allow_nan=False)


def windows(prepared: Prepared, part: str) -> tuple[bytes, bytes, bytes]:
    found = prepared.parts[part]
    return found.starts().tobytes(), found.inputs().tobytes(), found.outputs().tobytes()


def last_row_read(prepared: Prepared, part: str) -> np.ndarray:
    found = prepared.parts[part]
    return np.maximum(found.last_rows(), found.ends())


def split_of(fold: Fold, rows: np.ndarray) -> list[Split]:
    return [next(split for split in fold.values() if split.train.start <= row < split.test.stop) for row in rows]


@given(
    kind=st.sampled_from(["expanding", "sliding", "splitter"]),
    gap=st.integers(0, 4),
    n_series=st.integers(1, 2),
    missing=st.sampled_from(["error", "drop", "ffill", "interpolate"]),
    scaler=st.sampled_from(sorted(BUILT_IN_SCALERS)),
    normalize=st.sampled_from(["none", "last", "instance"]),
    context=st.booleans(),
    seed=st.integers(0, 2**32),
    size=st.sampled_from([1e-3, 1.0, 1e4]),
)
@settings(max_examples=60, deadline=None)
def test_no_fold_sees_a_row_past_its_cutoff(
    make_config, kind, gap, n_series, missing, scaler, normalize, context, seed, size
):
    holes = missing != "error"
    table = make_table(n_series, holes=holes)
    more = {"series": "site"} if n_series > 1 else {}
    config = make_config(**SMALL, scaler=scaler, missing=missing, normalize_window=normalize, context=context, **more)
    how: dict[str, Any] = {"splitter": TimeSeriesSplit(3)} if kind == "splitter" else {"kind": kind}
    for fold in time_folds(config, table, gap=gap, **how):
        before = prepare_run(config, table, splits=fold)
        # Scalers and train windows end with train, early stopping with validation, the measured error with the fold
        for part, seen in (("train", ["train"]), ("validation", ["train", "validation"]), ("test", list(before.parts))):
            after = prepare_run(
                config, changed_behind(table, fold, part, seed, size, holes=holes and part != "test"), splits=fold
            )
            assert scalers(after) == scalers(before)
            for name in seen:
                assert len(before.parts[name])
                assert windows(after, name) == windows(before, name)
        for name in before.parts:
            last = last_row_read(before, name)
            assert all(row < getattr(split, name).stop for row, split in zip(last, split_of(fold, last), strict=True))
        first = before.parts["train"].starts()
        assert all(row >= split.train.start for row, split in zip(first, split_of(fold, first), strict=True))


def test_a_row_before_the_cutoff_is_seen(make_config):
    table = make_table(1, holes=False)
    fold = time_folds(make_config(**SMALL), table, gap=2)[1]
    before = prepare_run(make_config(**SMALL), table, splits=fold)
    for part, blind in (("train", []), ("validation", ["train"]), ("test", ["train", "validation"])):
        inside = table.copy()
        inside.loc[getattr(fold[""], part).stop - 1, "load"] += 1e3
        after = prepare_run(make_config(**SMALL), inside, splits=fold)
        assert (scalers(after) == scalers(before)) is (part != "train")
        assert windows(after, part) != windows(before, part)
        assert all(windows(after, name) == windows(before, name) for name in blind)


@pytest.mark.parametrize("part", ["validation", "test"])
def test_weights_epochs_and_errors_are_the_same_to_the_last_bit(make_config, part):
    """What is trained and when it stops hangs on train and validation, what is measured on the fold's test rows too."""
    table = make_table(2, holes=False)
    config = make_config(**SMALL, series="site", epochs=6, patience=1, learning_rate=0.05, batch_size=16)
    fold = time_folds(config, table, gap=1)[0]
    changed = changed_behind(table, fold, part, seed=3, size=1e3, holes=False)
    architecture = discover().catalogue["basic"].item

    def trained(source: pd.DataFrame) -> tuple[list[bytes], dict[str, list[float]], int]:
        hp = architecture.configure(config.hyperparameters)
        fitted = fit(architecture, hp, prepare_run(config, source, splits=fold), config.training)
        return [array.tobytes() for array in fitted.model.get_weights()], fitted.history, fitted.best_epoch

    first = trained(table)
    assert trained(changed) == first
    if part == "test":
        one, other = (validate_fold(config, source, fold) for source in (table, changed))
        assert (one.error, one.mae, one.epochs) == (other.error, other.mae, other.epochs)
    else:
        inside = table.copy()
        inside.loc[fold["s0"].validation.stop - 1, "load"] += 50.0
        assert trained(inside)[1]["val_loss"] != first[1]["val_loss"]
