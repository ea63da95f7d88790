"""A real Triton server, started on ``exported/`` as it is and asked over HTTP with the model card's curl.

The server is the one in the wheel of nvidia-pytriton, which has the Python backend alone: a few lines stand in for its
ONNX Runtime backend, and call ONNX Runtime in an environment of their own.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from urllib.error import URLError

import pytest

pytestmark = pytest.mark.full

WHEEL = "nvidia-pytriton==0.7.0"

BACKEND = """
import sys
sys.path.insert(0, SITE)
import onnxruntime
import triton_python_backend_utils as triton

class TritonPythonModel:
    def initialize(self, args):
        self.session = onnxruntime.InferenceSession(f"{args['model_repository']}/{args['model_version']}/model.onnx")

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        window = triton.get_input_tensor_by_name(request, "window").as_numpy()
        names = request.requested_output_names()
        found = self.session.run(names, {"window": window})
        return triton.InferenceResponse([triton.Tensor(*pair) for pair in zip(names, found)])
"""


def had(command, what):
    """Run a step of an installation; skip where it fails."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=500)
    if done.returncode:
        pytest.skip(f"{what} cannot be had here: {(done.stderr or done.stdout).strip()[-200:]}")
    return done.stdout


@pytest.fixture(scope="module")
def triton(tmp_path_factory):
    """The server's program, with a folder of backends; ``(program, backends)``."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    folder = tmp_path_factory.mktemp("triton")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    had([*pip, "download", "--no-deps", "--dest", folder, WHEEL], WHEEL)
    had([sys.executable, "-m", "venv", folder / "environment"], "a virtual environment")
    python = folder / "environment" / "bin" / "python"
    needs = ("numpy<2", "onnxruntime")  # the backend was built for NumPy 1
    had([python, *pip[1:], "install", "--only-binary=:all:", *needs], " and ".join(needs))
    site = had([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], "its site-packages").strip()
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder)
    server = folder / "pytriton" / "tritonserver"
    program, backends = server / "bin" / "tritonserver", server / "backends"
    stub = server / "python_backend_stubs" / f"3.{sys.version_info.minor}" / "triton_python_backend_stub"
    if not stub.is_file():
        pytest.skip(f"Triton's Python backend is not built for Python 3.{sys.version_info.minor}")
    shutil.copy(stub, backends / "python")
    for path in (program, stub, backends / "python" / stub.name):
        path.chmod(0o755)
        if "not found" in (linked := had(["ldd", path], path.name)):
            missing = next(line.split()[0] for line in linked.splitlines() if "not found" in line)
            pytest.skip(f"{path.name} needs {missing}, which is not installed")
    (backends / "onnxruntime").mkdir()
    (backends / "onnxruntime" / "model.py").write_text(BACKEND.replace("SITE", repr(site)))
    return program, backends


@pytest.fixture(scope="module")
def address(triton, served, tmp_path_factory):
    """Where the server listens that was started on the folder of all models."""
    program, backends = triton
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    exported = served["forecast"].folder.parents[1]
    options = ("--http-address=127.0.0.1", f"--http-port={port}", "--allow-grpc=false", "--allow-metrics=false")
    command = [program, f"--model-repository={exported}", f"--backend-directory={backends}", *options]
    log = tmp_path_factory.mktemp("log") / "triton.log"
    with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=file) as server:
        try:
            for _ in range(240):
                assert server.poll() is None, log.read_text()[-3000:]
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/ready", timeout=5).close()
                    break
                except URLError:
                    time.sleep(0.25)
            else:
                pytest.fail(log.read_text()[-3000:])
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=60)


def test_the_client_of_the_card(address, bundle):
    client = bundle.client("Triton, started as")
    assert len(client.splitlines()) <= 10
    done = subprocess.run(
        ["sh", "-c", client], env=os.environ | {"TRITON": address}, capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout)
    assert (answer["model_name"], answer["model_version"]) == (bundle.name, "1")
    found = {output["name"]: output["data"] for output in answer["outputs"]}
    assert sorted(found) == sorted(bundle.outputs)
    assert bundle.difference(found) <= 1e-5


def test_all_golden_windows(address, bundle):
    for size in (1, 7, 64):
        window = bundle.golden["window"][:size]
        kind = {"float32": "FP32", "float64": "FP64"}[window.dtype.name]
        tensor = {"name": "window", "datatype": kind, "shape": list(window.shape), "data": window.ravel().tolist()}
        body = json.dumps({"inputs": [tensor]}).encode()
        with urllib.request.urlopen(f"http://{address}/v2/models/{bundle.name}/infer", data=body) as response:
            outputs = json.load(response)["outputs"]
        for output in outputs:
            assert output["shape"] == list(bundle.golden[output["name"]][:size].shape)
        assert bundle.difference({output["name"]: output["data"] for output in outputs}) <= 1e-5
