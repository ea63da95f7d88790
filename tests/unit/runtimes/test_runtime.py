"""The list of runtimes: found by name, loaded when asked for, and clear about what is not installed."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

from zoo.bundle.loading import load_bundle
from zoo.bundle.verification import verify_bundle
from zoo.runtimes import RUNTIMES, find_runtime, runtime
from zoo_registry.errors import BundleError


@pytest.fixture
def without_tensorflow(monkeypatch):
    """TensorFlow, as it is where it is not installed."""

    def installed(distribution):
        if distribution == "tensorflow":
            raise PackageNotFoundError(distribution)
        return version(distribution)

    monkeypatch.setattr(runtime, "version", installed)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.delitem(sys.modules, "zoo.runtimes.tensorflow_session", raising=False)


@pytest.mark.parametrize("name", RUNTIMES)
def test_runtimes_are_found_by_name(name):
    found = find_runtime(name)
    assert found.name == name
    assert found.version == version(found.distribution)


@pytest.mark.parametrize(
    ("name", "hint"), [("onnx", "did you mean 'onnxruntime'"), ("jax", "known are: onnxruntime, ")]
)
def test_an_unknown_runtime(name, hint):
    with pytest.raises(BundleError, match=f"there is no runtime '{name}'; {hint}"):
        find_runtime(name)


def test_a_runtime_that_is_not_installed(exported, without_tensorflow):
    assert find_runtime("tensorflow").version is None
    missing = "runtime 'tensorflow' is not installed; run: pip install tensorflow"
    with pytest.raises(BundleError, match=missing):
        find_runtime("tensorflow").load(exported.folder)
    with pytest.raises(BundleError, match=missing):
        verify_bundle(exported.folder, ["tensorflow"])
    with pytest.raises(BundleError, match=missing):
        load_bundle(exported.folder, runtime="tensorflow").predict([[100.0, 20.0]] * 8)


def test_the_others_go_on_without_it(exported, without_tensorflow):
    assert [verdict.runtime for verdict in verify_bundle(exported.folder)] == ["onnxruntime"]


def test_the_command_names_a_runtime_that_is_not_installed(exported, without_tensorflow, zoo_command):
    done = zoo_command("verify", exported.folder, "--runtime", "tensorflow")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "error: runtime 'tensorflow' is not installed; run: pip install tensorflow\n"


def test_the_command_goes_on_without_it(exported, without_tensorflow, zoo_command):
    done = zoo_command("verify", exported.folder)
    assert done.exit_code == 0, done.output
    assert "tensorflow" not in done.stdout


def test_the_list_loads_none_of_them():
    program = (
        "import sys, zoo.runtimes; print(sorted({'tensorflow', 'onnxruntime', 'onnx', 'keras'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
