"""Classes: each measure against its formula, the baselines, and what is said of them in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.splits import Split
from zoo.data.windows import Layout, Windows, split_windows
from zoo.evaluation import classification
from zoo.evaluation.classification import LOGISTIC, MAJORITY, LogisticBaseline, evaluate_classes, measure_classes
from zoo_registry.errors import DataError

CLASSES = ("calm", "rain", "storm")


def cut(values: np.ndarray, labels: np.ndarray, window: int = 3) -> dict[str, Windows]:
    """Windows of (rows, n_features), each with the class of its last row; half train, a quarter each for the others."""
    rows = len(values)
    split = Split(range(rows // 2), range(rows // 2, 3 * rows // 4), range(3 * rows // 4, rows))
    features, targets = np.ascontiguousarray(values, np.float32), np.ascontiguousarray(labels[:, None], np.int32)
    return split_windows(features, targets, [split], Layout(window, 1, window - 1))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), classes=st.integers(2, 4), count=st.integers(5, 60))
def test_measures_are_their_formulas(seed: int, classes: int, count: int):
    random = np.random.default_rng(seed)
    truth = np.r_[np.arange(classes), random.integers(0, classes, count)]
    shares = random.dirichlet(np.ones(classes), len(truth))
    found = measure_classes(truth, shares, CLASSES[:classes] if classes < 4 else (*CLASSES, "fog"))
    said = shares.argmax(axis=1)
    assert found["log_loss"] == pytest.approx(-np.log(shares[np.arange(len(truth)), truth]).mean())
    assert found["accuracy"] == pytest.approx((said == truth).mean())
    recalls = [(said[truth == number] == number).mean() for number in range(classes)]
    assert found["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (truth, said), 1)
    assert found["confusion"] == confusion.tolist()
    f1 = [2 * confusion[n, n] / (confusion[n].sum() + confusion[:, n].sum()) for n in range(classes)]
    assert found["f1"] == pytest.approx(np.mean(f1))
    assert [part["f1"] for part in found["by_class"].values()] == pytest.approx(f1)

    def auc(number: int) -> float:
        own, other = shares[truth == number, number], shares[truth != number, number]
        return float((own[:, None] > other).mean() + (own[:, None] == other).mean() / 2)

    expected = auc(1) if classes == 2 else np.mean([auc(number) for number in range(classes)])
    assert found["roc_auc"] == pytest.approx(expected)


def test_a_class_that_does_not_occur():
    found = measure_classes(np.array([0, 0, 1]), np.full((3, 3), 1 / 3), CLASSES)
    assert found["roc_auc"] is None
    assert found["balanced_accuracy"] == 0.5  # of the two that occur
    assert found["by_class"]["storm"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    assert np.shape(found["confusion"]) == (3, 3)


def test_a_probability_of_nothing_is_no_infinite_loss():
    found = measure_classes(np.array([0, 1]), np.array([[1.0, 0.0], [1.0, 0.0]]), CLASSES[:2])
    assert 15 < found["log_loss"] < 20  # half of what scikit-learn takes for one of nothing


VALUES = np.random.default_rng(0).normal(size=(400, 2))
WEATHER = np.digitize(np.r_[0.0, VALUES[:-1, 0]], [-0.4, 0.9])  # by the first column's value one row before


@pytest.fixture(scope="module")
def parts() -> dict[str, Windows]:
    return cut(VALUES, WEATHER)


def evaluate(parts: dict[str, Windows], probabilities: np.ndarray) -> dict[str, Any]:
    return evaluate_classes(probabilities, parts=parts, classes=CLASSES)


def test_a_network_that_knows_beats_both(parts: dict[str, Windows]):
    sure = 0.02 + 0.94 * np.eye(3)[WEATHER]
    found = evaluate(parts, sure[parts["test"].origins()])
    test = WEATHER[parts["test"].origins()]
    assert (found["windows"], found["left_out"], found["classes"]) == (len(test), 0, list(CLASSES))
    assert found["counts"] == np.bincount(test).tolist()
    assert found["network"]["accuracy"] == 1.0
    train = np.bincount(WEATHER[parts["train"].origins()])
    majority = found["baselines"][MAJORITY]
    assert majority["accuracy"] == pytest.approx((test == train.argmax()).mean())
    assert majority["log_loss"] == pytest.approx(-np.log(train / train.sum())[test].mean())
    assert majority["balanced_accuracy"] == pytest.approx(1 / 3)
    logistic = found["baselines"][LOGISTIC]
    assert logistic["log_loss"] < 0.6 * majority["log_loss"]
    assert "loses" not in found["verdict"]
    assert found["verdict"].startswith("On the test split's log loss the network beats majority class by ")
    assert "it is right in 100.0% of the windows, majority class in " in found["verdict"]


def test_a_network_as_good_as_the_majority_equals_it(parts: dict[str, Windows]):
    shares = np.bincount(WEATHER[parts["train"].origins()]) / len(parts["train"])
    found = evaluate(parts, np.tile(shares, (len(parts["test"]), 1)))
    assert "the network equals majority class but loses to logistic regression (" in found["verdict"]


def test_one_that_is_not_finite(parts: dict[str, Windows]):
    with pytest.raises(DataError, match="a probability is not finite"):
        evaluate(parts, np.full((len(parts["test"]), 3), np.nan))


def test_balanced_classes_are_told_as_often_as_they_are_missed():
    """One rare class that is hard to tell: unweighted it is never told, weighted it is."""
    random = np.random.default_rng(0)
    labels = (random.random(1200) < 0.08).astype(int)
    values = random.normal(size=(1200, 1)) + 1.2 * labels[:, None]
    parts = cut(values, labels)
    plain = LogisticBaseline().fit(parts["train"], parts["validation"], 2).predict(parts["test"])
    balanced = LogisticBaseline(balanced=True).fit(parts["train"], parts["validation"], 2).predict(parts["test"])
    truth = labels[parts["test"].origins()]
    told_plain, told_balanced = ((shares.argmax(axis=1) == 1)[truth == 1].mean() for shares in (plain, balanced))
    assert told_plain < 0.3 < 0.5 < told_balanced


def test_the_penalty_is_the_one_that_serves_validation_best():
    """Noise that has nothing to do with the class: the strongest penalty is chosen."""
    random = np.random.default_rng(0)
    parts = cut(random.normal(size=(160, 10)), random.integers(0, 2, 160))
    model = LogisticBaseline().fit(parts["train"], parts["validation"], 2).model_
    assert min(classification.INVERSE_PENALTIES) == model.C


@pytest.fixture
def fitted_on(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The labels that each regression is fitted on, where 60 windows of two classes are the most."""
    monkeypatch.setattr(classification, "LOGISTIC_MAX_WINDOWS", 60)
    seen: list[np.ndarray] = []
    fit = classification.LogisticRegression.fit
    monkeypatch.setattr(
        classification.LogisticRegression, "fit", lambda self, x, y: (seen.append(y), fit(self, x, y))[1]
    )
    return seen


def test_many_train_windows_are_thinned_out(fitted_on: list[np.ndarray], parts: dict[str, Windows]):
    shares = LogisticBaseline().fit(parts["train"], parts["validation"], 3).predict(parts["test"])
    firsts = 3
    assert all(60 * 2 // 3 <= len(labels) <= 60 * 2 // 3 + firsts for labels in fitted_on)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)


def test_a_rare_class_survives_the_thinning(fitted_on: list[np.ndarray]):
    labels = np.arange(1200) % 2
    labels[[101, 700, 1000]] = 2  # one in each part
    parts = cut(np.random.default_rng(0).normal(size=(1200, 1)), labels)
    model = LogisticBaseline().fit(parts["train"], parts["validation"], 3).model_
    assert model.classes_.tolist() == [0, 1, 2]
    assert [np.count_nonzero(labels == 2) for labels in fitted_on] == [1] * len(classification.INVERSE_PENALTIES)


def test_too_wide_a_window_for_the_regression(monkeypatch: pytest.MonkeyPatch, parts: dict[str, Windows]):
    monkeypatch.setattr(classification, "LOGISTIC_MAX_INPUTS", 5)
    found = evaluate(parts, np.full((len(parts["test"]), 3), 1 / 3))
    assert found["skipped"] == {LOGISTIC: "window times features is 6, more than 5"}
    assert set(found["baselines"]) == {MAJORITY}
