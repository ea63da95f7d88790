"""Find plugins through the entry-point group ``zoo``, each one's failure kept apart from the others.

pluggy's own ``load_setuptools_entrypoints`` stops at the first plugin that raises and drops the second of two with
one name in silence; hence each entry point is loaded, registered, checked and called on its own here.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pluggy

from zoo_registry import hookspecs
from zoo_registry.api_version import check_api
from zoo_registry.architecture import Architecture
from zoo_registry.containment import contained
from zoo_registry.errors import close_match_hint
from zoo_registry.exporter import Exporter
from zoo_registry.loss import Loss
from zoo_registry.plugin import OWN, Plugin, heavy_modules
from zoo_registry.registry import ARCHITECTURES, EXPORTERS, KINDS, LOSSES, RUNTIMES, SCALERS, Entry, Kind, Registry, T
from zoo_registry.runtime import Runtime
from zoo_registry.scaler import Scaler

GROUP = "zoo"
DISABLE_VARIABLE = "ZOO_DISABLE_PLUGINS"
API_DECLARATION = "ZOO_API"  # a plugin may say with it, before its hooks are asked, for which contract it is written


@dataclass(frozen=True)
class Discovery:
    """What discovery found: the plugin manager, all plugins in the order of loading, and what the healthy ones give.

    ``registries`` are by hook, such as ``zoo_scalers``.
    """

    manager: pluggy.PluginManager
    registries: Mapping[str, Registry[Any]]
    plugins: tuple[Plugin, ...] = ()

    @property
    def catalogue(self) -> Registry[Architecture]:
        """The architectures."""
        return self.registries[ARCHITECTURES.hook]

    @property
    def scalers(self) -> Registry[Scaler]:
        """The scalers."""
        return self.registries[SCALERS.hook]

    @property
    def losses(self) -> Registry[Loss]:
        """The losses."""
        return self.registries[LOSSES.hook]

    @property
    def exporters(self) -> Registry[Exporter]:
        """The exporters."""
        return self.registries[EXPORTERS.hook]

    @property
    def runtimes(self) -> Registry[Runtime]:
        """The runtimes."""
        return self.registries[RUNTIMES.hook]

    @property
    def failures(self) -> tuple[Plugin, ...]:
        """The plugins that were left out."""
        return tuple(plugin for plugin in self.plugins if plugin.error)

    @property
    def warnings(self) -> list[str]:
        """One sentence for each plugin that is slow, and for each name that more than one plugin registers."""
        slow = [plugin.complaint for plugin in self.plugins if plugin.complaint]
        return slow + [sentence for registry in self.registries.values() for sentence in registry.ambiguities]


@cache
def discover() -> Discovery:
    """Discover the installed plugins, once for each process."""
    return discover_from(entry_points(group=GROUP))


def disabled_names() -> set[str]:
    """What ``ZOO_DISABLE_PLUGINS`` names: entry points or distributions."""
    return {name.strip() for name in os.environ.get(DISABLE_VARIABLE, "").split(",") if name.strip()}


def discover_from(points: Iterable[EntryPoint]) -> Discovery:
    """Load the given entry points; whatever a plugin does, short of Ctrl-C, the others are still loaded."""
    manager, disabled = new_manager(), disabled_names()
    entries: dict[str, list[Entry[Any]]] = {kind.hook: [] for kind in KINDS}
    plugins: list[Plugin] = []
    origins = [(point, *distribution_of(point)) for point in points]
    for point, distribution, version in sorted(origins, key=lambda found: (found[0].name, found[0].value, found[1])):
        noted = Plugin(name=point.name, distribution=distribution, version=version, value=point.value)
        if not noted.essential and {point.name, distribution} & disabled:
            plugins.append(replace(noted, disabled=True))
            continue
        started, known = time.perf_counter(), heavy_modules()
        try:
            with contained():
                plugin = _load(point)
                for name, other in manager.list_name_plugin():
                    if plugin is other:
                        raise ValueError(f"the same plugin is already registered as {name}")
                found = _contributions_of(plugin, f"{distribution}:{point.name}", distribution)
            for kind, items in found.items():
                taken = {entry.name for entry in entries[kind.hook] if entry.distribution == distribution}
                if twice := [item.name for item in items if item.name in taken]:
                    raise ValueError(f"another plugin of this distribution already registers {', '.join(twice)}")
            manager.register(plugin, f"{distribution}:{point.name}")
            for kind, items in found.items():
                entries[kind.hook].extend(Entry(item, point.name, distribution, version) for item in items)
            noted = replace(noted, contributions={k.plural: tuple(i.name for i in items) for k, items in found.items()})
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may even call sys.exit() at import
            noted = replace(noted, error=sentence_of(error))
        seconds, heavy = time.perf_counter() - started, tuple(sorted(heavy_modules() - known))
        plugins.append(replace(noted, seconds=seconds, heavy=heavy))
    return Discovery(manager, {kind.hook: Registry(kind, entries[kind.hook]) for kind in KINDS}, tuple(plugins))


def new_manager() -> pluggy.PluginManager:
    """A plugin manager that knows the hooks and, so far, no plugin."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def _load(point: EntryPoint) -> object:
    """Import what an entry point names; where that is not there, the error has a close match."""
    try:
        return point.load()
    except ModuleNotFoundError as error:
        if error.name is None or not f"{point.module}.".startswith(f"{error.name}."):
            raise  # a module that the plugin imports
        files = getattr(point.dist, "files", None) or ()
        known = {Path(file).with_suffix("").as_posix().replace("/", ".") for file in files if file.suffix == ".py"}
        hint = close_match_hint(point.module, {name.removesuffix(".__init__") for name in known})
        raise ModuleNotFoundError(
            f"its entry point names the module '{point.module}', which is not there{hint}"
        ) from error
    except AttributeError as error:
        module = sys.modules.get(point.module)
        if module is None or not point.attr or hasattr(module, point.attr.partition(".")[0]):
            raise
        known = {name for name in vars(module) if not name.startswith("_")}
        hint = close_match_hint(point.attr, known)
        raise AttributeError(
            f"its entry point names '{point.attr}', which '{point.module}' does not have{hint}"
        ) from error


def distribution_of(point: EntryPoint) -> tuple[str, str]:
    """Return name and version of the entry point's distribution."""
    try:
        return (point.dist.name, point.dist.version) if point.dist else ("unknown", "")
    except Exception:  # a folder that is left of a distribution, without its metadata
        return "unknown", ""


def _contributions_of(plugin: object, name: str, distribution: str) -> dict[Kind[Any], list[Any]]:
    """Check a plugin's hooks and return what it contributes; raises whatever is wrong with it.

    This happens in a manager of its own, so that a broken plugin leaves no trace among the others.
    """
    if (api := getattr(plugin, API_DECLARATION, None)) is not None:
        check_api("the plugin", api)
    manager = new_manager()
    manager.register(plugin, name)
    hooks = [hook for hook in vars(hookspecs) if hook.startswith("zoo_")]
    for caller in vars(manager.hook).values():
        if not caller.has_spec() and not all(found.optionalhook for found in caller.get_hookimpls()):
            raise ValueError(f"unknown hook '{caller.name}'{close_match_hint(caller.name, hooks)}")
    manager.check_pending()
    if not manager.get_hookcallers(plugin):
        bare = [hook for hook in hooks if hasattr(plugin, hook)]
        advice = f"decorate {', '.join(bare)} with hookimpl" if bare else f"expected a hookimpl of {', '.join(hooks)}"
        raise TypeError(f"it implements no hook; {advice}")
    found = {kind: _collect(getattr(manager.hook, kind.hook), kind) for kind in KINDS}
    for kind, items in found.items():
        if reserved := [item.name for item in items if item.name in kind.reserved and distribution != OWN]:
            raise ValueError(f"{kind.name} '{reserved[0]}' is built in; give it another name")
    return found


def _collect(hook: pluggy.HookCaller, kind: Kind[T]) -> list[T]:
    found: list[T] = []
    for implementation in hook.get_hookimpls():
        returned: Any = implementation.function()  # calling the hook itself would pass over a None
        if not isinstance(returned, (list, tuple)) or not all(isinstance(item, kind.contract) for item in returned):
            raise TypeError(f"{hook.name} must return a list of {kind.contract.__name__}, found {returned!r}")
        found.extend(returned)
    if twice := [name for name, count in Counter(item.name for item in found).items() if count > 1]:
        raise ValueError(f"it registers {', '.join(twice)} twice")
    return found


def sentence_of(error: BaseException) -> str:
    """An error's type and message on one line, whatever the error's own ``__str__`` does."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # an exception whose own __str__ raises
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
