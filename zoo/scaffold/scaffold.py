"""``zoo plugin new``: a small distribution with one architecture, written whole or not at all."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from zoo.atomic import make_folder, staging_folder, sync
from zoo_registry.api_version import API_VERSION
from zoo_registry.contribution import NAME
from zoo_registry.errors import ConfigError

LONGEST = 40  # characters of a name, so that no line of what is written grows too long
PREFIX = "zoo-"
TAKEN = ("registry", "plugins")  # whose modules would be the zoo's own
TEMPLATES = {
    "pyproject.toml": "pyproject.toml.template",
    "$module.py": "module.py.template",
    "tests/test_$module.py": "test.py.template",
    "README.md": "readme.md.template",
}


@dataclass(frozen=True)
class Written:
    """What was written: the files, the one with the network, and the commands to go on with."""

    files: tuple[Path, ...]
    module: Path
    commands: tuple[str, ...]


def check_name(name: str, catalogue: Mapping[str, Any]) -> None:
    """Raise ConfigError where an architecture, its distribution or its module cannot be called so."""
    if not NAME.fullmatch(name) or name.endswith("-"):
        raise ConfigError(
            f"an architecture's name is made of a-z, 0-9 and '-', and begins and ends with one of the first two, found"
            f" '{name}'{_suggestion(name)}"
        )
    if len(name) > LONGEST:
        raise ConfigError(
            f"expected a name of at most {LONGEST} characters, found {len(name)}: '{name}'; take a shorter one"
        )
    if name.removeprefix(PREFIX) in TAKEN:
        raise ConfigError(f"the module of '{name}' would be the zoo's own {_module(name)}; take another name")
    if any(known.rpartition(":")[2] == name for known in catalogue):
        raise ConfigError(
            f"an architecture '{name}' is installed, and two of one name disturb each other; take another"
        )


def write_plugin(name: str, folder: Path | None = None) -> Written:
    """Write the distribution of an architecture into a folder, ``zoo-NAME`` by default.

    ``name`` has passed :func:`check_name`. Raises ConfigError where something is in that place; an empty folder is
    fine. Nothing half-written is left.
    """
    distribution = _distribution(name)
    folder = Path(distribution) if folder is None else folder
    if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
        raise ConfigError(f"{folder}: expected no such folder, or an empty one, found something in it; name another")
    words = {
        "name": name,
        "distribution": distribution,
        "module": _module(name),
        "registry": version("lstm-zoo-registry"),
        "zoo": version("lstm-zoo"),
        "api": str(API_VERSION),
    }
    make_folder(folder.parent)
    paths = []
    with staging_folder(folder.parent) as staged:
        for target, source in TEMPLATES.items():
            path = staged / Template(target).substitute(words)
            path.parent.mkdir(exist_ok=True)
            text = (files("zoo.scaffold") / "templates" / "plugin" / source).read_text(encoding="utf-8")
            path.write_text(Template(text).substitute(words), encoding="utf-8")
            sync(path)
            paths.append(path.relative_to(staged))
        try:
            staged.rename(folder)
        except OSError as error:
            raise ConfigError(f"{folder}: something came into its place meanwhile; name another folder") from error
        sync(folder.parent)
    return Written(
        files=tuple(folder / path for path in paths),
        module=folder / f"{_module(name)}.py",
        commands=(
            f"cd {shlex.quote(str(folder))}",
            "pip install --editable . pytest",
            f"zoo plugin check {name}",
            "python -m pytest",
            f"zoo train {name} --export",
        ),
    )


def _distribution(name: str) -> str:
    return name if name.startswith(PREFIX) else f"{PREFIX}{name}"


def _module(name: str) -> str:
    """A Python module's name, whatever the first character is, and hardly anybody else's."""
    return _distribution(name).replace("-", "_")


def _suggestion(name: str) -> str:
    found = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"; did you mean '{found}'?" if NAME.fullmatch(found) else ""
