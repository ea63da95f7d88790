"""Bundles in JavaScript: onnxruntime-node, and onnxruntime-web's WebAssembly, which browsers run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

import numpy as np
import pytest

pytestmark = pytest.mark.full


# The golden windows in, all outputs out; raw bytes, so that no digit is lost
REPLAY = """
const fs = require("fs");
const [name, kind, type, size, ...shape] = process.argv.slice(1);
const ort = require(name);
if (ort.env.wasm) ort.env.wasm.numThreads = 1;
(async () => {
  const session = await ort.InferenceSession.create(fs.readFileSync("model.onnx"));
  const bytes = fs.readFileSync(0);
  const values = new globalThis[kind](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const window = new ort.Tensor(type, values, [Number(size), ...shape.map(Number)]);
  const found = await session.run({ window });
  const outputs = Object.fromEntries(Object.entries(found).map(([name, value]) =>
    [name, { dims: value.dims, data: Array.from(value.data) }]));
  console.log(JSON.stringify({ version: ort.env.versions[name.split("-")[1]] ?? ort.env.versions.common, outputs }));
})();
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """Run JavaScript with both packages: ``node(program, *arguments, cwd=…, input=…)``."""
    if missing := [tool for tool in ("node", "npm") if shutil.which(tool) is None]:
        pytest.skip(f"{missing[0]} is not installed")
    folder = tmp_path_factory.mktemp("node")
    packages = ("onnxruntime-node@1", "onnxruntime-web@1")
    install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, *packages]
    quiet = os.environ | {"ONNXRUNTIME_NODE_INSTALL": "skip"}  # else it downloads libraries for GPUs
    done = subprocess.run(install, cwd=folder, env=quiet, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        pytest.skip(f"npm cannot install {' and '.join(packages)}: {done.stderr.strip()[-200:]}")

    def run(program, *arguments, cwd, **options):
        command = ["node", "-e", program, *map(str, arguments)]
        paths = os.environ | {"NODE_PATH": str(folder / "node_modules")}
        done = subprocess.run(command, cwd=cwd, env=paths, capture_output=True, check=False, timeout=120, **options)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    return run


def test_the_client_of_the_card(node, bundle):
    printed = node(bundle.client("Node, with ONNX Runtime"), cwd=bundle.folder)
    arrays = re.findall(r"\w+Array\(\d+\) \[([^\]]*)\]", printed)
    found = {name: [float(n) for n in text.split(",")] for name, text in zip(bundle.outputs, arrays, strict=True)}
    assert bundle.difference(found) <= 1e-5


@pytest.mark.parametrize("package", ["onnxruntime-node", "onnxruntime-web"])
def test_all_golden_windows(node, package, bundle):
    window = bundle.golden["window"]
    kind = {"float32": "Float32Array", "float64": "Float64Array"}[window.dtype.name]
    for size in (1, 7, 64):
        shape = window[:size].shape
        arguments = (package, kind, window.dtype.name, *shape)
        told = json.loads(node(REPLAY, *arguments, cwd=bundle.folder, input=window[:size].tobytes()))
        assert sorted(told["outputs"]) == sorted(bundle.outputs)
        for name, output in told["outputs"].items():
            assert output["dims"] == list(bundle.golden[name][:size].shape)
        assert bundle.difference({name: np.array(found["data"]) for name, found in told["outputs"].items()}) <= 1e-5
