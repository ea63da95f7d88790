"""Environments of their own, made without a network from what is installed here."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

FORM = re.compile(
    r"^no --data: |: a series a line, read as|, as in the long format$|, which the column 'series' names"
    r"|^windows are normalized by "
)

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
        lines = [line for line in result.stderr.splitlines() if not FORM.search(line)]
        (sentence,) = (line for line in lines if line.startswith(("error: ", "Error: ")))
        if sentence.startswith("error: "):  # else the parser of the command line shows its usage above it
            assert lines == [sentence]
        for words in expected:
            assert words in sentence
        assert snapshot(tmp_path) == before
        return sentence

    return run


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> list[Path]:
    """The project's wheels: the registry's and the zoo's."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    for place in ("registry", "."):
        subprocess.run(build, cwd=request.config.rootpath / place, check=True, capture_output=True)
    return sorted(folder.glob("*.whl"))


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


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``site("openvino==2025.4.1", …)``: a folder with these, without what is installed here anyway."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]

    def install(*wanted: str) -> Path:
        folder = tmp_path_factory.mktemp("site")
        report = folder / "report.json"
        asked = [*pip, "--dry-run", "--report", str(report), *wanted]
        found = subprocess.run(asked, capture_output=True, text=True, check=False)
        if found.returncode:
            pytest.skip(f"{', '.join(wanted)} cannot be had here: {found.stderr.strip().splitlines()[-1]}")
        missing = [part["metadata"] for part in json.loads(report.read_text())["install"]]
        exact = [f"{part['name']}=={part['version']}" for part in missing]
        subprocess.run([*pip, "--no-deps", "--target", str(folder / "site"), *exact], check=True)
        return folder / "site"

    return install


@pytest.fixture(scope="session")
def extra(request: pytest.FixtureRequest) -> Callable[[str], list[str]]:
    """``extra("mlflow")``: what a user gets with it."""
    project = tomllib.loads((request.config.rootpath / "pyproject.toml").read_text())["project"]
    return lambda name: project["optional-dependencies"][name]


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``python(folder, "-m", "zoo", …, code=2)``: Python with a folder on its path, in an empty folder."""

    def run(folder: Path, *arguments: object, code: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
        environment = os.environ | {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "2"} | more
        command = [sys.executable, *map(str, arguments)]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done

    return run


@dataclass(frozen=True)
class Served:
    """A published bundle, for clients that know nothing of this project."""

    folder: Path

    @property
    def golden(self) -> dict[str, Any]:
        """The arrays of ``golden.npz``: 64 windows, and what is expected of them."""
        import numpy as np

        with np.load(self.folder / "golden.npz") as file:
            return dict(file)

    @property
    def name(self) -> str:
        """The model's."""
        return self.folder.parent.name

    @property
    def outputs(self) -> list[str]:
        """The names of the outputs."""
        return [name for name in self.golden if name != "window"]

    def client(self, title: str) -> str:
        """The code that stands below these words in the model card."""
        card = (self.folder / "README.md").read_text(encoding="utf-8")
        found = re.search(rf"^{re.escape(title)}.*?\n```\w+\n(.*?)\n```", card, re.DOTALL | re.MULTILINE)
        assert found, f"{title} is not in the card"
        return found[1]

    def difference(self, found: dict[str, Any]) -> float:
        """How far outputs of the first windows are from the golden ones, in deviations of the train targets."""
        import numpy as np

        from zoo.bundle.golden import Ruler
        from zoo.bundle.manifest import Manifest

        expected = {name: self.golden[name] for name in self.outputs}
        shaped = {}
        for name, values in found.items():
            shape = (-1, *expected[name].shape[1:])
            shaped[name] = np.asarray(values).reshape(shape).astype(expected[name].dtype)
        size = len(shaped[self.outputs[0]])
        ruler = Ruler.of(Manifest.read(self.folder))
        farthest = ruler.farthest(shaped, {name: values[:size] for name, values in expected.items()})
        print(f"{self.name}, batch {size}: {farthest:.1e} from golden")  # what docs/publishing.md tells
        return farthest


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Served]:
    """Bundles in one ``exported/``: forecasts in float32 and of two targets in float64, classes, anomalies."""
    import numpy as np
    import pandas as pd

    import zoo

    load, temperature = np.random.default_rng(0).normal(size=(2, 200))
    times = pd.date_range("2024-01-01", periods=200, freq="h")
    table = pd.DataFrame({"time": times, "load": load, "temperature": temperature})
    trainings: dict[str, tuple[pd.DataFrame, dict[str, Any]]] = {
        "forecast": (table, {"target": "load", "horizon": 3}),
        "float64": (table.assign(load=load + 1e6), {"target": ["load", "temperature"], "horizon": 3}),
        "classes": (table.assign(phase=np.where(load > 0, "high", "low")), {"task": "classify", "target": "phase"}),
        "anomalies": (table, {"task": "anomaly"}),
    }
    folder, found = tmp_path_factory.mktemp("served"), {}
    for name, (data, settings) in trainings.items():
        settings |= {"window": 8, "epochs": 1, "hyperparameters": {"units": 4}, "runs": folder / "runs"}
        found[name] = Served(zoo.train("basic", data, **settings).export(folder / "exported", name=name).folder)
    return found


@pytest.fixture(params=["forecast", "float64", "classes", "anomalies"])
def bundle(request: pytest.FixtureRequest, served: dict[str, Served]) -> Served:
    """Each of them."""
    return served[request.param]
