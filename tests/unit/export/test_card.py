"""The model card: it renders, its figures are the manifest's, and its Python client runs as printed."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

from zoo.export.card import model_card


@pytest.fixture(params=["one target", "two targets"])
def bundle(request, exported, wide):
    """A bundle of one target in float32, and one of two in float64."""
    return exported if request.param == "one target" else wide[1]


def card_of(bundle):
    return (bundle.folder / "README.md").read_text(encoding="utf-8")


def code(card, language):
    (block,) = re.findall(rf"```{language}\n(.*?)```", card, re.DOTALL)
    return block


def test_it_says_what_the_bundle_is(bundle):
    manifest, card = bundle.manifest, card_of(bundle)
    interface = manifest.interface
    assert card.startswith(f"# {manifest.model}\n")
    tensors = {
        "window": (interface.inputs[0], interface.features),
        "forecast": (interface.outputs[0], interface.targets),
    }
    for name, (tensor, columns) in tensors.items():
        (line,) = re.findall(rf"- \w+ `{name}`: (.*)", card)
        assert line.startswith(f"{tensor.dtype} (batch, {tensor.shape[0]}, {tensor.shape[1]}), columns")
        assert line.endswith(": " + ", ".join(f"`{column}`" for column in columns))
    assert manifest.metrics["verdict"] in card
    assert manifest.data["fingerprint"] in card
    assert not re.search(r"\{\w*\}", card), "nothing is left to fill in"


def test_its_table_holds_the_errors(bundle):
    metrics, targets = bundle.manifest.metrics, bundle.manifest.interface.targets
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in card_of(bundle).splitlines() if "|" in line
    ]
    heads, rules, *rows = lines
    assert heads == ["forecast", *(f"{error} {target}" for target in targets for error in ("MAE", "RMSE"))]
    assert rules == ["---"] * len(heads)
    measured = {"network": metrics["network"]} | metrics["baselines"]
    assert [row[0] for row in rows] == list(measured)
    for name, *cells in rows:
        errors = [measured[name]["targets"][target][error] for target in targets for error in ("mae", "rmse")]
        assert [float(cell) for cell in cells] == pytest.approx(errors, rel=1e-3)


def test_its_python_client_prints_the_golden_forecast(bundle):
    client = code(card_of(bundle), "python")
    assert len(client.strip().splitlines()) <= 10
    done = subprocess.run(
        [sys.executable, "-c", client], cwd=bundle.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    golden = np.load(bundle.folder / "golden.npz")["forecast"][:1]
    printed = np.array([float(number) for number in re.findall(r"-?\d[\d.]*(?:e[+-]?\d+)?", done.stdout)])
    unit = [bundle.manifest.parity_unit[target] for target in bundle.manifest.interface.targets]
    assert (np.abs(printed.reshape(golden.shape) - golden) / unit).max() <= 1e-5


def test_its_javascript_client(bundle):
    interface = bundle.manifest.interface
    client = code(card_of(bundle), "javascript")
    assert len(client.strip().splitlines()) <= 10
    array = {"float32": "Float32Array", "float64": "Float64Array"}[interface.inputs[0].dtype]
    window, columns = interface.inputs[0].shape
    assert f"{array}.from({{ length: {window * columns} }}" in client
    assert f'new ort.Tensor("{interface.inputs[0].dtype}", values, [1, {window}, {columns}])' in client


def test_braces_in_names_are_left_alone(exported):
    manifest = exported.manifest
    interface = manifest.interface.model_copy(update={"features": ("{load}", "{0}")})
    card = model_card(manifest.model_copy(update={"interface": interface}), "With {braces}.", 1.5)
    assert "With {braces}." in card
    assert "`{load}`, `{0}`" in card
