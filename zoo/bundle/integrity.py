"""Whether a bundle's files are exactly those of its manifest; runs before any parser sees one of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from zoo.bundle.coherence import check_coherence
from zoo.bundle.manifest import MANIFEST_FILE, SIGNATURE_FILE, FileEntry, Manifest, check_names, read_manifest
from zoo.bundle.regular_files import read_regular, sha256_of, walk_regular
from zoo.texts import printable
from zoo_registry.errors import BundleError


@dataclass(frozen=True)
class CheckedFiles:
    """A folder whose files were checked against ``manifest``, which stands in a file of this SHA-256."""

    folder: Path
    manifest: Manifest
    manifest_sha256: str

    @property
    def hashes(self) -> dict[str, str]:
        """The SHA-256 of every file, the manifest too, but not of the signature."""
        listed = {name: entry.sha256 for name, entry in self.manifest.files.items()}
        return listed | {MANIFEST_FILE: self.manifest_sha256}

    def read(self, name: str) -> bytes:
        """The content of a listed file; these very bytes were hashed, whatever happens to the file.

        Raises BundleError where the manifest does not list it, or it was changed since the check.
        """
        path = self.folder / name
        if (entry := self.manifest.files.get(name)) is None:
            raise BundleError(f"{path}: the manifest does not list this file; export again")
        content = read_regular(path, entry.size)
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            raise BundleError(_changed(path))
        return content


def describe_files(folder: Path) -> dict[str, FileEntry]:
    """Size and SHA-256 of every file below the folder but manifest and signature, by its path relative to the folder.

    Raises BundleError for a link or anything else that is neither file nor folder, and for a name that no manifest
    takes.
    """
    files = _listed(walk_regular(folder))
    try:
        check_names(files)
    except ValueError as error:
        raise BundleError(f"{folder}: {printable(str(error))}; rename that file") from error
    return {name: FileEntry(size=path.stat().st_size, sha256=sha256_of(path)) for name, path in sorted(files.items())}


def check_integrity(folder: Path) -> Manifest:
    """Return the manifest of a folder that passes :func:`check_files`; raises BundleError."""
    return check_files(folder).manifest


def check_files(folder: Path) -> CheckedFiles:
    """Check kinds of files, manifest, that its fields fit, set of files, sizes and hashes, in this order.

    Raises BundleError that names the first file at fault.
    """
    content = read_manifest(folder)
    files = _listed(walk_regular(folder))
    manifest = Manifest.parse(content, folder / MANIFEST_FILE)
    check_coherence(manifest, folder / MANIFEST_FILE)
    if missing := sorted(manifest.files.keys() - files.keys()):
        raise BundleError(f"{folder / missing[0]}: the manifest lists this file, but it is missing; export again")
    if extra := sorted(files.keys() - manifest.files.keys()):
        path = printable(folder / extra[0])
        raise BundleError(f"{path}: the manifest does not list this file; remove it, or export again")
    for name, entry in sorted(manifest.files.items()):
        if (size := files[name].stat().st_size) != entry.size:
            raise BundleError(
                f"{folder / name}: expected {entry.size} bytes, found {size}; it was changed, export again"
            )
        if sha256_of(files[name]) != entry.sha256:
            raise BundleError(_changed(folder / name))
    return CheckedFiles(folder, manifest, hashlib.sha256(content).hexdigest())


def _listed(files: dict[str, Path]) -> dict[str, Path]:
    """The files that a manifest lists."""
    return {name: path for name, path in files.items() if name not in (MANIFEST_FILE, SIGNATURE_FILE)}


def _changed(path: Path) -> str:
    return f"{path}: its SHA-256 is not the manifest's; it was changed, export again"
