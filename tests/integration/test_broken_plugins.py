"""Broken plugins, one at a time: zoo list and a healthy training work beside each, and the culprit is named.

What the registry finds in any process is in ``tests/unit/registry/test_discovery.py``.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points

import numpy as np
import pandas as pd
import pytest

from zoo_registry import discover

ARCHITECTURES = "zoo_plugins.architectures."
BUILT_IN = {point.name for point in entry_points(group="zoo") if point.value.startswith(ARCHITECTURES)}
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n"
LEFT_OUT = "of distribution 'culprit-models' was left out: "
TINY = ("--window", 4, "--horizon", 1, "--epochs", 1, "--engine", "keras")
# One process as the user's, with its own standard output and error for each command
COMMANDS = """
import os, sys
from zoo.cli import main

for name, arguments in (("json", ["list", "--json"]), ("list", ["list"]), ("plugins", ["plugin", "list"])):
    sys.stdout.flush(), sys.stderr.flush()
    for descriptor, stream in ((1, "out"), (2, "err")):
        file = os.open(f"{sys.argv[1]}/{name}.{stream}", os.O_WRONLY | os.O_CREAT)
        os.dup2(file, descriptor)
    sys.argv[1:], folder = arguments, sys.argv[1]
    try:
        main()
    except SystemExit as end:
        assert not end.code, end.code
    sys.argv[1:] = [folder]
"""

HOOK = """
from zoo_registry import Architecture, hookimpl

@hookimpl
def zoo_architectures():
    return {returned}
"""
SOUND = "Architecture(name='culprit', summary='Sound.', build=lambda hp, shape: None)"
LISTED = HOOK.format(returned=f"[{SOUND}]")
BUILDING = """
from zoo_registry import Architecture, head, hookimpl

def build(hp, shape):
    import keras
    {body}

@hookimpl
def zoo_architectures():
    return [Architecture(name="culprit", summary="Told apart when it is built.", build=build)]
"""
SCALER = """
from zoo_registry import Scaler, hookimpl

def make():
    {body}

@hookimpl
def zoo_scalers():
    return [Scaler(name={name!r}, summary="Broken.", make=make)]
"""
LOSS = """
from zoo_registry import Loss, hookimpl

def make(parameters, context):
    {body}

@hookimpl
def zoo_losses():
    return [Loss(name={name!r}, summary="Broken.", make=make)]
"""
EXPORTER = """
from zoo_registry import Exporter, hookimpl

def write(context):
    {body}

@hookimpl
def zoo_exporters():
    return [Exporter(name={name!r}, summary="Broken.", write=write)]
"""
LIFECYCLE = """
import sys
from zoo_registry import hookimpl

@hookimpl
def {signature}:
    {body}
"""
HYPERPARAMETERS = """
from typing import Annotated
from pydantic import Field
from zoo_registry import Architecture, Hyperparameters, hookimpl

class Own(Hyperparameters):
    {field}

@hookimpl
def zoo_architectures():
    return [Architecture(name="culprit", summary="Bad hyperparameters.", build=len, hyperparameters=Own)]
"""


def returning(returned: str) -> str:
    return HOOK.format(returned=returned)


def building(body: str) -> str:
    return BUILDING.format(body=body)


@dataclass(frozen=True)
class Broken:
    """A broken plugin, and where the culprit is named.

    ``source`` is the module ``culprit_models``, and ``value`` what its entry point names. The sentence ``told`` is on
    standard error of ``where``: ``list`` (then it is left out, and ``plugin list`` says so too), ``plugin list`` (it is
    only complained of) or ``train``, which runs with the arguments ``train`` and ends with ``code``; ``nowhere`` where
    it is sound, but for what it does to the process.
    """

    source: str
    told: str
    where: str = "list"
    value: str = "culprit_models"
    train: tuple[str, ...] = ("culprit",)
    code: int = 2


def noisy(source: str) -> Broken:
    return Broken(f"{source}\n{LISTED}", "", "nowhere")


def complained(source: str, told: str) -> Broken:
    return Broken(source, told, "plugin list")


def told_in_training(source: str, told: str, *train: str, code: int = 2) -> Broken:
    return Broken(source, told, "train", train=train or ("culprit",), code=code)


BROKEN = {
    # while it is imported
    "raises": Broken("raise RuntimeError('no licence')", "RuntimeError: no licence"),
    "ends the process": Broken("import sys\nsys.exit(0)", "SystemExit: 0"),
    "has null bytes": Broken("\0", "SyntaxError: source code string cannot contain null bytes"),
    "recurses for ever": Broken("def f(): f()\nf()", "RecursionError: maximum recursion depth exceeded"),
    "is a module that is not there": Broken(
        "", "its entry point names the module 'lost_models', which is not there", value="lost_models"
    ),
    "is an attribute that is not there": Broken("", "AttributeError: ", value="culprit_models:plugin"),
    "is None": Broken("plugin = None", "it implements no hook", value="culprit_models:plugin"),
    "has a malformed entry point": Broken("", "AttributeError: ", value="culprit models!"),
    "reads a file that is not there": Broken("open('no-such-file')", "FileNotFoundError: "),
    "imports TensorFlow": complained(
        "import tensorflow\n" + LISTED, "plugin 'culprit' of distribution 'culprit-models' loads keras, "
    ),
    "is slow": complained(
        "import time\ntime.sleep(1.1)\n" + LISTED,
        "plugin 'culprit' of distribution 'culprit-models' is slow to load (1.",
    ),
    "prints though it is sound": noisy("import os\nprint('hello')\nos.write(1, b'hello')"),
    "replaces standard output though it is sound": noisy("import io, sys\nsys.stdout = io.StringIO()"),
    "prints, and so does its child": Broken(
        "import os, subprocess\nprint('hello')\nos.write(1, b'hello')\nsubprocess.run(['echo', 'hello'])\n1 / 0",
        "ZeroDivisionError: division by zero",
    ),
    "replaces standard output": Broken("import io, sys\nsys.stdout = io.StringIO()\n1 / 0", "ZeroDivisionError: "),
    "changes the working folder": Broken("import os\nos.chdir('/')\n1 / 0", "ZeroDivisionError: division by zero"),
    "turns warnings into errors": Broken(
        "import warnings\nwarnings.simplefilter('error')\nwarnings.warn('old')", "UserWarning: old"
    ),
    # its hooks
    "gives None": Broken(returning("None"), "TypeError: zoo_architectures must return a list of Architecture, found"),
    "gives a dict": Broken(returning(f"{{'culprit': {SOUND}}}"), "of Architecture, found {'culprit': Architecture("),
    "gives what has no repr": Broken(
        "class Bad:\n    def __repr__(self): raise OSError('no repr')\n" + returning("Bad()"), "OSError: no repr"
    ),
    "is a generator that raises": Broken(
        returning("[]").replace("return []", "yield 1 / 0"), "must return a list of Architecture, found <generator"
    ),
    "ends the process in its hook": Broken(returning("exit(4)"), "SystemExit: 4"),
    "asks a lifecycle hook for an argument": Broken(
        LIFECYCLE.format(signature="zoo_epoch_ended(loss)", body="pass"), "{'loss'} are declared in the hookimpl"
    ),
    # what it registers
    "has an unknown field": Broken(LISTED.replace("summary", "sumary"), "'sumary' is unknown; did you mean 'summary'?"),
    "has hyperparameters without a type": Broken(HYPERPARAMETERS.format(field="width = 3"), "PydanticUserError: "),
    "has bounds that no number knows": Broken(
        HYPERPARAMETERS.format(field="width: Annotated[list, Field(ge='wide')] = 3; depth: Nowhere = 1"), "NameError"
    ),
    "gives one exporter": Broken(
        EXPORTER.format(name="culprit", body="pass").replace("[Exp", "Exp").replace(")]", ")"),
        "zoo_exporters must return a list of Exporter, found Exporter(",
    ),
    # together with others
    "has a built-in architecture's name": complained(
        LISTED.replace("'culprit'", "'custom-loss'"),
        "architecture 'custom-loss' is registered by distributions 'culprit-models' and 'lstm-zoo'; say ",
    ),
    # when it is used
    "raises in build": told_in_training(building("return 1 / 0"), "build failed: ZeroDivisionError: division by zero"),
    "takes other arguments in build": told_in_training(LISTED.replace("hp, shape", "hp"), "build failed: TypeError: "),
    "builds nothing": told_in_training(building("pass"), "build must return a keras.Model, found NoneType"),
    "refuses with another error": told_in_training(
        LISTED.replace("build=", "check=lambda hp, shape: {}[0], build="), "check failed: KeyError: 0"
    ),
    "has a loss of its own that raises": told_in_training(
        LISTED.replace("build=", "loss=lambda hp, context: 1 / 0, build=").replace("None)", "network(shape))")
        + "\ndef network(shape):\n    import keras\n    return keras.Sequential([keras.Input(shape.input),"
        " keras.layers.Flatten(), keras.layers.Dense(1), keras.layers.Reshape(shape.output)])\n",
        "architecture 'culprit': its loss failed: ZeroDivisionError: division by zero; take another --loss",
    ),
    "has a scaler that raises": told_in_training(
        SCALER.format(name="culprit", body="1 / 0"), "scaler 'culprit'", "basic", "--scaler", "culprit"
    ),
    "has a scaler that is none": told_in_training(
        SCALER.format(name="culprit", body="return 'standard'"), "scaler 'culprit'", "basic", "--scaler", "culprit"
    ),
    "has a loss that raises": told_in_training(
        LOSS.format(name="culprit", body="1 / 0"), "loss 'culprit'", "basic", "--loss", "culprit"
    ),
    "has a loss that gives one number": told_in_training(
        LOSS.format(name="culprit", body="return lambda y_true, y_pred: y_pred[0, 0, 0]"),
        "loss 'culprit' cannot be used: ValueError: expected one value for each sample",
        *("basic", "--loss", "culprit"),
    ),
    "has an exporter that raises": told_in_training(
        EXPORTER.format(name="culprit", body="1 / 0"),
        "exporter 'culprit' of distribution 'culprit-models' failed: ZeroDivisionError",
        *("basic", "--set", "units=2", "--export", "--format", "culprit"),
    ),
    "raises in a lifecycle hook": told_in_training(
        LIFECYCLE.format(signature="zoo_epoch_ended(epoch)", body="1 / 0"),
        "culprit-models:culprit failed in zoo_epoch_ended and is told nothing more of this run: ZeroDivisionError",
        *("basic", "--set", "units=2"),
        code=0,
    ),
    "ends the process in a lifecycle hook": told_in_training(
        LIFECYCLE.format(signature="zoo_run_started(run_id)", body="sys.exit(3)"),
        "culprit-models:culprit failed in zoo_run_started and is told nothing more of this run: SystemExit: 3",
        *("basic", "--set", "units=2"),
        code=0,
    ),
}


# A covering sample for each change; the others are of the longer tier
FAST = {
    "raises",
    "prints though it is sound",
    "replaces standard output",
    "changes the working folder",
    "turns warnings into errors",
    "has a built-in architecture's name",
    "raises in build",
    "raises in a lifecycle hook",
}
KINDS = [pytest.param(kind, marks=() if kind in FAST else pytest.mark.full) for kind in BROKEN]


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a broken plugin on the path of this process and of children, as a distribution that is installed."""
    monkeypatch.delenv("ZOO_DISABLE_PLUGINS", raising=False)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))

    def make(broken: Broken) -> None:
        site = tmp_path / "site"
        metadata = site / "culprit_models-0.1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(METADATA.format(name="culprit-models"))
        (metadata / "entry_points.txt").write_text(f"[zoo]\nculprit = {broken.value}\n")
        (site / "culprit_models.py").write_text(broken.source)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH")))))
        monkeypatch.syspath_prepend(site)
        discover.cache_clear()

    yield make
    discover.cache_clear()
    sys.modules.pop("culprit_models", None)


@pytest.fixture
def listed(tmp_path):
    """Run zoo list --json, zoo list and zoo plugin list in one fresh process: {name: (stdout, stderr)}."""

    def run():
        told = tmp_path / "told"
        told.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", COMMANDS, str(told)], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        read = {path.name: path.read_text() for path in told.iterdir()}
        assert done.returncode == 0, f"{done.stderr}{read}"
        return {name: (read[f"{name}.out"], read[f"{name}.err"]) for name in ("json", "list", "plugins")}

    return run


@pytest.fixture
def train(zoo_command, tmp_path):
    """``train("basic")``: an epoch on 60 rows of a sine."""
    times = pd.date_range("2024-01-01", periods=60, freq="h")
    pd.DataFrame({"time": times, "load": np.sin(np.arange(60) / 3)}).to_csv(tmp_path / "tiny.csv", index=False)
    return lambda *arguments: zoo_command("train", *arguments, "--data", "tiny.csv", "--target", "load", *TINY)


@pytest.mark.parametrize("kind", KINDS)
def test_list_works_and_names_what_is_broken_when_it_is_loaded(kind, install, listed):
    broken = BROKEN[kind]
    install(broken)
    found = listed()
    names = {one["name"].removeprefix("lstm-zoo:") for one in json.loads(found["json"][0])}
    assert names >= BUILT_IN
    assert all(re.search(rf"^(lstm-zoo:)?{name} ", found["list"][0], re.MULTILINE) for name in BUILT_IN)
    assert not any("Traceback" in told for _, told in found.values())
    table, told = found["plugins"]
    (row,) = [line for line in table.splitlines() if "culprit-models" in line]
    assert ("BROKEN: " in row) == (broken.where == "list")
    if broken.where == "list":
        for name in ("json", "list"):
            (sentence,) = [line for line in found[name][1].splitlines() if LEFT_OUT in line]
            assert broken.told in sentence
        assert broken.told in row
    if broken.where == "plugin list":
        assert f"warning: {broken.told}" in told


@pytest.mark.parametrize("kind", KINDS)
def test_a_healthy_training_works_and_that_of_the_culprit_names_it(kind, install, train):
    broken = BROKEN[kind]
    install(broken)
    healthy = train("basic", "--set", "units=2")
    assert healthy.exit_code == 0, f"{healthy.stderr}{healthy.exception!r}"
    assert "run: runs/" in healthy.stdout
    if broken.where == "list":
        assert LEFT_OUT in healthy.stderr
    if broken.where == "train":
        done = train(*broken.train)
        assert done.exit_code == broken.code, f"{done.stderr}{done.exception!r}"
        (sentence,) = [line for line in done.stderr.splitlines() if broken.told in line]
        assert "culprit" in sentence


def test_all_at_once(install, listed, train, tmp_path):
    """All that is left out, side by side in one distribution's folder: each is named, nothing is missing, it trains."""
    install(Broken("", ""))
    points = {}
    for number, broken in enumerate(broken for broken in BROKEN.values() if broken.where == "list"):
        points[f"p{number}"] = broken.value.replace("culprit_models", f"culprit_{number}")
        (tmp_path / "site" / f"culprit_{number}.py").write_text(broken.source)
    lines = [f"{name} = {value}" for name, value in points.items()]
    file = tmp_path / "site" / "culprit_models-0.1.0.dist-info" / "entry_points.txt"
    file.write_text("\n".join(["[zoo]", *lines, ""]))
    found = listed()
    named = re.findall(r"^warning: plugin '(p\d+)' of distribution 'culprit-models'", found["list"][1], re.MULTILINE)
    assert sorted(named) == sorted(points)
    assert {one["name"] for one in json.loads(found["json"][0])} >= BUILT_IN
    healthy = train("basic", "--set", "units=2")
    assert healthy.exit_code == 0, f"{healthy.stderr}{healthy.exception!r}"
    assert healthy.stderr.count(LEFT_OUT) == len(points)
