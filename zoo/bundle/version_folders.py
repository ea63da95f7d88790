"""The numbered folders of a model; needs no array library."""

from __future__ import annotations

from pathlib import Path


def versions(model: Path) -> list[int]:
    """The version numbers of a model's folder: positive integers without leading zeros."""
    names = [path.name for path in model.iterdir() if path.is_dir()] if model.is_dir() else []
    return sorted(int(name) for name in names if is_version(name))


def is_version(name: str) -> bool:
    """Whether a folder of this name is a version."""
    return name.isascii() and name.isdigit() and not name.startswith("0")
