"""The guides' code is run as it stands, and prints what they say."""

from __future__ import annotations

import contextlib
import io
import re
import sys

import pytest

import zoo
from zoo_registry import BUILT_IN_LOSSES, SequenceShape, Task, discover


def guide(request, name):
    return (request.config.rootpath / "docs" / name).read_text(encoding="utf-8")


def test_the_scalers_guide(request):
    text = guide(request, "scalers.md")
    (program,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    (printed,) = re.findall(r"```text\n(.*?)```", text, flags=re.DOTALL)
    found = io.StringIO()
    with contextlib.redirect_stdout(found):
        exec(compile(program, "scalers.md", "exec", dont_inherit=True), {})
    assert found.getvalue() == printed


def test_the_serving_guide(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = guide(request, "serving.md")
    (program,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    (printed,) = re.findall(r"```text\n(.*?)```", text, flags=re.DOTALL)
    found = io.StringIO()
    with contextlib.redirect_stdout(found):
        exec(compile(program, "serving.md", "exec", dont_inherit=True), {})
    assert found.getvalue() == printed


def test_the_losses_guide_has_a_row_for_each(request):
    rows = {
        row.split("|")[1].strip(" `"): row
        for row in guide(request, "losses.md").replace(r"\|", "").splitlines()
        if row.startswith("| `")
    }
    assert list(rows) == list(BUILT_IN_LOSSES)
    for name, row in rows.items():
        told = dict(re.findall(r"`([a-z]+)` = ([0-9.]+)", row.split("|")[3]))
        parameters = {key: field.default for key, field in discover().losses[name].item.parameters.model_fields.items()}
        assert {key: float(value) for key, value in told.items()} == parameters


@pytest.fixture
def with_power(request, tmp_path, monkeypatch):
    """Put the guide's plugin on the path, as a distribution that is installed."""
    (program,) = re.findall(r"```python\n(.*?)```", guide(request, "losses.md"), flags=re.DOTALL)
    (tmp_path / "zoo_power.py").write_text(program, encoding="utf-8")
    metadata = tmp_path / "zoo_power-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-power\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text("[zoo]\npower = zoo_power\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    discover.cache_clear()
    yield
    discover.cache_clear()
    sys.modules.pop("zoo_power", None)


@pytest.mark.usefixtures("with_power")
def test_the_losses_guides_plugin_trains(series, tmp_path):
    settings = {"target": "load", "window": 8, "horizon": 3, "epochs": 1, "hyperparameters": {"units": 2}}
    run = zoo.train("basic", series, loss="power:power=4", runs=tmp_path / "runs", **settings)
    assert run.config.training.loss == "power:power=4"
    assert discover().losses["power"].distribution == "zoo-power"


def test_the_architectures_guide_has_a_row_and_a_paragraph_for_each_and_its_figures_hold(request):
    from zoo.acceleration.complexity import complexity

    text = guide(request, "architectures.md")
    rows = {row.split("|")[1].strip(" `"): row for row in text.splitlines() if row.startswith("| `")}
    built_in = {name: entry for name, entry in discover().catalogue.items() if entry.distribution == "lstm-zoo"}
    assert list(rows) == list(built_in)
    assert sorted(re.findall(r"^\*\*`([a-z-]+)`\*\*", text, flags=re.MULTILINE)) == sorted(built_in)
    for name, row in rows.items():
        architecture = built_in[name].item
        task = Task.FORECAST if Task.FORECAST in architecture.tasks else Task.ANOMALY
        sizes = {"window": 96, "n_features": 7, "n_targets": 7, "horizon": 24 if task is Task.FORECAST else 96}
        shape = SequenceShape(task=task, target_columns=tuple(range(7)), **sizes)
        found = complexity(architecture.build(architecture.configure({}), shape))
        assert row.split("|")[3:5] == [f" {found.parameters:,} ", f" {found.multiply_adds:,} "]
        assert found.uncounted == ()


@pytest.mark.full
def test_the_training_guide(request, zoo_command):
    text = guide(request, "training.md")
    (program,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    exec(compile(program, "training.md", "exec", dont_inherit=True), {})
    commands = re.findall(r"^    zoo (.*)$", text, flags=re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        done = zoo_command(*command.split(), "--set", "units=2", "--batch-size", 128)
        assert done.exit_code == 0, done.stderr
        assert ("step " in done.stdout) == ("--steps" in command)
