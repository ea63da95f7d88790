"""Find what a check is asked for: an architecture's name, a distribution, a plugin, a folder or a file.

Loads no array library: the plugins themselves are loaded in another process.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo_registry import Architecture, Plugin, Registry, discover
from zoo_registry.discovery import GROUP
from zoo_registry.errors import ConfigError, PluginError, UnknownArchitectureError, close_match_hint
from zoo_registry.forgotten import forgotten


@dataclass(frozen=True)
class Point:
    """An entry point to load: its name, ``module`` or ``module:attribute``, and the distribution that it is of."""

    name: str
    value: str
    distribution: str
    version: str


@dataclass(frozen=True)
class Target:
    """Plugins to check, and where Python finds them.

    ``architecture`` is the bare name of the only one that is asked for.
    ``keep``: they are of a distribution with a name and a version, so that what is found may be kept.
    """

    points: tuple[Point, ...]
    path: tuple[str, ...] = ()
    architecture: str | None = None
    keep: bool = True


def find_target(name: str) -> Target:
    """Return what a name stands for: an installed architecture, distribution or plugin, else a folder or a file.

    Raises UnknownArchitectureError where two distributions register the name, ConfigError where a folder holds no
    plugin, and PluginError, with a close match, where there is nothing of that name.
    """
    found = discover()
    path = Path(name)
    if path.suffix == ".py" or path.is_absolute() or name.startswith("."):
        return find_local(path)
    if (target := _of_catalogue(name, found.catalogue, found.plugins)) is not None:
        return target
    enabled = [plugin for plugin in found.plugins if not plugin.disabled]
    for key in ("distribution", "name"):
        if of_it := [plugin for plugin in enabled if _normal(getattr(plugin, key)) == _normal(name)]:
            return Target(tuple(map(_point, of_it)))
    if path.exists():
        return find_local(path)
    if switched_off := [p for p in found.plugins if p.disabled and name in (p.name, p.distribution)]:
        raise PluginError(
            f"plugin '{switched_off[0].name}' of distribution '{switched_off[0].distribution}' is switched off; take it"
            " out of ZOO_DISABLE_PLUGINS"
        )
    for sentence in forgotten():
        if sentence.startswith(f"distribution '{name}' "):
            raise PluginError(sentence)
    known = {*found.catalogue, *(plugin.distribution for plugin in enabled), *(plugin.name for plugin in enabled)}
    raise PluginError(f"there is no architecture, distribution, folder or file '{name}'{close_match_hint(name, known)}")


def find_local(path: Path) -> Target:
    """Return the plugins of a distribution's folder, by its pyproject.toml, or of one file; neither is installed.

    Raises ConfigError where there are none.
    """
    if path.is_file() and path.suffix == ".py":
        if not path.stem.isidentifier():
            raise ConfigError(f"{path}: its name is no Python module's; rename it to letters, digits and '_'")
        return Target((Point(path.stem, path.stem, path.stem, ""),), (str(path.resolve().parent),), keep=False)
    file = path / "pyproject.toml"
    if not file.is_file():
        raise ConfigError(
            f"{path}: expected a .py file, or a folder with a pyproject.toml; begin one: zoo plugin new NAME"
        )
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {error}; mend it") from error
    project = content.get("project", {})
    declared = project.get("entry-points")
    groups = declared if isinstance(declared, dict) else {}
    points, others = groups.get(GROUP), ", ".join(name for name in groups if name != GROUP)
    if not isinstance(points, dict) or not points or not all(isinstance(value, str) for value in points.values()):
        raise ConfigError(
            f"{file}: expected an entry point in the group '{GROUP}', found {others or 'none'}; add"
            f' [project.entry-points.{GROUP}] with NAME = "MODULE"'
        )
    distribution, version = str(project.get("name", path.resolve().name)), str(project.get("version", ""))
    return Target(
        tuple(Point(name, value, distribution, version) for name, value in sorted(points.items())),
        tuple(str(root) for root in _roots(path.resolve(), content.get("tool", {}))),
        keep=bool(version),
    )


def _of_catalogue(name: str, catalogue: Registry[Architecture], plugins: tuple[Plugin, ...]) -> Target | None:
    try:
        entry = catalogue[name]
    except UnknownArchitectureError as error:
        if any(known.rpartition(":")[2] == name for known in catalogue):
            raise error  # two distributions register it
        return None
    (plugin,) = [p for p in plugins if (p.name, p.distribution) == (entry.plugin, entry.distribution)]
    return Target((_point(plugin),), architecture=entry.name)


def _point(plugin: Plugin) -> Point:
    return Point(plugin.name, plugin.value, plugin.distribution, plugin.version)


def _roots(folder: Path, tools: dict[str, Any]) -> list[Path]:
    """Where the folder's modules may lie: itself, ``src``, and what hatchling or setuptools are told."""
    wheel = tools.get("hatch", {}).get("build", {}).get("targets", {}).get("wheel", {})
    setuptools = tools.get("setuptools", {})
    found = setuptools.get("packages", {})
    where = found.get("find", {}).get("where", []) if isinstance(found, dict) else []
    told = [
        *(Path(package).parent for package in wheel.get("packages", ())),
        *wheel.get("sources", ()),
        *setuptools.get("package-dir", {}).values(),
        *where,
    ]
    return list(dict.fromkeys([folder, folder / "src", *((folder / str(one)).resolve() for one in told)]))


def _normal(name: str) -> str:
    """A distribution's name as installers compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
