"""What is measured of a network's answers, and what a report is given of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from zoo.evaluation.anomalies import Z_SCORE, DifferenceScore
from zoo.evaluation.measurement import Measurement
from zoo.preprocessing.prepared import Prepared
from zoo.settings.schema import DataConfig
from zoo.training.preparation import prepare

SPLIT = (120, 60, 60)


def prepared_of(table: pd.DataFrame, **settings: object) -> Prepared:
    return prepare(DataConfig(task="anomaly", window=4, horizon=1, split=SPLIT, **settings), table)


def measured(prepared: Prepared) -> Measurement:
    random = np.random.default_rng(0)
    told = {name: random.uniform(size=len(prepared.parts[name])) for name in ("validation", "test")}
    return Measurement.of_anomalies(told, prepared, quantile=0.9)


@pytest.mark.parametrize(("how", "first"), [({"gaps": "break"}, 60), ({"missing": "drop"}, 61)])
def test_the_baseline_takes_no_change_over_a_gap_or_from_a_value_that_was_dropped(
    series: pd.DataFrame, how: dict[str, str], first: int
):
    table = series.copy()
    if "gaps" in how:
        table.loc[60:, "time"] += pd.Timedelta(days=3)
    else:
        table.loc[60, "load"] = np.nan
    table.loc[first:, "load"] += 5000.0
    prepared = prepared_of(table, **how)
    values = table[["load", "temperature"]].to_numpy()
    changes = np.concatenate([np.diff(values[:60], axis=0), np.diff(values[first:120], axis=0)])
    standard = (np.diff(values, axis=0) - changes.mean(axis=0)) / changes.std(axis=0)
    expected = np.sqrt(np.square(standard).mean(axis=1))[prepared.parts["test"].ends() - 1]
    np.testing.assert_allclose(measured(prepared).details.simple, expected, rtol=1e-9)


def test_the_baseline_is_computed_once(series: pd.DataFrame, monkeypatch: pytest.MonkeyPatch):
    fitted, fit = [], DifferenceScore.fit
    monkeypatch.setattr(DifferenceScore, "fit", lambda self, stretches: fitted.append(1) or fit(self, stretches))
    found = measured(prepared_of(series))
    assert fitted == [1]
    baseline = found.evaluation["baselines"][Z_SCORE]
    assert np.count_nonzero(found.details.simple > baseline["threshold"]) == baseline["flagged"]


def test_labels_may_be_partial(series: pd.DataFrame):
    labels = np.zeros(240)
    labels[[190, 200, 230]] = 1.0
    labels[:100] = labels[225:235] = np.nan
    found = measured(prepared_of(series.assign(odd=labels), label="odd"))
    assert (found.evaluation["windows"], found.evaluation["left_out"], found.evaluation["anomalies"]) == (50, 10, 2)
    assert np.count_nonzero(found.details.truth == -1) == 10
