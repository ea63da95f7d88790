"""What is published, and what killed exports and trainings left: staging that no living process holds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from zoo.atomic import STAGING, abandoned, try_lock
from zoo.bundle.place import CONFIG_FILE
from zoo.bundle.version_folders import versions


@dataclass(frozen=True)
class Leftover:
    """A file or folder that serves nobody; ``size`` in bytes, ``in_use``: a living process is writing into it."""

    path: Path
    size: int
    in_use: bool = False


def clean_exported(exported: Path, *, dry_run: bool = False) -> list[Leftover]:
    """Remove what killed exports left below a folder of models, and return it, with what is in use and was left.

    That is staging, and model folders in which then is nothing but perhaps a ``config.pbtxt`` as exports write it: such
    a model stops a Triton server. ``dry_run`` removes nothing. Raises OSError where something cannot be removed.
    """
    found = []
    for model in _folders(exported):
        staged = list(_clean(model, dry_run))
        found += staged
        if not any(leftover.in_use for leftover in staged):
            found += _clean_model(model, {leftover.path.name for leftover in staged}, dry_run)
    return found


def clean_runs(runs: Path, *, dry_run: bool = False) -> list[Leftover]:
    """Remove the staging of killed trainings, as :func:`clean_exported` does; unfinished trainings stay, to go on with.

    Raises OSError where something cannot be removed.
    """
    places = [runs, *_folders(runs / "unfinished")]
    return [leftover for place in places for leftover in _clean(place, dry_run)]


def clean_tree(folder: Path) -> list[Leftover]:
    """Remove the staging that killed processes left anywhere below a folder, as :func:`clean_exported` does."""
    return [leftover for place, _, _ in os.walk(folder) for leftover in _clean(Path(place), dry_run=False)]


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


def _clean(parent: Path, dry_run: bool) -> Iterator[Leftover]:
    for path in sorted(parent.glob(f"{STAGING}*")):
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            continue  # nothing of ours
        with abandoned(path) as free:
            if not free:
                if path.exists():
                    yield Leftover(path, size_of(path), in_use=True)
                continue
            leftover = Leftover(path, size_of(path))
            if not dry_run:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            yield leftover


def _clean_model(model: Path, removed: set[str], dry_run: bool) -> Iterator[Leftover]:
    """Remove a model's folder where no export holds it and nothing is in it; ``removed``: names that do not count."""
    handle = os.open(model, os.O_RDONLY)
    try:
        if not try_lock(handle):  # an export publishes here
            return
        rest = {path.name for path in model.iterdir()} - removed
        config = model / CONFIG_FILE
        if rest and not (rest == {CONFIG_FILE} and _is_ours(config, model.name)):
            return
        leftover = Leftover(model, size_of(config) if rest else 0)
        if not dry_run:
            config.unlink(missing_ok=True)
            with suppress(OSError):  # an export began in it just now; it writes its own configuration
                model.rmdir()
        yield leftover
    finally:
        os.close(handle)


def _is_ours(config: Path, model: str) -> bool:
    """Whether an export wrote this configuration, by its first line."""
    return config.is_file() and config.read_bytes().startswith(f'name: "{model}"\n'.encode())


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; one that vanishes meanwhile counts nothing."""
    total = 0
    inside = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)  # passes over what vanishes
    for file in (path, *inside):
        with suppress(FileNotFoundError):
            total += 0 if file.is_symlink() or file.is_dir() else file.stat().st_size
    return total
