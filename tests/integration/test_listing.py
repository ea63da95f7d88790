"""Listing is quick: it loads no plugin's libraries."""

import json
import resource
import statistics
import subprocess
import sys

import pytest

HEAVY = ("tensorflow", "keras", "pandas", "sklearn", "numpy", "onnx", "onnxruntime", "statsmodels", "scipy", "tf2onnx")

IMPORTED = """
import sys
import zoo.cli
sys.argv = ["zoo", *sys.argv[1:]]
try:
    zoo.cli.main()
except SystemExit as leaving:
    print("CODE", leaving.code)
print("MODULES", *sys.modules)
"""

ZOO = (sys.executable, "-m", "zoo")
PEERS = (sys.executable, "-c", "import typer, rich.table, pydantic")
RUNS, ATTEMPTS = 7, 3


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True)


@pytest.mark.parametrize(
    "arguments",
    [("list",), ("list", "--json"), ("show", "bidirectional"), ("show", "custom-loss", "--json"), ("train", "--help")],
)
def test_it_imports_none_of_the_heavy_libraries(arguments):
    lines = run(sys.executable, "-c", IMPORTED, *arguments).stdout.splitlines()
    assert lines[-2] == "CODE 0"
    modules = set(lines[-1].split())
    assert "zoo_registry.discovery" in modules
    assert modules.isdisjoint(HEAVY)


def test_the_heavy_libraries_are_known_by_these_names():
    probe = "import sys, zoo; zoo.load_bundle; import zoo.data.table; print('numpy' in sys.modules)"
    assert run(sys.executable, "-c", probe).stdout == "True\n"


def test_the_list_for_people():
    lines = run(*ZOO, "list").stdout.splitlines()
    assert lines[0].split() == ["architecture", "tasks", "from", "summary"]
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:]}
    assert set(rows) >= {"basic", "bidirectional", "custom-loss", "stacked"}
    assert rows["basic"][:5] == ["forecast,", "regress,", "classify,", "anomaly", "lstm-zoo"]
    assert " ".join(rows["basic"][5:]) == "One LSTM layer and a linear head."


def test_the_list_for_programs():
    found = json.loads(run(*ZOO, "list", "--json").stdout)
    names = [entry["name"] for entry in found]
    assert names == sorted(names)
    assert {"basic", "bidirectional", "custom-loss", "stacked"} <= set(names)
    keys = {"name", "summary", "reference", "tags", "tasks", "distribution", "version", "plugin"}
    assert all(set(entry) == keys for entry in found)


def test_an_architecture_for_programs():
    shown = json.loads(run(*ZOO, "show", "basic", "--json").stdout)
    assert shown["name"] == "basic"
    assert shown["defaults"] == {"optimizer": "adam", "loss": "mse", "epochs": 100, "batch_size": 32}
    units = shown["hyperparameters"]["properties"]["units"]
    assert (units["default"], units["minimum"], units["maximum"]) == (64, 1, 4096)


def test_a_plugins_own_loss_and_schedule_are_shown():
    defaults = json.loads(run(*ZOO, "show", "custom-loss", "--json").stdout)["defaults"]
    assert defaults["loss"] == "architecture"
    assert defaults["learning_rate"] == 1e-3
    assert defaults["schedule"] == "exponential:steps=10000,rate=0.9"


def seconds(command):
    """CPU seconds of a command, which are its wall seconds on an idle machine; other tests run beside this one."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_it_is_about_as_quick_as_importing_its_own_tools():
    """The limit: 1.5 times what importing typer, rich and pydantic takes, plus 0.15 s."""
    listing = (*ZOO, "list")
    measured = []
    for _ in range(ATTEMPTS):
        seconds(listing)  # once for the disk
        seconds(PEERS)
        pairs = [(seconds(listing), seconds(PEERS)) for _ in range(RUNS)]
        taken, peers = (statistics.median(column) for column in zip(*pairs, strict=True))
        measured.append(f"{taken:.3f} s of {1.5 * peers + 0.15:.3f} s")
        if taken <= 1.5 * peers + 0.15:
            return
    pytest.fail(f"zoo list took {', '.join(measured)}")
