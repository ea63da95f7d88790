"""The report of anomalies: no peak is lost, and what is flagged is told apart from what is labelled."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import numpy as np
import pandas as pd
import pytest

from zoo.evaluation.details import peaks_over_time
from zoo.evaluation.measurement import Measurement
from zoo.preprocessing.prepared import Prepared
from zoo.reports.anomaly_report import anomaly_report
from zoo.settings.schema import DataConfig
from zoo.training.preparation import prepare

ANOMALIES = (210, 217, 230)  # rows, all of them in the test part


def prepared_of(series: pd.DataFrame, anomalies: tuple[int, ...] | None = ANOMALIES, **settings: Any) -> Prepared:
    label = None
    if anomalies is not None:
        series, label = series.assign(odd=np.isin(np.arange(len(series)), anomalies).astype(int)), "odd"
    return prepare(DataConfig(**({"task": "anomaly", "window": 4, "horizon": 1, "label": label} | settings)), series)


@pytest.fixture
def page_of(training):
    """The page where the scores of these rows are as given, and all others below 1."""

    def page(prepared: Prepared, high: dict[int, float]) -> tuple[str, dict[str, Any]]:
        rows = prepared.parts["test"].ends()
        told = np.random.default_rng(0).uniform(0.1, 1.0, len(rows))
        for row, score in high.items():
            told[rows == row] = score
        scores = {"validation": np.linspace(0.1, 1.0, len(prepared.parts["validation"])), "test": told}
        measured = Measurement.of_anomalies(scores, prepared, quantile=1.0)
        return anomaly_report(training, measured.evaluation, measured.details), measured.evaluation

    return page


@pytest.mark.parametrize("times", [True, False])
@pytest.mark.parametrize("greatest", [3.0, 500.0])  # on a linear and on a logarithmic axis
def test_the_page(series, page_of, pictures, times, greatest):
    prepared = prepared_of(series if times else series.drop(columns="time"))
    text, evaluation = page_of(prepared, {210: greatest, 217: 2.0, 222: 2.5})
    assert pictures(text) == 1 + 1 + 2 + 1  # the rows around the highest score are all near
    assert evaluation["verdict"] in unescape(text)
    assert [words in text for words in ("anomaly, flagged: 2", "anomaly, missed: 1", "no anomaly: 1")] == [True] * 3
    own = evaluation["network"]
    cells = [f"{own['threshold']:.4g}", "3", *(f"{own[key]:.4f}" for key in ("average_precision", "precision"))]
    assert '<td class="text">network</td>' + "".join(f"<td>{cell}</td>" for cell in cells) in text
    assert f"score {greatest:.4g}, labelled an anomaly" in text
    assert "3 of the rows are labelled as anomalies" in text


def test_without_labels(series, page_of, pictures, words):
    text, evaluation = page_of(prepared_of(series, None), {222: 2.5})
    assert pictures(text) == 1 + 1 + 1 + 1
    assert "flagged: 1" in text
    assert evaluation["anomalies"] is None
    assert not any(word in words(text) for word in ("anomaly, missed", "loses", "precision", "are labelled"))


def test_labels_without_an_anomaly_in_the_test_part(series, page_of, elements):
    text, evaluation = page_of(prepared_of(series, (5,)), {222: 2.5})
    elements(text)
    assert evaluation["anomalies"] == 0
    assert "None of the rows is labelled as an anomaly" in text


def test_losing_is_said_in_words(series, page_of):
    table = series.copy()
    table.loc[list(ANOMALIES), "load"] += 1000.0
    text, _ = page_of(prepared_of(table), {222: 2.5})
    assert "The network loses: z-score of differences would serve at least as well" in unescape(text)


def test_a_tie_is_said_in_words(series, page_of, words):
    table = series.copy()
    table.loc[list(ANOMALIES), "load"] += 1000.0 * np.arange(1, 4)  # what jumps back is no anomaly
    prepared = prepared_of(table)
    ones = {name: np.ones(len(prepared.parts[name])) for name in ("validation", "test")}
    simple = Measurement.of_anomalies(ones, prepared, quantile=1.0).details.simple
    rows = prepared.parts["test"].ends().tolist()
    text, evaluation = page_of(prepared, dict(zip(rows, simple.tolist(), strict=True)))
    assert "the network equals the z-score of differences" in evaluation["verdict"]
    assert "The network gains nothing: z-score of differences would serve at least as well" in unescape(text)
    assert "loses" not in words(text)


def test_names_of_users_are_escaped(series, page_of, elements, evil):
    text, _ = page_of(prepared_of(series.rename(columns={"load": evil}), target=evil), {222: 2.5})
    elements(text)
    assert "<script" not in text
    assert f"Values of {evil} around them" in unescape(text)
    assert "alert" not in "".join(re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL))


def test_rows_with_a_missing_value_are_nowhere(series, page_of, elements):
    table = series.copy()
    table.loc[222, "load"] = np.nan
    text, evaluation = page_of(prepared_of(table, missing="interpolate"), {222: 99.0, 217: 2.0})
    elements(text)
    assert evaluation["left_out"] == 1
    assert "score 99" not in text
    assert "flagged, no anomaly: 0" in text


def test_scores_that_are_all_alike(series, page_of, pictures):
    prepared = prepared_of(series)
    text, evaluation = page_of(prepared, dict.fromkeys(prepared.parts["test"].ends().tolist(), 0.0))
    assert pictures(text) == 1 + 2 + 2 + 1  # two excerpts take in the part
    assert evaluation["network"]["flagged"] == 0
    assert evaluation["network"]["average_precision"] == pytest.approx(3 / evaluation["windows"])
    assert [words in text for words in ("anomaly, flagged: 0", "anomaly, missed: 3", "no anomaly: 0")] == [True] * 3


def test_no_peak_is_lost():
    random = np.random.default_rng(0)
    positions, values = np.sort(random.uniform(0, 50, 10_000)), random.uniform(0, 1, 10_000)
    values[[0, 777, 9_999]] = 5.0
    peaks = peaks_over_time(positions, values, 100)
    assert len(peaks) == 100
    assert {0, 777, 9_999} <= set(peaks.tolist())
    assert (np.diff(positions[peaks]) > 0).all()
    for number, part in enumerate(np.array_split(np.arange(4.0), 2)):
        assert peaks_over_time(np.arange(4.0), np.arange(4.0), 2)[number] == part[-1]
    assert peaks_over_time(np.zeros(3), np.array([1.0, 3.0, 2.0]), 10).tolist() == [1]
