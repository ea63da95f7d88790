"""Whether a manifest's fields fit each other, and what uses them: anybody may have written them.

Asked before anything else of the bundle is read. :meth:`Manifest.read` alone, as for a list, does without.
"""

from __future__ import annotations

import math
from pathlib import Path

from zoo.bundle.manifest import Manifest
from zoo.tasks import find_task
from zoo.tasks.base import SequenceTask
from zoo.texts import printable
from zoo_registry import Problem
from zoo_registry.errors import BundleError

GOLDEN_WINDOWS = 64  # that golden.npz holds at most
_MOST_GAP = 10**7  # rows, of each of which a forecast needs the time
_HEADERS = 2**16  # bytes of golden.npz beside its numbers
# Bytes of the files that are read whole; ONNX' own limit is the second
_AT_MOST = {"golden.npz": 2**30, "model.onnx": 2**31 - 1, "preprocessing.json": 2**26}


def check_coherence(manifest: Manifest, path: Path) -> None:
    """Raise BundleError that names ``path``, the field and what is wrong with it."""
    try:
        _check(manifest)
    except ValueError as error:
        raise BundleError(
            f"{path}: not a valid manifest ({printable(str(error))}); the bundle was changed, export again"
        ) from error


def _check(manifest: Manifest) -> None:
    problem, task = manifest.problem, find_task(manifest.problem.task)
    if not task.roles.ahead and (problem.horizon, problem.gap) != (1, 0):
        raise ValueError(f"problem.horizon and gap: expected 1 and 0 of {task.name}, as it does not look ahead")
    if problem.gap > _MOST_GAP:
        raise ValueError(f"problem.gap: expected at most {_MOST_GAP} rows, found {problem.gap}")
    if len(problem.inputs) != 1 or problem.dtype not in ("float32", "float64"):
        raise ValueError("problem.inputs: expected one, of numbers")
    if task.roles.classes and len(problem.classes) < 2:
        raise ValueError(f"problem.classes: expected two or more, found {list(problem.classes)}")
    outputs = task.outputs(problem.horizon, problem.targets, problem.classes, problem.quantiles)
    expected = tuple(output.tensor(problem.dtype) for output in outputs)
    if problem.outputs != expected:
        told = ", ".join(f"{tensor.name} of {tensor.dtype} {list(tensor.shape)}" for tensor in expected)
        raise ValueError(f"problem.outputs: expected {told}, as the task and the columns say")
    _check_units(manifest, task)
    if manifest.run in (".", "..") or not manifest.run.isprintable() or set("/\\") & set(manifest.run):
        raise ValueError(f"run: expected the name of a run's folder, found '{manifest.run}'")
    _check_sizes(manifest)


def _check_units(manifest: Manifest, task: SequenceTask) -> None:
    """What is in units has one for each target to measure errors by, and what flags a threshold."""
    wanted = list(manifest.problem.targets) if task.in_units else []
    if sorted(manifest.parity_unit) != sorted(wanted):
        raise ValueError(f"parity_unit: expected one for each of {wanted}, found {list(manifest.parity_unit)}")
    for name, unit in manifest.parity_unit.items():
        if not 0 < unit < math.inf:
            raise ValueError(f"parity_unit.{name}: expected a number above 0, found {unit}")
    if task.has_threshold and (manifest.threshold is None or not math.isfinite(manifest.threshold)):
        raise ValueError(f"threshold: expected a number, found {manifest.threshold}")


def golden_bytes(problem: Problem) -> int:
    """How many bytes golden windows and their outputs have, at most, however few of them golden.npz holds."""
    ends = (*problem.inputs, *problem.outputs)
    numbers = sum(math.prod(tensor.shape) * {"bool": 1, "float32": 4, "float64": 8}[tensor.dtype] for tensor in ends)
    return GOLDEN_WINDOWS * numbers


def _check_sizes(manifest: Manifest) -> None:
    """No file is larger than what is read of it at once may be: told before it is read, also where it is sparse."""
    at_most = _AT_MOST | {"golden.npz": min(_AT_MOST["golden.npz"], golden_bytes(manifest.problem) + _HEADERS)}
    for name, limit in at_most.items():
        if name in manifest.files and manifest.files[name].size > limit:
            raise ValueError(f"files.{name}: expected at most {limit} bytes, found {manifest.files[name].size}")
