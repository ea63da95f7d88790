"""The model card: it renders, its figures are the manifest's, and its Python client runs as printed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache

import numpy as np
import pandas as pd
import pytest

from zoo.bundle.loading import load_bundle
from zoo.export.card import model_card
from zoo.export.export_run import export
from zoo.provenance import Part, Provenance

MAX_LINES = 10  # of a client


@pytest.fixture(params=["one target", "two targets"])
def bundle(request, exported, wide):
    """A bundle of one target in float32, and one of two in float64."""
    return exported if request.param == "one target" else wide[1]


@pytest.fixture(scope="module")
def judging(make_trained, tmp_path_factory):
    """``judging("classify")``, ``judging("anomaly")``: a bundle that tells classes, or scores, made once."""
    load, temperature = np.random.default_rng(0).normal(size=(2, 200))
    phase, odd = np.where(load > 0, "high|er", "low"), (np.arange(200) == 195).astype(int)
    table = pd.DataFrame({"load": load, "temperature": temperature, "phase": phase, "odd": odd})
    settings = {"classify": {"target": "phase"}, "anomaly": {"target": ("load", "temperature"), "label": "odd"}}

    @cache
    def make(task):
        frame = table.drop(columns="odd" if task == "classify" else "phase")
        trained = make_trained(frame, task=task, horizon=1, **settings[task])
        return load_bundle(export(trained, tmp_path_factory.mktemp("exported"), task, "Judges."))

    return make


def card_of(bundle):
    return (bundle.folder / "README.md").read_text(encoding="utf-8")


def code(card, language):
    (block,) = re.findall(rf"```{language}\n(.*?)```", card, re.DOTALL)
    return block


def test_it_says_what_the_bundle_is(bundle):
    manifest, card = bundle.manifest, card_of(bundle)
    problem = manifest.problem
    assert card.startswith(f"# {manifest.model}\n")
    tensors = {
        "window": (problem.inputs[0], problem.features),
        "forecast": (problem.outputs[0], problem.targets),
    }
    for name, (tensor, columns) in tensors.items():
        (line,) = re.findall(rf"- \w+ `{name}`: (.*)", card)
        assert line.startswith(f"{tensor.dtype} (batch, {tensor.shape[0]}, {tensor.shape[1]}), columns")
        assert line.endswith(": " + ", ".join(f"`{column}`" for column in columns))
    assert manifest.metrics["verdict"] in card
    assert manifest.data.fingerprint in card
    assert not re.search(r"\{\w*\}", card.partition("## Clients")[0]), "nothing is left to fill in"


def table_of(card):
    heads, rules, *rows = [line.strip("| ").split(" | ") for line in card.splitlines() if line.startswith("|")]
    assert rules == ["---"] * len(heads)
    return heads, {name: cells for name, *cells in rows}


def test_its_table_holds_the_errors(bundle):
    metrics, targets = bundle.manifest.metrics, bundle.manifest.problem.targets
    heads, rows = table_of(card_of(bundle))
    assert heads == ["forecast", *(f"{error} {target}" for target in targets for error in ("MAE", "RMSE"))]
    measured = {"network": metrics["network"]} | metrics["baselines"]
    assert list(rows) == list(measured)
    for name, cells in rows.items():
        errors = [measured[name]["targets"][target][error] for target in targets for error in ("mae", "rmse")]
        assert [float(cell) for cell in cells] == pytest.approx(errors, rel=1e-3)


def printed_by(bundle):
    """What the card's Python client prints, and the numbers in it."""
    client = code(card_of(bundle), "python")
    assert len(client.strip().splitlines()) <= MAX_LINES
    command = [sys.executable, "-c", client]
    done = subprocess.run(command, cwd=bundle.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, np.array(re.findall(r"-?\d[\d.]*(?:e[+-]?\d+)?", done.stdout), float)


def test_its_python_client_prints_the_golden_forecast(bundle):
    _, printed = printed_by(bundle)
    golden = np.load(bundle.folder / "golden.npz")["forecast"][:1]
    unit = [bundle.manifest.parity_unit[target] for target in bundle.manifest.problem.targets]
    assert (np.abs(printed.reshape(golden.shape) - golden) / unit).max() <= 1e-5


def test_repair_24_its_triton_client_says_that_it_sends_json(bundle, tmp_path):
    """As servers of the Open Inference Protocol demand; curl's own would be that of a form."""
    (client,) = re.findall(r"Triton, started as.*?```sh\n(.*?)```", card_of(bundle), re.DOTALL)
    assert len(client.strip().splitlines()) <= MAX_LINES
    curl = tmp_path / "curl"
    curl.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    curl.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(["sh", "-c", client], env={"PATH": path}, capture_output=True, text=True, check=True)
    words = done.stdout.splitlines()
    assert words[words.index("-H") + 1] == "Content-Type: application/json"
    asked = json.loads(words[words.index("-d") + 1])["inputs"]
    assert [tensor["name"] for tensor in asked] == ["window"]
    assert f"localhost:8000/v2/models/{bundle.manifest.model}/infer" in words


def test_its_clients_hold_the_first_golden_window(bundle):
    """What runs them is elsewhere: tests/integration/test_serving_*.py."""
    card, problem = card_of(bundle), bundle.manifest.problem
    dtype, (length, columns) = problem.inputs[0].dtype, problem.inputs[0].shape
    bits = dtype.removeprefix("float")
    window = np.load(bundle.folder / "golden.npz")["window"][0]
    assert (window == window[0]).all()
    row = ", ".join(str(value) for value in window[0])
    np.testing.assert_array_equal(np.array(row.split(", "), dtype), window[0], "not one digit is lost")

    node = code(card, "javascript")
    assert f"Array.from({{ length: {length} }}, () => [{row}])" in node
    assert f'new ort.Tensor("{dtype}", Float{bits}Array.from(rows.flat()), [1, {length}, {columns}])' in node
    cpp = code(card, "cpp")
    assert f"row < {length}; ++row) window.insert(window.end(), {{{row}}})" in cpp
    assert f"std::vector<{'double' if bits == '64' else 'float'}> window" in cpp
    tf_serving, triton = re.findall(r"```sh\n(.*?)```", card, re.DOTALL)
    assert f"yes '[{row}]' | head -n {length} |" in tf_serving
    assert f"yes ' {row}' | head -n {length} |" in triton
    assert f'"datatype": "FP{bits}", "shape": [1, {length}, {columns}]' in triton
    for client in (node, cpp, tf_serving, triton):
        assert len(client.strip().splitlines()) <= MAX_LINES


def test_braces_in_names_are_left_alone(exported):
    manifest = exported.manifest
    window = manifest.problem.inputs[0].model_copy(update={"columns": ("{load}", "{0}")})
    problem = manifest.problem.model_copy(update={"inputs": (window,)})
    card = model_card(manifest.model_copy(update={"problem": problem}), "With {braces}.", ("1.5", "2.0"))
    assert "With {braces}." in card
    assert "`{load}`, `{0}`" in card


def test_the_card_of_classes(judging):
    bundle = judging("classify")
    card, metrics = card_of(bundle), bundle.manifest.metrics
    assert "- output `probabilities`: float32 (batch, 2), of the classes of `phase` in this order: `high|er`, " in card
    assert "raw in; scaling is inside the graph" in card
    heads, rows = table_of(card)
    assert heads == ["told by", "log loss", "accuracy", "balanced accuracy", "F1", "ROC AUC"]
    assert list(rows) == ["network", *metrics["baselines"]]
    assert float(rows["network"][0]) == pytest.approx(metrics["network"]["log_loss"], rel=1e-3)
    assert metrics["verdict"] in card


def test_the_card_of_anomalies(judging):
    bundle = judging("anomaly")
    card, manifest = card_of(bundle), bundle.manifest
    assert "- output `score`: float32 (batch, 1), how unusual the window's last row is" in card
    assert "by its columns `load`, `temperature`" in card
    assert f"`is_anomaly`: bool (batch, 1), whether the score is above the threshold {manifest.threshold:.6g}" in card
    assert "quantile of the scores of the validation split" in card
    heads, rows = table_of(card)
    assert heads == ["scores of", "average precision", "precision", "recall", "F1", "rows flagged"]
    assert float(rows["network"][-1]) == manifest.metrics["network"]["flagged"]

    del manifest.metrics["network"]["average_precision"]  # as without labels
    for key in ("precision", "recall", "f1"):
        del manifest.metrics["network"][key]
    assert table_of(model_card(manifest, "", ("1.0",)))[0] == ["scores of", "rows flagged"]


@pytest.mark.parametrize("task", ["classify", "anomaly"])
def test_clients_ask_for_the_outputs_of_the_task(judging, task):
    bundle = judging(task)
    names = [tensor.name for tensor in bundle.manifest.problem.outputs]
    text, numbers = printed_by(bundle)
    golden = np.load(bundle.folder / "golden.npz")
    np.testing.assert_allclose(numbers, golden[names[0]][0], rtol=1e-4)
    if task == "anomaly":
        assert str(bool(golden["is_anomaly"][0, 0])) in text
    client = code(card_of(bundle), "javascript")
    assert f"const {{ {', '.join(names)} }} = await session.run({{ window }});" in client
    assert all(f"{name}.data" in client for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    assert f"*outputs[] = {{{quoted}}};" in code(card_of(bundle), "cpp")
    *_, triton = re.findall(r"```sh\n(.*?)```", card_of(bundle), re.DOTALL)
    assert all(f'{{"name": "{name}"}}' in triton for name in names)


def test_repair_22_names_stay_names(exported):
    """No HTML, no link, no end of a cell or of a code span, and nothing that acts on a terminal."""
    evil = "<script>x</script>|[a](http://b)`c``d\x1b[2J\nf"
    manifest = exported.manifest
    metrics = {"targets": {evil: {"mae": 1.0, "rmse": 2.0}}}
    window = manifest.problem.inputs[0].model_copy(update={"columns": (evil, "load")})
    changed = manifest.model_copy(
        update={
            "problem": manifest.problem.model_copy(update={"targets": (evil,), "inputs": (window,)}),
            "metrics": {"network": metrics, "baselines": {evil: metrics}, "verdict": f"It beats {evil}."},
            "architecture": Provenance(name=evil, distribution=evil, version="1"),
            "data": manifest.data.model_copy(update={"source": evil, "split": {"train": Part(rows=1, first=evil)}}),
        }
    )
    card = model_card(changed, evil, ["1.0", "2.0"])
    told = r"<script>x</script>|[a](http://b)`c``d\x1b[2J f"
    assert all(line.isprintable() for line in card.split("\n"))
    spans = re.findall(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", card)
    assert ("```", told) in spans
    prose = re.sub(r"\\[^\w\s]", "", re.sub(r"```\w+\n.*?\n```", "", card, flags=re.DOTALL))  # what is escaped
    prose = re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", prose, flags=re.DOTALL)
    assert not set("<>[]`") & set(prose)
    rows = [line for line in prose.splitlines() if line.startswith("|")]
    assert len(rows) == 4
    assert {row.count("|") for row in rows} == {4}
