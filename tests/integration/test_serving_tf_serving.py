"""The model card's client of TensorFlow Serving, against a stand-in: its server is in no package registry.

The stand-in reads and answers as TensorFlow Serving's REST API is documented to, with the SavedModel in between: one of
``instances`` for each window; ``predictions``, of named values where there is more than one output.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest

pytestmark = pytest.mark.full


@pytest.fixture
def stand_in(served):
    """Where it listens."""
    from zoo_plugins.runtimes.tensorflow_session import TensorFlowSession

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            parts = self.path.split("/")
            assert parts[:3] == ["", "v1", "models"]
            model, _, method = parts[3].partition(":")
            assert method == "predict"
            bundle = served[model]
            (instances,) = json.loads(self.rfile.read(int(self.headers["Content-Length"]))).values()
            window = np.array(instances, bundle.golden["window"].dtype)
            found = TensorFlowSession(bundle.folder).run(window)
            rows = [{name: found[name][row].tolist() for name in bundle.outputs} for row in range(len(window))]
            predictions = rows if len(bundle.outputs) > 1 else [row[bundle.outputs[0]] for row in rows]
            body = json.dumps({"predictions": predictions}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_client_of_the_card(stand_in, bundle):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    client = bundle.client("TensorFlow Serving, started as")
    assert len(client.splitlines()) <= 10
    address = os.environ | {"TF_SERVING": stand_in}
    done = subprocess.run(["sh", "-c", client], env=address, capture_output=True, text=True, check=True)
    (answer,) = json.loads(done.stdout)["predictions"]
    found = answer if len(bundle.outputs) > 1 else {bundle.outputs[0]: answer}
    assert bundle.difference(found) <= 1e-5
