"""Worker processes on this host, by loky, joblib's engine."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.workers.messages import ATTEMPTS, Message, WorkerLostError, Workers
from zoo.workers.worker_threads import thread_environment

_LOOK = 1.0  # seconds between two looks of a worker whether its parent lives


@dataclass(frozen=True)
class LocalFile:
    """A file or folder that each process of this host reads where it is; it may map a file into memory."""

    path: str

    def find(self) -> Path:
        """Its path."""
        return Path(self.path)


@dataclass(frozen=True)
class FileReporter:
    """Tells through a file of lines, and is told to stop by the presence of another one."""

    folder: str
    key: str

    def send(self, message: Message) -> None:
        """Append a line."""
        with (Path(self.folder) / f"{self.key}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(message) + "\n")

    def stopped(self) -> bool:
        """Whether the task was asked to stop."""
        return (Path(self.folder) / f"{self.key}.stop").exists()


class ProcessWorkers(Workers):
    """Processes that live as long as the executor, each a loky executor of one worker.

    One loky executor of several workers kills them all when one of them dies; so each task has its own. ``threads`` is
    the number that each worker computes with.
    """

    def __init__(self, jobs: int, threads: int) -> None:
        super().__init__(jobs)
        self._environment = thread_environment(threads)
        self._temporary = tempfile.TemporaryDirectory(prefix="zoo-workers-", ignore_cleanup_errors=True)
        self._folder = Path(self._temporary.name)
        self._idle: list[Any] = []
        self._busy: set[Any] = set()
        self._lock = threading.Lock()
        self._read: dict[str, int] = {}

    def _run(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        # Where psutil is there, loky begins a worker anew that has grown by 300 MB, as TensorFlow's do, and warns
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given", UserWarning)
        for _ in range(ATTEMPTS):
            pool = self._take()
            try:
                result = pool.submit(fn, *args, **kwargs).result()
            except BrokenProcessPool:
                self._drop(pool)
                if self._closing:
                    raise
            except BaseException:
                self._give_back(pool)
                raise
            else:
                self._give_back(pool)
                return result
        raise WorkerLostError(
            f"its worker process ended {ATTEMPTS} times, as one that is killed or out of memory does; look at the"
            " memory of this machine, or take fewer `jobs`"
        )

    def share(self, path: Path) -> LocalFile:
        """See :meth:`Workers.share`."""
        return LocalFile(str(path.resolve()))

    def reporter(self, key: str) -> FileReporter:
        """See :meth:`Workers.reporter`."""
        for left in (f"{key}.jsonl", f"{key}.stop"):
            (self._folder / left).unlink(missing_ok=True)
        self._read.pop(key, None)
        return FileReporter(str(self._folder), key)

    def messages(self) -> list[tuple[str, Message]]:
        """See :meth:`Workers.messages`."""
        found: list[tuple[str, Message]] = []
        for path in sorted(self._folder.glob("*.jsonl")):
            with path.open("rb") as file:
                file.seek(self._read.get(path.stem, 0))
                whole, end, _ = file.read().rpartition(b"\n")  # a line may be half-written
            if end:
                self._read[path.stem] = self._read.get(path.stem, 0) + len(whole) + 1
                found += [(path.stem, json.loads(line)) for line in whole.splitlines()]
        return found

    def stop(self, key: str) -> None:
        """See :meth:`Workers.stop`."""
        (self._folder / f"{key}.stop").touch()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """End the executor and its processes; tasks that run are given up."""
        self._closing = True
        with self._lock:
            pools = [*self._idle, *self._busy]
        for pool in pools:
            pool.shutdown(wait=True, kill_workers=True)
        super().shutdown(wait, cancel_futures=cancel_futures)
        self._temporary.cleanup()

    def _take(self) -> Any:
        from joblib.externals.loky import ProcessPoolExecutor

        with self._lock:
            if self._closing:
                raise BrokenProcessPool("the executor is being closed")
            pool = self._idle.pop() if self._idle else None
            if pool is None:
                pool = ProcessPoolExecutor(1, env=self._environment, initializer=_begin_worker, initargs=(os.getpid(),))
            self._busy.add(pool)
        return pool

    def _give_back(self, pool: Any) -> None:
        with self._lock:
            self._busy.discard(pool)
            self._idle.append(pool)

    def _drop(self, pool: Any) -> None:
        with self._lock:
            self._busy.discard(pool)
        pool.shutdown(wait=False, kill_workers=True)


def _begin_worker(parent: int) -> None:
    """Leave Ctrl-C to the parent, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)
