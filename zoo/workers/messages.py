"""What every executor of the zoo gives beside ``submit``: files for its workers, and messages from and to its tasks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from zoo_registry.errors import ZooError

ATTEMPTS = 3  # workers that a task may lose before it is taken for the cause

Message = dict[str, Any]


class WorkerLostError(ZooError):
    """A task lost its worker as often as it was tried: the process was killed, or ran out of memory."""


class ClusterLostError(ZooError):
    """The scheduler of a cluster cannot be reached any more."""


class SharedFile(Protocol):
    """A file or folder that all workers can read; it is sent to a worker once, and tasks carry only its name."""

    def find(self) -> Path:
        """Its path where the task runs."""


class Reporter(Protocol):
    """What a task talks through while it runs; it is sent to the worker with the task."""

    def send(self, message: Message) -> None:
        """Tell something, as plain data."""

    def stopped(self) -> bool:
        """Whether the task was asked to stop."""


class Workers(Executor):
    """An executor whose tasks each have a worker process of their own while they run.

    A task whose worker dies is run again; the others go on. After ``ATTEMPTS`` lost workers its future raises
    WorkerLostError. ``jobs`` tasks run at a time, the others wait.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._closing = False
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="zoo-worker")

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function of a module in a worker; arguments and result are pickled."""
        return self._threads.submit(self._run, fn, args, kwargs)

    @abstractmethod
    def _run(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Have a worker call the function, and wait for the result."""

    @abstractmethod
    def share(self, path: Path) -> SharedFile:
        """Make a file of this host, or a folder with all that is in it, known to all workers, later ones too."""

    @abstractmethod
    def reporter(self, key: str) -> Reporter:
        """What a task called ``key`` talks through."""

    @abstractmethod
    def messages(self) -> list[tuple[str, Message]]:
        """What tasks have told since the last call, with their keys, each task's in its order."""

    @abstractmethod
    def stop(self, key: str) -> None:
        """Ask a task to stop; it does so where it next asks its reporter."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """End the executor; tasks that run are given up."""
        self._closing = True
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
