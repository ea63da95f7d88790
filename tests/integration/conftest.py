"""Environments of their own, made without a network from what is installed here."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Environment:
    """A virtual environment that holds some of this one's packages, and never this project's checkout."""

    folder: Path

    def run(self, *arguments: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run ``python ARGUMENTS`` there; a failure shows what it printed."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "ZOO_"))}
        command = [str(self.folder / "bin" / "python"), *map(str, arguments)]
        done = subprocess.run(
            command, cwd=cwd, env=clean | {"TF_CPP_MIN_LOG_LEVEL": "2"}, capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, (
            f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        )
        return done


@pytest.fixture
def environment(tmp_path: Path) -> Callable[[Sequence[str] | None], Environment]:
    """Make an environment with the named packages (as in site-packages), or with all but this project (None)."""

    def make(packages: Sequence[str] | None) -> Environment:
        folder = tmp_path / "environment"
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        (site,) = folder.glob("lib/python*/site-packages")
        for installed in Path(sysconfig.get_path("purelib")).iterdir():
            stem = installed.name.split("-")[0].split(".")[0].lower()
            ours = "lstm_zoo" in installed.name
            wanted = stem not in ("pip", "__pycache__") if packages is None else stem in packages
            if wanted and not ours and not (site / installed.name).exists():
                (site / installed.name).symlink_to(installed)
        made = Environment(folder)
        assert made.run("-c", "import zoo", cwd=tmp_path, check=False).returncode != 0, "the project must not be here"
        return made

    return make
