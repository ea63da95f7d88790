"""Whether a bundle's files are exactly those of its manifest; runs before any parser sees one of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zoo.bundle.manifest import MANIFEST_FILE, FileEntry, Manifest
from zoo_registry.errors import BundleError


def describe_files(folder: Path) -> dict[str, FileEntry]:
    """Size and SHA-256 of every file below the folder but the manifest, by its path relative to the folder.

    Raises BundleError for a link or anything else that is neither file nor folder.
    """
    return {
        name: FileEntry(size=path.stat().st_size, sha256=_sha256(path)) for name, path in sorted(_files(folder).items())
    }


def check_integrity(folder: Path) -> Manifest:
    """Check manifest, set of files, sizes and hashes, in this order, and return the manifest.

    Raises BundleError that names the first file at fault.
    """
    manifest = Manifest.read(folder)
    files = _files(folder)
    if missing := sorted(manifest.files.keys() - files.keys()):
        raise BundleError(f"{folder / missing[0]}: the manifest lists this file, but it is missing; export again")
    if extra := sorted(files.keys() - manifest.files.keys()):
        raise BundleError(f"{folder / extra[0]}: the manifest does not list this file; remove it, or export again")
    for name, entry in sorted(manifest.files.items()):
        if (size := files[name].stat().st_size) != entry.size:
            raise BundleError(
                f"{folder / name}: expected {entry.size} bytes, found {size}; it was changed, export again"
            )
        if _sha256(files[name]) != entry.sha256:
            raise BundleError(f"{folder / name}: its SHA-256 is not the manifest's; it was changed, export again")
    return manifest


def _files(folder: Path) -> dict[str, Path]:
    found = {}
    for path in folder.rglob("*"):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise BundleError(f"{path}: expected files and folders alone, found a link or device; remove it")
        if path.is_file() and (name := path.relative_to(folder).as_posix()) != MANIFEST_FILE:
            found[name] = path
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
