"""Workers of a dask cluster, on whatever hosts they are."""

from __future__ import annotations

import logging
import tarfile
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from zoo.removal import is_staging, remove, staging_name
from zoo.workers.messages import ATTEMPTS, ClusterLostError, Message, WorkerLostError, Workers
from zoo.workers.worker_threads import cores, set_threads
from zoo_registry.errors import ConfigError, first_line

_LOOK = 1.0  # seconds between two looks whether the scheduler is there
_PATIENCE = 30  # seconds for a scheduler to answer, and for a first worker to come


@dataclass(frozen=True)
class UploadedFile:
    """A file that dask has put into the folder of each worker."""

    name: str

    def find(self) -> Path:
        """Its path in the worker that asks."""
        from distributed import get_worker

        return Path(get_worker().local_directory) / self.name


@dataclass(frozen=True)
class UploadedFolder:
    """A folder that has come to each worker as one file."""

    archive: UploadedFile

    def find(self) -> Path:
        """Its path in the worker that asks, which unpacks it when it is first asked."""
        archive = self.archive.find()
        folder, part = archive.with_suffix(""), archive.with_suffix(".part")
        if not folder.is_dir():
            if part.exists():
                remove(part, part.parent, is_staging)
            with tarfile.open(archive) as file:
                file.extractall(part, filter="data")
            part.rename(folder)
        return folder


@dataclass(frozen=True)
class ClusterReporter:
    """Tells by events of the cluster's scheduler, and is told to stop by a dask event."""

    topic: str
    key: str

    def send(self, message: Message) -> None:
        """Log an event."""
        from distributed import get_worker

        get_worker().log_event(self.topic, [self.key, message])

    def stopped(self) -> bool:
        """Whether the task was asked to stop."""
        from distributed import Event

        return bool(Event(f"{self.topic}-{self.key}").is_set())


class ClusterWorkers(Workers):
    """The workers of a dask cluster, which have the zoo and its plugins installed, and one thread each.

    ``jobs`` and ``threads`` are as many as there are workers, and the cores of a worker's host shared out among those
    on it, unless given. Raises ConfigError where dask is not installed, the scheduler does not answer, no worker comes,
    or one has several threads: a process of TensorFlow trains one network at a time.
    """

    def __init__(self, address: str, jobs: int | None = None, threads: int | None = None) -> None:
        try:
            from distributed import Client
        except ImportError as error:
            raise ConfigError("`backend='dask'` needs dask's distributed; run: pip install 'lstm-zoo[dask]'") from error
        for name in ("distributed.client", "tornado.application"):  # their tracebacks; errors are told here
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            self._client = Client(address, timeout=_PATIENCE, name="zoo", set_as_default=False)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"`address` {address}: no dask scheduler answers there ({first_line(error)}); start one with: dask"
                " scheduler"
            ) from error
        try:
            found = self._found_workers(address)
        except BaseException:
            self._client.close()
            raise
        super().__init__(len(found) if jobs is None else min(jobs, len(found)))
        from distributed.comm import get_address_host

        self._hosts, self._given = Counter(map(get_address_host, found)), threads
        self._executor = self._client.get_executor(pure=False, retries=0)
        self._topic = f"zoo-{uuid4().hex}"
        self._plugins: dict[str, str] = {}  # the name of the file that each has brought to the workers
        self._told: list[tuple[str, Message]] = []
        self._running: set[str] = set()
        self._lock = threading.Lock()
        self._client.subscribe_topic(self._topic, self._hear)

    def _found_workers(self, address: str) -> dict[str, int]:
        try:
            self._client.wait_for_workers(1, timeout=_PATIENCE)
        except TimeoutError as error:
            raise ConfigError(
                f"`address` {address}: the dask scheduler has no workers; start some with: dask worker {address}"
                " --nthreads 1 --nworkers 2"
            ) from error
        found: dict[str, int] = dict(self._client.nthreads())
        for worker, threads in found.items():
            if threads != 1:
                raise ConfigError(
                    f"`address` {address}: expected dask workers of one thread each, found {threads} in"
                    f" {worker}; start them with: dask worker {address} --nthreads 1 --nworkers 2"
                )
        return found

    def _run(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        from distributed import KilledWorker

        task = self._executor.submit(_in_worker, fn, args, kwargs, dict(self._hosts), self._given)
        try:
            return self._result(task)
        except KilledWorker as error:  # after as many as the scheduler's allowed-failures, 3 as dask comes
            raise WorkerLostError(
                f"its dask worker was lost {ATTEMPTS} times or more, as one that is killed or out of memory is; look at"
                " the memory of the workers' hosts"
            ) from error
        except CancelledError as error:
            raise ClusterLostError(
                "the dask scheduler is gone, or gave up the task; start the cluster again"
            ) from error

    def _result(self, task: Future[Any]) -> Any:
        """Wait for a result, but not for ever where dask's own client has lost its scheduler and does not say."""
        seen = time.monotonic()
        while True:
            try:
                return task.result(_LOOK)
            except TimeoutError:
                if task.done():  # one of the task's own
                    raise
                if self._client.status == "running":
                    seen = time.monotonic()
                elif time.monotonic() - seen > _PATIENCE:
                    raise CancelledError from None

    def share(self, path: Path) -> UploadedFile | UploadedFolder:
        """See :meth:`Workers.share`."""
        if not path.is_dir():
            return self._upload(path)
        with tempfile.TemporaryDirectory(prefix="zoo-folder-") as folder:
            archive = Path(folder) / f"{uuid4().hex}.tar"
            with tarfile.open(archive, "w") as file:
                file.add(path.resolve(), arcname=".")
            return UploadedFolder(self._upload(archive))

    def _upload(self, path: Path) -> UploadedFile:
        from distributed.diagnostics.plugin import UploadFile

        plugin = f"zoo-{uuid4().hex}"
        with tempfile.TemporaryDirectory(prefix="zoo-upload-") as folder:
            link = Path(folder) / f"{staging_name()}{path.suffix}"  # by which it is known as the zoo's on the workers
            link.symlink_to(path.resolve())
            self._client.register_plugin(UploadFile(str(link), load=False), name=plugin)
        self._plugins[plugin] = link.name
        return UploadedFile(link.name)

    def reporter(self, key: str) -> ClusterReporter:
        """See :meth:`Workers.reporter`."""
        self._running.add(key)
        return ClusterReporter(self._topic, key)

    def messages(self) -> list[tuple[str, Message]]:
        """See :meth:`Workers.messages`."""
        with self._lock:
            told, self._told = self._told, []
        return told

    def stop(self, key: str) -> None:
        """See :meth:`Workers.stop`."""
        from distributed import Event

        Event(f"{self._topic}-{key}", client=self._client).set()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """Leave the cluster as it was; tasks that run are asked to stop, and given up."""
        self._closing = True
        try:
            if self._client.status == "running":  # else its scheduler is gone, and every word to it waits for long
                self._leave()
        except OSError:  # it went a moment ago, and with it what there was to leave
            pass
        finally:
            self._client.close()
            super().shutdown(wait, cancel_futures=cancel_futures)

    def _leave(self) -> None:
        for key in self._running:
            self.stop(key)
        self._executor.shutdown(wait=False)
        for plugin in self._plugins:
            self._client.unregister_worker_plugin(plugin)
        if self._plugins:
            self._client.run(_forget, list(self._plugins.values()), on_error="ignore")
        self._client.unsubscribe_topic(self._topic)

    def _hear(self, event: tuple[float, Any]) -> None:
        key, message = event[1]
        with self._lock:
            self._told.append((key, message))


def _forget(names: list[str], dask_worker: Any) -> None:
    """Remove uploaded files, and what they were unpacked to, from a worker's folder; dask says which worker this is."""
    for name in names:
        path = Path(dask_worker.local_directory) / name
        for left in (path, path.with_suffix(""), path.with_suffix(".part")):
            if left.exists():
                remove(left, left.parent, is_staging)


def _in_worker(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], hosts: dict[str, int], threads: int | None
) -> Any:
    """Call a function with the worker's share of its host's cores."""
    from distributed import get_worker
    from distributed.comm import get_address_host

    share = max(1, cores() // hosts.get(get_address_host(get_worker().address), 1))
    set_threads(share if threads is None else threads)
    return fn(*args, **kwargs)
