"""The bundle that an earlier version published: it verifies, and predicts what was trained then."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from zoo.bundle.golden import Ruler
from zoo.bundle.loading import load_bundle
from zoo.bundle.manifest import SCHEMA_VERSION
from zoo.bundle.verification import verify_bundle

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.fixture
def published(tmp_path):
    """A copy of its files alone, as version control gives them: no empty folders."""
    source, place = FIXTURES / "bundle-v1", tmp_path / "bundle-v1"
    for path in source.rglob("*"):
        if path.is_file():
            copy = place / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    return place


@pytest.fixture
def told():
    return json.loads((FIXTURES / "bundle-v1.json").read_text(encoding="utf-8"))


def test_it_is_of_schema_1_and_read_as_one_of_this(published):
    assert json.loads((published / "manifest.json").read_bytes())["schema_version"] == 1
    assert load_bundle(published).manifest.schema_version == SCHEMA_VERSION


def test_it_verifies(published):
    verdicts = verify_bundle(published, ["onnxruntime", "tensorflow"])
    assert [verdict.passed for verdict in verdicts] == [True, True]


def test_repair_14_it_verifies_under_its_own_rule(published):
    assert Ruler.of(load_bundle(published).manifest).roundings == 0


@pytest.mark.parametrize("runtime", ["onnxruntime", "tensorflow"])
def test_it_predicts_what_was_trained(published, told, runtime):
    bundle = load_bundle(published, runtime=runtime)
    unit = bundle.manifest.parity_unit["load"]
    forecast = bundle.predict(np.array(told["window"]))
    assert forecast.dtype == np.float32
    assert np.abs(forecast - told["forecast"]).max() <= 1e-5 * unit


def test_it_forecasts_from_a_table(published, told):
    (window,) = told["window"]
    forecast = load_bundle(published).predict(pd.DataFrame(window, columns=["load", "temperature"]))
    np.testing.assert_allclose(forecast["load"], np.array(told["forecast"])[0, :, 0], rtol=1e-5)


def test_its_bytes_are_kept(request):
    rules = (request.config.rootpath / ".gitattributes").read_text(encoding="utf-8")
    assert "tests/fixtures/bundle-v1/** -text" in rules
