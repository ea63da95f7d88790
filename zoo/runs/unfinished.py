"""Trainings under way, in ``runs/unfinished/<id>/``: claimed, locked, told and found; needs no Keras and no NumPy.

Such a folder holds ``config.json``, a lock, and the newest whole checkpoint. A finished run leaves it.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import ValidationError, model_validator

from zoo.atomic import full_disk, make_folder, rename_to_free, staging_folder, write_text
from zoo.migrations import SCHEMA_VERSION, migrate, upgrade_unfinished
from zoo.provenance import Provenance, Record, first_fault
from zoo.removal import ForeignError, is_staging, remove, remove_emptied, staged_in, try_lock
from zoo.runs.record import (
    CONFIG_FILE,
    READ_FILES,
    RECORD_FILE,
    UNFINISHED,
    Origin,
    find_run,
    list_runs,
    new_run_id,
    pick_id,
    read_record,
)
from zoo.settings.choices import ARRAYS, FRAME
from zoo.settings.schema import RunConfig
from zoo.sums import check_sums, write_sums
from zoo.versions import library_versions
from zoo_registry import Architecture, Entry, Task
from zoo_registry.errors import ConfigError, RunError, TrainingError

LOCK_FILE, DIVERGED_FILE, CHECKPOINT = "lock", "diverged", "checkpoint-"


class UnfinishedRecord(Record):
    """``config.json``: what is trained, on which data, by which versions; enough to go on with it."""

    schema_version: Literal[2] = SCHEMA_VERSION
    id: str
    created: str
    config: RunConfig
    plugin: Provenance
    versions: dict[str, str]
    fingerprint: str
    started_from: Origin | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_schema_1(cls, values: Any) -> Any:
        return migrate(values, upgrade_unfinished)


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
    def checkpoints(self) -> list[Path]:
        """The folders of all whole checkpoints; but for a kill in the wrong moment there is one at most."""
        return [path for path in self.folder.glob(f"{CHECKPOINT}*") if is_checkpoint(path)]

    @property
    def checkpoint(self) -> Path | None:
        """The folder of the newest whole checkpoint."""
        return max(self.checkpoints, key=epoch_of, default=None)

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
        return f"zoo train --resume {self.id}{self._option}"

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
        """Read ``config.json``; raises RunError where it is not what was written, or not of this version."""
        check_sums(folder, [CONFIG_FILE], RunError)
        try:
            return cls(folder, UnfinishedRecord.model_validate_json((folder / CONFIG_FILE).read_bytes()))
        except ValidationError as error:
            reason = first_fault(error)
            raise RunError(f"{folder / CONFIG_FILE}: not a record of this version ({reason}); train again") from error

    def is_running(self) -> bool:
        """Whether a process holds its lock."""
        with suppress(FileNotFoundError), (self.folder / LOCK_FILE).open("rb") as lock:
            return not try_lock(lock.fileno())
        return False

    def remove(self) -> None:
        """Remove the folder, whose lock this process holds, and the one around it where nothing else is in it."""
        with suppress(ForeignError, OSError):  # what is no longer as the zoo made it stays
            remove(self.folder, self.folder.parent, is_unfinished)
        with suppress(OSError):
            remove_emptied(self.folder.parent)


def is_unfinished(folder: Path) -> bool:
    """Whether this is the folder of an unfinished training, by its place, its lock, and the id in its configuration."""
    if folder.resolve().parent.name != UNFINISHED or not (folder / LOCK_FILE).is_file():
        return False
    try:
        return UnfinishedRun.read(folder).record.id == folder.name
    except (OSError, RunError):
        return False


def is_checkpoint(folder: Path) -> bool:
    """Whether this is a checkpoint in the folder of an unfinished training, by its name and place."""
    number = folder.name.removeprefix(CHECKPOINT)
    return number.isascii() and number.isdigit() and folder.is_dir() and folder.absolute().parents[1].name == UNFINISHED


def epoch_of(checkpoint: Path) -> int:
    """The number of epochs that a checkpoint's folder holds, by its name."""
    return int(checkpoint.name.removeprefix(CHECKPOINT))


@contextmanager
def begin_run(
    runs: Path,
    config: RunConfig,
    entry: Entry[Architecture],
    fingerprint: str,
    started_from: Origin | None = None,
) -> Iterator[UnfinishedRun]:
    """Claim an id and a folder for a training, and hold its lock; the folder is gone once the run is finished.

    It stays after Ctrl-C, SIGTERM, a full disk (a TrainingError says what is left) and, with an epoch to keep, after
    any other error.
    """

    def record_of(name: str) -> UnfinishedRecord:
        return UnfinishedRecord(
            id=name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            config=config,
            plugin=Provenance.of(entry),
            versions=library_versions(),
            fingerprint=fingerprint,
            started_from=started_from,
        )

    made = [folder for folder in (runs / UNFINISHED, runs) if not folder.exists()]
    try:
        with _claimed(runs, new_run_id(config.architecture), record_of) as run, _guarded(run, fresh=True):
            yield run
    finally:
        for folder in made:
            with suppress(OSError):  # it is gone, or something is in it
                remove_emptied(folder)


@contextmanager
def reopen_run(name: str, runs: Path) -> Iterator[UnfinishedRun]:
    """Find an unfinished training, hold its lock, and clean up what a killed process left half-written.

    Raises RunError where there is none, where it is finished, and where another process is at it. Whatever happens
    then, the folder stays until the run is finished.
    """
    run = find_unfinished(name, runs)
    with _locked(run), _guarded(run, fresh=False):
        if not (run.folder / CONFIG_FILE).is_file():
            raise RunError(f"run {run.id} was finished or removed a moment ago; see: zoo runs")
        if run.diverged:
            raise RunError(f"run {run.id} diverged after epoch {run.epoch}, and would again; go on with: {run.command}")
        for rest in staged_in(run.folder):
            remove(rest, run.folder, is_staging)
        yield run


def list_unfinished(runs: Path) -> list[Path]:
    """The folders of all unfinished trainings, oldest first."""
    found = sorted(path.parent for path in (runs / UNFINISHED).glob(f"*/{CONFIG_FILE}"))
    return [folder for folder in found if not (runs / folder.name / RECORD_FILE).is_file()]


def find_unfinished(name: str, runs: Path) -> UnfinishedRun:
    """Return an unfinished training by path, id, the beginning of its id, or ``latest``.

    Raises RunError where there is none, more than one, or a finished one.
    """
    folder = Path(name).resolve()
    if (folder / CONFIG_FILE).is_file():
        return _read_own(folder)
    known = {folder.name: folder for folder in list_unfinished(runs)}
    if name not in known and ((folder / RECORD_FILE).is_file() or (runs / name / RECORD_FILE).is_file()):
        raise RunError(
            f"run {folder.name} is finished, expected an unfinished one; see: zoo runs, zoo export {shlex.quote(name)}"
        )
    if not known:
        raise RunError(f"{runs}: there are no unfinished runs; train one with: zoo train basic")
    if name == "latest":
        return _read_own(max(known.values(), key=lambda folder: (folder / CONFIG_FILE).stat().st_mtime_ns))
    return _read_own(known[pick_id(name, known, runs, "unfinished run")])


def _read_own(folder: Path) -> UnfinishedRun:
    """Read an unfinished training's folder; raises RunError where it is not in its place, or that of another run.

    The finished run comes beside the folder around it, and then this one is removed.
    """
    run = UnfinishedRun.read(folder)
    if folder.resolve().parent.name != UNFINISHED:
        raise RunError(f"{folder}: expected a folder in RUNS/{UNFINISHED}, found a copy elsewhere; move it there")
    if run.record.id != folder.name:
        raise RunError(
            f"{folder}: expected the run of this name, found run {run.record.id}; give the folder that name again"
        )
    return run


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
    except Exception as error:
        if (full := full_disk(error)) is None:
            if run.finished or (fresh and run.epoch == 0):
                run.remove()
            raise
        where = f"{getattr(error, 'filename', None) or run.folder}: {full}"
        if run.checkpoint is None and fresh:
            run.remove()
            raise TrainingError(f"{where}; nothing half-written is left; make room and train again") from error
        left = f"the last checkpoint, of epoch {run.epoch}, is whole"
        raise TrainingError(f"{where}; {left}; make room, then go on with: {run.command}") from error
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
        found = UnfinishedRun.read(Path(name).resolve())
    elif (Path(name) / RECORD_FILE).is_file() or name == "latest":
        found = find_run(name, runs)
    else:
        chosen = pick_id(name, {*unfinished, *(folder.name for folder in list_runs(runs))}, runs, "run")
        found = UnfinishedRun.read(unfinished[chosen]) if chosen in unfinished else runs / chosen
    if not isinstance(found, UnfinishedRun):
        check_sums(found, READ_FILES, RunError)
    other = config_of(found)
    if architecture is not None and other.architecture != architecture:
        raise ConfigError(
            f"`start_from` {name}: expected a run of the architecture '{architecture}', found one of"
            f" '{other.architecture}'; name another run, or train that architecture"
        )
    if task is not None and other.task != task:
        raise ConfigError(
            f"`start_from` {name}: expected a run of the task '{task}', found one of '{other.task}'; name another run,"
            f" or give `task='{other.task}'`"
        )
    return found


@contextmanager
def _claimed(runs: Path, wanted: str, record_of: Callable[[str], UnfinishedRecord]) -> Iterator[UnfinishedRun]:
    """Make the folder of the first of ``wanted``, ``wanted-2``, … that no run has, and hold its lock.

    It appears with its lock held and its configuration in it, or not at all; appearing claims the name.
    """
    home = runs / UNFINISHED

    def place(number: int) -> Path:
        """The name of this number, or of the next that is free; the configuration says it too."""
        names = (wanted if index == 1 else f"{wanted}-{index}" for index in count(number))
        name = next(name for name in names if not (runs / name).exists() and not (home / name).exists())
        write_text(staged / CONFIG_FILE, record_of(name).model_dump_json(indent=2) + "\n")
        write_sums(staged, [CONFIG_FILE])
        return home / name

    with ExitStack() as stack:
        try:
            make_folder(home)
            with staging_folder(home) as staged:
                lock = stack.enter_context((staged / LOCK_FILE).open("ab"))
                try_lock(lock.fileno())
                folder = rename_to_free(staged, place)
        except OSError as error:
            if (full := full_disk(error)) is None:
                raise
            where = error.filename or home
            raise TrainingError(f"{where}: {full}; nothing half-written is left; make room and train again") from error
        yield UnfinishedRun.read(folder)


@contextmanager
def _locked(run: UnfinishedRun) -> Iterator[None]:
    """Hold a lock that the system releases when the process ends, however it ends."""
    with (run.folder / LOCK_FILE).open("ab") as lock:
        if not try_lock(lock.fileno()):
            raise RunError(f"run {run.id} is being trained by another process; wait for it, or stop that one first")
        yield
