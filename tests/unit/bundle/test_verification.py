"""Verification: golden windows on every runtime, and a difference over the limit is told."""

from __future__ import annotations

import json

import numpy as np
import pytest

import zoo
from zoo.bundle import verification
from zoo.bundle.golden import PARITY_LIMIT, Golden, Ruler
from zoo.bundle.integrity import check_integrity, describe_files
from zoo.bundle.manifest import Manifest
from zoo.bundle.replay import Verdict
from zoo.bundle.verification import choose_runtimes, verify_bundle
from zoo.runtimes import find_runtime
from zoo_registry import Runtime
from zoo_registry.errors import BundleError


def change_expectation(bundle, change):
    """Change the golden forecasts, and seal the bundle again: its hashes hold, its replay does not."""
    golden = Golden.read(bundle)
    Golden(golden.window, {"forecast": change(golden.outputs["forecast"])}).write(bundle)
    Manifest.read(bundle).model_copy(update={"files": describe_files(bundle)}).write(bundle)
    check_integrity(bundle)


@pytest.fixture
def unit(exported):
    """One deviation of the target."""
    return exported.manifest.parity_unit["load"]


def test_every_installed_runtime(exported):
    verdicts = verify_bundle(exported.folder, ["all"])
    assert {"onnxruntime", "tensorflow"} <= {verdict.runtime for verdict in verdicts}
    for verdict in verdicts:
        assert verdict.passed
        assert 0 <= verdict.difference <= PARITY_LIMIT == 1e-5
        assert verdict.version == find_runtime(verdict.runtime).version
        assert 0 < verdict.milliseconds < 1000


def test_a_difference_over_the_limit(bundle, unit):
    def shift(forecast):
        forecast[63, 2, 0] += 3e-5 * unit
        return forecast

    change_expectation(bundle, shift)
    for verdict in verify_bundle(bundle, ["onnxruntime", "tensorflow"]):
        assert not verdict.passed
        assert verdict.difference == pytest.approx(3e-5, rel=0.2)


def test_the_limit_itself_passes():
    assert Verdict("onnxruntime", "1", PARITY_LIMIT, 1.0).passed
    assert not Verdict("onnxruntime", "1", np.nextafter(PARITY_LIMIT, 1), 1.0).passed
    assert not Verdict("onnxruntime", "1", float("nan"), 1.0).passed


def test_the_command_ends_with_1(bundle, unit, zoo_command):
    arguments = ("verify", bundle, "--runtime", "onnxruntime")
    assert zoo_command(*arguments).exit_code == 0
    change_expectation(bundle, lambda forecast: forecast + np.float32(0.1 * unit))
    failed = zoo_command(*arguments)
    assert failed.exit_code == 1
    assert "DIFFERS" in failed.stdout
    assert "it FAILS, do not serve it" in failed.stdout
    assert "1.0e-01" in failed.stdout
    told = json.loads(zoo_command(*arguments, "--json").stdout)
    assert not told["passed"]
    assert not told["runtimes"][0]["passed"]
    assert told["bundle"] == str(bundle)


def test_json_stays_json_where_a_forecast_is_not_finite(bundle, zoo_command):
    change_expectation(bundle, lambda forecast: np.full_like(forecast, np.nan))
    failed = zoo_command("verify", bundle, "--runtime", "onnxruntime", "--json")
    assert failed.exit_code == 1
    told = json.loads(failed.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert not told["passed"]


def test_the_command_takes_a_models_folder(exported, zoo_command):
    done = zoo_command("verify", exported.folder.parent, "--runtime", "onnxruntime", "--json")
    assert json.loads(done.stdout)["bundle"] == str(exported.folder)


@pytest.mark.parametrize("path", [str, lambda folder: folder, lambda folder: folder.parent])
def test_python_takes_what_load_bundle_takes(exported, path):
    assert [verdict.passed for verdict in zoo.verify_bundle(path(exported.folder), ["onnxruntime"])] == [True]


def test_an_unknown_runtime(exported, zoo_command):
    with pytest.raises(BundleError, match="there is no runtime 'tensorflw'; did you mean 'tensorflow'"):
        verify_bundle(exported.folder, ["tensorflw"])
    done = zoo_command("verify", exported.folder, "--runtime", "tensorflw")
    assert done.exit_code == 2
    assert done.stderr == "error: there is no runtime 'tensorflw'; did you mean 'tensorflow'?\n"


def test_runtimes_that_are_chosen(monkeypatch):
    assert "onnxruntime" in choose_runtimes()
    assert "tensorflow" not in choose_runtimes(), "a SavedModel is a program"
    assert set(choose_runtimes(["all"])) == {*choose_runtimes(), "tensorflow"}
    assert choose_runtimes(["tensorflow"]) == ["tensorflow"]
    gone = Runtime(name="gone", summary="Gone.", load=len, distribution="not-a-distribution")
    known = {"gone": gone, "onnxruntime": find_runtime("onnxruntime")}
    monkeypatch.setattr(verification, "all_runtimes", lambda: known)
    assert choose_runtimes() == ["onnxruntime"]
    del known["onnxruntime"]
    with pytest.raises(BundleError, match="no runtime is installed that could replay a bundle; run: pip install"):
        choose_runtimes()


def test_the_unit_follows_the_targets(exported):
    problem = exported.manifest.problem.model_copy(update={"targets": ("b", "a")})
    manifest = exported.manifest.model_copy(update={"problem": problem, "parity_unit": {"a": 1.0, "b": 2.0}})
    np.testing.assert_array_equal(Ruler.of(manifest).unit, [2.0, 1.0])


def test_repair_14_the_rule_is_the_manifests_but_never_laxer_than_the_dtype_allows(exported, wide_bundle):
    manifest, wide = exported.manifest, wide_bundle[1].manifest
    assert (manifest.parity_roundings, wide.parity_roundings) == (4, 0)
    assert Ruler.of(manifest).roundings == 4
    assert Ruler.of(manifest.model_copy(update={"parity_roundings": 0})).roundings == 0
    assert Ruler.of(wide.model_copy(update={"parity_roundings": 4})).roundings == 0
