"""The export as a whole: the parity gate, what is published, and what is refused."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from zoo.bundle.golden import PARITY_LIMIT, Golden
from zoo.bundle.integrity import check_integrity
from zoo.bundle.loading import load_bundle
from zoo.bundle.verification import verify_bundle
from zoo.export import export_run as exporter
from zoo.export import formats
from zoo.export.export_run import export
from zoo.export.graph import raw_function
from zoo.run import Run
from zoo_registry.errors import ConfigError, ExportError, ParityError

FILES = {
    "README.md",
    "fingerprint.pb",
    "golden.npz",
    "manifest.json",
    "model.onnx",
    "preprocessing.json",
    "saved_model.pb",
    "scalers.joblib",
    "variables/variables.data-00000-of-00001",
    "variables/variables.index",
}


@pytest.fixture(scope="module")
def candidate(make_trained):
    """What is exported here: an untrained network with one target."""
    noise = np.random.default_rng(0).normal(size=120)
    return make_trained(pd.DataFrame({"load": 100 + 10 * noise}))


def tree(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def shifted(deviations):
    """``raw_function`` with an offset on its outputs, in train-target deviations."""

    def build(served, dtype):
        function = raw_function(served, dtype)
        offset = (deviations * served.preprocessor.targets_.deviation).astype(dtype)
        return lambda window: {"forecast": function(window)["forecast"] + offset}

    return build


def test_a_graph_that_differs_is_not_published(candidate, tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "default_function", shifted(3e-5))
    told = r"\(onnxruntime by [23](\.\d)?e-05, tensorflow by [23](\.\d)?e-05; .*\); nothing was published"
    with pytest.raises(ParityError, match=told):
        export(candidate, tmp_path, "mine")
    assert tree(tmp_path) == set()


def test_a_single_format_that_differs_is_enough(candidate, tmp_path, monkeypatch):
    write_onnx = formats.write_onnx

    def write_shifted(*arguments):
        with monkeypatch.context() as patch:
            patch.setattr(formats, "default_function", shifted(float("nan")))
            return write_onnx(*arguments)

    published = export(candidate, tmp_path, "mine")
    before = tree(tmp_path)
    monkeypatch.setattr(exporter, "write_onnx", write_shifted)
    with pytest.raises(ParityError, match=r"\(onnxruntime by inf; "):
        export(candidate, tmp_path, "mine")
    assert tree(tmp_path) == before
    check_integrity(published)


@pytest.mark.parametrize(("offset", "told"), [(3e-5, r"by [23](\.\d)?e-05"), (float("nan"), "by (nan|inf)")])
def test_the_scaled_signature_goes_through_the_gate_too(candidate, tmp_path, monkeypatch, offset, told):
    def shift(served):
        return lambda window: {"forecast": served.network(window) + offset}

    monkeypatch.setattr(formats, "scaled_function", shift)
    with pytest.raises(ParityError, match=rf"\(signature 'scaled' {told}; "):
        export(candidate, tmp_path, "mine")
    assert tree(tmp_path) == set()


def test_the_gate_lets_rounding_through(candidate, tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "default_function", shifted(9e-6))
    parity = load_bundle(export(candidate, tmp_path, "mine")).manifest.parity
    assert all(4e-6 < part.difference < PARITY_LIMIT for part in parity.values())


def test_nothing_but_the_bundle_is_published(exported):
    assert {path for path in tree(exported.folder) if (exported.folder / path).is_file()} == FILES
    assert {path.name for path in exported.folder.parent.iterdir()} == {"1", "config.pbtxt"}
    assert {path.name for path in exported.folder.parent.parent.iterdir()} == {"tiny", ".tiny.versions.json"}


def test_the_manifest(exported, trained):
    manifest, record = exported.manifest, trained.record
    assert (manifest.model, manifest.run) == ("tiny", trained.id)
    assert manifest.architecture.name == "basic"
    assert manifest.architecture.distribution == "lstm-zoo"
    assert manifest.hyperparameters == record.config.hyperparameters
    assert manifest.training == record.config.training.model_dump(mode="json")
    assert manifest.metrics["network"] == record.evaluation["network"]
    assert manifest.metrics["verdict"] == record.evaluation["verdict"]
    assert [part.rows for part in manifest.data.split.values()] == [(0, 168), (168, 204), (204, 240)]
    assert manifest.parity_unit == {"load": pytest.approx(trained.preprocessor.targets_.deviation[0])}
    assert set(manifest.parity) == {"onnxruntime", "tensorflow"}
    assert manifest.parity["tensorflow"].version == tf.__version__
    assert set(manifest.files) == FILES - {"manifest.json"}


def test_golden_forecasts_are_those_of_keras_and_scikit_learn(exported, trained):
    golden = Golden.read(exported.folder)
    expected = trained.predict(golden.window)
    assert (np.abs(golden.outputs["forecast"] - expected) / trained.preprocessor.targets_.deviation).max() <= 1e-6


def test_the_place_of_the_data_stays_private(candidate, tmp_path):
    data = candidate.record.data.model_copy(update={"source": "/home/somebody/secret/load.csv"})
    record = candidate.record.model_copy(update={"data": data})
    folder = export(dataclasses.replace(candidate, record=record), tmp_path, "mine")
    assert load_bundle(folder).manifest.data.source == "load.csv"
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert b"somebody" not in content, path
        assert str(tmp_path).encode() not in content, path


def test_versions_go_up_and_keep_their_interface(candidate, make_trained, series, tmp_path):
    assert export(candidate, tmp_path).relative_to(tmp_path).as_posix() == "mine-DataFrame/1"
    assert export(candidate, tmp_path).relative_to(tmp_path).as_posix() == "mine-DataFrame/2"
    before = tree(tmp_path)
    other = make_trained(series, window=9)
    with pytest.raises(ExportError, match=r"mine-DataFrame has another interface \(window 8 there, 9 here\)"):
        export(other, tmp_path)
    assert tree(tmp_path) == before


@pytest.mark.full
def test_repair_13_a_newer_training_keeps_what_is_published(make_trained, tmp_path):
    """Its columns may need less than those before: the calmer the year, the larger the share of an offset."""
    noise = np.random.default_rng(0).normal(size=120)
    calm, wild = (make_trained(pd.DataFrame({"load": 2000 + scale * noise})) for scale in (10, 1000))
    assert (calm.preprocessor.serving_dtype, wild.preprocessor.serving_dtype) == ("float64", "float32")
    for trained in (calm, wild):
        folder = export(trained, tmp_path, "kept")
        assert load_bundle(folder).manifest.problem.inputs[0].dtype == "float64"
    export(wild, tmp_path, "coarse")
    before = tree(tmp_path)
    words = r"coarse has another interface \(inputs 'float32' there, 'float64' here\); give another `name`, or"
    with pytest.raises(ExportError, match=f"{words} `serving_dtype` float32 where that holds the values"):
        export(calm, tmp_path, "coarse")
    assert tree(tmp_path) == before


@pytest.mark.full
def test_repair_20_a_changed_configuration_is_kept_but_never_signed(candidate, tmp_path, monkeypatch):
    config = export(candidate, tmp_path, "mine").parent / "config.pbtxt"
    config.write_text(config.read_text() + "instance_group [ { count: 2 } ]\n")
    verify_bundle(export(candidate, tmp_path, "mine"), ["onnxruntime"])
    before = tree(tmp_path)
    for name in ("signer", "sign_bundle"):
        monkeypatch.setattr(exporter, name, lambda *_: None)
    with pytest.raises(ExportError, match=r"mine/config\.pbtxt: expected what the export writes, found another"):
        export(candidate, tmp_path, "mine", sign="key.pem")
    assert tree(tmp_path) == before


def test_a_bad_name_is_refused(candidate, tmp_path):
    with pytest.raises(ConfigError, match="a model's name begins with"):
        export(candidate, tmp_path / "exported", "..")
    assert tree(tmp_path) == set()


def test_a_run_exports_without_its_plugin(trained, tmp_path, monkeypatch):
    """The network's file and the record are enough; only the card's summary is left out."""
    run = Run(trained.folder)
    run.record = run.record.model_copy(update={"config": run.config.model_copy(update={"architecture": "gone"})})
    bundle = run.export(tmp_path, name="mine")
    assert bundle.manifest.architecture.name == "gone"


def test_a_large_offset_is_served_in_float64(wide, offset_series):
    trained, bundle = wide
    problem = bundle.manifest.problem
    assert [tensor.dtype for tensor in (*problem.inputs, *problem.outputs)] == ["float64", "float64"]
    assert all(part.difference <= PARITY_LIMIT for part in bundle.manifest.parity.values())
    golden = Golden.read(bundle.folder)
    assert golden.window.dtype == golden.outputs["forecast"].dtype == np.float64

    windows = offset_series.to_numpy()[:80].reshape(10, 8, 2)
    forecast = bundle.predict(windows)
    assert forecast.dtype == np.float64
    features, targets = trained.preprocessor.features_, trained.preprocessor.targets_
    expected = targets.inverse_transform(trained.network.predict(features.transform(windows), verbose=0))
    assert (np.abs(forecast - expected) / targets.deviation).max() <= PARITY_LIMIT
    coarse = forecast.astype(np.float32)
    assert (np.abs(coarse - expected) / targets.deviation).max() > PARITY_LIMIT, "float32 could not hold it"


def test_preprocessing_is_there_as_plain_numbers(wide, offset_series):
    folder = wide[1].folder
    parameters = json.loads((folder / "preprocessing.json").read_text(encoding="utf-8"))
    assert [column["column"] for column in parameters["targets"]] == ["price", "load"]
    train = offset_series[["load", "price"]].to_numpy()[:140]
    for column, values in zip(parameters["features"], train.T, strict=True):
        assert column["parameters"]["offset"] == pytest.approx(values.mean(), rel=1e-12)
        assert column["parameters"]["scale"] == pytest.approx(values.std(), rel=1e-9)


def test_the_serving_dtype_can_be_forced(make_trained, series, offset_series, tmp_path):
    trained = make_trained(series)
    bundle = load_bundle(export(trained, tmp_path, "forced", dtype="float64"))
    problem = bundle.manifest.problem
    assert {tensor.dtype for tensor in (*problem.inputs, *problem.outputs)} == {"float64"}
    with pytest.raises(ConfigError, match="expected auto, float32 or float64, found 'float16'"):
        export(trained, tmp_path, "other", dtype="float16")
    with pytest.raises(ParityError):
        export(make_trained(offset_series), tmp_path, "coarse", dtype="float32")


def test_mixed_scalers_are_exported(make_trained, series, tmp_path):
    scalers = {"scaler": "huber", "scaler_for": {"load": "log"}, "target_scaler": "robust"}
    trained = make_trained(series, target=["temperature", "load"], **scalers)
    bundle = load_bundle(export(trained, tmp_path, "mixed"))
    assert bundle.manifest.problem.units == "raw"
    assert all(part.difference <= PARITY_LIMIT for part in bundle.manifest.parity.values())
