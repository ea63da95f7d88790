"""SHA-256 sums of what a folder holds, beside it in ``files.sha256``, as ``sha256sum --check`` reads them.

They tell a damage that a file's own format does not: another digit in a JSON file, another weight.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from zoo.atomic import write_text
from zoo_registry.errors import ZooError

SUMS_FILE = "files.sha256"
_LINE = re.compile(r"([0-9a-f]{64})  ([^/\0]+)")


def write_sums(folder: Path, names: Sequence[str]) -> None:
    """Write the sums of these files of a folder, whole or not at all."""
    write_text(folder / SUMS_FILE, _sums(folder, names))


def stage_sums(folder: Path, names: Sequence[str]) -> None:
    """Write the sums of these files into a folder that is staged, and brought to the disk with all that is in it."""
    (folder / SUMS_FILE).write_text(_sums(folder, names), encoding="ascii")


def check_sums(folder: Path, names: Sequence[str], error: type[ZooError]) -> None:
    """Raise ``error`` where one of these files is not what was written; of a folder without sums nothing is known."""
    sums = folder / SUMS_FILE
    if not sums.exists():
        return
    advice = f"put the old one back, or remove {SUMS_FILE} to take the files as they are"
    try:
        lines = [_LINE.fullmatch(line) for line in sums.read_text(encoding="ascii").splitlines()]
        known = {line[2]: line[1] for line in lines if line is not None}
    except (OSError, UnicodeDecodeError) as broken:
        raise error(f"{sums}: cannot be read; {advice}") from broken
    if None in lines or not {*names} <= {*known}:
        raise error(f"{sums}: expected a SHA-256 and a name on each line, found something else; {advice}")
    for name in names:
        path = folder / name
        if not path.is_file():
            found = "a folder" if path.is_dir() else "nothing"
            raise error(f"{path}: expected the file that was written, found {found}; put it back")
        if sha256_of(path) != known[name]:
            raise error(f"{path}: not what was written, by its SHA-256 in {SUMS_FILE}; {advice}")


def _sums(folder: Path, names: Sequence[str]) -> str:
    return "".join(f"{sha256_of(folder / name)}  {name}\n" for name in names)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
