"""Python processes of their own, in which nothing is loaded yet."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo_registry.discovery import DISABLE_VARIABLE

_START = """
import sys
specification = __import__("json").loads(sys.argv[1])
sys.path[:] = specification["path"]
from importlib import import_module
import_module(specification["module"]).run(specification)
"""


def command(module: str, specification: Mapping[str, Any]) -> list[str]:
    """The command that calls ``run(specification)`` of a module of ours, with this process' import path."""
    path = [*specification.get("path", ()), *(place or str(Path.cwd()) for place in sys.path)]
    told = json.dumps({**specification, "module": module, "path": path})
    return [sys.executable, "-P", "-c", _START, told]


def environment() -> dict[str, str]:
    """This process' environment; what is checked is loaded even where it is switched off."""
    return {key: value for key, value in os.environ.items() if key != DISABLE_VARIABLE}
