"""Where a bundle lies: as the version that it was published as, and what stands beside the versions of its model."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from zoo.bundle.integrity import CheckedFiles
from zoo.bundle.regular_files import read_regular
from zoo.bundle.version_folders import is_version
from zoo.texts import printable
from zoo_registry.errors import BundleError

CONFIG_FILE = "config.pbtxt"
MAX_CONFIG_BYTES = 2**20


def check_identity(checked: CheckedFiles) -> None:
    """Raise BundleError where a folder NAME/N holds another model, or another version of it.

    Servers take it for version N of the model NAME. A folder of another kind of name claims nothing. The manifest of an
    early bundle knows its model alone.
    """
    folder, manifest = _absolute(checked), checked.manifest
    if not is_version(folder.name):
        return
    found = f"{folder.parent.name}/{folder.name}"
    signed = f"{manifest.model}/{folder.name if manifest.version is None else manifest.version}"
    if found != signed:
        raise BundleError(
            f"{printable(checked.folder)}: the signature is that of {printable(signed)}, found it as"
            f" {printable(found)}; put it back there"
        )


def check_neighbours(checked: CheckedFiles) -> None:
    """Raise BundleError where the model's folder has what no export made, or another ``config.pbtxt`` than then.

    Hidden files and folders do not count, as no server looks at them. Nothing is said of a bundle that does not lie in
    its model's folder, and of the content of a ``config.pbtxt`` that an early manifest does not know.
    """
    folder, manifest = _absolute(checked), checked.manifest
    if not is_version(folder.name) or folder.parent.name != manifest.model:
        return
    model = folder.parent
    try:
        entries = sorted(os.scandir(model), key=lambda entry: entry.name)
    except OSError as error:
        raise BundleError(f"{printable(model)}: expected a readable folder, found: {error.strerror}") from error
    for entry in entries:
        usual = entry.is_dir(follow_symlinks=False) and is_version(entry.name)
        usual |= entry.is_file(follow_symlinks=False) and entry.name == CONFIG_FILE
        if not usual and not entry.name.startswith("."):
            raise BundleError(
                f"{printable(entry.path)}: beside the versions of a model expected the file {CONFIG_FILE} alone, found"
                " this; remove it"
            )
    config = model / CONFIG_FILE
    if manifest.config_sha256 is None or not config.exists():
        return
    if hashlib.sha256(read_regular(config, MAX_CONFIG_BYTES)).hexdigest() != manifest.config_sha256:
        raise BundleError(
            f"{printable(config)}: its SHA-256 is not the manifest's; it was changed, put the old one back or export"
            " again"
        )


def _absolute(checked: CheckedFiles) -> Path:
    """The folder as it is named: where a link leads to does not matter to who reads it by this name."""
    return Path(os.path.abspath(checked.folder))  # noqa: PTH100 - Path.absolute keeps dots
