"""What is published, and what killed processes left: what bears the zoo's mark, and no living process holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from zoo.bundle.place import CONFIG_FILE
from zoo.bundle.version_folders import versions
from zoo.export.numbers import MARK_FILE, Numbers
from zoo.locks import held
from zoo.removal import is_staging, remove, remove_emptied, staged_in
from zoo.runs.record import RECORD_FILE, UNFINISHED
from zoo.runs.unfinished import LOCK_FILE, is_unfinished
from zoo_registry.errors import ExportError


@dataclass(frozen=True)
class Leftover:
    """A file or folder that serves nobody; ``size`` in bytes, ``in_use``: a living process is writing into it."""

    path: Path
    size: int
    in_use: bool = False


def clean_exported(exported: Path, *, dry_run: bool = False) -> list[Leftover]:
    """Remove what killed exports left below a folder of models, and return it, with what is in use and was left.

    That is staging, and model folders that exports made or filled, and in which then is nothing but perhaps their
    ``config.pbtxt``: such a model stops a Triton server. ``dry_run`` removes nothing. Raises OSError where something
    cannot be removed.
    """
    found = clean_folder(exported, dry_run=dry_run)
    for model in _folders(exported):
        staged = clean_folder(model, dry_run=dry_run)
        found += staged
        if not any(leftover.in_use for leftover in staged):
            found += _clean_model(model, {leftover.path.name for leftover in staged}, dry_run)
    return found


def clean_runs(runs: Path, *, dry_run: bool = False) -> list[Leftover]:
    """Remove the staging of killed trainings, as :func:`clean_exported` does, and what is left of finished ones.

    Unfinished trainings stay, to go on with. Raises OSError where something cannot be removed.
    """
    home = runs / UNFINISHED
    found = [*clean_folder(runs, dry_run=dry_run), *clean_folder(home, dry_run=dry_run)]
    for folder in _folders(home):
        rest = _clean_rest(folder, runs, dry_run)
        found += [rest] if rest is not None else clean_folder(folder, dry_run=dry_run)
    return found


def clean_tree(folder: Path, *, dry_run: bool = False) -> list[Leftover]:
    """Remove the staging that killed processes left anywhere below a folder, as :func:`clean_exported` does."""
    return [leftover for place, _, _ in os.walk(folder) for leftover in clean_folder(Path(place), dry_run=dry_run)]


def clean_folder(folder: Path, *, dry_run: bool = False) -> list[Leftover]:
    """Remove the staging that killed processes left directly in a folder, as :func:`clean_exported` does."""
    found = []
    for path in staged_in(folder):
        with held(path) as lock:
            if lock is None and not path.exists():  # renamed or removed a moment ago
                continue
            found.append(Leftover(path, size_of(path), in_use=lock is None))
            if lock is not None and not dry_run:
                remove(path, folder, is_staging, lock)
    return found


def list_versions(exported: Path) -> dict[Path, list[int]]:
    """The models below a folder in the order of their names, each with its version numbers, the least first."""
    found = {model: versions(model) for model in _folders(exported)}
    return {model: numbers for model, numbers in found.items() if numbers}


def _folders(parent: Path) -> list[Path]:
    """The visible folders directly in a folder; none where it is missing."""
    if not parent.is_dir():
        return []
    return sorted(path for path in parent.iterdir() if _is_folder(path) and not path.name.startswith("."))


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _clean_rest(folder: Path, runs: Path, dry_run: bool) -> Leftover | None:
    """Remove the folder of an unfinished training whose run is finished: it was killed just before it did so itself."""
    if not ((runs / folder.name / RECORD_FILE).is_file() and is_unfinished(folder)):
        return None
    with held(folder / LOCK_FILE) as lock:
        found = Leftover(folder, size_of(folder), in_use=lock is None)
        if lock is not None and not dry_run:
            remove(folder, runs / UNFINISHED, is_unfinished)
    return found


def _clean_model(model: Path, removed: set[str], dry_run: bool) -> Iterator[Leftover]:
    """Remove a model's folder that exports made or filled, where no export holds it and nothing else is in it.

    ``removed``: names that do not count.
    """
    with held(model) as lock:
        if lock is None:  # an export publishes here
            return
        if versions(model):
            if (mark := model / MARK_FILE).is_file():  # killed just after the first version had appeared
                yield Leftover(mark, size_of(mark))
                if not dry_run:
                    remove(mark, model, lambda path: path.name == MARK_FILE)
            return
        rest, config = {path.name for path in model.iterdir()} - removed, model / CONFIG_FILE
        if not rest or rest - {MARK_FILE, CONFIG_FILE}:
            return
        if CONFIG_FILE in rest and not _is_ours(config):
            return
        leftover = Leftover(model, sum(size_of(model / name) for name in rest))
        if dry_run or remove_emptied(model, rest):  # else an export began in it just now
            yield leftover


def _is_ours(config: Path) -> bool:
    """Whether an export wrote this configuration; not where the numbers that say so cannot be read."""
    try:
        return Numbers.read(config.parent).wrote(config)
    except ExportError:
        return False


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; one that vanishes meanwhile counts nothing."""
    total = 0
    inside = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)  # passes over what vanishes
    for file in (path, *inside):
        with suppress(FileNotFoundError):
            total += 0 if file.is_symlink() or file.is_dir() else file.stat().st_size
    return total
