"""Anomalies: thresholds, measures against their formulas, and the z-score of differences beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.evaluation.anomalies import Z_SCORE, DifferenceScore, evaluate_anomalies, measure_scores, threshold_of
from zoo_registry.errors import DataError

VALIDATION, TEST = slice(200, 300), slice(300, 400)
LABELS = np.isin(np.arange(400), [320, 370]).astype(int)


def of_parts(scores: np.ndarray) -> dict[str, np.ndarray]:
    """Of the scores of 400 rows those of validation and test."""
    return {"validation": scores[VALIDATION], "test": scores[TEST]}


def evaluate(scores: np.ndarray, labels: np.ndarray | None = LABELS, known: np.ndarray | None = None) -> dict[str, Any]:
    """Evaluate scores of 400 rows beside those of changes that jump at the rows 320 and 370."""
    changes = np.random.default_rng(0).uniform(size=400) + 30.0 * LABELS
    return evaluate_anomalies(
        of_parts(scores),
        of_parts(changes),
        quantile=0.99,
        known=np.ones(100, bool) if known is None else known,
        labels=None if labels is None else labels[TEST],
    )


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**31), count=st.integers(2, 80))
def test_measures_are_their_formulas(seed: int, count: int):
    random = np.random.default_rng(seed)
    truth, scores = random.random(count) < 0.3, random.normal(size=count)
    truth[random.integers(count)] = True
    found = measure_scores(scores, 0.5, truth)
    flags = scores > 0.5
    hits = int((flags & truth).sum())
    assert (found["threshold"], found["flagged"]) == (0.5, int(flags.sum()))
    assert found["precision"] == pytest.approx(hits / flags.sum() if flags.any() else 0.0)
    assert found["recall"] == pytest.approx(hits / truth.sum())
    assert found["f1"] == pytest.approx(2 * hits / (flags.sum() + truth.sum()))
    order = np.argsort(-scores)
    precisions = np.cumsum(truth[order]) / np.arange(1, count + 1)
    assert found["average_precision"] == pytest.approx(precisions[truth[order]].mean())


def test_scores_that_know_are_as_good_as_the_differences():
    scores = np.random.default_rng(1).uniform(size=400) + 5.0 * LABELS
    found = evaluate(scores)
    assert (found["windows"], found["left_out"], found["anomalies"]) == (100, 0, 2)
    assert found["network"]["average_precision"] == 1.0
    assert found["threshold"] == found["network"]["threshold"] == np.quantile(scores[200:300], 0.99)
    assert found["network"]["recall"] == 1.0
    assert found["network"]["precision"] == 2 / found["network"]["flagged"]
    assert set(found["baselines"]) == {Z_SCORE}
    assert found["baselines"][Z_SCORE]["average_precision"] == 1.0  # jumps of thirty deviations
    assert "the network equals the z-score of differences, 1.000 against 1.000" in found["verdict"]


def test_the_verdict():
    found = evaluate(np.random.default_rng(1).uniform(size=400))
    assert "average precision the network loses to the z-score of differences, 0." in found["verdict"]
    labels = LABELS.copy()
    labels[350] = 1  # of which the changes know nothing
    found = evaluate(5.0 * labels, labels)
    assert "the network beats the z-score of differences, 1.000 against 0." in found["verdict"]


def test_without_labels_only_the_threshold_is_told():
    found = evaluate(np.arange(400.0), labels=None)
    assert found["anomalies"] is None
    assert found["network"] == {"threshold": pytest.approx(298.01), "flagged": 100}
    assert found["verdict"].endswith("; without labels nobody can say how many of them are right.")


def test_labels_without_an_anomaly():
    found = evaluate(np.arange(400.0), labels=np.zeros(400, int))
    assert found["anomalies"] == 0
    assert "average_precision" not in found["network"]
    assert "; as the test split holds no labelled anomaly, nobody can say how many of them are" in found["verdict"]


def test_rows_that_are_missing_or_unlabelled_are_left_out():
    known, labels = np.ones(100, bool), LABELS.copy()
    known[10:15] = False
    labels[380:390] = -1
    found = evaluate(np.arange(400.0), labels, known)
    assert (found["windows"], found["left_out"], found["anomalies"]) == (85, 15, 2)
    assert known.sum() == 95
    with pytest.raises(DataError, match="every test window ends in a missing value or label"):
        evaluate(np.arange(400.0), known=np.zeros(100, bool))


def test_a_score_that_is_not_finite():
    with pytest.raises(DataError, match="a validation score is not finite"):
        threshold_of(np.array([0.0, np.nan]), 0.9)


def test_differences_are_standardized_by_the_train_rows():
    random = np.random.default_rng(0)
    series = [random.normal(size=(50, 3)) * [1, 10, 100], random.normal(size=(30, 3)) * [1, 10, 100]]
    score = DifferenceScore().fit(series)
    changes = np.concatenate([np.diff(part, axis=0) for part in series])  # none from one series to the other
    np.testing.assert_allclose(score.mean_, changes.mean(axis=0))
    np.testing.assert_allclose(score.scale_, changes.std(axis=0))
    values = series[0]
    expected = np.sqrt((((np.diff(values, axis=0) - score.mean_) / score.scale_) ** 2).mean(axis=1))
    np.testing.assert_allclose(score.score(values, np.arange(1, 50)), expected)


def test_a_column_that_never_changes_is_no_division_by_zero():
    score = DifferenceScore().fit([np.ones((10, 1))])
    np.testing.assert_array_equal(score.score(np.array([[1.0], [1.0], [3.0]]), np.array([1, 2])), [0.0, 2.0])
