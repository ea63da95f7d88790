"""Labels: which classes the parts hold, and what a training cannot do without."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from zoo.data.columns import shown
from zoo.data.splits import PARTS
from zoo.data.table import Table
from zoo.data.windows import Windows
from zoo_registry.errors import DataError

_ANOMALY_LABELS = ({"0", "1"}, {"False", "True"})


def class_counts(table: Table, windows: Windows) -> NDArray[np.int64]:
    """How many windows end in a row of each class; windows without a label count nowhere."""
    assert table.labels is not None
    counts = np.zeros(len(table.classes), np.int64)
    for numbers in windows.batches(2**16):
        labels = table.labels[windows.origins(numbers)]
        counts += np.bincount(labels[labels >= 0], minlength=len(counts))
    return counts


def balanced_weights(counts: NDArray[np.int64]) -> tuple[float, ...]:
    """N / (classes * count) for each class, as scikit-learn's ``compute_class_weight``: rare ones count as much."""
    return tuple((counts.sum() / (len(counts) * counts)).tolist())


def anomaly_labels(table: Table) -> NDArray[np.int64] | None:
    """For each row 1 where it is labelled an anomaly, 0 where not, -1 where that is not known; None without labels."""
    if table.labels is None:
        return None
    meaning = [int(name in ("1", "True")) for name in table.classes]
    return np.array([*meaning, -1])[table.labels]  # a missing label is -1, the last


def check_anomaly_labels(table: Table, parts: Mapping[str, Windows]) -> None:
    """Raise DataError where labels of anomalies are not 0 and 1, or no test window has one."""
    assert table.labels is not None
    where = f"{table.source}: column '{table.label_column}'"
    if not any(labels.issuperset(table.classes) for labels in _ANOMALY_LABELS):
        wrong = [number for number, name in enumerate(table.classes) if name not in ("0", "1")]
        row = int(np.flatnonzero(np.isin(table.labels, wrong))[0])
        raise DataError(
            f"{where}, {table.row_name(row)}: expected labels 0 (usual) and 1 (anomaly), found"
            f" {shown(table.classes[table.labels[row]])}; mend them, or name another column with `label`"
        )
    if len(test := parts["test"]) and (table.labels[test.ends()] < 0).all():
        raise DataError(
            f"{where}: no test window ends in a row with a label, expected some to measure scores against; take"
            " another `split`, or leave `label` out"
        )


def check_classes_told(table: Table, parts: Mapping[str, Windows]) -> None:
    """Raise DataError where there is one class alone, or train lacks one."""
    where = f"{table.source}: column '{table.label_column}'"
    if len(table.classes) < 2:
        raise DataError(f"{where} holds one class, {shown(table.classes[0])}, expected two or more; give other data")
    counts = {name: class_counts(table, parts[name]) for name in PARTS}
    if len(absent := np.flatnonzero(counts["train"] == 0)):
        name = table.classes[absent[0]]
        elsewhere = ", ".join(f"{counts[part][absent[0]]} in {part}" for part in PARTS[1:])
        if not any(counts[part][absent[0]] for part in PARTS):
            raise DataError(
                f"{where}: no window at all ends in class {shown(name)}, expected some of each class; take a smaller"
                " `stride` or `window`, or leave its rows out"
            )
        raise DataError(
            f"{where}: no train window ends in class {shown(name)} ({elsewhere}), expected some of each class;"
            " take another `split`, or leave its rows out"
        )
