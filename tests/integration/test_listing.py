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
    keys = {"name", "summary", "reference", "tags", "tasks", "distribution", "version", "plugin", "exports"}
    assert all(set(entry) == keys for entry in found)


def test_an_architecture_for_programs():
    shown = json.loads(run(*ZOO, "show", "basic", "--json").stdout)
    assert shown["name"] == "basic"
    assert shown["defaults"] == {"optimizer": "adam", "loss": "mse", "epochs": 100, "batch_size": 32}
    units = shown["hyperparameters"]["properties"]["units"]
    assert (units["default"], units["minimum"], units["maximum"]) == (64, 1, 4096)


def test_what_a_network_costs():
    """An LSTM of u units has 4 (u (u + f) + u) parameters, and 4 u (u + f) products in each row of the window."""
    sizes = ("--window", "10", "--horizon", "3", "--features", "5", "--targets", "2", "--set", "units=8")
    network = json.loads(run(*ZOO, "show", "basic", *sizes, "--json").stdout)["network"]
    assert network["parameters"] == 4 * (8 * (8 + 5) + 8) + (8 + 1) * 3 * 2
    assert network["multiply_adds"] == 10 * 4 * 8 * (8 + 5) + 8 * 3 * 2
    assert network["uncounted"] == []
    assert network["hyperparameters"]["units"] == 8
    assert [network[name] for name in ("task", "window", "horizon", "features", "targets")] == ["forecast", 10, 3, 5, 2]
    told = run(*ZOO, "show", "basic", *sizes).stdout
    assert (
        "network (forecast; window 10, horizon 3, features 5, targets 2): 502 parameters, 4,208 multiply-adds" in told
    )


def test_an_architecture_that_does_not_forecast_is_built_for_what_it_does():
    network = json.loads(run(*ZOO, "show", "autoencoder", "--window", "6", "--targets", "2", "--json").stdout)[
        "network"
    ]
    found = [network[name] for name in ("task", "window", "horizon", "features", "targets")]
    assert found == ["anomaly", 6, 6, 2, 2]  # as many rows as it reads, and features for all targets


def test_without_a_shape_there_is_no_network():
    assert "network" not in json.loads(run(*ZOO, "show", "basic", "--json").stdout)
    assert "parameters" not in run(*ZOO, "show", "basic").stdout


def test_choices_are_shown():
    rows = {line.split()[0]: line for line in run(*ZOO, "show", "linear").stdout.splitlines() if line}
    assert rows["kind"].split()[1:7] == ["string", "nlinear", "nlinear,", "dlinear", "nlinear,", "dlinear"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--window", "0"), "--window: expected at least 1, found 0"),
        (("--targets", "3", "--features", "2"), "--targets: expected at most the 2 of --features, found 3"),
        (("--set", "unit=3"), "hyperparameter 'unit' is unknown; did you mean 'units'?"),
        (("--set", "units=0"), "hyperparameter 'units': expected"),
        (("--set", "units"), "--set takes NAME=VALUE, found 'units'"),
    ],
)
def test_a_shape_that_cannot_be(arguments, complaint):
    done = subprocess.run([*ZOO, "show", "basic", *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    (told,) = done.stderr.splitlines()
    assert complaint in told


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
