"""Whether a manifest's fields fit each other, and what uses them: anybody may have written them.

Asked before anything else of the bundle is read. :meth:`Manifest.read` alone, as for a list, does without.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from zoo.bundle.manifest import Interface, Manifest, Tensor
from zoo.outputs import FORECAST, INPUT, IS_ANOMALY, PROBABILITIES, QUANTILES, SCORE
from zoo.settings.choices import CalendarField, Gaps
from zoo.texts import printable
from zoo_registry import Task
from zoo_registry.errors import BundleError

GOLDEN_WINDOWS = 64  # that golden.npz holds at most
_HEADERS = 2**16  # bytes of golden.npz beside its numbers
# Bytes of the files that are read whole; ONNX' own limit is the second
_AT_MOST = {"golden.npz": 2**30, "model.onnx": 2**31 - 1, "preprocessing.json": 2**26}

_Count = Annotated[int, Field(ge=1, strict=True)]
_Row = Annotated[int, Field(ge=0, strict=True)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]
_Finite = Annotated[float, Field(allow_inf_nan=False, strict=True)]
_Names = Annotated[tuple[str, ...], Field(min_length=1)]


class _Step(BaseModel):
    name: str
    size: _Positive


class _Split(BaseModel):
    """The rows of each part: the first and the one after the last, or of several series their number."""

    train: tuple[_Row, _Row] | _Row
    validation: tuple[_Row, _Row] | _Row
    test: tuple[_Row, _Row] | _Row


class _Data(BaseModel):
    """What is used of the manifest's ``data``; more may stand there."""

    fingerprint: str
    time_column: str | None
    series_column: str | None
    zone: str | None
    step: _Step | None
    gaps: Gaps
    calendar: tuple[CalendarField, ...]
    split: _Split


def check_coherence(manifest: Manifest, path: Path) -> None:
    """Raise BundleError that names ``path``, the field and what is wrong with it."""
    try:
        _check(manifest)
    except ValueError as error:
        raise BundleError(
            f"{path}: not a valid manifest ({printable(str(error))}); the bundle was changed, export again"
        ) from error


def _check(manifest: Manifest) -> None:
    interface, task = manifest.interface, Task(manifest.interface.task)
    for name in ("window", "horizon"):
        _as(_Count, f"interface.{name}", getattr(interface, name))
    _as(_Row, "interface.gap", interface.gap)
    if task is not Task.FORECAST and (interface.horizon, interface.gap) != (1, 0):
        raise ValueError(f"interface.horizon and gap: expected 1 and 0 of {task}, as only a forecast looks ahead")
    for name in ("features", "targets", "classes"):
        names = getattr(interface, name)
        if len(set(names)) != len(names) or (not names and (name != "classes" or task is Task.CLASSIFY)):
            raise ValueError(f"interface.{name}: expected names, each once, found {list(names)}")
    _check_ends(interface, task)
    _check_units(manifest, task)
    _as(_Data, "data", manifest.data)
    _as(_Names, "onnx.operators", tuple(_as(dict[str, Any], "onnx.operators", manifest.onnx.get("operators"))))
    _as(str, "architecture.name", manifest.architecture.get("name"))
    if manifest.run in (".", "..") or not manifest.run.isprintable() or set("/\\") & set(manifest.run):
        raise ValueError(f"run: expected the name of a run's folder, found '{manifest.run}'")
    _check_sizes(manifest)


def _check_ends(interface: Interface, task: Task) -> None:
    """The graph's input and outputs are those of the task."""
    if len(interface.inputs) != 1 or interface.inputs[0].dtype == "bool":
        raise ValueError("interface.inputs: expected one, of numbers")
    dtype, rows, targets = interface.inputs[0].dtype, interface.horizon, len(interface.targets)
    levels = _as(tuple[Annotated[float, Field(gt=0, lt=1)], ...], "interface.quantiles", interface.quantiles)
    shapes: dict[str, tuple[int, ...]]
    if task is Task.CLASSIFY:
        shapes = {PROBABILITIES: (len(interface.classes),)}
    elif task is Task.ANOMALY:
        shapes = {SCORE: (1,), IS_ANOMALY: (1,)}
    else:
        shapes = {FORECAST: (rows, targets)} | ({QUANTILES: (rows, targets, len(levels))} if levels else {})
    ends = {
        "inputs": [Tensor(name=INPUT, dtype=dtype, shape=(interface.window, len(interface.features)))],
        "outputs": [
            Tensor(name=name, dtype="bool" if name == IS_ANOMALY else dtype, shape=shape)
            for name, shape in shapes.items()
        ],
    }
    for name, expected in ends.items():
        if list(getattr(interface, name)) != expected:
            told = ", ".join(f"{tensor.name} of {tensor.dtype} {list(tensor.shape)}" for tensor in expected)
            raise ValueError(f"interface.{name}: expected {told}, as the task and the columns say")


def _check_units(manifest: Manifest, task: Task) -> None:
    """Forecasts have a unit to measure their errors by, and anomalies a threshold."""
    wanted = list(manifest.interface.targets) if task in (Task.FORECAST, Task.REGRESS) else []
    if sorted(manifest.parity_unit) != sorted(wanted):
        raise ValueError(f"parity_unit: expected one for each of {wanted}, found {list(manifest.parity_unit)}")
    _as(dict[str, _Positive], "parity_unit", manifest.parity_unit)
    if task is Task.ANOMALY:
        _as(_Finite, "threshold", manifest.threshold)


def _check_sizes(manifest: Manifest) -> None:
    """No file is larger than what is read of it at once may be: told before it is read, also where it is sparse."""
    ends = (*manifest.interface.inputs, *manifest.interface.outputs)
    numbers = sum(math.prod(tensor.shape) * {"bool": 1, "float32": 4, "float64": 8}[tensor.dtype] for tensor in ends)
    at_most = _AT_MOST | {"golden.npz": min(_AT_MOST["golden.npz"], GOLDEN_WINDOWS * numbers + _HEADERS)}
    for name, limit in at_most.items():
        if name in manifest.files and manifest.files[name].size > limit:
            raise ValueError(f"files.{name}: expected at most {limit} bytes, found {manifest.files[name].size}")


def _as(kind: Any, name: str, value: Any) -> Any:
    """A value that is of a kind; raises ValueError that names it."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        found = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, (name, *found['loc'])))}: {found['msg']}") from error
