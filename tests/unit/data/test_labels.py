"""Labels: classes and their order, missing ones, and what a training cannot do without."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.labels import class_counts
from zoo.data.roles import Roles
from zoo.data.splits import PARTS
from zoo.data.table import read_table
from zoo.preprocessing.prepared import Prepared
from zoo.settings.schema import DataConfig
from zoo.training.preparation import prepare
from zoo_registry.errors import ConfigError, DataError

ROWS, WINDOW = 60, 4


def frame_of(labels: Any, rows: int = ROWS) -> pd.DataFrame:
    return pd.DataFrame({"x": np.arange(rows) * 1.0, "z": np.arange(rows) % 5, "state": labels})


def prepared(labels: Any, **more: Any) -> Prepared:
    config = {"window": WINDOW, "horizon": 1, "scaler": "none", "split": (30, 15, 15)}
    return prepare(DataConfig(**(config | more)), frame_of(labels))


classify = partial(prepared, task="classify", target="state")
anomaly = partial(prepared, task="anomaly", label="state")


def alternate(*labels: Any) -> list[Any]:
    return [labels[row % len(labels)] for row in range(ROWS)]


def read_labels(labels: Any, **frame: Any) -> tuple[tuple[str, ...], list[str | None]]:
    """The classes in order, and each row's."""
    source = pd.DataFrame({"x": np.arange(len(labels)) * 1.0, "state": labels})
    table = read_table(source, targets=["state"], roles=Roles(classes=True))
    assert (table.features, table.targets, table.label_column) == (("x",), (), "state")
    return table.classes, [table.classes[label] if label >= 0 else None for label in table.labels]


@pytest.mark.parametrize(
    ("labels", "classes", "rows"),
    [
        (["walk", "run", "Walk", "run"], ("Walk", "run", "walk"), ["walk", "run", "Walk", "run"]),
        ([10, 9, 100, -1], ("-1", "9", "10", "100"), ["10", "9", "100", "-1"]),
        (["10", "9", "100"], ("9", "10", "100"), ["10", "9", "100"]),
        (["10", "9", "x"], ("10", "9", "x"), ["10", "9", "x"]),
        ([True, False, True], ("False", "True"), ["True", "False", "True"]),
        ([2.0, np.nan, 1.0], ("1", "2"), ["2", None, "1"]),
        (["b", None, "a"], ("a", "b"), ["b", None, "a"]),
        ([True, None, False], ("False", "True"), ["True", None, "False"]),
        (pd.array([3, None, 1], "Int64"), ("1", "3"), ["3", None, "1"]),
        (pd.Categorical(["b", "a", "b"], ["b", "a", "never"]), ("a", "b"), ["b", "a", "b"]),
        (np.array([1, 0, 1], "uint8"), ("0", "1"), ["1", "0", "1"]),
    ],
)
def test_classes_and_their_order(labels: Any, classes: tuple[str, ...], rows: list[str | None]):
    assert read_labels(labels) == (classes, rows)


@given(st.permutations(["a", "b", "c", "3", "20"]))
@settings(max_examples=20, deadline=None)
def test_the_order_of_classes_is_not_that_of_the_rows(labels: list[str]):
    classes, rows = read_labels(labels)
    assert classes == ("20", "3", "a", "b", "c")
    assert rows == labels


def test_classify_has_one_target():
    with pytest.raises(ConfigError, match="`task='classify'` has one target, the column of classes, found 2; name one"):
        prepare(DataConfig(task="classify", target=("state", "x"), horizon=1), frame_of(alternate("a", "b")))


# ---------------------------------------------------------------------------------------------------------------------
# Windows and their labels


@given(labels=st.lists(st.sampled_from("abc"), min_size=ROWS - 3, max_size=ROWS - 3), context=st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_window_has_the_label_of_its_last_row(labels: list[str], context: bool):
    labels = [*labels[:10], "a", "b", "c", *labels[10:]]  # some of each in train
    ready = classify(labels, context=context)
    assert ready.shape.output == (3,)
    counts: dict[str, Sequence[int]] = {}
    for part, rows in ready.splits[""].items():
        first = WINDOW - 1 if part == "train" or not context else 0
        ends = [row for row in rows if row >= rows.start + first]
        windows = ready.parts[part]
        assert windows.last_rows().tolist() == ends
        assert windows.outputs().shape == (len(ends), 1, 1)
        assert windows.outputs()[:, 0, 0].tolist() == ["abc".index(labels[row]) for row in ends]
        np.testing.assert_array_equal(windows.inputs()[:, -1, 0], ends)
        assert np.issubdtype(windows.outputs().dtype, np.integer)
        counts[part] = [sum(labels[row] == name for row in ends) for name in "abc"]
    assert {part: class_counts(ready.table, ready.parts[part]).tolist() for part in PARTS} == counts


@given(missing=st.sets(st.integers(0, ROWS - 1), min_size=1, max_size=8))
@settings(max_examples=30, deadline=None)
def test_missing_labels_leave_out_the_windows_that_end_there_and_no_other(missing: set[int]):
    labels = [None if row in missing else label for row, label in enumerate(alternate("a", "b"))]
    ready = classify(labels, missing="drop")
    ends = [row for part in PARTS for row in ready.parts[part].last_rows()]
    assert ends == [row for row in range(WINDOW - 1, ROWS) if row not in missing]
    assert ready.repairs.model_dump() == {"missing": {"method": "drop", "values": {"state": len(missing)}}}
    assert all((ready.parts[part].outputs() >= 0).all() for part in PARTS)


def test_missing_features_leave_out_the_windows_that_read_them():
    frame = frame_of(alternate("a", "b")).astype({"z": float})
    frame.loc[10, "z"] = np.nan
    config = DataConfig(task="classify", target="state", window=WINDOW, horizon=1, missing="drop", split=(30, 15, 15))
    ends = prepare(config, frame).parts["train"].last_rows().tolist()
    assert ends == [row for row in range(WINDOW - 1, 30) if not 10 <= row <= 13]


def test_labels_out_of_use_may_be_missing():
    labels = [*alternate("a", "b")[:55], *[None] * 5]
    assert len(classify(labels, split=(30, 15, 10)).parts["test"]) == 10


# ---------------------------------------------------------------------------------------------------------------------
# What is refused


def test_a_class_that_train_lacks():
    labels = ["a", "b"] * 20 + ["c"] * 7 + ["a"] * 13
    with pytest.raises(DataError, match=r"no train window ends in class 'c' \(5 in validation, 2 in test\)"):
        classify(labels)
    labels[1] = "c"  # no window ends in so early a row
    with pytest.raises(DataError, match=r"no train window ends in class 'c'"):
        classify(labels)
    labels[WINDOW - 1] = "c"
    assert classify(labels).table.classes == ("a", "b", "c")
    labels = ["c", *alternate("a", "b")[1:]]
    with pytest.raises(DataError, match=r"no window at all ends in class 'c'.* take a smaller `stride` or `window`"):
        classify(labels)


@pytest.mark.parametrize(
    "labels",
    [alternate(0, 0, 1), alternate(False, True), alternate("0", "1"), alternate(0.0, 1.0), [0] * ROWS, [True] * ROWS],
)
def test_labels_of_anomalies(labels: list[Any]):
    ready = anomaly(labels)
    assert ready.table.features == ready.table.targets == ("x", "z")
    expected = [bool(float(label)) for label in labels]
    assert [ready.table.classes[label] in ("1", "True") for label in ready.table.labels] == expected
    assert ready.parts["train"].outputs().shape == (30 - WINDOW + 1, 1, 2)


def test_missing_labels_of_anomalies():
    """Nothing is trained on them: they leave out no window, and take no repair."""
    labels = alternate(0, 0, 1)
    labels[10] = labels[40] = labels[50] = None
    for missing in ("error", "ffill", "drop"):
        ready = anomaly(labels, missing=missing)
        assert ready.repairs.model_dump() == ready.missing == {}
        assert [ready.parts[part].origins().tolist() for part in PARTS] == [
            list(range(WINDOW - 1, 30)),
            list(range(30, 45)),
            list(range(45, 60)),
        ]
    with pytest.raises(DataError, match="column 'state': no test window ends in a row with a label, expected some"):
        anomaly([*labels[:45], *[None] * 15])
