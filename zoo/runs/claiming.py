"""Begin a training in a folder of its own, or go on with one: the folder is claimed, locked, and removed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from zoo.atomic import full_disk, make_folder, rename_to_free, staging_folder, write_text
from zoo.locks import holding
from zoo.provenance import Provenance, Retrained
from zoo.removal import is_staging, remove, remove_emptied, staged_in
from zoo.runs.finding import find_unfinished
from zoo.runs.record import CONFIG_FILE, UNFINISHED, Origin, new_run_id
from zoo.runs.unfinished import LOCK_FILE, UnfinishedRecord, UnfinishedRun
from zoo.settings.schema import RunConfig
from zoo.sums import write_sums
from zoo.versions import library_versions
from zoo_registry import Architecture, Entry
from zoo_registry.errors import RunError, TrainingError


@contextmanager
def begin_run(
    runs: Path,
    config: RunConfig,
    entry: Entry[Architecture],
    fingerprint: str,
    started_from: Origin | None = None,
    retrained_from: Retrained | None = None,
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
            retrained_from=retrained_from,
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
    with holding(run.folder / LOCK_FILE) as free:
        if not free:
            raise RunError(f"run {run.id} is being trained by another process; wait for it, or stop that one first")
        with _guarded(run, fresh=False):
            if not (run.folder / CONFIG_FILE).is_file():
                raise RunError(f"run {run.id} was finished or removed a moment ago; see: zoo runs")
            if run.diverged:
                told = f"run {run.id} diverged after epoch {run.epoch}, and would again"
                raise RunError(f"{told}; go on with: {run.command}")
            for rest in staged_in(run.folder):
                remove(rest, run.folder, is_staging)
            yield run


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
                stack.enter_context(holding(staged / LOCK_FILE))
                folder = rename_to_free(staged, place)
        except OSError as error:
            if (full := full_disk(error)) is None:
                raise
            where = error.filename or home
            raise TrainingError(f"{where}: {full}; nothing half-written is left; make room and train again") from error
        yield UnfinishedRun.read(folder)
