"""The record of a run, ``run.json``, and finding runs; loads neither Keras nor pandas."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError, model_validator

from zoo.migrations import SCHEMA_VERSION, migrate, upgrade_run
from zoo.provenance import DataRecord, Evaluation, Provenance, Record, Retrained, first_fault
from zoo.settings.schema import RunConfig
from zoo.sums import check_sums
from zoo_registry import Problem
from zoo_registry.errors import RunError, close_match_hint

RECORD_FILE = "run.json"
MAX_RECORD_BYTES = 256 * 2**20
READ_FILES = (RECORD_FILE, "model.keras", "preprocessing.json")  # what a run is used by; the others are for readers
UNFINISHED, CONFIG_FILE = "unfinished", "config.json"  # the folder of those that are under way, and what is in each


class Origin(Record):
    """The run whose weights a training began with, and the epoch that they are of."""

    run: str
    epoch: int


class Threads(Record):
    """``intra`` threads inside an operation, ``inter`` operations at once; 0: all cores."""

    intra: int
    inter: int


class EngineRecord(Record):
    """How training steps were computed, and which layers were fused, or why not; ``rounds`` are of a batch."""

    engine: str
    parts: int
    steps_per_execution: int
    jit: bool
    fused: tuple[str, ...]
    not_fused: tuple[str, ...]
    threads: Threads
    rounds: int = 1


class TrainingRecord(Record):
    """How a training went; ``loss`` and ``val_loss`` are of the epoch whose weights were kept, which counts from 1.

    Weights that were taken as they are have no epoch, 0, and no ``loss``; a training on all rows has no ``val_loss``.
    An epoch is ``validate_every`` optimizer steps, the last one perhaps fewer: ``steps`` were made in all, and the
    weights are those after ``best_step`` of them. Records that were made before these were counted have none of the
    three.
    """

    epochs: int
    best_epoch: int
    validate_every: int | None = None
    steps: int | None = None
    best_step: int | None = None
    seconds: float
    loss: float | None
    val_loss: float | None
    parameters: int
    engine: EngineRecord | None = None
    started_from: Origin | None = None


class Beginning(Record):
    """What is known of a run when it begins; ``retrained_from`` is the run that it trains again.

    ``loss_scale`` says what the loss is of where windows are normalized: targets on each ``window``'s own scale, or
    ``scaled`` ones, as in version 1.
    """

    schema_version: Literal[2] = SCHEMA_VERSION
    id: str
    created: str
    config: RunConfig
    plugin: Provenance
    versions: dict[str, str]
    retrained_from: Retrained | None = None
    loss_scale: Literal["window", "scaled"] = "window"


class RunRecord(Beginning):
    """``run.json``: what was run, on what, with which result; ``evaluation`` is None where all rows were trained on."""

    problem: Problem
    data: DataRecord
    training: TrainingRecord
    evaluation: Evaluation | None

    @model_validator(mode="before")
    @classmethod
    def _of_schema_1(cls, values: Any) -> Any:
        return migrate(values, upgrade_run)


def read_record(folder: Path) -> RunRecord:
    """Read ``run.json``; the id is the folder's name. Raises RunError where it is missing or not of this version."""
    check_sums(folder, [RECORD_FILE], RunError)
    path = folder / RECORD_FILE
    if not path.is_file():
        raise RunError(f"{folder}: expected a run, found no {RECORD_FILE}; see: zoo runs")
    try:
        if (size := path.stat().st_size) > MAX_RECORD_BYTES:
            raise RunError(f"{path}: expected at most {MAX_RECORD_BYTES} bytes, found {size}; train again")
        return RunRecord.model_validate_json(path.read_bytes()).model_copy(update={"id": folder.resolve().name})
    except OSError as error:
        raise RunError(f"{path}: expected a readable file, found: {error.strerror}; look at its permissions") from error
    except ValidationError as error:
        raise RunError(f"{path}: not a valid record of this version ({first_fault(error)}); train again") from error


def list_runs(runs: Path) -> list[Path]:
    """The folders of all runs, oldest first."""
    return sorted(path.parent for path in runs.glob(f"*/{RECORD_FILE}") if not path.parent.name.startswith("."))


def find_run(name: str, runs: Path) -> Path:
    """Return a run's folder by path, by id, by the beginning of its id where that is enough, or by ``latest``.

    Raises RunError where there is none, or more than one.
    """
    if (Path(name) / RECORD_FILE).is_file():
        return Path(name)
    known = {path.name: path for path in list_runs(runs)}
    if name not in known and (runs / UNFINISHED / name / CONFIG_FILE).is_file():
        raise RunError(f"run {name} is unfinished; go on with it: zoo train --resume {name}")
    if not known:
        raise RunError(f"{runs}: there are no runs; train one with: zoo train basic")
    if name == "latest":
        return max(known.values(), key=lambda path: (path / RECORD_FILE).stat().st_mtime_ns)
    return known[pick_id(name, known, runs, "run")]


def pick_id(name: str, known: Collection[str], runs: Path, kind: str) -> str:
    """Return the id that a name is, or begins; raises RunError where that is none, or more than one."""
    if name in known:
        return name
    fits = [run for run in known if run.startswith(name)]
    if len(fits) > 1:
        shown = ", ".join(fits[:3]) + (", …" if len(fits) > 3 else "")
        raise RunError(f"'{name}' begins {len(fits)} {kind}s: {shown}; give more of the id")
    if not fits:
        raise RunError(f"there is no {kind} '{name}' in {runs}{close_match_hint(name, known)}; see: zoo runs")
    return fits[0]


def new_run_id(architecture: str) -> str:
    """A name that sorts by time and says what it is."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{architecture.replace(':', '-')}"
