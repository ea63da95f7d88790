"""What is checked: an architecture, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from zoo_registry import Architecture, Entry, discover

OWN = "lstm-zoo"


@dataclass(frozen=True)
class Subject:
    """An architecture and its origin; ``module`` is what Python imports to get at it, ``module:attribute``."""

    architecture: Architecture
    plugin: str = "kit"
    distribution: str = ""
    version: str = ""
    module: str = ""

    @property
    def built_in(self) -> bool:
        """Whether it is the zoo's own, which is held to more."""
        return self.distribution == OWN

    @classmethod
    def of(cls, what: Architecture | Entry[Architecture] | Subject) -> Subject:
        """The subject that an architecture, or an entry of the catalogue, is."""
        if isinstance(what, Subject):
            return what
        if isinstance(what, Architecture):
            return cls(what, module=_home(what))
        module = _home(what.item)
        for plugin in discover().plugins:
            if (plugin.name, plugin.distribution) == (what.plugin, what.distribution):
                module = plugin.value
        return cls(what.item, what.plugin, what.distribution, what.version, module)


def _home(architecture: Architecture) -> str:
    return getattr(architecture.build, "__module__", None) or architecture.hyperparameters.__module__
