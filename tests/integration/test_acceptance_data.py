"""Every built-in architecture on the example and on ETTh1: train, export, verify; native ONNX recurrence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ARCHITECTURES = ("basic", "stacked", "bidirectional", "custom-loss")


def train_export_verify(zoo_command, architecture, *arguments):
    trained = zoo_command("train", architecture, "--epochs", 2, "--export", "--json", *arguments)
    assert trained.exit_code == 0, trained.output
    bundle = json.loads(trained.stdout)["bundle"]
    verified = zoo_command("verify", bundle, "--json")
    assert verified.exit_code == 0, verified.output
    manifest = json.loads(Path(bundle, "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["parity"]) == {"onnxruntime", "tensorflow"}
    assert all(part["difference"] < 1e-5 for part in manifest["parity"].values())
    operators = manifest["onnx"]["operators"]
    assert operators["LSTM"] >= 1
    assert "Loop" not in operators


@pytest.mark.full
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_on_the_example(zoo_command, architecture):
    train_export_verify(zoo_command, architecture)


@pytest.mark.full
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_on_etth1(zoo_command, etth1, architecture):
    data = ("--data", etth1, "--target", "OT", "--window", 48, "--horizon", 24)
    train_export_verify(zoo_command, architecture, *data, "--set", "units=16")
