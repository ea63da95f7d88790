"""Measure the classes that a network tells for the test windows beside a majority vote and a logistic regression."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support, roc_auc_score

from zoo.data.splits import TRAIN_ALONE
from zoo.data.windows import Windows
from zoo.evaluation.headline import CLASS_MEASURES, outcomes, told
from zoo_registry.errors import DataError

MAJORITY, LOGISTIC = "majority class", "logistic regression"
INVERSE_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # scikit-learn's C
LOGISTIC_MAX_INPUTS = 8192
LOGISTIC_MAX_NUMBERS = 2**25  # of all inputs that it is fitted on: train windows are thinned out evenly above it
LOGISTIC_MAX_WINDOWS = 20_000  # of two classes; of more the fewer, as each costs as much again
_BATCH = 512
_ITERATIONS = 300


def evaluate_classes(
    probabilities: NDArray[Any],
    *,
    parts: dict[str, Windows],
    classes: tuple[str, ...],
    balanced: bool = False,
) -> dict[str, Any]:
    """Compare the probabilities told for the test windows, (n, classes), with baselines.

    ``parts`` have the numbers of the classes as targets; those of train and validation fit the baselines, which weigh
    the classes alike where ``balanced``, as the network's loss did.

    Returns ``windows``, ``classes``, ``counts`` (test windows of each), ``network`` and ``baselines``, each measured by
    :func:`measure_classes`, ``skipped`` (baseline -> reason) and ``verdict``. Raises DataError for a probability that
    is not finite.
    """
    truth = _labels(parts["test"])
    if not np.isfinite(probabilities).all():
        raise DataError("a probability is not finite; check for values far outside the training's range")
    train = _labels(parts["train"])
    shares = np.bincount(train, minlength=len(classes)) / len(train)
    baselines = {MAJORITY: measure_classes(truth, np.broadcast_to(shares, probabilities.shape), classes)}
    skipped = {}
    if (inputs := parts["train"].window * parts["train"].features.shape[1]) > LOGISTIC_MAX_INPUTS:
        skipped[LOGISTIC] = f"window times features is {inputs}, more than {LOGISTIC_MAX_INPUTS}"
    else:
        logistic = LogisticBaseline(balanced=balanced).fit(
            parts["train"], parts["validation"], len(classes), parts.get(TRAIN_ALONE)
        )
        baselines[LOGISTIC] = measure_classes(truth, logistic.predict(parts["test"]), classes)
    network = measure_classes(truth, probabilities.astype(np.float64), classes)
    return {
        "windows": len(truth),
        "left_out": 0,
        "classes": list(classes),
        "counts": np.bincount(truth, minlength=len(classes)).tolist(),
        "network": network,
        "baselines": baselines,
        "skipped": skipped,
        "verdict": _verdict(network, baselines),
    }


def measure_classes(
    truth: NDArray[np.integer], probabilities: NDArray[Any], classes: tuple[str, ...]
) -> dict[str, Any]:
    """Measure probabilities (n, classes) against the numbers of the true classes (n,), by scikit-learn's metrics.

    Returns ``log_loss``, ``accuracy``, ``balanced_accuracy`` (the mean recall of the classes that occur), ``f1`` (their
    mean F1), ``roc_auc`` (of the second of two classes, else the mean of each against the rest; None where a class does
    not occur), ``confusion`` (rows: truth, columns: told) and ``by_class``: precision, recall and F1 of each.
    """
    numbers = np.arange(len(classes))
    told = probabilities.argmax(axis=1)
    present = np.unique(truth)
    likely = probabilities / probabilities.sum(axis=1, keepdims=True)  # in float32 they are 1 but for rounding
    auc = None
    if len(present) == len(classes):
        scored = likely[:, 1] if len(classes) == 2 else likely
        auc = float(roc_auc_score(truth, scored, multi_class="ovr", average="macro", labels=numbers))
    precision, recall, f1, _ = precision_recall_fscore_support(truth, told, labels=numbers, zero_division=0.0)
    return {
        "log_loss": float(log_loss(truth, likely, labels=numbers)),
        "accuracy": float((told == truth).mean()),
        "balanced_accuracy": float(recall[present].mean()),
        "f1": float(f1[present].mean()),
        "roc_auc": auc,
        "confusion": confusion_matrix(truth, told, labels=numbers).tolist(),
        "by_class": {
            name: {"precision": float(precision[i]), "recall": float(recall[i]), "f1": float(f1[i])}
            for i, name in enumerate(classes)
        },
    }


class LogisticBaseline:
    """Logistic regression from the window, all of its rows side by side, with an L2 penalty.

    Fitted on at most ``LOGISTIC_MAX_WINDOWS`` train windows, spread evenly, and the first of each class, so that none
    is missing; the penalty is the one of ``INVERSE_PENALTIES`` with the least log loss on the validation windows.
    """

    model_: LogisticRegression

    def __init__(self, *, balanced: bool = False) -> None:
        self.balanced = balanced

    def fit(self, train: Windows, validation: Windows, classes: int, alone: Windows | None = None) -> LogisticBaseline:
        """Fit on scaled windows whose targets are numbers of ``classes`` classes; sets ``model_``.

        Where ``train`` holds the validation windows too, the penalty is chosen by a fit on those of train ``alone``.
        """
        inverses: tuple[float, ...] = INVERSE_PENALTIES
        if alone is not None:
            inverses = (LogisticBaseline(balanced=self.balanced).fit(alone, validation, classes).model_.C,)
        most = min(LOGISTIC_MAX_WINDOWS, LOGISTIC_MAX_NUMBERS // (train.window * train.features.shape[1]))
        most = min(max(1, 2 * most // max(2, classes)), len(train))
        labels = _labels(train)
        firsts = np.unique(labels, return_index=True)[1]
        numbers = np.union1d(np.linspace(0, len(train) - 1, most).astype(np.int64), firsts)
        inputs, labels = _flat(train, numbers), labels[numbers]
        truth, self._classes, least = _labels(validation), classes, np.inf
        weights = "balanced" if self.balanced else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # judged by the validation windows, wherever it got to
            for inverse in inverses:
                model = LogisticRegression(C=inverse, max_iter=_ITERATIONS, class_weight=weights).fit(inputs, labels)
                loss = log_loss(truth, self._predict(model, validation), labels=np.arange(classes))
                if loss < least:
                    least, self.model_ = loss, model
        return self

    def predict(self, windows: Windows) -> NDArray[np.float64]:
        """The probabilities of each window's classes, (n, classes)."""
        return self._predict(self.model_, windows)

    def _predict(self, model: LogisticRegression, windows: Windows) -> NDArray[np.float64]:
        found = np.zeros((len(windows), self._classes))
        for rows in windows.batches(_BATCH):
            shares = model.predict_proba(_flat(windows, rows)).astype(np.float64)
            found[rows, model.classes_] = shares / shares.sum(axis=1, keepdims=True)
        return found


def _flat(windows: Windows, numbers: NDArray[np.int64] | slice) -> NDArray[np.float32]:
    inputs = np.nan_to_num(windows.inputs(numbers))  # the train rows' mean for what is missing
    return inputs.reshape(len(inputs), -1)


def _labels(windows: Windows) -> NDArray[np.int64]:
    """The number of each window's class."""
    labels: NDArray[np.int64] = windows.targets[windows.origins(), 0].astype(np.int64)
    return labels


def _verdict(network: dict[str, Any], baselines: dict[str, dict[str, Any]]) -> str:
    """Which baselines the network's log loss beats, equals and loses to, and how often each is right."""
    words = told(outcomes({"network": network, "baselines": baselines}, CLASS_MEASURES))
    rights = ", ".join(f"{name} in {measured['accuracy']:.1%}" for name, measured in baselines.items())
    return (
        f"On the test split's log loss the network {words}; it is right in {network['accuracy']:.1%} of"
        f" the windows, {rights}."
    )
