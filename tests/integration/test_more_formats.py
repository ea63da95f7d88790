"""OpenVINO and LiteRT on every built-in architecture and task, in each version of OpenVINO that users may have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib

import pytest

from zoo_registry import discover

pytestmark = pytest.mark.full

# What every bundle of a built-in may differ by, as of any runtime
LIMIT = 1e-5
EXPORT = """
import json, sys

import numpy as np
import pandas as pd

import zoo
from zoo.bundle.verification import verify_bundle
from zoo_registry import discover

random = np.random.default_rng(0)
steps = np.arange(240)
load = 100 + 10 * np.sin(steps / 4) + random.normal(0, 0.5, 240)
table = pd.DataFrame({"load": load, "temperature": 20 + 3 * np.cos(steps / 4) + random.normal(0, 0.2, 240)})
table["kind"] = np.where(load > 100, "high", "low")
SETTINGS = {
    "forecast": [{"target": "load", "horizon": 3}, {"target": "load", "horizon": 3, "quantiles": [0.1, 0.5, 0.9]}],
    "regress": [{"target": "load"}],
    "classify": [{"target": "kind"}],
    "anomaly": [{}],
}
entry = discover().catalogue[sys.argv[1]]
found = []
for task in map(str, entry.item.tasks):
    for more in SETTINGS[task]:
        if "quantiles" in more and entry.item.loss is not None:
            continue
        run = zoo.train(
            sys.argv[1], table, task=task, window=8, epochs=1, hyperparameters=dict(entry.item.tiny), **more
        )
        bundle = run.export(name="-".join([task, *map(str, range(len(more)))]), formats=["openvino", "litert"], batch=2)
        for verdict in verify_bundle(bundle.folder, ["all"]):
            found.append({"task": task, "operators": bundle.manifest.onnx.operators, **vars(verdict)})
print(json.dumps(found))
"""
GRU = """
import json, sys

import keras
import numpy as np
import tensorflow as tf
import tf2onnx

from zoo.export.formats import OPSET
from zoo.export.inference import inference_network
from zoo.export.native_recurrence import native_recurrence
from zoo_plugins.runtimes.openvino_session import OpenVinoSession

found = []
for reset_after in (True, False):
    for dropout in (0.0, 0.3):
        drops = {"dropout": dropout, "recurrent_dropout": dropout, "reset_after": reset_after}
        window = keras.Input((6, 2))
        steps = keras.layers.Bidirectional(keras.layers.GRU(3, return_sequences=True, **drops))(window)
        output = keras.layers.Dense(2)(keras.layers.GRU(3, go_backwards=True, **drops)(steps))
        network = keras.Model(window, output)
        served = inference_network(network)
        with native_recurrence(served) as handlers:
            model, _ = tf2onnx.convert.from_function(
                tf.function(lambda window: {"forecast": served(window, training=False)}),
                input_signature=[tf.TensorSpec((None, 6, 2), "float32", name="window")],
                opset=OPSET,
                custom_op_handlers=handlers,
            )
        model.graph.output[0].name = "forecast"
        for node in model.graph.node:
            if node.output[0] not in {name for other in model.graph.node for name in other.input}:
                node.output[0] = "forecast"
        windows = np.random.default_rng(0).normal(size=(7, 6, 2)).astype(np.float32)
        forecast = OpenVinoSession(model.SerializeToString()).run(windows)["forecast"]
        found.append(float(np.abs(forecast - network(windows)).max()))
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def site(request, tmp_path_factory):
    """``site("openvino==2025.4.1", …)``: a folder with these, without what is installed here anyway."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]

    def install(*wanted: str):
        folder = tmp_path_factory.mktemp("site")
        report = folder / "report.json"
        found = subprocess.run(
            [*pip, "--dry-run", "--report", report, *wanted], capture_output=True, text=True, check=False
        )
        if found.returncode:
            pytest.skip(f"{', '.join(wanted)} cannot be had here: {found.stderr.strip().splitlines()[-1]}")
        missing = [part["metadata"] for part in json.loads(report.read_text())["install"]]
        exact = [f"{part['name']}=={part['version']}" for part in missing]
        subprocess.run([*pip, "--no-deps", "--target", folder / "site", *exact], check=True)
        return folder / "site"

    return install


@pytest.fixture(scope="module")
def extras(request, site):
    """The extras [litert] and [openvino], as a user gets them."""
    project = tomllib.loads((request.config.rootpath / "pyproject.toml").read_text())["project"]
    return site(*project["optional-dependencies"]["litert"], *project["optional-dependencies"]["openvino"])


@pytest.fixture
def python(tmp_path):
    """Run Python with a folder on its path, in an empty folder."""

    def run(folder, *arguments, code=0):
        path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "2"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done

    return run


@pytest.mark.parametrize("architecture", list(discover().catalogue))
def test_every_runtime_agrees_on_every_task(architecture, extras, python):
    found = json.loads(python(extras, "-c", EXPORT, architecture).stdout)
    tasks = {str(task) for task in discover().catalogue[architecture].item.tasks}
    names = {"onnxruntime", "tensorflow", "openvino", "openvino-savedmodel", "openvino-ir", "litert"}
    assert {(verdict["task"], verdict["runtime"]) for verdict in found} == {(t, name) for t in tasks for name in names}
    for verdict in found:
        assert verdict["refused"] == ""
        assert verdict["difference"] <= LIMIT, verdict
        assert "Loop" not in verdict["operators"]


@pytest.mark.parametrize("version", ["2025.4.1", "2026.4.1"])
def test_openvino_reads_native_gru(version, site, python):
    found = json.loads(python(site(f"openvino=={version}"), "-c", GRU).stdout)
    assert len(found) == 4
    assert max(found) <= LIMIT


def test_the_commands(extras, python, series_file, tmp_path):
    data = ("--data", series_file, "--target", "load", "--window", 8, "--horizon", 3, "--epochs", 1, "--set", "units=4")
    flags = ("--export", "--name", "tiny", "--format", "litert", "--format", "openvino")
    trained = python(extras, "-m", "zoo", "train", "basic", *data, *flags)
    assert trained.stderr == ""
    verified = python(extras, "-m", "zoo", "verify", "exported/tiny", "--runtime", "all")
    assert verified.stderr == ""
    rows = [line.split() for line in verified.stdout.splitlines()]
    assert {row[0]: row[-1] for row in rows[1:-1]} == dict.fromkeys(
        ("onnxruntime", "tensorflow", "openvino", "openvino-savedmodel", "openvino-ir", "litert"), "equal"
    )
    manifest = json.loads((tmp_path / "exported" / "tiny" / "1" / "manifest.json").read_text())
    assert {name: part["batch"] for name, part in manifest["extra"].items()} == {"litert": 1, "openvino": None}
    assert set(manifest["parity"]) == {"onnxruntime", "tensorflow", "openvino-ir", "litert"}
    assert {"extra/litert/model.tflite", "extra/openvino/model.bin", "extra/openvino/model.xml"} <= set(
        manifest["files"]
    )

    wide = ("export", "latest", "--name", "wide", "--serving-dtype", "float64")
    for name in ("litert", "openvino"):
        refused = python(extras, "-m", "zoo", *wide, "--format", name, code=2)
        assert f"error: --format {name}: " in refused.stderr
        assert "computes in float32, which cannot hold the values' offset" in refused.stderr
    assert not (tmp_path / "exported" / "wide").exists()
    python(extras, "-m", "zoo", *wide)
    verified = python(extras, "-m", "zoo", "verify", "exported/wide", "--runtime", "all").stdout.splitlines()
    assert [line.split()[0] for line in verified if "refused: the bundle takes float64" in line] == [
        "openvino",
        "openvino-savedmodel",
    ]
    refused = python(extras, "-m", "zoo", "verify", "exported/wide", "--runtime", "openvino", code=2)
    assert refused.stderr.startswith(
        "error: runtime 'openvino': the bundle takes float64, which OpenVINO announces but"
    )
