"""Environments of their own, made without a network from what is installed here."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

Content = dict[str, bytes | None]
Refusal = Callable[..., str]


@pytest.fixture
def snapshot() -> Callable[[Path], Content]:
    """Tell every path below a folder, with its content where it is a file."""
    return lambda folder: {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() and not path.is_symlink() else None
        for path in folder.rglob("*")
    }


@pytest.fixture
def refused(zoo_command, snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refusal:
    """Run a command that must be refused before it imports TensorFlow, and check how; returns the sentence."""
    for module in ("tensorflow", "keras", "tf2onnx"):
        monkeypatch.setitem(sys.modules, module, None)  # importing it raises ImportError

    def run(command: str, *expected: str) -> str:
        before = snapshot(tmp_path)
        result = zoo_command(*shlex.split(command))
        assert isinstance(result.exception, SystemExit), repr(result.exception)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        lines = [line for line in result.stderr.splitlines() if not line.startswith("no --data: ")]
        (sentence,) = (line for line in lines if line.startswith(("error: ", "Error: ")))
        if sentence.startswith("error: "):  # else the parser of the command line shows its usage above it
            assert lines == [sentence]
        for words in expected:
            assert words in sentence
        assert snapshot(tmp_path) == before
        return sentence

    return run


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
