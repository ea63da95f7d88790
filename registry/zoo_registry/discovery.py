"""Find plugins through the entry-point group ``zoo``, each one's failure kept apart from the others.

pluggy's own ``load_setuptools_entrypoints`` stops at the first plugin that raises and drops the second of two with
one name in silence; hence each entry point is loaded, registered, checked and called on its own here.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

import pluggy

from zoo_registry import hookspecs
from zoo_registry.api_version import check_api
from zoo_registry.architecture import Architecture
from zoo_registry.catalogue import (
    Catalogue,
    Entry,
    ExporterCatalogue,
    ExporterEntry,
    LossCatalogue,
    LossEntry,
    ScalerCatalogue,
    ScalerEntry,
)
from zoo_registry.containment import contained
from zoo_registry.exporter import Exporter
from zoo_registry.loss import BUILT_IN_LOSSES, OWN_LOSS, Loss
from zoo_registry.plugin import Plugin, heavy_modules
from zoo_registry.scaler import BUILT_IN_SCALERS, Scaler

GROUP = "zoo"
DISABLE_VARIABLE = "ZOO_DISABLE_PLUGINS"
API_DECLARATION = "ZOO_API"  # a plugin may say with it, before its hooks are asked, for which contract it is written

T = TypeVar("T", Architecture, Scaler, Loss, Exporter)


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
    """What discovery found: the plugin manager, the healthy contributions, and the broken plugins.

    ``plugins`` are all of them, broken and switched-off ones too, in the order of loading.
    """

    manager: pluggy.PluginManager
    catalogue: Catalogue
    failures: tuple[PluginFailure, ...]
    scalers: ScalerCatalogue = field(default_factory=lambda: ScalerCatalogue([]))
    losses: LossCatalogue = field(default_factory=lambda: LossCatalogue([]))
    exporters: ExporterCatalogue = field(default_factory=lambda: ExporterCatalogue([]))
    plugins: tuple[Plugin, ...] = ()


@cache
def discover() -> Discovery:
    """Discover the installed plugins, once for each process."""
    return discover_from(entry_points(group=GROUP))


def disabled_names() -> set[str]:
    """What ``ZOO_DISABLE_PLUGINS`` names: entry points or distributions."""
    return {name.strip() for name in os.environ.get(DISABLE_VARIABLE, "").split(",") if name.strip()}


def discover_from(points: Iterable[EntryPoint]) -> Discovery:
    """Load the given entry points; whatever a plugin does, short of Ctrl-C, the others are still loaded."""
    manager = new_manager()
    disabled = disabled_names()
    entries: list[Entry] = []
    scaler_entries: list[ScalerEntry] = []
    loss_entries: list[LossEntry] = []
    exporter_entries: list[ExporterEntry] = []
    plugins: list[Plugin] = []
    origins = [(point, *_origin(point)) for point in points]
    for point, distribution, version in sorted(origins, key=lambda found: (found[0].name, found[0].value, found[1])):
        noted = Plugin(name=point.name, distribution=distribution, version=version, value=point.value)
        if {point.name, distribution} & disabled:
            plugins.append(replace(noted, disabled=True))
            continue
        started, known = time.perf_counter(), heavy_modules()
        try:
            with contained():
                plugin = point.load()
                for name, other in manager.list_name_plugin():
                    if plugin is other:
                        raise ValueError(f"the same plugin is already registered as {name}")
                architectures, scalers, losses, exporters = _contributions_of(plugin, f"{distribution}:{point.name}")
            _refuse_taken(architectures, entries, distribution)
            _refuse_taken(scalers, scaler_entries, distribution)
            _refuse_taken(losses, loss_entries, distribution)
            _refuse_taken(exporters, exporter_entries, distribution)
            manager.register(plugin, f"{distribution}:{point.name}")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may even call sys.exit() at import
            noted = replace(noted, error=sentence_of(error))
        seconds, heavy = time.perf_counter() - started, tuple(sorted(heavy_modules() - known))
        noted = replace(noted, seconds=seconds, heavy=heavy)
        if noted.error:
            plugins.append(noted)
            continue
        plugins.append(
            replace(
                noted,
                architectures=_names(architectures),
                scalers=_names(scalers),
                losses=_names(losses),
                exporters=_names(exporters),
            )
        )
        entries.extend(Entry(found, point.name, distribution, version) for found in architectures)
        scaler_entries.extend(ScalerEntry(found, point.name, distribution, version) for found in scalers)
        loss_entries.extend(LossEntry(found, point.name, distribution, version) for found in losses)
        exporter_entries.extend(ExporterEntry(found, point.name, distribution, version) for found in exporters)
    return Discovery(
        manager,
        Catalogue(entries),
        tuple(PluginFailure(plugin.name, plugin.distribution, plugin.error) for plugin in plugins if plugin.error),
        ScalerCatalogue(scaler_entries),
        LossCatalogue(loss_entries),
        ExporterCatalogue(exporter_entries),
        tuple(plugins),
    )


def _names(items: Sequence[Architecture | Scaler | Loss | Exporter]) -> tuple[str, ...]:
    return tuple(item.name for item in items)


def _refuse_taken(
    found: Sequence[Architecture | Scaler | Loss | Exporter],
    entries: Sequence[Entry | ScalerEntry | LossEntry | ExporterEntry],
    distribution: str,
) -> None:
    taken = {entry.name for entry in entries if entry.distribution == distribution}
    if twice := [item.name for item in found if item.name in taken]:
        raise ValueError(f"another plugin of this distribution already registers {', '.join(twice)}")


def new_manager() -> pluggy.PluginManager:
    """A plugin manager that knows the hooks and, so far, no plugin."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def _origin(point: EntryPoint) -> tuple[str, str]:
    """Return name and version of the entry point's distribution."""
    try:
        return (point.dist.name, point.dist.version) if point.dist else ("unknown", "")
    except Exception:  # a folder that is left of a distribution, without its metadata
        return "unknown", ""


def _contributions_of(plugin: object, name: str) -> tuple[list[Architecture], list[Scaler], list[Loss], list[Exporter]]:
    """Check a plugin's hooks and return what it contributes; raises whatever is wrong with it.

    This happens in a manager of its own, so that a broken plugin leaves no trace among the others.
    """
    if (api := getattr(plugin, API_DECLARATION, None)) is not None:
        check_api("the plugin", api)
    manager = new_manager()
    manager.register(plugin, name)
    manager.check_pending()
    if not manager.get_hookcallers(plugin):
        raise TypeError(f"it implements no hook; expected a hookimpl of {', '.join(_hook_names())}")
    architectures = _collect(manager.hook.zoo_architectures, Architecture)
    scalers = _collect(manager.hook.zoo_scalers, Scaler)
    if reserved := [scaler.name for scaler in scalers if scaler.name in BUILT_IN_SCALERS]:
        raise ValueError(f"scaler '{reserved[0]}' is built in; give it another name")
    losses = _collect(manager.hook.zoo_losses, Loss)
    if reserved := [loss.name for loss in losses if loss.name in (*BUILT_IN_LOSSES, OWN_LOSS)]:
        raise ValueError(f"loss '{reserved[0]}' is built in; give it another name")
    return architectures, scalers, losses, _collect(manager.hook.zoo_exporters, Exporter)


def _collect(hook: pluggy.HookCaller, kind: type[T]) -> list[T]:
    found: list[T] = []
    for implementation in hook.get_hookimpls():
        returned: Any = implementation.function()  # calling the hook itself would pass over a None
        if not isinstance(returned, (list, tuple)) or not all(isinstance(item, kind) for item in returned):
            raise TypeError(f"{hook.name} must return a list of {kind.__name__}, found {returned!r}")
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


def _hook_names() -> list[str]:
    return [name for name in vars(hookspecs) if name.startswith("zoo_")]
