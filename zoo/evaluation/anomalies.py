"""Measure how well scores tell anomalies in the test windows, beside a z-score of differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from zoo.evaluation.headline import ANOMALY_MEASURES, outcomes
from zoo_registry.errors import DataError

Z_SCORE = "z-score of differences"
_BATCH = 2**16


def threshold_of(scores: NDArray[np.float64], quantile: float) -> float:
    """The quantile of validation scores (n,) above which a row is flagged; raises DataError where one is not finite."""
    if not np.isfinite(scores).all():
        raise DataError("a validation score is not finite; check for values far outside the training's range")
    return float(np.quantile(scores, quantile))


def evaluate_anomalies(
    network: Mapping[str, NDArray[np.float64]],
    baseline: Mapping[str, NDArray[np.float64]],
    *,
    quantile: float,
    known: NDArray[np.bool_],
    labels: NDArray[np.integer] | None,
) -> dict[str, Any]:
    """Compare the scores of a network with those of the baseline, each (n,) for the windows of validation and test.

    ``known`` (n,) says which test rows have no missing value; the others are left out. With ``labels`` (n,) of the test
    rows, 1 for an anomaly and -1 where it is not known, scores are measured against them.

    Returns ``windows``, ``left_out``, ``quantile``, ``threshold``, ``anomalies`` (of the test rows; None without
    labels), ``network`` and ``baselines``, each measured by :func:`measure_scores`, ``skipped`` and ``verdict``.
    """
    if labels is not None:
        known = known & (labels >= 0)
    if not known.any():
        raise DataError(
            "every test window ends in a missing value or label, so there is nothing to measure; give another `split`"
        )
    truth = None if labels is None else labels[known] == 1
    own, other = (
        measure_scores(scores["test"][known], threshold_of(scores["validation"], quantile), truth)
        for scores in (network, baseline)
    )
    found = {
        "windows": int(known.sum()),
        "left_out": int((~known).sum()),
        "quantile": quantile,
        "threshold": own["threshold"],
        "anomalies": None if truth is None else int(truth.sum()),
        "network": own,
        "baselines": {Z_SCORE: other},
        "skipped": {},
    }
    return found | {"verdict": _verdict(found)}


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

    def fit(self, stretches: Sequence[NDArray[Any]]) -> DifferenceScore:
        """Fit on stretches of train rows, each (rows, n_targets) in original units; sets ``mean_`` and ``scale_``.

        Rows of a stretch follow each other: no change is taken over a gap, or from one series to the next.
        """
        count, total, square = 0, np.zeros(stretches[0].shape[1]), np.zeros(stretches[0].shape[1])
        for rows in stretches:
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


def _verdict(evaluation: dict[str, Any]) -> str:
    network, baseline = evaluation["network"], evaluation["baselines"][Z_SCORE]
    if not evaluation["anomalies"]:
        unlabelled = evaluation["anomalies"] is None
        why = "without labels" if unlabelled else "as the test split holds no labelled anomaly,"
        return (
            f"The threshold is the {evaluation['quantile']:.2%} quantile of the validation scores, and"
            f" {network['flagged']} test rows lie above it ({baseline['flagged']} by the {Z_SCORE}); {why} nobody can"
            " say how many of them are right."
        )
    verb, _ = outcomes(evaluation, ANOMALY_MEASURES)[Z_SCORE]
    own, other = network["average_precision"], baseline["average_precision"]
    return (
        f"On the test split's average precision the network {verb} the {Z_SCORE}, {own:.3f} against {other:.3f}; of the"
        f" anomalies it finds {network['recall']:.1%}, and {network['precision']:.1%} of what it flags are anomalies."
    )
