"""Measure how well scores tell anomalies in the test windows, beside a z-score of differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from zoo.data.windows import Windows
from zoo_registry.errors import DataError

Z_SCORE = "z-score of differences"
_BATCH = 2**16


def threshold_of(scores: NDArray[np.float64], quantile: float) -> float:
    """The quantile of validation scores (n,) above which a row is flagged; raises DataError where one is not finite."""
    if not np.isfinite(scores).all():
        raise DataError("a validation score is not finite; check for values far outside the training's range")
    return float(np.quantile(scores, quantile))


def evaluate_anomalies(
    validation: NDArray[np.float64],
    test: NDArray[np.float64],
    *,
    quantile: float,
    parts: dict[str, Windows],
    judged: NDArray[np.int64],
    raw: NDArray[Any],
    history: NDArray[Any],
    labels: NDArray[np.integer] | None,
    train: Sequence[range],
) -> dict[str, Any]:
    """Compare the scores of the windows of validation and test, each (n,), with the baseline's.

    ``judged`` are the rows that each test window's score is of; ``raw`` (rows, n_targets) are the targets in original
    units before missing values were filled, and ``history`` after it: rows with a missing value are left out. With
    ``labels`` (rows,), 1 for an anomaly and -1 where it is not known, scores are measured against them. ``train`` are
    the train rows of each series.

    Returns ``windows``, ``left_out``, ``quantile``, ``threshold``, ``anomalies`` (of the test rows; None without
    labels), ``network`` and ``baselines``, each measured by :func:`measure_scores`, ``skipped`` and ``verdict``.
    """
    known = ~np.isnan(raw[judged]).any(axis=1)
    if labels is not None:
        known &= labels[judged] >= 0
    if not known.any():
        raise DataError(
            "every test window ends in a missing value, so there is nothing to measure; give another --split"
        )
    truth = None if labels is None else (labels[judged][known] == 1)
    scale = DifferenceScore().fit([history[rows.start : rows.stop] for rows in train])
    rows = {"validation": last_rows(parts["validation"]), "test": judged}
    simple = {name: scale.score(history, at) for name, at in rows.items()}
    network = measure_scores(test[known], threshold_of(validation, quantile), truth)
    baseline = measure_scores(simple["test"][known], threshold_of(simple["validation"], quantile), truth)
    return {
        "windows": int(known.sum()),
        "left_out": int((~known).sum()),
        "quantile": quantile,
        "threshold": network["threshold"],
        "anomalies": None if truth is None else int(truth.sum()),
        "network": network,
        "baselines": {Z_SCORE: baseline},
        "skipped": {},
        "verdict": _verdict(network, baseline, quantile),
    }


def last_rows(windows: Windows) -> NDArray[np.int64]:
    """The row that each window's score is of: that of its last target."""
    return windows.origins() + (windows.horizon - 1)


def measure_scores(scores: NDArray[np.float64], threshold: float, truth: NDArray[np.bool_] | None) -> dict[str, Any]:
    """Measure scores (n,) against whether each row is an anomaly (n,), by scikit-learn's metrics.

    Returns ``threshold``, ``flagged`` (how many scores lie above it) and, where the truth is known and holds an
    anomaly, ``average_precision``, and ``precision``, ``recall`` and ``f1`` at the threshold.
    """
    flags = scores > threshold
    found: dict[str, Any] = {"threshold": threshold, "flagged": int(flags.sum())}
    if truth is None or not truth.any():
        return found
    precision, recall, f1, _ = precision_recall_fscore_support(truth, flags, average="binary", zero_division=0.0)
    found["average_precision"] = float(average_precision_score(truth, scores))
    return found | {"precision": float(precision), "recall": float(recall), "f1": float(f1)}


class DifferenceScore:
    """The baseline: how unusual a row's change from the row before is, by the train rows' changes.

    Each column's change is standardized by the mean and the deviation of its changes in train; the score is the root
    of the mean square over the columns, as the network's is.
    """

    def fit(self, series: Sequence[NDArray[Any]]) -> DifferenceScore:
        """Fit on the train rows of each series, (rows, n_targets) in original units; sets ``mean_`` and ``scale_``."""
        count, total, square = 0, np.zeros(series[0].shape[1]), np.zeros(series[0].shape[1])
        for rows in series:
            for start in range(0, len(rows) - 1, _BATCH):
                change = np.diff(rows[start : start + _BATCH + 1].astype(np.float64), axis=0)
                count += len(change)
                total += change.sum(axis=0)
                square += np.square(change).sum(axis=0)
        self.mean_ = total / count
        deviation = np.sqrt(np.maximum(square / count - self.mean_**2, 0.0))
        self.scale_ = np.where(deviation > 0, deviation, 1.0)
        return self

    def score(self, values: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The scores of rows of ``values`` (all rows, n_targets), each of which has one before it."""
        found = np.empty(len(rows))
        for start in range(0, len(rows), _BATCH):
            chosen = rows[start : start + _BATCH]
            change = values[chosen].astype(np.float64) - values[chosen - 1]
            found[start : start + _BATCH] = np.sqrt(np.square((change - self.mean_) / self.scale_).mean(axis=1))
        return found


def _verdict(network: dict[str, Any], baseline: dict[str, Any], quantile: float) -> str:
    if "average_precision" not in network:
        return (
            f"The threshold is the {quantile:.2%} quantile of the validation scores, and {network['flagged']} test rows"
            f" lie above it ({baseline['flagged']} by the {Z_SCORE}); without labelled anomalies (--label) nobody can"
            " say how many of them are right."
        )
    own, other = network["average_precision"], baseline["average_precision"]
    word = "beats" if own > other else "loses to" if own < other else "does not beat"
    return (
        f"On the test split's average precision the network {word} the {Z_SCORE}, {own:.3f} against {other:.3f}; of the"
        f" anomalies it finds {network['recall']:.1%}, and {network['precision']:.1%} of what it flags are anomalies."
    )
