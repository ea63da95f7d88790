"""The guides for plugin authors: each command and file is run, and each hook is in the reference."""

from __future__ import annotations

import importlib
import inspect
import logging
import os
import re
import shlex
import subprocess
import sys
import tomllib

import pytest

import zoo
from zoo.testing import run_checks
from zoo.testing.kit import MAIN
from zoo_registry import discover, hookspecs

NEW = "zoo plugin new tide"
QUICK = [NEW, "cd zoo-tide", "zoo plugin list", "zoo list", "zoo show tide --window 24 --horizon 12 --set units=32"]
SLOW = [
    "pip install --editable . pytest",
    "zoo plugin check tide",
    "python -m pytest",
    "zoo train tide --set pool=max --epochs 3 --export",
    "zoo verify exported/tide-co2",
]
PIP = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--no-index",
    "--no-deps",
    "--no-build-isolation",
    "--disable-pip-version-check",
]
HOOKS = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("zoo_")}


def read(request, name):
    return (request.config.rootpath / "docs" / name).read_text(encoding="utf-8")


@pytest.fixture
def guide(request):
    return read(request, "your-own-architecture.md")


@pytest.fixture
def commands(guide):
    prose = re.sub(r"```.*?```", "", guide, flags=re.DOTALL)
    return re.findall(r"^    (\S.*)$", prose, flags=re.MULTILINE)


@pytest.fixture
def network(guide):
    (source,) = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    return source


def test_the_guides_quick_commands(commands, guide, network, tmp_path):
    assert sorted(commands) == sorted(QUICK + SLOW)
    (table,) = re.findall(r"```toml\n(.*?)```", guide, flags=re.DOTALL)
    site = tmp_path / "site"
    metadata = site / "zoo_tide-0.1.0.dist-info"  # as pip leaves it
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-tide\nVersion: 0.1.0\n")
    entry_points = "".join(
        f"{name} = {value}\n" for name, value in tomllib.loads(table)["project"]["entry-points"]["zoo"].items()
    )
    (metadata / "entry_points.txt").write_text(f"[zoo]\n{entry_points}")
    here = tmp_path
    for command in commands:
        if command in SLOW:
            continue
        program, *arguments = shlex.split(command)
        if program == "cd":
            here /= arguments[0]
            made = tomllib.loads((here / "pyproject.toml").read_text())
            assert made["project"]["entry-points"] == tomllib.loads(table)["project"]["entry-points"]
            (here / "zoo_tide.py").write_text(network)
            continue
        known = {} if command == NEW else {"PYTHONPATH": os.pathsep.join(map(str, (site, here)))}
        done = subprocess.run(
            [sys.executable, "-m", program, *arguments],
            cwd=here,
            env=os.environ | known,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert "tide" in done.stdout
        assert "warning: " not in done.stderr


def test_the_guides_network_passes_the_main_checks(network, tmp_path, monkeypatch):
    (tmp_path / "zoo_tide.py").write_text(network, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        (architecture,) = importlib.import_module("zoo_tide").zoo_architectures()
        report = run_checks(architecture, tmp_path, MAIN)
    finally:
        sys.modules.pop("zoo_tide", None)
    assert [f"{verdict.check}: {verdict.reason}" for verdict in report.verdicts if verdict.status != "passed"] == []


@pytest.mark.full
def test_the_guide_from_its_first_command_to_its_last(commands, network, environment, wheels, request, tmp_path):
    """In a fresh environment, without a network: pip is told to take what is there."""
    fresh = environment(None)
    fresh.run(*PIP, *wheels, cwd=tmp_path)
    here = tmp_path / "work"
    here.mkdir()
    for command in commands:
        program, *arguments = shlex.split(command)
        if program == "cd":
            here /= arguments[0]
        elif program == "pip":
            fresh.run(*PIP, "--editable", ".", cwd=here)
            (here / "zoo_tide.py").write_text(network)
        elif program == "python":
            assert " passed" in fresh.run(*arguments, cwd=here).stdout
        else:
            fresh.run("-m", program, *arguments, cwd=here)
    assert (here / "exported" / "tide-co2" / "1" / "model.onnx").is_file()


@pytest.fixture
def sections(request):
    """Hook -> the text of its section; the heading is its first line."""
    parts = re.split(r"^## ", read(request, "hooks.md"), flags=re.MULTILINE)[1:]
    return {part[1:].partition("(")[0]: part for part in parts}


def test_every_hook_is_in_the_reference_with_its_signature(sections):
    assert list(sections) == list(HOOKS)
    for name, hook in HOOKS.items():
        signature = inspect.signature(hook)
        returned = "" if signature.return_annotation == "None" else f" -> {signature.return_annotation}"
        assert sections[name].splitlines()[0] == f"`{name}({', '.join(signature.parameters)}){returned}`"


def test_the_references_examples_work_together(sections, series, tmp_path, monkeypatch, caplog):
    metadata = tmp_path / "site" / "zoo_reference-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-reference\nVersion: 1.0\n")
    lines = [f"{name.replace('_', '-')} = reference_{name}" for name in sections]
    (metadata / "entry_points.txt").write_text("\n".join(["[zoo]", *lines, ""]))
    for name, text in sections.items():
        (source,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
        assert f"@hookimpl\ndef {name}(" in source
        (tmp_path / "site" / f"reference_{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path / "site")
    discover.cache_clear()
    try:
        assert [failure for failure in discover().failures if failure.distribution == "zoo-reference"] == []
        caplog.set_level(logging.INFO, "tide")
        run = zoo.train(
            "ebb",
            series,
            target="load",
            window=8,
            horizon=3,
            epochs=1,
            scaler="largest",
            loss="root:softening=0.5",
            hyperparameters={"units": 2},
            runs=tmp_path / "runs",
        )
        bundle = run.export(tmp_path / "exported", name="ebb", formats=["columns"])
    finally:
        discover.cache_clear()
        for name in sections:
            sys.modules.pop(f"reference_{name}", None)
    assert (bundle.folder / "extra" / "columns" / "columns.txt").read_text() == "load\ntemperature"
    told = [record.getMessage() for record in caplog.records if record.name == "tide"]
    assert told[0] == f"{run.id}: ebb begins"
    assert told[1].startswith("epoch 1: ")
    assert told[2] == f"{run.folder}: {run.metrics['verdict']}"
    assert told[3] == f"ebb is in {bundle.folder}"
    assert len(told) == 4
