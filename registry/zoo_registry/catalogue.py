"""The catalogue: architecture names, what they stand for and where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from zoo_registry.architecture import Architecture
from zoo_registry.errors import UnknownArchitectureError, close_match_hint


@dataclass(frozen=True)
class Entry:
    """An architecture and the plugin that it comes from."""

    architecture: Architecture
    plugin: str
    distribution: str
    version: str

    @property
    def qualified_name(self) -> str:
        """``distribution:name``, which is unique where the bare name is not."""
        return f"{self.distribution}:{self.architecture.name}"


class Catalogue(Mapping[str, Entry]):
    """Architectures by name.

    Iterating gives bare names; where several plugins register one name it gives ``distribution:name`` for each, and
    asking for the bare name is an error. ``distribution:name`` can always be asked for.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_name: dict[str, list[Entry]] = {}
        for entry in entries:
            self._by_name.setdefault(entry.architecture.name, []).append(entry)
        self._by_key = {
            entry.architecture.name if len(group) == 1 else entry.qualified_name: entry
            for _, group in sorted(self._by_name.items())
            for entry in group
        }

    def __getitem__(self, name: str) -> Entry:
        if name in self._by_key:
            return self._by_key[name]
        if name in self._by_name:  # but not in _by_key
            raise UnknownArchitectureError(self._ambiguity(name))
        distribution, _, bare = str(name).rpartition(":")
        for entry in self._by_name.get(bare, []):
            if entry.distribution == distribution:
                return entry
        raise UnknownArchitectureError(f"there is no architecture '{name}'{close_match_hint(str(name), self._by_key)}")

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
        return f"architecture '{name}' is registered by distributions {owners}; say {' or '.join(names)}"
