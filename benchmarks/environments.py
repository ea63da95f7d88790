"""Environments of peers, which are none of the project's, and processes in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ENVIRONMENTS = {
    "torch": ["torch==2.13.0", "numpy"],
    "nf": ["torch==2.13.0", "neuralforecast==3.3.0"],
    "stats": ["statsforecast==2.1.1"],
}


def cache() -> Path:
    """Where the environments are by default."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "lstm-zoo-benchmarks"


def python_of(environments: Path, name: str) -> Path:
    """The Python of a peer's environment, which is made where it is not there."""
    python = environments / name / "bin" / "python"
    if not python.exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", environments / name], check=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", *ENVIRONMENTS[name]], check=True)
        except BaseException:  # a half of one would be taken for it the next time
            shutil.rmtree(environments / name, ignore_errors=True)
            raise
    return python


def run(python: Path | str, *arguments: Any) -> str:
    """What a process prints; TensorFlow and PyTorch choose their threads themselves."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TF_NUM", "OMP_"))}
    command = [str(python), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:3])[:200]} failed:\n{done.stderr[-2000:]}")
    return done.stdout
