"""The README's code is run as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import types

import pytest

from zoo.testing import CHECKS, check


@pytest.fixture(scope="module")
def blocks(request):
    text = (request.config.rootpath / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.parametrize("name", CHECKS)
def test_the_plugin_conforms(blocks, name, tmp_path):
    (source,) = (block for block in blocks if "hookimpl" in block)
    module = types.ModuleType("zoo_wide")
    exec(compile(source, "zoo_wide.py", "exec", dont_inherit=True), vars(module))
    (architecture,) = module.zoo_architectures()
    check(name, architecture, tmp_path)


@pytest.mark.full
def test_the_python_tour_and_client(blocks, tmp_path):
    tour, _, client = blocks
    program = tour.replace("co2-small", "co2") + client
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert "On the test split's MAE the network" in done.stdout
