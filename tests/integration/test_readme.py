"""The README's code is run as it stands."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys

import pytest

from zoo.testing import run_checks
from zoo.testing.kit import MAIN


@pytest.fixture(scope="module")
def blocks(request):
    text = (request.config.rootpath / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.parametrize(("module", "api"), [("zoo_wide", 2), ("zoo_wide_api_1", 1)])
def test_the_plugin_conforms(module, api, blocks, request, tmp_path, monkeypatch):
    """That of today, and that of version 1, which declares no contract and knows nothing of the second."""
    (source,) = (block for block in blocks if "hookimpl" in block)
    (tmp_path / "zoo_wide.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(request.config.rootpath / "tests" / "fixtures")
    (architecture,) = importlib.import_module(module).zoo_architectures()
    assert (architecture.api, architecture.inputs) == (api, ("window",))
    report = run_checks(architecture, tmp_path, MAIN)
    assert [f"{verdict.check}: {verdict.reason}" for verdict in report.verdicts if verdict.status != "passed"] == []


@pytest.mark.full
def test_the_python_tour_and_client(blocks, tmp_path):
    tour, _, client = blocks
    program = tour.replace("co2-small", "co2") + client
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert "On the test split's MAE the network" in done.stdout
