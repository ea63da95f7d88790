"""A value that all tasks of an executor read: each worker gets it once, and maps its arrays into its memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import joblib

from zoo.workers.messages import SharedFile, Workers


@contextmanager
def shared(executor: Executor, value: Any) -> Iterator[Callable[[], Any]]:
    """Give all tasks of an executor a value: workers of the zoo through one file, those of others with each task.

    Tasks carry what is given here, and call it for the value, which is read-only.
    """
    if not isinstance(executor, Workers):
        yield partial(_itself, value)
        return
    with tempfile.TemporaryDirectory(prefix="zoo-shared-") as folder:
        path = Path(folder) / f"{uuid4().hex}.joblib"
        write_value(path, value)
        yield partial(read_shared, executor.share(path))


def _itself(value: Any) -> Any:
    return value


def read_shared(file: SharedFile) -> Any:
    """The value in a shared file, where the task runs."""
    return read_value(str(file.find()))


def write_value(path: Path, value: Any) -> None:
    """Write a value so that its arrays can be mapped into the memory of several processes."""
    joblib.dump(value, path)


@lru_cache(maxsize=1)
def read_value(path: str) -> Any:
    """Map a value into memory, the same as long as no other is read; it is unpickled: only for the zoo's own files."""
    return joblib.load(path, mmap_mode="r")
