"""A bundle of very many targets: small, verified as any other, with a card that can be read and clients that run."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from zoo.bundle.golden import Golden
from zoo.bundle.integrity import describe_files
from zoo.bundle.loading import load_bundle
from zoo.bundle.manifest import Manifest
from zoo.bundle.verification import verify_bundle
from zoo.export.export_run import export

TARGETS = 120


@pytest.fixture(scope="module")
def bundle(make_trained, tmp_path_factory):
    """Window 8, horizon 60."""
    random = np.random.default_rng(0)
    values = random.normal(size=(500, TARGETS)) * 10.0 ** random.uniform(0, 3, TARGETS)
    trained = make_trained(pd.DataFrame(values, columns=[f"load_{n}" for n in range(TARGETS)]), target="*", horizon=60)
    return load_bundle(export(trained, tmp_path_factory.mktemp("exported"), "wide", "Many loads."))


def test_it_is_small_and_verified(bundle):
    assert (bundle.folder / "golden.npz").stat().st_size < 10**6
    golden = Golden.read(bundle.folder)
    assert golden.every > 1
    (verdict,) = verify_bundle(bundle.folder, ["onnxruntime"])
    assert verdict.passed


def test_its_golden_windows_span_each_columns_range(bundle):
    columns = json.loads((bundle.folder / "preprocessing.json").read_text())["features"]
    window = Golden.read(bundle.folder).window
    for key, found in (("minimum", window.min(axis=(0, 1))), ("maximum", window.max(axis=(0, 1)))):
        np.testing.assert_array_equal(found, np.array([column[key] for column in columns], window.dtype))


def test_what_it_says_is_compared(bundle):
    """Of expectations that are off by a thousandth of a deviation it is told."""
    path, manifest = bundle.folder / "golden.npz", bundle.manifest
    before = path.read_bytes()
    with np.load(path) as file:
        arrays = dict(file)
    off = 1e-3 * np.mean(list(manifest.parity_unit.values()))
    try:
        np.savez(path, **arrays | {"forecast": arrays["forecast"] + np.float32(off)})
        changed = manifest.model_copy(update={"files": describe_files(bundle.folder)})
        changed.write(bundle.folder)
        (verdict,) = verify_bundle(bundle.folder, ["onnxruntime"])
        assert verdict.difference > 1e-5
    finally:
        path.write_bytes(before)
        manifest.write(bundle.folder)
    assert Manifest.read(bundle.folder) == manifest


def test_its_card_is_short(bundle):
    card = (bundle.folder / "README.md").read_text(encoding="utf-8")
    assert len(card) < 20_000
    assert card.count("load_119") == 0
    assert "`load_99` and 20 more, as manifest.json has them" in card
    heads = next(line for line in card.splitlines() if line.startswith("|"))
    assert heads == "| forecast | scaled MAE over all targets | scaled MSE |"


def test_its_python_client_prints_the_forecast_of_the_first_golden_window(bundle, tmp_path):
    card = (bundle.folder / "README.md").read_text(encoding="utf-8")
    (client,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    client += f"np.save('{tmp_path / 'found'}', session.run(None, {{'window': window}})[0][0])\n"
    subprocess.run([sys.executable, "-c", client], cwd=bundle.folder, check=True, capture_output=True)
    found = np.load(tmp_path / "found.npy")
    expected = bundle.run(Golden.read(bundle.folder).window[:1])["forecast"][0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)


def test_its_shell_clients_send_a_window_of_zeros(bundle, tmp_path):
    card = (bundle.folder / "README.md").read_text(encoding="utf-8")
    curl = tmp_path / "curl"
    curl.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    curl.chmod(0o755)
    clients = re.findall(r"```sh\n(.*?)```", card, re.DOTALL)
    sent = []
    for client in clients:
        path = f"{tmp_path}:/usr/bin:/bin"
        done = subprocess.run(["sh", "-c", client], env={"PATH": path}, capture_output=True, text=True, check=True)
        words = done.stdout.splitlines()
        sent.append(json.loads(words[words.index("-d") + 1]))
    assert np.array(sent[0]["instances"]).shape == (1, 8, TARGETS)
    assert np.array(sent[1]["inputs"][0]["data"]).size == 8 * TARGETS
    node = re.findall(r"```javascript\n(.*?)```", card, re.DOTALL)[0]
    assert f"() => Array({TARGETS}).fill(0))" in node
    assert f"window.insert(window.end(), {TARGETS}, 0);" in card
