"""Anomalies: thresholds, measures against their formulas, and the z-score of differences beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.split import Split
from zoo.data.windows import Layout, split_windows
from zoo.evaluation.anomalies import (
    Z_SCORE,
    DifferenceScore,
    evaluate_anomalies,
    last_rows,
    measure_scores,
    threshold_of,
)
from zoo_registry.errors import DataError

SPLIT = Split(range(200), range(200, 300), range(300, 400))


@pytest.fixture
def table() -> dict[str, Any]:
    """400 rows of two columns with jumps at 320 and 370, cut into windows of 5 whose last row is judged."""
    random = np.random.default_rng(0)
    values = np.cumsum(random.normal(size=(400, 2)), axis=0)
    values[320:] += 30
    values[370:] -= 30
    labels = np.isin(np.arange(400), [320, 370]).astype(int)
    scaled = values.astype(np.float32)
    parts = split_windows(scaled, scaled, [SPLIT], Layout(4, 1, 4))
    return {
        "parts": parts,
        "judged": last_rows(parts["test"]),
        "raw": values,
        "history": values,
        "labels": labels,
        "train": [SPLIT.train],
    }


def evaluate(table: dict[str, Any], scores: np.ndarray, quantile: float = 0.99, **changed: Any) -> dict[str, Any]:
    """Evaluate scores (rows,), of which those of the validation and test windows are taken."""
    table = table | changed
    validation, test = (scores[last_rows(table["parts"][name])] for name in ("validation", "test"))
    return evaluate_anomalies(validation, test, quantile=quantile, **table)


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


def test_scores_that_know_beat_the_differences(table: dict[str, Any]):
    scores = np.random.default_rng(1).uniform(size=400) + 5.0 * table["labels"]
    found = evaluate(table, scores)
    assert (found["windows"], found["left_out"], found["anomalies"]) == (100, 0, 2)
    assert found["network"]["average_precision"] == 1.0
    assert found["threshold"] == found["network"]["threshold"] == np.quantile(scores[200:300], 0.99)
    assert found["network"]["recall"] == 1.0
    assert found["network"]["precision"] == 2 / found["network"]["flagged"]
    assert set(found["baselines"]) == {Z_SCORE}
    assert found["baselines"][Z_SCORE]["average_precision"] == 1.0  # jumps of thirty deviations
    assert "the network does not beat the z-score of differences, 1.000 against 1.000" in found["verdict"]


def test_scores_that_know_nothing_are_said_to_lose(table: dict[str, Any]):
    found = evaluate(table, np.random.default_rng(1).uniform(size=400))
    assert "average precision the network loses to the z-score of differences, 0." in found["verdict"]


def test_without_labels_only_the_threshold_is_told(table: dict[str, Any]):
    found = evaluate(table, np.arange(400.0), labels=None)
    assert found["anomalies"] is None
    assert found["network"] == {"threshold": pytest.approx(298.01), "flagged": 100}
    assert "without labelled anomalies (--label) nobody can say" in found["verdict"]
    none = evaluate(table, np.arange(400.0), labels=np.zeros(400, int))
    assert none["anomalies"] == 0
    assert "average_precision" not in none["network"]


def test_rows_that_are_missing_or_unlabelled_are_left_out(table: dict[str, Any]):
    raw, labels = table["raw"].copy(), table["labels"].copy()
    raw[310:315, 1] = np.nan
    labels[380:390] = -1
    found = evaluate(table, np.arange(400.0), raw=raw, labels=labels)
    assert (found["windows"], found["left_out"], found["anomalies"]) == (85, 15, 2)
    raw[300:] = np.nan
    with pytest.raises(DataError, match="every test window ends in a missing value"):
        evaluate(table, np.arange(400.0), raw=raw)


def test_a_score_that_is_not_finite():
    with pytest.raises(DataError, match="a validation score is not finite"):
        threshold_of(np.array([0.0, np.nan]), 0.9)


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.995])
def test_the_threshold_is_above_that_share_of_the_validation_scores(quantile: float):
    scores = np.random.default_rng(0).exponential(size=1001)
    assert (scores <= threshold_of(scores, quantile)).mean() == pytest.approx(quantile, abs=1e-3)


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
