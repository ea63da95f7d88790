"""Plugins without an entry point: installed distributions that have hooks which nobody will ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from difflib import get_close_matches
from importlib.metadata import Distribution, distributions
from pathlib import Path

from zoo_registry.discovery import GROUP

_NEEDS = re.compile(r"^Requires-Dist: lstm[-_.]zoo(?![a-z0-9])", re.MULTILINE | re.IGNORECASE)
_HOOK = re.compile(r"^@(?:\w+\.)?hookimpl\b.*\n(?:async )?def (zoo_\w+)", re.MULTILINE)


def forgotten() -> list[str]:
    """One sentence for each distribution that needs lstm-zoo, holds a hook, and has no entry point of the group."""
    sentences = []
    for one in distributions():
        with suppress(Exception):  # a folder that is left of a distribution, without its metadata
            sentences.append(_told(one))
    return [sentence for sentence in sentences if sentence]


def _told(found: Distribution) -> str:
    if not _NEEDS.search(found.read_text("METADATA") or ""):
        return ""
    groups = {point.group for point in found.entry_points}
    if GROUP in groups:
        return ""
    for path in _modules(found):
        if hook := _HOOK.search(path.read_text(encoding="utf-8", errors="replace")):
            module = path.parent.name if path.stem == "__init__" else path.stem
            close = get_close_matches(GROUP, sorted(groups), n=1, cutoff=0.5)
            misspelt = f", but one of the group '{close[0]}'" if close else ""
            return (
                f"distribution '{found.name}' has the hook '{hook[1]}' in '{module}' and no entry point of the group"
                f" '{GROUP}'{misspelt}; add to its pyproject.toml, under [project.entry-points.{GROUP}], a line such as"
                f' {module.replace("_", "-")} = "{module}", and install it again'
            )
    return ""


def _modules(found: Distribution) -> Iterator[Path]:
    """The distribution's own modules, those of an editable installation too; tests are none."""
    paths = [Path(str(listed.locate())) for listed in found.files or ()]
    for pointer in [path for path in paths if path.suffix == ".pth" and path.is_file()]:
        for line in pointer.read_text(encoding="utf-8").splitlines():
            if line.startswith("/"):
                paths += [*Path(line).glob("*.py"), *Path(line).glob("*/*.py")]
    return (path for path in paths if path.suffix == ".py" and "tests" not in path.parts[-2:])
