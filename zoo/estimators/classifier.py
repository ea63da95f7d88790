"""Classes as a scikit-learn estimator, with clone, cross_validate and GridSearchCV."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score, f1_score, log_loss, recall_score
from sklearn.utils.validation import check_is_fitted

from zoo.data.columns import shown
from zoo.data.readers.reading import Frame
from zoo.data.windows import Windows
from zoo.estimators.base import checked_input
from zoo.estimators.parameters import ClassifierParameters
from zoo.preprocessing.prepared import Prepared
from zoo.settings.choices import FRAME
from zoo_registry import Task
from zoo_registry.errors import DataError


class SequenceClassifier(ClassifierMixin, ClassifierParameters):  # type: ignore[misc]
    """Tell each row's class from the rows up to it, as a scikit-learn estimator; a sample is a row.

        from sklearn.model_selection import TimeSeriesSplit, cross_validate

        classifier = zoo.SequenceClassifier("basic", target="weather", window=48, epochs=20)
        cross_validate(classifier, frame, cv=TimeSeriesSplit(3))["test_score"]
        classifier.fit(frame).predict(frame)[-1]  # the class of the frame's last row

    The table X is a DataFrame, of pandas or whatever :func:`zoo.train` takes as one, of one series in the order of
    time, the column of classes ``target`` among its columns; there is no y. Leave ``scoring`` out: :meth:`score` is the
    score, as only it knows which rows have a whole window. Rows are never shuffled, so take a splitter that keeps the
    order of time.

    The last share ``validation`` of the rows that :meth:`fit` is given decides when training stops and which epoch's
    weights are kept; scalers are fitted on the rows before it. The other parameters are the settings of
    :func:`zoo.train` (docs/settings.md); None takes the architecture's default, else the zoo's. ``metric`` is what
    :meth:`score` gives: ``"accuracy"``, ``"balanced_accuracy"``, ``"f1"`` (mean of the classes) or ``"neg_log_loss"``.
    Parameters are checked by :meth:`fit`.

    Fitted: ``classes_`` (the values of the target, in the order of the probabilities), ``network_`` (from scaled
    windows to logits), ``preprocessor_``, ``history_`` (loss, val_loss and others by epoch), ``best_epoch_``,
    ``config_`` (all settings, resolved), ``features_`` and ``targets_`` (the network's columns), and of the whole table
    ``feature_names_in_`` and ``n_features_in_``.
    """

    METRICS: ClassVar[tuple[str, ...]] = ("accuracy", "balanced_accuracy", "f1", "neg_log_loss")
    TASK: ClassVar[Task] = Task.CLASSIFY

    def predict(self, X: Frame) -> NDArray[np.object_]:
        """Return each row's most likely class, (rows,): a value of ``classes_``, None where no whole window ends.

        Such are the first window - 1 rows and, with ``missing="drop"``, those whose window has a missing value. The
        table needs only the columns of ``features_``.
        """
        shares = self.predict_proba(X)
        told = np.full(len(shares), None, dtype=object)
        known = ~np.isnan(shares[:, 0])
        told[known] = self.classes_[shares[known].argmax(axis=1)]
        return told

    def predict_proba(self, X: Frame) -> NDArray[np.float64]:
        """Return the probability of each class for each row, (rows, classes); NaN where :meth:`predict` is None."""
        check_is_fitted(self, "network_")
        table, windows = self._cut(checked_input(X, None), targets=False)
        shares = np.full((len(table.values), len(self.classes_)), np.nan)
        shares[windows.last_rows()] = self._shares(windows)
        return shares

    def score(self, X: Frame, y: None = None) -> float:
        """Measure the rows in which a whole window ends; the greater the better.

        Raises DataError for a class that the training did not have.
        """
        check_is_fitted(self, "network_")
        X = checked_input(X, y)
        metric = self._checked_metric()
        table, windows = self._cut(X, targets=True)
        assert table.labels is not None
        for name in table.classes:
            if name not in self._names:
                raise DataError(
                    f"{FRAME}: column '{self.targets_[0]}': expected one of the training's classes,"
                    f" {', '.join(map(shown, self._names))}, found {shown(name)}; leave its rows out, or train with it"
                )
        number = np.array([self._names.index(name) for name in table.classes])
        truth = number[table.labels[windows.last_rows()]]
        shares = self._shares(windows)
        if metric == "neg_log_loss":
            return -float(log_loss(truth, shares, labels=np.arange(len(self._names))))
        told, present = shares.argmax(axis=1), np.unique(truth)
        if metric == "accuracy":
            return float(accuracy_score(truth, told))
        measure = recall_score if metric == "balanced_accuracy" else f1_score
        return float(measure(truth, told, labels=present, average="macro", zero_division=0.0))

    def _shares(self, windows: Windows) -> NDArray[np.float64]:
        """The probabilities of windows, (n, classes)."""
        from zoo.tasks.classify import probabilities

        shares: NDArray[np.float64] = probabilities(np, self._outputs(windows).astype(np.float64))
        return shares

    def _keep(self, X: pd.DataFrame, prepared: Prepared) -> None:
        table = prepared.table
        assert table.labels is not None
        self._names = table.classes
        rows = [int(np.argmax(table.labels == number)) for number in range(len(table.classes))]
        self.classes_ = X[self.targets_[0]].iloc[rows].to_numpy()
