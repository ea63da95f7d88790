"""A value that all tasks of an executor read: each worker gets it once, and maps its arrays into its memory."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import joblib

from zoo.workers.messages import SharedFile, Workers


class Shared(Protocol):
    """What tasks carry instead of the value."""

    def get(self) -> Any:
        """The value, where the task runs; it is read-only."""


@dataclass(frozen=True)
class CarriedValue:
    """A value that is sent with each task."""

    value: Any

    def get(self) -> Any:
        """See :meth:`Shared.get`."""
        return self.value


@dataclass(frozen=True)
class FiledValue:
    """A value in a file, of which a worker keeps the one that it read last."""

    file: SharedFile

    def get(self) -> Any:
        """See :meth:`Shared.get`."""
        return read_value(str(self.file.find()))


@contextmanager
def shared(executor: Executor, value: Any) -> Iterator[Shared]:
    """Give all tasks of an executor a value: workers of the zoo through one file, those of others with each task."""
    if not isinstance(executor, Workers):
        yield CarriedValue(value)
        return
    with tempfile.TemporaryDirectory(prefix="zoo-shared-") as folder:
        path = Path(folder) / f"{uuid4().hex}.joblib"
        write_value(path, value)
        yield FiledValue(executor.share(path))


def write_value(path: Path, value: Any) -> None:
    """Write a value so that its arrays can be mapped into the memory of several processes."""
    joblib.dump(value, path)


@functools.lru_cache(maxsize=1)
def read_value(path: str) -> Any:
    """Map a value into memory, the same as long as no other is read; it is unpickled: only for the zoo's own files."""
    return joblib.load(path, mmap_mode="r")
