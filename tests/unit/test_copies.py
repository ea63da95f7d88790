"""Copies and pickles of runs and bundles are by path: what they name is read, and checked, again."""

from __future__ import annotations

import copy
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.bundle.loading import load_bundle
from zoo_registry.errors import BundleError, RunError

pytestmark = pytest.mark.filterwarnings("ignore::zoo.inference.ranges.OutsideRangeWarning")

ELSEWHERE = """
import pickle, sys, warnings
warnings.simplefilter("ignore")
import numpy as np
loaded = pickle.load(open(sys.argv[1], "rb"))
np.save(sys.argv[2], loaded.predict(np.ones((2, 8, 2))))
"""


@pytest.fixture
def bundle(exported, tmp_path):
    """A copy of the tiny bundle, loaded."""
    return load_bundle(shutil.copytree(exported.folder, tmp_path / "tiny" / "1"))


@pytest.fixture
def bundle_by_relative_path(bundle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return load_bundle("tiny/1")


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_repair_17_copies_and_pickles_of_a_bundle(bundle, again):
    copied = again(bundle)
    assert copied is not bundle
    assert copied.folder == bundle.folder
    windows = np.ones((2, 8, 2))
    np.testing.assert_array_equal(copied.predict(windows), bundle.predict(windows))


def test_repair_17_a_pickled_bundle_predicts_in_another_process_and_folder(bundle_by_relative_path, tmp_path):
    (tmp_path / "pickle").write_bytes(pickle.dumps(bundle_by_relative_path))
    (tmp_path / "other").mkdir()
    command = [sys.executable, "-c", ELSEWHERE, str(tmp_path / "pickle"), str(tmp_path / "forecast.npy")]
    subprocess.run(command, check=True, cwd=tmp_path / "other")
    expected = bundle_by_relative_path.predict(np.ones((2, 8, 2)))
    np.testing.assert_array_equal(np.load(tmp_path / "forecast.npy"), expected)


def test_repair_17_a_bundle_that_was_changed_is_refused_where_a_pickle_is_loaded(bundle):
    pickled = pickle.dumps(bundle)
    (bundle.folder / "model.onnx").write_bytes(b"changed")
    with pytest.raises(BundleError, match=r"model\.onnx: expected .* bytes, found 7"):
        pickle.loads(pickled)


def test_repair_17_another_bundle_in_its_place_is_refused(bundle, trained, tmp_path):
    pickled = pickle.dumps(bundle)
    other = trained.export(tmp_path / "exported", name="tiny")
    shutil.rmtree(bundle.folder)
    shutil.copytree(other.folder, bundle.folder)
    with pytest.raises(BundleError, match=r"expected the bundle that was pickled, .* found another one"):
        pickle.loads(pickled)


@pytest.mark.parametrize(
    ("given", "environment", "checked_again"),
    [
        (["ours.pub"], [], ["ours.pub"]),
        (None, ["theirs.pub"], ["theirs.pub"]),  # also where the variable is not set any more
        (None, [], ["later.pub"]),
        ([], ["theirs.pub"], []),
    ],
)
def test_repair_17_a_pickle_demands_the_signature_that_was_demanded(
    bundle, tmp_path, monkeypatch, given, environment, checked_again
):
    monkeypatch.chdir(tmp_path)
    checked = []

    def required_keys(named=None):
        return [Path(key) for key in (environment if named is None else named)]

    monkeypatch.setattr("zoo.bundle.loading.required_keys", required_keys)
    monkeypatch.setattr("zoo.bundle.opening.required_keys", required_keys)
    monkeypatch.setattr("zoo.bundle.opening.verify_signature", lambda files, keys: checked.extend(keys))
    pickled = pickle.dumps(load_bundle(bundle.folder, require_signature=given))
    checked.clear()
    environment = ["later.pub"]
    pickle.loads(pickled)
    assert [key.name for key in checked] == checked_again
    assert all(key.is_absolute() for key in checked if key.name != "later.pub")


def test_repair_17_a_pickled_run_is_read_where_it_lies(trained, tmp_path, monkeypatch):
    shutil.copytree(trained.folder, tmp_path / "runs" / trained.id)
    monkeypatch.chdir(tmp_path)
    run = zoo.load_run("latest")
    pickled = pickle.dumps(run)
    assert len(pickled) < 1000  # no network, no table
    monkeypatch.chdir("/")
    again = pickle.loads(pickled)
    assert (again.folder, again.record) == (tmp_path / "runs" / trained.id, run.record)
    np.testing.assert_array_equal(again.predict(np.ones((2, 8, 2))), trained.predict(np.ones((2, 8, 2))))
    shutil.rmtree(tmp_path / "runs")
    with pytest.raises(RunError, match="expected a run"):
        pickle.loads(pickled)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy])
def test_repair_17_a_copy_of_a_run_keeps_the_table_of_its_training(trained, again):
    copied = again(trained)
    assert copied is not trained
    assert copied.source is trained.source
    assert copied.record == trained.record
