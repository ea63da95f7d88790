"""Manifests whose fields do not fit each other, sealed anew: one sentence, before anything else is read."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

from zoo.bundle import coherence
from zoo.bundle.golden import GOLDEN_WINDOWS
from zoo.bundle.integrity import check_integrity
from zoo.bundle.manifest import FileEntry, Manifest
from zoo_registry.errors import BundleError


def changed(**interface):
    return lambda manifest: {"interface": manifest.interface.model_copy(update=interface)}


def of_data(**values):
    return lambda manifest: {"data": manifest.data | values}


CHANGES = {
    "an unknown task": (changed(task="forecst"), "interface.task: Input should be 'forecast'"),
    "another task": (changed(task="anomaly", horizon=1), "interface.outputs: expected score of float32 [1]"),
    "a horizon without a forecast": (changed(task="regress"), "interface.horizon and gap: expected 1 and 0 of regress"),
    "no classes": (changed(task="classify", horizon=1), "interface.classes: expected names, each once, found []"),
    "no unit": (lambda manifest: {"parity_unit": {}}, "parity_unit: expected one for each of ['load'], found []"),
    "another's unit": (lambda manifest: {"parity_unit": {"x": 1.0}}, "parity_unit: expected one for each of"),
    "a unit of 0": (
        lambda manifest: {"parity_unit": {"load": 0.0}},
        "parity_unit.load: Input should be greater than 0",
    ),
    "no window": (changed(window=0), "interface.window: Input should be greater than or equal to 1"),
    "another window": (changed(window=9), "interface.inputs: expected window of float32 [9, 2]"),
    "a feature twice": (changed(features=("load", "load")), "interface.features: expected names, each once"),
    "no features": (changed(features=()), "interface.features: expected names, each once, found []"),
    "no outputs": (changed(outputs=()), "interface.outputs: expected forecast of float32 [3, 1]"),
    "a level above 1": (changed(quantiles=(2.0,)), "interface.quantiles.0: Input should be less than 1"),
    "an unknown calendar": (of_data(calendar=["eon"]), "data.calendar.0: Input should be"),
    "a step of 0": (of_data(step={"name": "h", "size": 0.0}), "data.step.size: Input should be greater than 0"),
    "a step without a size": (of_data(step={"name": "h"}), "data.step.size: Field required"),
    "no test rows": (of_data(split={"train": 84, "validation": 18}), "data.split.test: Field required"),
    "a list for a time": (of_data(time_column=[]), "data.time_column: Input should be a valid string"),
    "a run elsewhere": (lambda manifest: {"run": "../../theirs"}, "run: expected the name of a run's folder"),
    "no operators": (lambda manifest: {"onnx": {}}, "onnx.operators: Input should be a valid dictionary"),
    "no architecture": (lambda manifest: {"architecture": {}}, "architecture.name: Input should be a valid string"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_repair_23_fields_that_do_not_fit(bundle, zoo_command, kind):
    change, complaint = CHANGES[kind]
    manifest = Manifest.read(bundle)
    manifest.model_copy(update=change(manifest)).write(bundle)
    for command in (("verify", bundle), ("verify", bundle, "--quick"), ("predict", bundle, "--data", "example:co2")):
        done = zoo_command(*command)
        assert isinstance(done.exception, SystemExit), repr(done.exception)
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr.startswith(f"error: {bundle}/manifest.json: not a valid manifest ({complaint}")
        assert done.stderr.endswith("); the bundle was changed, export again\n")


def test_repair_23_a_threshold_for_anomalies(bundle):
    manifest = Manifest.read(bundle)
    interface = manifest.interface.model_dump() | {
        "task": "anomaly",
        "horizon": 1,
        "outputs": [
            {"name": "score", "dtype": "float32", "shape": [1]},
            {"name": "is_anomaly", "dtype": "bool", "shape": [1]},
        ],
    }
    anomalies = manifest.model_copy(
        update={"interface": type(manifest.interface).model_validate(interface), "parity_unit": {}, "threshold": 0.5}
    )
    anomalies.write(bundle)
    check_integrity(bundle)
    anomalies.model_copy(update={"threshold": None}).write(bundle)
    with pytest.raises(BundleError, match="threshold: Input should be a valid number"):
        check_integrity(bundle)


@pytest.mark.parametrize(("name", "gigabytes"), [("golden.npz", 3), ("model.onnx", 3), ("preprocessing.json", 1)])
def test_repair_23_a_sparse_file_is_refused_by_its_size(bundle, name, gigabytes):
    """In a gigabyte of memory, before a byte of it is hashed."""
    with (bundle / name).open("r+b") as file:
        file.truncate(gigabytes * 2**30)  # no byte of it is written
    manifest = Manifest.read(bundle)
    entry = FileEntry(size=gigabytes * 2**30, sha256=manifest.files[name].sha256)
    manifest.model_copy(update={"files": manifest.files | {name: entry}}).write(bundle)
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "verify", bundle],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)),
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert f"files.{name}: expected at most " in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_golden_windows_are_as_many_as_an_export_writes():
    assert coherence.GOLDEN_WINDOWS == GOLDEN_WINDOWS
