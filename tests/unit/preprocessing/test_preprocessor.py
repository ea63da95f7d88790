"""The shared preprocessing: fitted on train rows alone, saved in two forms, and as precise as serving needs."""

import json
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.table import Table, read_table
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.preprocessing.scaled_columns import ScaledColumns
from zoo_registry import BUILT_IN_SCALERS
from zoo_registry.errors import ConfigError, DataError

ROWS, TRAIN = 120, range(80)
EVERY = pytest.mark.parametrize("scaler", BUILT_IN_SCALERS)


def make_table(level: float = 100.0, deviation: float = 10.0, rows: int = ROWS) -> Table:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "load": level + deviation * random.normal(size=rows),
            "wind": random.gamma(9.0, size=rows),
            "price": 5 + random.normal(size=rows),
        }
    )
    return read_table(frame, targets=["price", "load"], features=["load", "wind"])


def fit_rows(scaler: str, table: Table, rows: range) -> Preprocessor:
    return fit(Preprocessor(scaler), table, rows)


def fit(preprocessor: Preprocessor, table: Table, rows: range = TRAIN) -> Preprocessor:
    features, targets = table.cut(table.values[rows.start : rows.stop])
    names = table.features, table.targets
    return preprocessor.fit(lambda: [features], lambda: [targets], *names, where=table.source)


def fitted(scaler: str, table: Table) -> Preprocessor:
    return fit_rows(scaler, table, TRAIN)


def numbers(preprocessor: Preprocessor) -> bytes:
    parts = [
        array
        for columns in (preprocessor.features_, preprocessor.targets_)
        for array in (
            *columns.groups[0].parameters().values(),
            columns.minimum,
            columns.maximum,
            columns.deviation,
            columns.scaled_deviation,
            columns.float32_loss,
        )
    ]
    return np.concatenate(parts).tobytes()


def scale_of(columns: ScaledColumns, raw: np.ndarray) -> np.ndarray:
    """How much of raw one scaled unit is: the logarithm's is 1 + |raw|."""
    (group,) = columns.groups
    return 1 + np.abs(raw) if group.scaler.name == "log" else group.parameters().get("scale", np.ones(raw.shape[-1]))


@EVERY
def test_features_and_targets_are_scaled_and_brought_back(scaler: str):
    table = make_table()
    preprocessor = fitted(scaler, table)
    features, targets = table.cut(table.values)
    for columns, raw in ((preprocessor.features_, features), (preprocessor.targets_, targets)):
        scaled = columns.transform(raw)
        assert scaled.dtype == np.float32
        assert scaled.flags.c_contiguous
        np.testing.assert_array_equal(scaled, columns.scale(raw).astype(np.float32))
        back = columns.inverse_transform(scaled)
        assert back.dtype == np.float64
        assert (np.abs(back - raw) <= 2e-7 * scale_of(columns, raw) * np.maximum(1, np.abs(scaled))).all()


@EVERY
@pytest.mark.parametrize("network", ["float32", "float64"])
def test_an_answer_of_0_is_0_in_original_units_and_others_are_what_they_are(scaler: str, network: str):
    preprocessor = fitted(scaler, make_table())
    preprocessor.network_dtype = network
    zeros = preprocessor.targets_.transform(np.zeros((2, 3, 2)), network)
    np.testing.assert_array_equal(preprocessor.answers_in_units(zeros), 0)
    quantiles = np.stack([zeros, zeros], axis=-1)
    np.testing.assert_array_equal(preprocessor.answers_in_units(quantiles), 0)
    away = zeros + np.array([1e-3, -1e-3], network)
    np.testing.assert_array_equal(
        preprocessor.answers_in_units(away), preprocessor.targets_.inverse_transform(away, axis=2)
    )
    assert (preprocessor.answers_in_units(away) != 0).all()
    assert np.isnan(preprocessor.answers_in_units(np.full((1, 1, 2), np.nan))).all()


@EVERY
def test_windows_are_scaled_along_their_last_axis(scaler: str):
    table = make_table()
    columns = fitted(scaler, table).features_
    windows = table.cut(table.values)[0].reshape(4, 30, 2)
    scaled = columns.transform(windows)
    np.testing.assert_array_equal(scaled, columns.transform(windows.reshape(120, 2)).reshape(4, 30, 2))
    back = columns.inverse_transform(scaled)
    np.testing.assert_array_equal(back, columns.inverse_transform(scaled.reshape(120, 2)).reshape(4, 30, 2))


def test_it_knows_the_train_rows_range_and_deviation():
    table = make_table()
    features = fitted("robust", table).features_
    train = table.values[:80, :2]
    assert features.names == ("load", "wind")
    np.testing.assert_array_equal(features.minimum, train.min(axis=0))
    np.testing.assert_array_equal(features.maximum, train.max(axis=0))
    np.testing.assert_array_equal(features.deviation, train.std(axis=0))


@EVERY
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_values_after_the_train_rows_leave_every_number_bit_identical(scaler: str, data: st.DataObject):
    table = make_table()
    before = numbers(fitted(scaler, table))
    later = data.draw(st.lists(st.floats(-1e9, 1e9), min_size=3 * (ROWS - 80), max_size=3 * (ROWS - 80)))
    table.values[80:] = np.reshape(later, (-1, 3))
    assert numbers(fitted(scaler, table)) == before


@EVERY
def test_every_train_row_counts(scaler: str):
    table = make_table()
    before = numbers(fitted(scaler, table))
    table.values[79] += 1000.0
    assert numbers(fitted(scaler, table)) != before


@EVERY
def test_both_files_are_written_and_read_back(scaler: str, tmp_path: Path):
    table = make_table()
    preprocessor = fitted(scaler, table)
    preprocessor.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["preprocessing.json", "scalers.joblib"]
    read = Preprocessor.load(tmp_path)
    assert read.scaler == scaler
    assert read.features_.names == ("load", "wind")
    assert read.targets_.names == ("price", "load")
    assert numbers(read) == numbers(preprocessor)
    assert read.parameters() == preprocessor.parameters()
    features, targets = table.cut(table.values)
    np.testing.assert_array_equal(read.features_.transform(features), preprocessor.features_.transform(features))
    np.testing.assert_array_equal(
        read.targets_.inverse_transform(targets), preprocessor.targets_.inverse_transform(targets)
    )


@EVERY
def test_the_pickle_holds_scikit_learns_objects_alone(scaler: str, tmp_path: Path):
    fitted(scaler, make_table()).save_portable(tmp_path)
    assert b"zoo" not in (tmp_path / "scalers.joblib").read_bytes()
    scalers = joblib.load(tmp_path / "scalers.joblib")
    assert list(scalers) == ["features", "targets"]
    if scaler == "log":  # scikit-learn has no such object
        assert scalers == {"features": [], "targets": []}
        return
    assert all(type(part).__module__.startswith("sklearn.") for part in scalers.values())


@EVERY
def test_the_plain_numbers_alone_give_the_same_scaling(scaler: str, tmp_path: Path):
    table = make_table()
    preprocessor = fitted(scaler, table)
    preprocessor.save(tmp_path)
    written = json.loads((tmp_path / "preprocessing.json").read_text(encoding="utf-8"))
    assert [column["column"] for column in written["features"]] == ["load", "wind"]
    assert [column["column"] for column in written["targets"]] == ["price", "load"]
    raw = table.values[:, :2]
    scaled = preprocessor.features_.scale(raw)
    for index, column in enumerate(written["features"]):
        assert column["scaler"] == scaler
        forward, inverse = (formula.split(" = ")[1] for formula in column["formula"].split("; "))
        known = {"sign": np.sign, "log": np.log, "abs": np.abs, "exp": np.exp} | column["parameters"]
        found = eval(forward, known | {"raw": raw[:, index]})
        np.testing.assert_allclose(eval(inverse, known | {"scaled": found}), raw[:, index], rtol=1e-12)
        np.testing.assert_allclose(found, scaled[:, index], rtol=0, atol=1e-12)


@EVERY
@pytest.mark.parametrize(
    ("level", "deviation", "expected"),
    [
        (100.0, 10.0, "float32"),
        (0.0, 1e-3, "float32"),
        (0.0, 1e6, "float32"),
        (20_000.0, 5_000.0, "float32"),
        (1e6, 1.0, "float64"),
        (-1e6, 1.0, "float64"),
        (1e5, 0.01, "float64"),
        (0.0, 1e39, "float64"),
        (0.0, 1e-46, "float64"),
    ],
)
def test_serving_is_float64_where_float32_is_too_coarse(scaler: str, level: float, deviation: float, expected: str):
    table = make_table(level, deviation)
    if deviation < 1e-40 and scaler in ("minmax", "robust", "maxabs", "log"):
        with pytest.raises(DataError, match="column 'load' cannot be scaled"):
            fitted(scaler, table)
    else:
        assert fitted(scaler, table).serving_dtype == expected


@pytest.mark.parametrize("role", ["features", "targets"])
def test_one_coarse_column_is_enough(role: str):
    frame = pd.DataFrame({"x": np.arange(120.0), "y": 1e7 + np.arange(120.0) % 7})
    chosen = {"features": (["y"], ["x"]), "targets": (["x"], ["y"])}[role]
    table = read_table(frame, features=chosen[0], targets=chosen[1])
    assert fitted("standard", table).serving_dtype == "float64"


def test_a_range_far_beyond_the_deviation_does_not_hide_it():
    values = np.sin(np.arange(40_000))
    values[5] = 5_000.0
    table = read_table(pd.DataFrame({"y": values}), targets=["y"])
    preprocessor = fit_rows("minmax", table, range(40_000))
    assert np.spacing(np.float32(5_000)) > 1e-5 * preprocessor.targets_.deviation[0]  # the parity gate's limit
    assert preprocessor.serving_dtype == "float64"


def test_each_column_has_the_scaler_that_was_asked_for(tmp_path: Path):
    table = make_table()
    features, targets = table.cut(table.values[:80])
    mixed = fit(Preprocessor("huber", {"load": "log"}), table)
    assert mixed.features_.scalers == ("log", "huber")
    assert mixed.targets_.scalers == ("huber", "log"), "a target that is a feature follows its column"
    np.testing.assert_allclose(mixed.features_.scale(features)[:, 0], np.log1p(features[:, 0]))
    np.testing.assert_allclose(mixed.inverse_transform_targets(mixed.targets_.scale(targets)), targets, rtol=1e-12)

    apart = fit(Preprocessor("huber", {"load": "log"}, "maxabs"), table)
    assert apart.features_.scalers == ("log", "huber")
    assert apart.targets_.scalers == ("maxabs", "maxabs")

    (tmp_path / "run").mkdir()
    mixed.save(tmp_path / "run")
    assert Preprocessor.load(tmp_path / "run").parameters() == mixed.parameters()
    mixed.save_portable(tmp_path)
    assert b"zoo" not in (tmp_path / "scalers.joblib").read_bytes()
    ((names, scaler),) = joblib.load(tmp_path / "scalers.joblib")["features"]
    assert names == ["wind"], "the logarithm is no object of scikit-learn"
    np.testing.assert_array_equal(scaler.transform(features[:, 1:]), mixed.features_.scale(features)[:, 1:])
    told = json.loads((tmp_path / "preprocessing.json").read_text(encoding="utf-8"))["features"]
    assert [(column["scaler"], column["in_scalers_joblib"]) for column in told] == [("log", False), ("huber", True)]


@pytest.mark.parametrize(
    ("column", "target_scaler", "message"),
    [
        ("laod", None, "neither feature nor target; did you mean 'load'"),
        ("price", "none", "this column has the target scaler"),
    ],
)
def test_a_scaler_for_a_column_that_it_cannot_serve_is_refused(column: str, target_scaler: str, message: str):
    with pytest.raises(ConfigError, match=message):
        fit(Preprocessor("standard", {column: "log"}, target_scaler), make_table())
