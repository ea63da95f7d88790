"""Names of what plugins contribute, what they stand for and where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from zoo_registry.architecture import Architecture
from zoo_registry.contribution import Contribution
from zoo_registry.errors import (
    UnknownArchitectureError,
    UnknownExporterError,
    UnknownLossError,
    UnknownRuntimeError,
    UnknownScalerError,
    ZooError,
    close_match_hint,
)
from zoo_registry.exporter import Exporter
from zoo_registry.loss import BUILT_IN_LOSSES, OWN_LOSS, Loss
from zoo_registry.runtime import BUILT_IN_RUNTIMES, Runtime
from zoo_registry.scaler import BUILT_IN_SCALERS, Scaler

T = TypeVar("T", bound=Contribution)


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One kind of contribution: the hook that returns it, its class, and the error for a name that there is not.

    ``reserved`` are the names that only the zoo's own plugins may register.
    """

    hook: str
    contract: type[T]
    error: type[ZooError]
    reserved: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """One of them, such as ``architecture``."""
        return self.contract.__name__.lower()

    @property
    def plural(self) -> str:
        """Several of them, such as ``architectures``."""
        return self.hook.removeprefix("zoo_")


ARCHITECTURES = Kind("zoo_architectures", Architecture, UnknownArchitectureError)
SCALERS = Kind("zoo_scalers", Scaler, UnknownScalerError, BUILT_IN_SCALERS)
LOSSES = Kind("zoo_losses", Loss, UnknownLossError, (*BUILT_IN_LOSSES, OWN_LOSS))
EXPORTERS = Kind("zoo_exporters", Exporter, UnknownExporterError)
RUNTIMES = Kind("zoo_runtimes", Runtime, UnknownRuntimeError, BUILT_IN_RUNTIMES)
KINDS: tuple[Kind[Any], ...] = (ARCHITECTURES, SCALERS, LOSSES, EXPORTERS, RUNTIMES)


@dataclass(frozen=True)
class Entry(Generic[T]):
    """A contribution and the plugin that it comes from."""

    item: T
    plugin: str
    distribution: str
    version: str

    @property
    def name(self) -> str:
        """The bare name."""
        return self.item.name

    @property
    def qualified_name(self) -> str:
        """``distribution:name``, which is unique where the bare name is not."""
        return f"{self.distribution}:{self.name}"


class Registry(Mapping[str, Entry[T]], Generic[T]):
    """The contributions of one kind by name, the reserved names first.

    Iterating gives bare names; where several plugins register one name it gives ``distribution:name`` for each, and
    asking for the bare name is an error. ``distribution:name`` can always be asked for.
    """

    def __init__(self, kind: Kind[T], entries: Iterable[Entry[T]] = ()) -> None:
        self.kind = kind
        self._by_name: dict[str, list[Entry[T]]] = {}
        for entry in entries:
            self._by_name.setdefault(entry.name, []).append(entry)
        places = {name: place for place, name in enumerate(kind.reserved)}
        self._by_key = {
            entry.name if len(group) == 1 else entry.qualified_name: entry
            for _, group in sorted(self._by_name.items(), key=lambda item: (places.get(item[0], len(places)), item[0]))
            for entry in group
        }

    def __getitem__(self, name: str) -> Entry[T]:
        if name in self._by_key:
            return self._by_key[name]
        if name in self._by_name:  # but not in _by_key
            raise self.kind.error(self._ambiguity(name))
        distribution, _, bare = str(name).rpartition(":")
        for entry in self._by_name.get(bare, []):
            if entry.distribution == distribution:
                return entry
        hint = close_match_hint(str(name), (*self._by_key, *self.kind.reserved))
        if name in self.kind.reserved:
            hint = "; it is built in, so that its plugin was left out: see zoo plugin list"
        raise self.kind.error(f"there is no {self.kind.name} '{name}'{hint}")

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
        return f"{self.kind.name} '{name}' is registered by distributions {owners}; say {' or '.join(names)}"
