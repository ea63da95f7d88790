"""Find unfinished trainings, and runs of any kind whose weights a training begins with."""

from __future__ import annotations

import shlex
from pathlib import Path

from zoo.runs.record import CONFIG_FILE, READ_FILES, RECORD_FILE, UNFINISHED, find_run, list_runs, pick_id, read_record
from zoo.runs.unfinished import UnfinishedRun
from zoo.settings.schema import RunConfig
from zoo.sums import check_sums
from zoo_registry import Task
from zoo_registry.errors import ConfigError, RunError


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


def config_of(found: Path | UnfinishedRun) -> RunConfig:
    """The configuration of a run that :func:`find_start` found."""
    return found.record.config if isinstance(found, UnfinishedRun) else read_record(found).config


def normalized_as_start(config: RunConfig, runs: Path) -> RunConfig:
    """A configuration whose windows, unless it says how, are normalized as those of the run that it begins with.

    Raises what :func:`find_start` raises.
    """
    start = config.training.start_from
    if start is None or config.network.normalize_window != "auto":
        return config
    other = config_of(find_start(start, runs, config.architecture, config.task))
    return config.normalizing(other.network.normalize_window)


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
