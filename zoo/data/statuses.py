"""What is wrong with single series of a table: raised at once, or told of each so that the others go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from zoo_registry.errors import DataError


class Statuses:
    """By the name of a series one sentence about what is wrong with it; ``keep`` says that nothing is to be raised."""

    def __init__(self, source: str, *, keep: bool) -> None:
        self.told: dict[str, str] = {}
        self.keep, self._source = keep, source

    @contextmanager
    def of(self, series: str) -> Iterator[None]:
        """Where a DataError is raised inside, keep what it says as the status of a series, if it is to be kept."""
        try:
            yield
        except DataError as error:
            if not self.keep:
                raise
            self.told.setdefault(series, str(error).removeprefix(f"{self._source}: "))
