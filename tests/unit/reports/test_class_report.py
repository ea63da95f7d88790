"""The report of classes: every measure, tables of which is taken for which, and losses said in words."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import numpy as np
import pandas as pd
import pytest

from zoo.evaluation.details import means_over_time
from zoo.evaluation.measurement import Measurement
from zoo.preprocessing.prepared import Prepared
from zoo.reports.class_report import class_report
from zoo.settings.schema import DataConfig
from zoo.training.preparation import prepare


def prepared_of(series: pd.DataFrame, names: tuple[str, ...] = ("low", "middle", "high")) -> Prepared:
    """Classes by the height of the load, an equal number of rows each; they are in alphabetical order."""
    places = series["load"].rank(pct=True).mul(len(names)).sub(1e-9).astype(int)
    table = series.assign(phase=np.array(names, dtype=object)[places])
    return prepare(DataConfig(target="phase", task="classify", window=4, horizon=1), table)


@pytest.fixture
def page_of(training):
    """The page where the truth is given that much of the probability, of which others share the rest, or ``told``."""

    def page(prepared: Prepared, certainty: float = 0.0, told: Any = None) -> tuple[str, dict[str, Any]]:
        classes = len(prepared.table.classes)
        right = np.eye(classes)[prepared.table.labels[prepared.parts["test"].ends()]]
        shares = certainty * right + (1 - certainty) * (1 - right) / (classes - 1)
        measured = Measurement.of_classes(shares if told is None else told, prepared)
        return class_report(training, measured.evaluation, measured.details), measured.evaluation

    return page


@pytest.mark.parametrize("names", [("down", "up"), ("low", "middle", "high")])
@pytest.mark.parametrize("times", [True, False])
def test_the_page(series, page_of, pictures, names, times):
    table = series if times else series.drop(columns="time")
    text, evaluation = page_of(prepared_of(table, names), certainty=0.9)
    assert pictures(text) == 3 + 1  # there is no learning rate in the history
    assert evaluation["verdict"] in unescape(text)
    for name, own in ({"network": evaluation["network"]} | evaluation["baselines"]).items():
        numbers = (own[key] for key in ("log_loss", "accuracy", "balanced_accuracy", "f1", "roc_auc"))
        cells = "".join(f"<td>{number:.4f}</td>" for number in numbers)
        assert f'<td class="text">{name}</td>{cells}' in text
    assert len(re.findall(r'<table class="matrix">', text)) == 2


def test_the_table_of_which_class_is_taken_for_which(series, page_of):
    prepared = prepared_of(series)
    text, evaluation = page_of(prepared, certainty=0.2)  # never the truth
    matrix = re.search(r'<h3>network</h3>\n<table class="matrix">(.*?)</table>', text, flags=re.DOTALL)[1]
    counts = [int(count) for count in re.findall(r">(\d+)<small>", matrix)]
    assert counts == np.ravel(evaluation["network"]["confusion"]).tolist()
    assert sum(counts) == evaluation["windows"]
    shares = [float(share) for share in re.findall(r"<small>([\d.]+)%", matrix)]
    np.testing.assert_allclose(np.reshape(shares, (3, 3)).sum(axis=1), 100.0, atol=0.2)
    shades = [float(shade) for shade in re.findall(r"rgba\(68, 119, 170, ([\d.]+)\)", matrix)]
    np.testing.assert_allclose(shades, 0.75 * np.array(shares) / 100, atol=1e-3)


def test_losing_is_said_in_words(series, page_of):
    text, evaluation = page_of(prepared_of(series), certainty=0.01)
    text = unescape(text)
    assert "The network loses: majority class and logistic regression would serve at least as well" in text
    assert text.count("loses to it (") == len(evaluation["baselines"]) == 2


def test_a_tie_is_said_in_words(series, page_of):
    prepared = prepared_of(series)
    train, test = (prepared.table.labels[prepared.parts[part].ends()] for part in ("train", "test"))
    text, evaluation = page_of(prepared, told=np.tile(np.bincount(train) / len(train), (len(test), 1)))
    assert "equals majority class" in evaluation["verdict"]
    assert ">equals it<" in text


def test_winning_is_not_called_a_loss(series, page_of, words):
    text, _ = page_of(prepared_of(series), certainty=1 - 1e-9)
    assert "loses" not in words(text)


def test_names_of_classes_are_escaped(series, page_of, elements, evil):
    text, _ = page_of(prepared_of(series, (evil, "other")), certainty=0.6)
    elements(text)
    assert "<script" not in text
    assert unescape(text).count(f"told {evil}") == 2
    assert "alert" not in "".join(re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL))


def test_a_class_that_the_test_part_lacks(series, page_of, elements):
    prepared = prepared_of(series.assign(load=[float(row % 3 if row < 200 else row % 2) for row in range(240)]))
    text, evaluation = page_of(prepared, certainty=0.9)
    elements(text)
    assert evaluation["network"]["roc_auc"] is None
    assert "There is no ROC AUC, as a class does not occur in the test part" in text


def test_many_classes_are_not_drawn(series, page_of, elements):
    names = tuple(f"class {number:02}" for number in range(40))
    random = np.random.default_rng(0)
    text, _ = page_of(prepared_of(series.assign(load=random.permutation(240)), names), certainty=0.9)
    elements(text)
    assert "The tables of 40 classes are in run.json" in text
    assert "10 more classes are in run.json" in text


def test_one_probability_for_all(series, page_of, pictures):
    text, evaluation = page_of(prepared_of(series, ("down", "up")), certainty=0.5)
    assert pictures(text) == 3 + 1
    assert evaluation["network"]["log_loss"] == pytest.approx(np.log(2))
    assert evaluation["network"]["roc_auc"] == 0.5
    told = np.sum(evaluation["network"]["confusion"], axis=0)
    assert told.tolist() == [evaluation["windows"], 0]  # of two alike it is the first


def test_means_over_time():
    positions = np.arange(1000.0)
    places, means = means_over_time(positions, positions % 2 == 0, 10)
    assert len(places) == 10
    np.testing.assert_allclose(means, 0.5, atol=0.01)
    assert means_over_time(np.zeros(3), np.ones(3), 10)[1].tolist() == [1.0]
