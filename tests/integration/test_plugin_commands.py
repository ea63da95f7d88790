"""``zoo plugin new``, ``check`` and ``list`` through the real command, on plugins good and bad."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.testing.kit import MAIN

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n"
GOOD = """
from zoo_registry import Architecture, hookimpl

@hookimpl
def zoo_architectures():
    return [Architecture(name={name!r}, summary="Sound.", build=lambda hp, shape: None)]
"""


@pytest.fixture
def command(tmp_path):
    """``command("plugin", "list", code=0)``: run it in an empty folder, with what ``install`` made."""

    def run(*arguments, code=0, **environment):
        kept = {key: value for key, value in os.environ.items() if key != "ZOO_DISABLE_PLUGINS"}
        path = os.pathsep.join(filter(None, (str(tmp_path / "site"), os.environ.get("PYTHONPATH"))))
        done = subprocess.run(
            [sys.executable, "-m", "zoo", *map(str, arguments)],
            cwd=tmp_path,
            env=kept | {"PYTHONPATH": path, "ZOO_CACHE": str(tmp_path / "cache")} | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def install(tmp_path):
    """``install("tide-models", source)``: a distribution with one plugin, as pip leaves it."""

    def make(name, source):
        module = name.replace("-", "_")
        meta = tmp_path / "site" / f"{module}-0.1.0.dist-info"
        meta.mkdir(parents=True)
        (meta / "METADATA").write_text(METADATA.format(name=name))
        (meta / "entry_points.txt").write_text(f"[zoo]\n{name.split('-')[0]} = {module}\n")
        (tmp_path / "site" / f"{module}.py").write_text(source)

    return make


@pytest.mark.full
def test_what_new_writes_passes_the_main_checks_untouched(command, tmp_path):
    command("plugin", "new", "tide")
    before = (tmp_path / "zoo-tide" / "zoo_tide.py").read_bytes()
    done = command("plugin", "check", "zoo-tide", "--quick", "--json")
    (report,) = json.loads(done.stdout)["reports"]
    assert {v["check"]: v["status"] for v in report["verdicts"]} == dict.fromkeys(MAIN, "passed")
    assert (report["architecture"], report["distribution"], report["version"]) == ("tide", "zoo-tide", "0.1.0")
    assert report["verdicts"][0]["facts"]["import_seconds"] < 1
    assert report["capabilities"]["tasks"]["forecast"]["recurrence"] == "native"
    assert done.stderr == ""
    assert not (tmp_path / "cache").exists()  # the main checks are not all
    assert (tmp_path / "zoo-tide" / "zoo_tide.py").read_bytes() == before


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import pandas\n" + GOOD.format(name="bad"), "importing bad_plugin loads pandas"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import os\nos._exit(7)", "the process ended with exit code 7"),
        ("ZOO_API = 3\n" + GOOD.format(name="bad"), "written for API version 3, this zoo has 1 to 2"),
        (GOOD.format(name="bad").replace("zoo_architectures", "zoo_architecture"), "unknown hook 'zoo_architecture'"),
    ],
)
def test_a_bad_file_fails_its_check(source, told, command, tmp_path, monkeypatch):
    (tmp_path / "bad_plugin.py").write_text(source)
    done = command("plugin", "check", "bad_plugin.py", "--quick", code=1)
    assert told in done.stdout
    assert "FAILED" in done.stdout


def test_plugins_are_listed_and_the_broken_ones_named(command, install, tmp_path):
    install("tide-models", GOOD.format(name="tide"))
    install("raising-models", "raise RuntimeError('the licence server does not answer')")
    install("heavy-models", "import torch\n" + GOOD.format(name="heavy"))
    (tmp_path / "site" / "torch.py").touch()  # which takes no time
    done = command("plugin", "list")
    rows = {line.split()[0]: " ".join(line.split()[1:3]) + "|" + line for line in done.stdout.splitlines()}
    assert rows["tide"].startswith("tide-models 0.1.0|")
    assert rows["tide"].endswith("architecture tide")
    assert rows["raising"].endswith("BROKEN: RuntimeError: the licence server does not answer")
    assert "plugin 'heavy' of distribution 'heavy-models' loads torch when it is imported" in done.stderr
    command("plugin", "list", "--strict", code=1)
    off = command("plugin", "list", "--strict", ZOO_DISABLE_PLUGINS="raising")
    assert "ZOO_DISABLE_PLUGINS switches off: raising" in off.stderr
    assert command("plugin", "check", "raising-models", code=1).stdout.count("the licence server does not answer") == 1
    told = command("plugin", "check", "tide", code=2, ZOO_DISABLE_PLUGINS="tide").stderr.splitlines()[-1]
    assert told.endswith("'tide' of distribution 'tide-models' is switched off; take it out of ZOO_DISABLE_PLUGINS")


def test_a_name_of_two_distributions(command, install, tmp_path):
    """The bare name is an error everywhere, the qualified one works everywhere, and others are not disturbed."""
    command("plugin", "new", "twin", tmp_path / "made")
    source = (tmp_path / "made" / "zoo_twin.py").read_text().replace('name="twin"', 'name="basic"', 2)
    install("impostor-models", source)
    for arguments in (("show", "basic"), ("train", "basic"), ("plugin", "check", "basic")):
        told = command(*arguments, code=2).stderr.splitlines()[-1]
        assert told.endswith("'lstm-zoo' and 'impostor-models'; say lstm-zoo:basic or impostor-models:basic")
    assert "from: impostor-models 0.1.0" in command("show", "impostor-models:basic").stdout
    quick = ("--epochs", 1, "--set", "units=2", "--set", "width=2")
    preset = command("train", "impostor-models:basic", *quick, "--print-config").stdout
    (tmp_path / "preset.toml").write_text(preset)
    assert 'architecture = "impostor-models:basic"' in preset
    run = json.loads(command("train", "--config", "preset.toml", "--export", "--json").stdout)
    assert run["config"]["architecture"] == "impostor-models:basic"
    record = json.loads((tmp_path / "runs" / run["id"] / "run.json").read_text())
    assert record["plugin"]["distribution"] == "impostor-models"
    assert "impostor-models" in (tmp_path / run["bundle"] / "manifest.json").read_text()
    assert command("show", "stacked").stdout
    listed = json.loads(command("plugin", "list", "--json").stdout)
    assert {"basic", "impostor"} <= {one["name"] for one in listed if one["status"] == "ok"}


def test_unknown_exports_are_told_of_and_left_out(command, install):
    install("tide-models", GOOD.format(name="tide"))
    done = command("list", "--exports", "onnx", "--json")
    assert "tide" not in {one["name"] for one in json.loads(done.stdout)}
    assert done.stderr == "left out: tide, whose exports are not known; run: zoo plugin check tide\n"
    everything = {one["name"]: one["exports"] for one in json.loads(command("list", "--json").stdout)}
    assert everything["tide"] is None
    assert "onnx" in everything["basic"]


@pytest.mark.full
def test_from_nothing_to_a_verified_bundle(environment, wheels, tmp_path):
    """In a fresh environment: made, installed, listed, checked, tested, trained, exported and verified."""
    fresh = environment(None)
    pip = (
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--disable-pip-version-check",
        "-q",
    )
    fresh.run(*pip, *wheels, cwd=tmp_path)
    work = tmp_path / "work"
    work.mkdir()
    made = fresh.run("-m", "zoo", "plugin", "new", "tide", cwd=work).stdout
    assert re.findall(r"^    (.*)$", made, re.MULTILINE) == [
        "cd zoo-tide",
        "pip install --editable . pytest",
        "zoo plugin check tide",
        "python -m pytest",
        "zoo train tide --export",
    ]
    here = work / "zoo-tide"
    fresh.run(*pip, "--editable", ".", cwd=here)
    assert "tide" in {one["name"] for one in json.loads(fresh.run("-m", "zoo", "list", "--json", cwd=here).stdout)}
    assert "architecture tide" in fresh.run("-m", "zoo", "plugin", "list", "--strict", cwd=here).stdout
    checked = json.loads(fresh.run("-m", "zoo", "plugin", "check", "tide", "--json", cwd=here).stdout)
    assert {v["status"] for v in checked["reports"][0]["verdicts"]} == {"passed"}
    had = json.loads(fresh.run("-m", "zoo", "list", "--exports", "onnx,tensorflow", "--json", cwd=here).stdout)
    assert "tide" in {one["name"] for one in had}
    assert " passed" in fresh.run("-m", "pytest", "-q", cwd=here).stdout
    trained = fresh.run("-m", "zoo", "train", "tide", "--epochs", "2", "--export", "--json", cwd=here).stdout
    bundle = json.loads(trained)["bundle"]
    assert json.loads(fresh.run("-m", "zoo", "verify", bundle, "--runtime", "all", "--json", cwd=here).stdout)["passed"]
    assert Path(here / bundle / "model.onnx").is_file()
