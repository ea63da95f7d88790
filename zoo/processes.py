"""Python processes of their own, in which nothing is loaded yet."""

from __future__ import annotations

import json
import os
import subprocess
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


class NoAnswerError(Exception):
    """A process of its own ended, or did not, without telling anything."""


def ask(module: str, specification: Mapping[str, Any], patience: float) -> dict[str, Any]:
    """Have ``run(specification)`` of a module of ours called in a fresh process; returns what it tells.

    That is the JSON object in the last line that it prints. Raises NoAnswerError that says how the process ended, or
    that it did not within ``patience`` seconds.
    """
    try:
        done = subprocess.run(
            command(module, specification),
            env=environment(),
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoAnswerError(f"did not end within {patience:.0f} seconds") from None
    try:
        return dict(json.loads(done.stdout.splitlines()[-1]))
    except (IndexError, ValueError, TypeError):
        raise NoAnswerError(f"ended with exit code {done.returncode}") from None


def environment() -> dict[str, str]:
    """This process' environment; what is checked is loaded even where it is switched off."""
    return {key: value for key, value in os.environ.items() if key != DISABLE_VARIABLE}
