"""The catalogue: names of what plugins contribute, what they stand for and where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from zoo_registry.architecture import Architecture
from zoo_registry.errors import (
    UnknownArchitectureError,
    UnknownExporterError,
    UnknownLossError,
    UnknownScalerError,
    ZooError,
    close_match_hint,
)
from zoo_registry.exporter import Exporter
from zoo_registry.loss import Loss
from zoo_registry.scaler import Scaler


@dataclass(frozen=True)
class Entry:
    """An architecture and the plugin that it comes from."""

    architecture: Architecture
    plugin: str
    distribution: str
    version: str

    @property
    def name(self) -> str:
        """The architecture's bare name."""
        return self.architecture.name

    @property
    def qualified_name(self) -> str:
        """``distribution:name``, which is unique where the bare name is not."""
        return f"{self.distribution}:{self.name}"


@dataclass(frozen=True)
class ScalerEntry:
    """A scaler and the plugin that it comes from."""

    scaler: Scaler
    plugin: str
    distribution: str
    version: str

    @property
    def name(self) -> str:
        """The scaler's bare name."""
        return self.scaler.name

    @property
    def qualified_name(self) -> str:
        """``distribution:name``, which is unique where the bare name is not."""
        return f"{self.distribution}:{self.name}"


@dataclass(frozen=True)
class LossEntry:
    """A loss and the plugin that it comes from."""

    loss: Loss
    plugin: str
    distribution: str
    version: str

    @property
    def name(self) -> str:
        """The loss's bare name."""
        return self.loss.name

    @property
    def qualified_name(self) -> str:
        """``distribution:name``, which is unique where the bare name is not."""
        return f"{self.distribution}:{self.name}"


@dataclass(frozen=True)
class ExporterEntry:
    """An exporter and the plugin that it comes from."""

    exporter: Exporter
    plugin: str
    distribution: str
    version: str

    @property
    def name(self) -> str:
        """The exporter's bare name."""
        return self.exporter.name

    @property
    def qualified_name(self) -> str:
        """``distribution:name``, which is unique where the bare name is not."""
        return f"{self.distribution}:{self.name}"


class _Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def qualified_name(self) -> str: ...
    @property
    def distribution(self) -> str: ...


E = TypeVar("E", bound=_Named)


class _ByName(Mapping[str, E], Generic[E]):
    """Entries by name.

    Iterating gives bare names; where several plugins register one name it gives ``distribution:name`` for each, and
    asking for the bare name is an error. ``distribution:name`` can always be asked for.
    """

    kind: str
    error: type[ZooError]

    def __init__(self, entries: Iterable[E]) -> None:
        self._by_name: dict[str, list[E]] = {}
        for entry in entries:
            self._by_name.setdefault(entry.name, []).append(entry)
        self._by_key = {
            entry.name if len(group) == 1 else entry.qualified_name: entry
            for _, group in sorted(self._by_name.items())
            for entry in group
        }

    def __getitem__(self, name: str) -> E:
        if name in self._by_key:
            return self._by_key[name]
        if name in self._by_name:  # but not in _by_key
            raise self.error(self._ambiguity(name))
        distribution, _, bare = str(name).rpartition(":")
        for entry in self._by_name.get(bare, []):
            if entry.distribution == distribution:
                return entry
        raise self.error(f"there is no {self.kind} '{name}'{close_match_hint(str(name), self._by_key)}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_key)

    def __len__(self) -> int:
        return len(self._by_key)

    @property
    def ambiguities(self) -> list[str]:
        """One sentence for each name that more than one plugin registers."""
        return [self._ambiguity(name) for name, group in sorted(self._by_name.items()) if len(group) > 1]

    def _ambiguity(self, name: str) -> str:
        names = [entry.qualified_name for entry in self._by_name[name]]
        owners = " and ".join(f"'{entry.distribution}'" for entry in self._by_name[name])
        return f"{self.kind} '{name}' is registered by distributions {owners}; say {' or '.join(names)}"


class Catalogue(_ByName[Entry]):
    """Architectures by name; see :class:`_ByName` for names that several plugins register."""

    kind = "architecture"
    error = UnknownArchitectureError


class ScalerCatalogue(_ByName[ScalerEntry]):
    """The plugins' scalers by name, as :class:`Catalogue` holds architectures."""

    kind = "scaler"
    error = UnknownScalerError


class LossCatalogue(_ByName[LossEntry]):
    """The plugins' losses by name, as :class:`Catalogue` holds architectures."""

    kind = "loss"
    error = UnknownLossError


class ExporterCatalogue(_ByName[ExporterEntry]):
    """The plugins' exporters by name, as :class:`Catalogue` holds architectures."""

    kind = "exporter"
    error = UnknownExporterError
