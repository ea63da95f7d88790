"""OpenVINO and LiteRT on every built-in architecture and task, in each version of OpenVINO that users may have."""

from __future__ import annotations

import json

import pytest

from zoo_registry import discover

pytestmark = pytest.mark.full

# What every bundle of a built-in may differ by, as of any runtime
LIMIT = 1e-5
RUNTIMES = ("onnxruntime", "tensorflow", "openvino", "openvino-savedmodel", "openvino-ir", "litert")
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

NORMALIZED = """
import json

import numpy as np
import pandas as pd

import zoo
from zoo.bundle.verification import verify_bundle

days = pd.date_range("2024-01-01", periods=240)
table = pd.DataFrame({"day": days, "load": 100 + 10 * np.sin(np.arange(240) * 2 * np.pi / 7)})
table["load"] += np.random.default_rng(0).normal(size=240)
CASES = [("basic", "instance", ()), ("basic", "seasonal", ()), ("basic", "mean", ())]
CASES += [("basic", "instance", ("weekday",)), ("gru", "seasonal", ())]
found = []
for architecture, kind, calendar in CASES:
    run = zoo.train(
        architecture, table, time="day", target="load", normalize_window=kind, season=7, calendar=calendar,
        window=14, horizon=3, epochs=1, hyperparameters={"units": 4},
    )
    for batch in (1, 2):
        bundle = run.export(name="-".join([architecture, kind, *calendar]), formats=["openvino"], batch=batch)
        found += [vars(verdict) for verdict in verify_bundle(bundle.folder, ["openvino-ir"])]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def extras(site, extra):
    """The extras [litert] and [openvino], as a user gets them."""
    return site(*extra("litert"), *extra("openvino"))


@pytest.mark.parametrize("architecture", list(discover().catalogue))
def test_every_runtime_agrees_on_every_task(architecture, extras, python):
    found = json.loads(python(extras, "-c", EXPORT, architecture).stdout)
    tasks = {str(task) for task in discover().catalogue[architecture].item.tasks}
    assert {(verdict["task"], verdict["runtime"]) for verdict in found} == {
        (t, name) for t in tasks for name in RUNTIMES
    }
    for verdict in found:
        assert verdict["refused"] == ""
        assert verdict["difference"] <= LIMIT, verdict
        assert "Loop" not in verdict["operators"]


@pytest.mark.parametrize("version", ["2025.4.1", "2026.4.1"])
def test_openvino_reads_native_gru(version, site, python):
    found = json.loads(python(site(f"openvino=={version}"), "-c", GRU).stdout)
    assert len(found) == 4
    assert max(found) <= LIMIT


@pytest.mark.parametrize("version", ["2025.4.1", "2026.4.1"])
def test_openvino_takes_normalized_windows_in_a_fixed_batch(version, site, python):
    found = json.loads(python(site(f"openvino=={version}"), "-c", NORMALIZED).stdout)
    assert len(found) == 10
    for verdict in found:
        assert verdict["refused"] == ""
        assert verdict["difference"] <= LIMIT, verdict


def test_the_commands(extras, python, series_file, tmp_path):
    data = ("--data", series_file, "--target", "load", "--window", 8, "--horizon", 3, "--epochs", 1, "--set", "units=4")
    flags = ("--export", "--name", "tiny", "--format", "litert", "--format", "openvino")
    trained = python(extras, "-m", "zoo", "train", "basic", *data, *flags)
    (told,) = trained.stderr.splitlines()
    assert told.startswith("windows are normalized by ")
    verified = python(extras, "-m", "zoo", "verify", "exported/tiny", "--runtime", "all")
    assert verified.stderr == ""
    rows = [line.split() for line in verified.stdout.splitlines()]
    assert {row[0]: row[-1] for row in rows[1:-1]} == dict.fromkeys(RUNTIMES, "equal")
    manifest = json.loads((tmp_path / "exported" / "tiny" / "1" / "manifest.json").read_text())
    assert {name: part["batch"] for name, part in manifest["extra"].items()} == {"litert": 1, "openvino": None}
    assert set(manifest["parity"]) == {"onnxruntime", "tensorflow", "openvino-ir", "litert"}
    extra = {"extra/litert/model.tflite", "extra/openvino/model.bin", "extra/openvino/model.xml"}
    assert extra <= set(manifest["files"])

    wide = ("export", "latest", "--name", "wide", "--serving-dtype", "float64")
    for name in ("litert", "openvino"):
        refused = python(extras, "-m", "zoo", *wide, "--format", name, code=2)
        assert f"error: --format {name}: " in refused.stderr
        assert "computes in float32, which cannot hold the values' offset" in refused.stderr
    assert not (tmp_path / "exported" / "wide").exists()
    python(extras, "-m", "zoo", *wide)
    verified = python(extras, "-m", "zoo", "verify", "exported/wide", "--runtime", "all").stdout.splitlines()
    refusing = [line.split()[0] for line in verified if "refused: the bundle takes float64" in line]
    assert refusing == ["openvino", "openvino-savedmodel"]
    refused = python(extras, "-m", "zoo", "verify", "exported/wide", "--runtime", "openvino", code=2)
    assert refused.stderr.startswith("error: runtime 'openvino': the bundle takes float64, which OpenVINO announces")
