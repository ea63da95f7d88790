"""The list of runtimes: found by name, loaded when asked for, and clear about what is not installed."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pytest

from zoo.bundle.golden import Ruler
from zoo.bundle.loading import load_bundle
from zoo.bundle.replay import replay
from zoo.bundle.verification import verify_bundle
from zoo.runtimes import find_runtime, load_session
from zoo_registry import BUILT_IN_RUNTIMES, runtime
from zoo_registry.errors import BundleError, RefusalError, UnknownRuntimeError


@pytest.fixture
def without_tensorflow(monkeypatch):
    """TensorFlow, as it is where it is not installed."""

    def installed(distribution):
        if distribution == "tensorflow":
            raise PackageNotFoundError(distribution)
        return version(distribution)

    monkeypatch.setattr(runtime, "version", installed)


@pytest.mark.parametrize("name", BUILT_IN_RUNTIMES)
def test_runtimes_are_found_by_name(name):
    found = find_runtime(name)
    assert found.name == name
    try:
        expected = version(found.distribution)
    except PackageNotFoundError:
        expected = None
    assert found.version == expected


@pytest.mark.parametrize(
    ("name", "hint"), [("onnx", "did you mean 'onnxruntime'"), ("jax", "known are: litert, onnxruntime, openvino, ")]
)
def test_an_unknown_runtime(name, hint):
    with pytest.raises(BundleError, match=f"there is no runtime '{name}'; {hint}"):
        find_runtime(name)


def test_a_runtime_that_is_not_installed(exported, without_tensorflow):
    assert find_runtime("tensorflow").version is None
    missing = "runtime 'tensorflow' is not installed; run: pip install tensorflow"
    with pytest.raises(BundleError, match=missing):
        load_session(find_runtime("tensorflow"), exported.folder)
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
    heavy = {"tensorflow", "onnxruntime", "onnx", "keras", "openvino", "ai_edge_litert"}
    program = f"import sys, zoo.runtimes; zoo.runtimes.runtimes(); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", ["openvino", "openvino-savedmodel", "openvino-ir"])
def test_openvino_refuses_float64(name, exported, monkeypatch):
    monkeypatch.setattr(runtime.Runtime, "applies_to", lambda *_: True)
    find_runtime(name).check(exported.folder, "float32")
    with pytest.raises(RefusalError) as caught:
        find_runtime(name).check(exported.folder, "float64")
    reason = "the bundle takes float64, which OpenVINO announces but computes in float32; use another runtime"
    assert str(caught.value) == f"runtime '{name}': {reason}"


@pytest.mark.parametrize(("name", "exporter"), [("litert", "litert"), ("openvino-ir", "openvino")])
def test_a_format_that_the_bundle_does_not_have(name, exporter, exported):
    found = find_runtime(name)
    assert not found.applies_to(exported.folder)
    with pytest.raises(RefusalError) as caught:
        found.check(exported.folder, "float32")
    assert str(caught.value) == (
        f"runtime '{name}': {exported.folder} has no {found.file}; export again with `formats` {exporter}"
    )


ODD = """
from zoo_registry import Runtime, hookimpl
from zoo_registry.errors import RefusalError

def load(folder):
    raise RefusalError("it has no LSTM")

@hookimpl
def zoo_runtimes():
    return [Runtime(name="odd", summary="Odd.", load=load, distribution="numpy")]
"""


@pytest.fixture
def odd(install_plugin):
    """A runtime that refuses every bundle."""
    install_plugin("odd", ODD)


def test_a_refusal_fails_no_verification(exported, odd, zoo_command):
    verdicts = {verdict.runtime: verdict for verdict in verify_bundle(exported.folder, ["all"])}
    assert verdicts["odd"].refused == "it has no LSTM"
    assert not verdicts["odd"].passed
    assert {verdicts[name].refused for name in ("onnxruntime", "tensorflow")} == {""}
    done = zoo_command("verify", exported.folder)
    assert done.exit_code == 0, done.output
    (row,) = (line for line in done.stdout.splitlines() if line.startswith("odd "))
    assert row.split() == ["odd", version("numpy"), "-", "-", "refused:", "it", "has", "no", "LSTM"]
    assert "hashes hold, all runtimes agree" in done.stdout
    told = json.loads(zoo_command("verify", exported.folder, "--json").stdout)
    assert told["passed"]
    (row,) = (row for row in told["runtimes"] if row["runtime"] == "odd")
    assert (row["refused"], row["difference"], row["passed"]) == ("it has no LSTM", None, False)


def test_a_refusal_of_a_named_runtime_is_an_error(exported, odd, zoo_command):
    done = zoo_command("verify", exported.folder, "--runtime", "odd")
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", "error: it has no LSTM\n")


def test_where_every_runtime_refuses_nothing_was_verified(exported, odd):
    with pytest.raises(BundleError, match=r"no installed runtime can run this bundle \(it has no LSTM\)"):
        replay(exported.folder, ["odd"], Ruler.of(exported.manifest), strict=False)


LISTS = """
from zoo_plugins.runtimes.onnxruntime_session import OnnxRuntimeSession
from zoo_registry import Runtime, hookimpl

class Lists(OnnxRuntimeSession):
    def run(self, window):
        return {name: values.tolist() for name, values in super().run(window).items()}

@hookimpl
def zoo_runtimes():
    return [Runtime(name="lists", summary="Lists.", load=Lists, distribution="numpy")]
"""


@pytest.mark.filterwarnings("ignore::zoo.inference.ranges.OutsideRangeWarning")
def test_a_runtime_may_give_lists(exported, install_plugin):
    install_plugin("lists", LISTS)
    window = [[100.0, 20.0]] * 8
    found = load_bundle(exported.folder, runtime="lists").predict(window)
    np.testing.assert_allclose(found, exported.predict(window), rtol=1e-6)


def test_the_zoos_own_runtimes_are_found_without_loading_a_plugin(install_plugin):
    install_plugin("pens", "import zoo_registry\n")
    assert find_runtime("onnxruntime").distribution == "onnxruntime"
    assert "pens_plugin" not in sys.modules
    with pytest.raises(UnknownRuntimeError, match=r"there is no runtime 'onnx-runtime'.*onnxruntime"):
        find_runtime("onnx-runtime")
    assert "pens_plugin" in sys.modules
