"""Find a bundle and check all of its files before any parser sees one; needs no array library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo.bundle.integrity import CheckedFiles, check_files
from zoo.bundle.manifest import MANIFEST_FILE
from zoo.bundle.place import check_identity, check_neighbours
from zoo.bundle.signatures import required_keys, verify_signature
from zoo.bundle.version_folders import versions
from zoo_registry.errors import BundleError


def is_bundle(path: str | Path) -> bool:
    """Whether this is a bundle's folder, or a model's with versions; nothing of it is checked."""
    return (Path(path) / MANIFEST_FILE).is_file() or bool(versions(Path(path)))


def find_bundle(path: str | Path) -> Path:
    """Return the bundle's folder: ``path`` itself, or the highest version below a model's folder.

    Raises BundleError where there is none.
    """
    folder = Path(path)
    if (folder / MANIFEST_FILE).is_file():
        return folder
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise BundleError(f"{folder}: expected a folder, found {found}; give a bundle such as exported/NAME/1")
    if numbers := versions(folder):
        return folder / str(max(numbers))
    raise BundleError(f"{folder}: expected a bundle or a model folder with versions, found neither; see exported/")


def open_bundle(
    path: str | Path, require_signature: Sequence[str | Path] | None = None, *, beside: bool = False
) -> CheckedFiles:
    """Find a bundle and check its files, and its signature where one is required; no parser sees a file of it.

    ``require_signature`` names public keys, None those of the environment variable ZOO_REQUIRE_SIGNATURE. A required
    signature holds for the model and version as which the bundle lies there, and for what stands ``beside`` the
    versions, which is else checked where it is asked for. Raises BundleError, and ConfigError for keys that cannot be
    used.
    """
    keys = required_keys(require_signature)
    checked = check_files(find_bundle(path))
    if keys:
        verify_signature(checked, keys)
        check_identity(checked)
    if keys or beside:
        check_neighbours(checked)
    return checked
