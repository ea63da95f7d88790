"""What is wrong with single series of a table: raised at once, or told of each so that the others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo.data.readers.reading import Reading, Source, settled
from zoo.data.readers.series_files import find_series_files
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


def told_of_files(
    told: dict[str, str], source: Source, reading: Reading, read: Callable[[Path], object]
) -> dict[str, str]:
    """The statuses of series, of which each is a file of a folder, as ``read`` raises them of that file alone.

    So they name the file and its own row. What a file alone does not raise stays, as does what is told of a table.
    """
    if not (isinstance(source, (str, Path)) and Path(source).is_dir() and settled(source, reading).layout == "files"):
        return told
    files, found = {file.stem: file for file in find_series_files(Path(source))}, dict(told)
    for name in told:
        try:
            read(files[name])
        except DataError as error:
            found[name] = str(error)
    return found
