"""Bundles where this project is not installed: plain ONNX Runtime, saved_model_cli, scikit-learn and joblib alone."""

from __future__ import annotations

import json

import numpy as np
import pytest

ONNX_CLIENT = """
import numpy as np, onnxruntime
golden = np.load("golden.npz")
session = onnxruntime.InferenceSession("model.onnx")
for size in (1, 7, 64):
    window, expected = golden["window"][:size], golden["forecast"][:size]
    (forecast,) = session.run(["forecast"], {"window": window})
    assert forecast.dtype == expected.dtype and forecast.shape == expected.shape
    print(np.abs(forecast - expected).max())
"""

SCALERS_CLIENT = """
import json, sys
import joblib, numpy as np
scalers = joblib.load("scalers.joblib")
golden = np.load("golden.npz")["window"]
flat = golden.reshape(-1, golden.shape[-1])
if sys.argv[1] == "forward":
    np.save(sys.argv[2], scalers["features"].transform(flat).reshape(golden.shape).astype("float32"))
else:
    scaled = np.load(sys.argv[2])
    flat = scaled.reshape(-1, scaled.shape[-1])
    np.save(sys.argv[3], scalers["targets"].inverse_transform(flat).reshape(scaled.shape))
assert not any(name.split(".")[0] in ("zoo", "tensorflow", "keras", "pandas") for name in sys.modules)
"""


def unit_of(bundle):
    return np.array([bundle.manifest.parity_unit[target] for target in bundle.manifest.problem.targets])


def test_onnxruntime_alone(exported, environment):
    done = environment(("onnxruntime", "numpy", "flatbuffers", "google", "protobuf", "packaging")).run(
        "-c", ONNX_CLIENT, cwd=exported.folder
    )
    assert max(map(float, done.stdout.split())) <= 1e-5 * unit_of(exported).min()


@pytest.mark.full
def test_saved_model_cli(exported, environment, tmp_path):
    elsewhere = environment(None)
    done = elsewhere.run(
        "-m",
        "tensorflow.python.tools.saved_model_cli",
        *("run", "--dir", exported.folder, "--tag_set", "serve", "--signature_def", "serving_default"),
        *("--inputs", f"window={exported.folder / 'golden.npz'}[window]", "--outdir", tmp_path / "out"),
        cwd=tmp_path,
    )
    forecast = np.load(tmp_path / "out" / "forecast.npy")
    expected = np.load(exported.folder / "golden.npz")["forecast"]
    assert (np.abs(forecast - expected) / unit_of(exported)).max() <= 1e-5, done.stdout


def test_scalers_and_scaled_signature(exported, environment, tmp_path):
    """scalers.joblib, where only scikit-learn and joblib are, and the signature ``scaled`` make serving_default."""
    from zoo_plugins.runtimes.tensorflow_session import TensorFlowSession

    light = environment(
        ("sklearn", "scikit_learn", "joblib", "numpy", "scipy", "threadpoolctl", "narwhals", "cloudpickle")
    )
    light.run("-c", SCALERS_CLIENT, "forward", tmp_path / "scaled.npy", cwd=exported.folder)
    scaled = TensorFlowSession(exported.folder, "scaled").run(np.load(tmp_path / "scaled.npy"))["forecast"]
    np.save(tmp_path / "forecast.npy", scaled)
    light.run("-c", SCALERS_CLIENT, "inverse", tmp_path / "forecast.npy", tmp_path / "raw.npy", cwd=exported.folder)
    golden = np.load(exported.folder / "golden.npz")
    served = TensorFlowSession(exported.folder).run(golden["window"])["forecast"]
    assert (np.abs(np.load(tmp_path / "raw.npy") - served) / unit_of(exported)).max() <= 1e-5


@pytest.mark.full
def test_built_wheels(environment, wheels, tmp_path):
    """The wheels, installed outside the checkout, list, train on the example, export and verify."""
    elsewhere = environment(None)
    elsewhere.run("-m", "pip", "install", "--no-index", "--no-deps", *wheels, cwd=tmp_path)
    work = tmp_path / "work"
    work.mkdir()
    where = elsewhere.run("-c", "import zoo, zoo_registry, zoo_plugins; print(zoo.__file__)", cwd=work).stdout
    assert str(elsewhere.folder) in where

    zoo = elsewhere.folder / "bin" / "zoo"
    listed = json.loads(elsewhere.run(zoo, "list", "--json", cwd=work).stdout)
    assert {"basic", "stacked", "bidirectional", "custom-loss"} <= {found["name"] for found in listed}
    elsewhere.run(zoo, "train", "basic", "--epochs", "1", "--set", "units=4", "--export", cwd=work)
    verdicts = json.loads(
        elsewhere.run(zoo, "verify", "exported/basic-co2", "--runtime", "all", "--json", cwd=work).stdout
    )
    assert verdicts["passed"]
    assert {verdict["runtime"] for verdict in verdicts["runtimes"]} == {"onnxruntime", "tensorflow"}
