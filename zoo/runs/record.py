"""The record of a run, ``run.json``, and finding runs; loads neither Keras nor pandas."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zoo.settings.schema import RunConfig
from zoo.sums import check_sums
from zoo_registry import Architecture, Entry
from zoo_registry.errors import RunError, close_match_hint

RECORD_FILE = "run.json"
MAX_RECORD_BYTES = 256 * 2**20
READ_FILES = (RECORD_FILE, "model.keras", "preprocessing.json")  # what a run is used by; the others are for readers
UNFINISHED, CONFIG_FILE = "unfinished", "config.json"  # the folder of those that are under way, and what is in each


class RunRecord(BaseModel):
    """``run.json``: what was run, on what, with which result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    id: str
    created: str
    config: RunConfig
    plugin: dict[str, str]
    versions: dict[str, str]
    data: dict[str, Any]
    training: dict[str, Any]
    evaluation: dict[str, Any]


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
        raise RunError(
            f"{path}: not a valid record of this version ({error.errors()[0]['msg']}); train again"
        ) from error


class _Data(BaseModel):
    """What is needed of a record's ``data`` to use the run; more may stand there."""

    source: str
    fingerprint: str
    rows: int
    features: Annotated[list[str], Field(min_length=1)]
    targets: Annotated[list[str], Field(min_length=1)]
    classes: list[str] = []
    time_column: str | None
    series_column: str | None
    zone: str | None
    step: dict[str, Any] | None
    gaps: str
    calendar: list[str]
    repairs: dict[str, Any]
    split: dict[Literal["train", "validation", "test"], dict[str, Any]]


def read_whole_record(folder: Path) -> RunRecord:
    """Read a record as :func:`read_record` does, to use the run; raises RunError where it says too little of its data.

    A list of runs does without.
    """
    record = read_record(folder)
    try:
        _Data.model_validate(record.data)
    except ValidationError as error:
        found = error.errors()[0]
        where = ".".join(map(str, ("data", *found["loc"])))
        raise RunError(
            f"{folder / RECORD_FILE}: not a valid record of this version ({where}: {found['msg']}); train again"
        ) from error
    return record


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


def provenance(entry: Entry[Architecture]) -> dict[str, str]:
    """The plugin that an architecture comes from, as records name it."""
    return {"name": entry.plugin, "distribution": entry.distribution, "version": entry.version}
