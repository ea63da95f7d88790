"""Find plugins through the entry-point group ``zoo``, each one's failure kept apart from the others.

pluggy's own ``load_setuptools_entrypoints`` stops at the first plugin that raises and drops the second of two with
one name in silence; hence each entry point is loaded, registered, checked and called on its own here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points

import pluggy

from zoo_registry import hookspecs
from zoo_registry.architecture import Architecture
from zoo_registry.catalogue import Catalogue, Entry

GROUP = "zoo"
DISABLE_VARIABLE = "ZOO_DISABLE_PLUGINS"


@dataclass(frozen=True)
class PluginFailure:
    """A plugin that was left out, and why."""

    plugin: str
    distribution: str
    error: str

    def __str__(self) -> str:
        return f"plugin '{self.plugin}' of distribution '{self.distribution}' was left out: {self.error}"


@dataclass(frozen=True)
class Discovery:
    """What discovery found: the plugin manager, the healthy architectures and the broken plugins."""

    manager: pluggy.PluginManager
    catalogue: Catalogue
    failures: tuple[PluginFailure, ...]


@cache
def discover() -> Discovery:
    """Discover the installed plugins, once for each process."""
    return discover_from(entry_points(group=GROUP))


def discover_from(points: Iterable[EntryPoint]) -> Discovery:
    """Load the given entry points; whatever a plugin does, short of Ctrl-C, the others are still loaded."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    disabled = {name.strip() for name in os.environ.get(DISABLE_VARIABLE, "").split(",") if name.strip()}
    entries: list[Entry] = []
    failures: list[PluginFailure] = []
    for point in sorted(points, key=lambda point: (point.name, point.value)):
        distribution = point.dist.name if point.dist else "unknown"
        version = point.dist.version if point.dist else ""
        if {point.name, distribution} & disabled:
            continue
        plugin = None
        try:
            plugin = point.load()
            architectures = _register(manager, plugin, f"{distribution}:{point.name}")
            taken = {entry.architecture.name for entry in entries if entry.distribution == distribution}
            if twice := [found.name for found in architectures if found.name in taken]:
                raise ValueError(f"another plugin of this distribution already registers {', '.join(twice)}")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may even call sys.exit() at import
            if plugin is not None and manager.is_registered(plugin):
                manager.unregister(plugin)
            failures.append(PluginFailure(point.name, distribution, f"{type(error).__name__}: {error}"))
            continue
        entries.extend(Entry(found, point.name, distribution, version) for found in architectures)
    return Discovery(manager, Catalogue(entries), tuple(failures))


def _register(manager: pluggy.PluginManager, plugin: object, name: str) -> list[Architecture]:
    """Register one plugin, check its hooks and return its architectures; raises whatever is wrong with it."""
    others = list(manager.get_plugins())
    if plugin in others:
        raise ValueError("the same plugin is already registered under another entry point")
    manager.register(plugin, name)
    manager.check_pending()
    if not manager.get_hookcallers(plugin):
        raise TypeError(f"it implements no hook; expected a hookimpl of {', '.join(_hook_names())}")
    found: list[Architecture] = []
    for result in manager.subset_hook_caller("zoo_architectures", others)():
        if not isinstance(result, (list, tuple)) or not all(isinstance(a, Architecture) for a in result):
            raise TypeError(f"zoo_architectures must return a list of Architecture, found {result!r}")
        found.extend(result)
    return found


def _hook_names() -> list[str]:
    return [name for name in vars(hookspecs) if name.startswith("zoo_")]
