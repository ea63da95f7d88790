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
from zoo_registry import Problem
from zoo_registry.errors import BundleError


def changed(**problem):
    return lambda manifest: {"problem": manifest.problem.model_copy(update=problem)}


def of_input(**values):
    return lambda manifest: changed(inputs=(manifest.problem.inputs[0].model_copy(update=values),))(manifest)


def of_data(**values):
    return lambda manifest: {"data": manifest.data.model_copy(update=values)}


CHANGES = {
    "an unknown task": (changed(task="forecst"), "there is no task 'forecst'; did you mean 'forecast'"),
    "another task": (changed(task="anomaly", horizon=1), "problem.outputs: expected score of float32 [1]"),
    "a horizon without a forecast": (changed(task="regress"), "problem.horizon and gap: expected 1 and 0 of regress"),
    "a gap without end": (changed(gap=10**29), "problem.gap: expected at most 10000000 rows, found 1000"),
    "no classes": (changed(task="classify", horizon=1), "problem.classes: expected two or more"),
    "no unit": (lambda manifest: {"parity_unit": {}}, "parity_unit: expected one for each of ['load'], found []"),
    "another's unit": (lambda manifest: {"parity_unit": {"x": 1.0}}, "parity_unit: expected one for each of"),
    "a unit of 0": (
        lambda manifest: {"parity_unit": {"load": 0.0}},
        "parity_unit.load: expected a number above 0, found 0.0",
    ),
    "no window": (of_input(shape=(0, 2)), "problem.inputs.0.shape.0: Input should be greater than or equal to 1"),
    "a flag for a window": (of_input(dtype="bool"), "problem.inputs: expected one, of numbers"),
    "a feature twice": (of_input(columns=("load", "load")), "problem.inputs.0: "),
    "no features": (of_input(columns=()), "problem: "),
    "no outputs": (changed(outputs=()), "problem.outputs: Tuple should have at least 1 item"),
    "a level above 1": (changed(quantiles=(2.0,)), "problem.quantiles.0: Input should be less than 1"),
    "a level without an output": (changed(quantiles=(0.5,)), "problem.outputs: expected forecast of float32 [3, 1],"),
    "a step of 0": (changed(step={"name": "h", "size": 0.0}), "problem.step.size: Input should be greater than 0"),
    "a step without a size": (changed(step={"name": "h"}), "problem.step.size: Field required"),
    "an unknown calendar": (of_data(calendar=["eon"]), "data.calendar.0: Input should be"),
    "no test rows": (of_data(split={"train": {"rows": 84}}), "data.split: Dictionary should have at least 3 items"),
    "a list for a time": (of_data(time_column=[]), "data.time_column: Input should be a valid string"),
    "a run elsewhere": (lambda manifest: {"run": "../../theirs"}, "run: expected the name of a run's folder"),
    "no operators": (lambda manifest: {"onnx": {"opset": 18}}, "onnx.operators: Field required"),
    "no architecture": (lambda manifest: {"architecture": {}}, "architecture.name: Field required"),
}


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
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
    problem = manifest.problem.model_dump() | {
        "task": "anomaly",
        "horizon": 1,
        "outputs": [
            {"name": "score", "dtype": "float32", "shape": [1]},
            {"name": "is_anomaly", "dtype": "bool", "shape": [1]},
        ],
    }
    anomalies = manifest.model_copy(
        update={"problem": Problem.model_validate(problem), "parity_unit": {}, "threshold": 0.5}
    )
    anomalies.write(bundle)
    check_integrity(bundle)
    anomalies.model_copy(update={"threshold": None}).write(bundle)
    with pytest.raises(BundleError, match="threshold: expected a number, found None"):
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
