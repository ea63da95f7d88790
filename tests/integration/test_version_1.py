"""Runs and bundles that version 1 made go on working: they load, predict as then, verify, export and resume."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import zoo
from zoo.bundle.verification import verify_bundle
from zoo.runs import resumption
from zoo.runs.record import read_record

FIXTURES = Path(__file__).parents[1] / "fixtures" / "version-1"
EXPECTED = json.loads((FIXTURES / "expected.json").read_text(encoding="utf-8"))
KINDS = [kind for kind in EXPECTED if not kind.startswith("unfinished")]


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A copy of all of it as the working folder: its files alone, as version control gives them."""
    for path in FIXTURES.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(FIXTURES)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_as_then(found: pd.DataFrame, kind: str) -> None:
    """Times and names to the letter, numbers but for float32's rounding."""
    split = EXPECTED[kind]["prediction"]
    assert list(found.columns) == split["columns"]
    if isinstance(found.index, pd.DatetimeIndex):
        assert list(found.index) == list(pd.to_datetime(split["index"], unit="ms"))
    told = json.loads(found.reset_index(drop=True).to_json(orient="values", date_format="iso"))
    assert len(told) == len(split["data"])
    for row, expected in zip(told, split["data"], strict=True):
        for value, other in zip(row, expected, strict=True):
            if isinstance(other, float):
                np.testing.assert_allclose(value, other, rtol=2e-5, atol=1e-5)
            else:
                assert value == other


@pytest.mark.parametrize("kind", KINDS)
def test_a_bundle_predicts_and_verifies(made, kind):
    bundle = zoo.load_bundle(made / "exported" / kind)
    assert_as_then(bundle.predict(EXPECTED[kind]["table"]), kind)
    verdicts = verify_bundle(made / "exported" / kind / "1", ["onnxruntime"])
    assert all(verdict.passed for verdict in verdicts)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_predicts(made, kind):
    assert_as_then(zoo.load_run(EXPECTED[kind]["run"]).predict(EXPECTED[kind]["table"]), kind)


@pytest.mark.full
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_is_exported_beside_what_version_1_published(made, kind):
    bundle = zoo.load_run(EXPECTED[kind]["run"]).export(name=kind)
    assert bundle.folder.name == "2"
    assert_as_then(bundle.predict(EXPECTED[kind]["table"]), kind)


@pytest.mark.full
def test_an_unfinished_training_goes_on(made):
    run = zoo.resume(EXPECTED["unfinished"]["run"])
    assert run.record.training.val_loss == pytest.approx(EXPECTED["unfinished"]["val_loss"], rel=1e-4)
    assert not (made / "runs" / "unfinished" / run.id).exists()


@pytest.mark.full
def test_an_unfinished_training_on_normalized_windows_goes_on_with_its_own_loss(made, monkeypatch):
    """Also where it is stopped again, and gone on with from a checkpoint of this version."""
    name, expected = EXPECTED["unfinished instance"]["run"], EXPECTED["unfinished instance"]["history"]

    def stopped(run, checkpoint, write=resumption.write_checkpoint):
        write(run, checkpoint)
        if checkpoint.state.epoch == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(resumption, "write_checkpoint", stopped)
        with pytest.raises(KeyboardInterrupt):
            zoo.resume(name)
    run = zoo.resume(name)
    history = pd.read_csv(run.folder / "history.csv")
    assert {key: history[key].tolist() for key in expected} == {
        key: pytest.approx(values, rel=1e-4) for key, values in expected.items()
    }
    assert run.record.loss_scale == read_record(run.folder).loss_scale == "scaled"
    assert run.record.config.network.normalize_window == "instance"
    run.export(name="resumed").predict("table.csv")
    assert not (made / "runs" / "unfinished" / run.id).exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_says_what_its_loss_was_of(made, kind):
    assert zoo.load_run(EXPECTED[kind]["run"]).record.loss_scale == "scaled"
