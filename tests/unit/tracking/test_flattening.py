"""Flat names that MLflow takes, each of one value."""

from __future__ import annotations

import posixpath
import re

from hypothesis import given
from hypothesis import strategies as st

from zoo.tracking.flattening import MAX_NAME, flat_metrics, flat_settings, measured_on_test

NESTED = st.recursive(st.floats(), lambda inner: st.dictionaries(st.text(max_size=200), inner, max_size=4))


def test_settings():
    nested = {"architecture": "basic", "data": {"split": [0.7, 0.3], "time": None, "scaler_for": {}, "sort": True}}
    assert flat_settings(nested) == {
        "architecture": "basic",
        "data.split": "[0.7, 0.3]",
        "data.time": "null",
        "data.scaler_for": "{}",
        "data.sort": "true",
    }


def test_metrics_are_finite_numbers():
    others = {"kind": "mse", "flag": True, "lists": [1.0], "none": None, "nan": float("nan")}
    assert flat_metrics({"loss": 1, "a": {"b": 2.5}} | others) == {"loss": 1.0, "a/b": 2.5}


def test_columns_of_any_name_stay_apart():
    nested = {"m/s": {"mae": 1.0}, "m_s": {"mae": 2.0}, "m\\s": {"mae": 3.0}, "..": {"mae": 4.0}}
    assert flat_metrics(nested) == {"m_s/mae": 1.0, "m_s/mae-2": 2.0, "m_s/mae-3": 3.0, "_/mae": 4.0}


@given(st.dictionaries(st.text(max_size=200), NESTED, max_size=4))
def test_mlflow_takes_every_name(nested):
    for name in flat_metrics(nested):
        assert re.fullmatch(r"[/\w.\- ]+", name, re.ASCII)
        assert len(name) <= MAX_NAME
        assert posixpath.normpath(name) == name


def test_what_was_measured_on_the_test_split():
    evaluation = {"network": {"scaled": {"mae": 0.5}}, "baselines": {"ridge": {"accuracy": 0.75}}, "season": 7}
    assert measured_on_test({"evaluation": evaluation}) == {
        "test/network/scaled/mae": 0.5,
        "test/baselines/ridge/accuracy": 0.75,
    }
