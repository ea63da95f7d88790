"""``zoo plugin``: what is listed, what is written, and the verdicts; the kit itself is not run here."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import zoo.cli.plugin_check
import zoo.listing  # or it would take the discovery of these tests for everybody's
import zoo_registry
from zoo.testing.kit_report import Report, Verdict
from zoo_registry import Plugin
from zoo_registry.discovery import discover_from

SOUND = Plugin(
    name="tide",
    distribution="tide-models",
    version="0.3",
    value="tide",
    seconds=0.012,
    contributions={"architectures": ("tide", "ebb"), "scalers": ("cubic",)},
)
BROKEN = Plugin(name="b", distribution="culprit", version="1", value="b", error="ZeroDivisionError: division by zero")
OFF = Plugin(name="off", distribution="o", version="1", value="off", disabled=True)
SLOW = Plugin(name="slow", distribution="s", version="", value="s", seconds=6.04, heavy=("keras", "tensorflow"))


@pytest.fixture
def installed(monkeypatch):
    """``installed(plugin, …)``: discovery finds these."""

    def install(*plugins):
        found = replace(discover_from([]), plugins=plugins)
        monkeypatch.setattr(zoo_registry, "discover", lambda: found)

    return install


def test_the_list(installed, zoo_command):
    installed(SOUND, BROKEN, OFF, SLOW)
    done = zoo_command("plugin", "list")
    assert done.exit_code == 0
    rows = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert rows == [
        "plugin distribution version ms contributes",
        "tide tide-models 0.3 12 architecture tide, ebb; scaler cubic",
        "b culprit 1 0 BROKEN: ZeroDivisionError: division by zero",
        "off o 1 - switched off",
        "slow s - 6040 hooks alone",
    ]
    assert done.stderr.splitlines() == [
        "warning: plugin 'slow' of distribution 's' loads keras, tensorflow when it is imported (6.0 s), and every"
        " command waits for that; import such modules inside its functions",
        "ZOO_DISABLE_PLUGINS switches off: off",
        "1 of 4 plugins are broken and left out",
    ]


@pytest.mark.parametrize(("plugins", "code"), [((SOUND, BROKEN), 1), ((SOUND, OFF, SLOW), 0)])
def test_strict_ends_with_1_where_one_is_broken(plugins, code, installed, zoo_command):
    installed(*plugins)
    assert zoo_command("plugin", "list", "--strict").exit_code == code
    assert zoo_command("plugin", "list").exit_code == 0


def test_the_list_as_json(installed, zoo_command):
    installed(SOUND, BROKEN, OFF)
    sound, broken, off = json.loads(zoo_command("plugin", "list", "--json").stdout)
    assert (sound["status"], sound["architectures"], sound["scalers"]) == ("ok", ["tide", "ebb"], ["cubic"])
    assert (sound["distribution"], sound["version"], sound["seconds"]) == ("tide-models", "0.3", 0.012)
    assert (broken["status"], broken["error"]) == ("broken", "ZeroDivisionError: division by zero")
    assert off["status"] == "disabled"


def test_a_name_that_switches_nothing_off_is_told(installed, zoo_command, monkeypatch):
    installed(SOUND)
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "tied")
    assert "ZOO_DISABLE_PLUGINS names 'tied', which is no plugin" in zoo_command("plugin", "list").stderr


def test_every_command_names_what_keeps_it_waiting(installed, zoo_command):
    installed(SLOW)
    assert "plugin 'slow' of distribution 's' loads keras, tensorflow" in zoo_command("list").stderr


@pytest.mark.parametrize("command", ["new", "check", "list"])
def test_help_has_an_example(command, zoo_command):
    shown = zoo_command("plugin", command, "--help")
    assert shown.exit_code == 0
    assert f"zoo plugin {command}" in shown.stdout.partition("Example")[2]
    assert f"zoo plugin {command}" in zoo_command("plugin", "--help").stdout


def test_new_tells_what_to_do_next(zoo_command, tmp_path):
    done = zoo_command("plugin", "new", "tide")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[:2] == ["zoo-tide/pyproject.toml", "zoo-tide/zoo_tide.py"]
    assert "    zoo plugin check tide\n" in done.stdout
    again = zoo_command("plugin", "new", "tide")
    assert (again.exit_code, again.stdout) == (2, "")
    assert again.stderr.startswith("error: zoo-tide: expected no such folder")
    assert zoo_command("plugin", "new", "Tide").exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["zoo-tide"]


def report(*verdicts, architecture="tide"):
    return Report(
        architecture=architecture,
        plugin="tide",
        distribution="tide-models",
        version="0.3",
        complete=True,
        verdicts=verdicts,
    )


PASSED = Verdict(
    check="export",
    status="passed",
    seconds=1.2,
    warnings=("mind the gap",),
    facts={
        "tasks": {
            "forecast": {
                "formats": ["savedmodel", "onnx"],
                "recurrence": "native",
                "runtimes": {"onnxruntime": "equal", "litert": "not installed", "openvino": "refused"},
            }
        }
    },
)
WRONG = Verdict(check="shapes", status="failed", seconds=0.1, reason="outputs are not finite")


@pytest.fixture
def checked(monkeypatch, zoo_command):
    """``checked(report, *options)``: run the command where the kit says this."""

    def run(found, *options):
        monkeypatch.setattr(zoo.cli.plugin_check, "run_checks", lambda target, quick: [found])
        return zoo_command("plugin", "check", "basic", *options)

    return run


def test_the_verdicts(checked):
    done = checked(report(PASSED))
    assert done.exit_code == 0
    text = " ".join(done.stdout.split())
    assert "tide of tide-models 0.3 check verdict s export passed 1.2" in text
    assert "forecast: savedmodel, onnx; recurrence native; read by onnxruntime" in text
    assert "not installed here, so not tried: litert" in text
    assert text.endswith("tide: passes the kit")
    assert done.stderr == "warning: tide: mind the gap\n"


def test_a_failure(checked):
    done = checked(report(PASSED, WRONG))
    assert done.exit_code == 1
    assert "shapes FAILED 0.1 outputs are not finite" in " ".join(done.stdout.split())
    assert "tide: 1 check(s) FAILED" in done.stdout


def test_strict_lets_warnings_count(checked):
    assert checked(report(PASSED), "--strict").exit_code == 1


def test_the_verdicts_as_json(checked):
    done = checked(report(PASSED, WRONG), "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    (one,) = told["reports"]
    assert (told["passed"], one["passed"]) == (False, False)
    assert [v["status"] for v in one["verdicts"]] == ["passed", "failed"]
    assert one["capabilities"]["tasks"]["forecast"]["recurrence"] == "native"
    assert one["capabilities"]["exports"] == ["savedmodel", "onnx", "onnxruntime"]


def test_nothing_of_that_name(zoo_command):
    done = zoo_command("plugin", "check", "basik")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].endswith("'basik'; did you mean 'basic'?")
