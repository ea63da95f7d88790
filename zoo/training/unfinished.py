"""Trainings under way, in ``runs/unfinished/<id>/``: claimed, locked, told and found; needs no Keras and no NumPy.

Such a folder holds ``config.json``, a lock, and the newest whole checkpoint. A finished run leaves it.
"""

from __future__ import annotations

import errno
import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from zoo.atomic import STAGING, make_folder, sync, try_lock, write_text
from zoo.options import ARRAYS, FRAME
from zoo.training.config import RunConfig
from zoo.training.run_record import (
    CONFIG_FILE,
    RECORD_FILE,
    UNFINISHED,
    find_run,
    list_runs,
    new_run_id,
    pick_id,
    provenance,
    read_record,
)
from zoo.versions import library_versions
from zoo_registry import Entry, Task
from zoo_registry.errors import ConfigError, RunError, TrainingError

LOCK_FILE, DIVERGED_FILE, CHECKPOINT = "lock", "diverged", "checkpoint-"
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class UnfinishedRecord(BaseModel):
    """``config.json``: what is trained, on which data, by which versions; enough to go on with it.

    ``distribute`` is what ``zoo train`` was given of that name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    id: str
    created: str
    config: RunConfig
    plugin: dict[str, str]
    versions: dict[str, str]
    fingerprint: str
    started_from: dict[str, Any] | None = None
    distribute: str | None = None


@dataclass(frozen=True)
class UnfinishedRun:
    """A training that has not ended; ``folder`` is its own."""

    folder: Path
    record: UnfinishedRecord

    @property
    def id(self) -> str:
        """The run's id, which the finished run keeps."""
        return self.folder.name

    @property
    def runs(self) -> Path:
        """The folder of all runs."""
        return self.folder.parent.parent

    @property
    def finished(self) -> bool:
        """Whether the finished run is in its place, so that this folder is only a rest."""
        return (self.runs / self.id / RECORD_FILE).is_file()

    @property
    def checkpoint(self) -> Path | None:
        """The folder of the newest whole checkpoint."""
        found = [path for path in self.folder.glob(f"{CHECKPOINT}*") if path.name.removeprefix(CHECKPOINT).isdigit()]
        return max(found, key=epoch_of, default=None)

    @property
    def epoch(self) -> int:
        """Epochs that the newest checkpoint holds; 0 where there is none."""
        return 0 if (newest := self.checkpoint) is None else epoch_of(newest)

    @property
    def command(self) -> str:
        """What goes on with it: of one that diverged, and would again, a new training from its weights.

        That is a command, or a call where the table is one of a program, which no command can read.
        """
        if self.diverged:
            return (self.folder / DIVERGED_FILE).read_text(encoding="utf-8").strip()
        if self._of_program:
            return f'zoo.resume("{self.id}", data{self._keyword})'
        shared = self.record.distribute
        return f"zoo train --resume {self.id}{self._option}{f' --distribute {shared}' if shared else ''}"

    @property
    def diverged(self) -> bool:
        """Whether its loss or weights were not finite after the last checkpoint."""
        return (self.folder / DIVERGED_FILE).is_file()

    def set_diverged(self, learning_rate: float) -> None:
        """Note that going on as before would lead nowhere, but perhaps with a smaller rate."""
        if self._of_program:
            settings = f'start_from="{self.id}", learning_rate={learning_rate:.3g}{self._keyword}, ...'
            advice = f'zoo.train("{self.record.config.architecture}", data, {settings})'
        else:
            advice = f"zoo train --from {self.id} --learning-rate {learning_rate:.3g}{self._option}"
        write_text(self.folder / DIVERGED_FILE, advice)

    @property
    def _of_program(self) -> bool:
        return self.record.config.data.source in (FRAME, ARRAYS)

    @property
    def _option(self) -> str:
        return "" if str(self.runs) == "runs" else f" --runs {shlex.quote(str(self.runs))}"

    @property
    def _keyword(self) -> str:
        return "" if str(self.runs) == "runs" else f", runs={str(self.runs)!r}"

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read ``config.json``; raises RunError where it is not of this version."""
        try:
            return cls(folder, UnfinishedRecord.model_validate_json((folder / CONFIG_FILE).read_bytes()))
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise RunError(f"{folder / CONFIG_FILE}: not a record of this version ({reason}); train again") from error

    def is_running(self) -> bool:
        """Whether a process holds its lock."""
        with suppress(FileNotFoundError), (self.folder / LOCK_FILE).open("rb") as lock:
            return not try_lock(lock.fileno())
        return False

    def remove(self) -> None:
        """Remove the folder, and the folders around it where nothing else is in them."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for around in (self.folder.parent, self.runs):
            with suppress(OSError):  # something else is in it
                around.rmdir()


def epoch_of(checkpoint: Path) -> int:
    """The number of epochs that a checkpoint's folder holds, by its name."""
    return int(checkpoint.name.removeprefix(CHECKPOINT))


@contextmanager
def begin_run(
    runs: Path,
    config: RunConfig,
    entry: Entry,
    fingerprint: str,
    started_from: dict[str, Any] | None = None,
    distribute: str | None = None,
) -> Iterator[UnfinishedRun]:
    """Claim an id and a folder for a training, and hold its lock; the folder is gone once the run is finished.

    It stays after Ctrl-C, SIGTERM, a full disk (a TrainingError says what is left) and, with an epoch to keep, after
    any other error.
    """
    folder = _claim(runs, new_run_id(config.architecture))
    record = UnfinishedRecord(
        id=folder.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        config=config,
        plugin=provenance(entry),
        versions=library_versions(),
        fingerprint=fingerprint,
        started_from=started_from,
        distribute=distribute,
    )
    run = UnfinishedRun(folder, record)
    with _guarded(run, fresh=True), _locked(run):
        write_text(folder / CONFIG_FILE, record.model_dump_json(indent=2) + "\n")
        sync(folder)
        yield run


@contextmanager
def reopen_run(name: str, runs: Path) -> Iterator[UnfinishedRun]:
    """Find an unfinished training, hold its lock, and clean up what a killed process left half-written.

    Raises RunError where there is none, where it is finished, and where another process is at it. Whatever happens
    then, the folder stays until the run is finished.
    """
    run = find_unfinished(name, runs)
    with _guarded(run, fresh=False), _locked(run):
        if not (run.folder / CONFIG_FILE).is_file():
            raise RunError(f"run {run.id} was finished or removed a moment ago; see: zoo runs")
        if run.diverged:
            raise RunError(f"run {run.id} diverged after epoch {run.epoch}, and would again; go on with: {run.command}")
        for rest in run.folder.glob(f"{STAGING}*"):
            shutil.rmtree(rest) if rest.is_dir() else rest.unlink()
        yield run


def list_unfinished(runs: Path) -> list[Path]:
    """The folders of all unfinished trainings, oldest first."""
    found = sorted(path.parent for path in (runs / UNFINISHED).glob(f"*/{CONFIG_FILE}"))
    return [folder for folder in found if not (runs / folder.name / RECORD_FILE).is_file()]


def find_unfinished(name: str, runs: Path) -> UnfinishedRun:
    """Return an unfinished training by path, id, the beginning of its id, or ``latest``.

    Raises RunError where there is none, more than one, or a finished one.
    """
    if (Path(name) / CONFIG_FILE).is_file():
        return UnfinishedRun.read(Path(name).resolve())
    known = {folder.name: folder for folder in list_unfinished(runs)}
    if name not in known and ((Path(name) / RECORD_FILE).is_file() or (runs / name / RECORD_FILE).is_file()):
        shutil.rmtree(runs / UNFINISHED / Path(name).name, ignore_errors=True)  # a kill may have left it there
        raise RunError(f"run {name} is finished, expected an unfinished one; see: zoo runs, zoo export {name}")
    if not known:
        raise RunError(f"{runs}: there are no unfinished runs; train one with: zoo train basic")
    if name == "latest":
        return UnfinishedRun.read(max(known.values(), key=lambda folder: (folder / CONFIG_FILE).stat().st_mtime_ns))
    return UnfinishedRun.read(known[pick_id(name, known, runs, "unfinished run")])


@contextmanager
def _guarded(run: UnfinishedRun, *, fresh: bool) -> Iterator[None]:
    """Remove the folder when it has served, and say how to go on when it has not; ``fresh``: begun just now."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as stop:
        if run.finished:
            run.remove()
            stop.add_note(f"run {run.id} is finished")
        elif run.checkpoint is None and fresh:
            run.remove()
        else:
            stop.add_note(f"go on with: {run.command}")
        raise
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        where = f"{error.filename or run.folder}: {os.strerror(error.errno)}"
        if run.checkpoint is None and fresh:
            run.remove()
            raise TrainingError(f"{where}; nothing half-written is left; make room and train again") from error
        left = f"the last checkpoint, of epoch {run.epoch}, is whole"
        raise TrainingError(f"{where}; {left}; make room, then go on with: {run.command}") from error
    except Exception:
        if run.finished or (fresh and run.epoch == 0):
            run.remove()
        raise
    run.remove()


def config_of(found: Path | UnfinishedRun) -> RunConfig:
    """The configuration of a run that :func:`find_start` found."""
    return found.record.config if isinstance(found, UnfinishedRun) else read_record(found).config


def find_start(
    name: str, runs: Path, architecture: str | None = None, task: Task | str | None = None
) -> Path | UnfinishedRun:
    """Find the run whose weights a training begins with: the folder of a finished one, or an unfinished one.

    Raises RunError where there is none, or more than one, and ConfigError where it is of another architecture or task.
    """
    unfinished = {folder.name: folder for folder in list_unfinished(runs)}
    found: Path | UnfinishedRun
    if (Path(name) / CONFIG_FILE).is_file():
        found = UnfinishedRun.read(Path(name))
    elif (Path(name) / RECORD_FILE).is_file() or name == "latest":
        found = find_run(name, runs)
    else:
        chosen = pick_id(name, {*unfinished, *(folder.name for folder in list_runs(runs))}, runs, "run")
        found = UnfinishedRun.read(unfinished[chosen]) if chosen in unfinished else runs / chosen
    other = config_of(found)
    if architecture is not None and other.architecture != architecture:
        raise ConfigError(
            f"--from {name}: expected a run of the architecture '{architecture}', found one of '{other.architecture}';"
            " name another run, or train that architecture"
        )
    if task is not None and other.task != task:
        raise ConfigError(
            f"--from {name}: expected a run of the task '{task}', found one of '{other.task}'; name another run, or"
            f" give --task {other.task}"
        )
    return found


def _claim(runs: Path, wanted: str) -> Path:
    """Make the folder of the first of ``wanted``, ``wanted-2``, … that no run has; making it claims it."""
    make_folder(runs / UNFINISHED)
    for number in count(1):
        name = wanted if number == 1 else f"{wanted}-{number}"
        if not (runs / name).exists():
            with suppress(FileExistsError):
                folder = runs / UNFINISHED / name
                folder.mkdir()
                return folder
    raise AssertionError("there is always a next number")


@contextmanager
def _locked(run: UnfinishedRun) -> Iterator[None]:
    """Hold a lock that the system releases when the process ends, however it ends."""
    with (run.folder / LOCK_FILE).open("ab") as lock:
        if not try_lock(lock.fileno()):
            raise RunError(f"run {run.id} is being trained by another process; wait for it, or stop that one first")
        yield
