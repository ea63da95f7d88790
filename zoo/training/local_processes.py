"""Processes of this host that share a training with this one: started, waited for, and ended with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from zoo.scaling.threads import cores, thread_environment
from zoo.training.cluster import Cluster
from zoo.training.config import RunConfig
from zoo.training.replica import READY
from zoo_registry.errors import TrainingError

_GRACE = 10.0  # seconds to end after the training has


class Replica:
    """One process, started; ``rank`` is its number."""

    def __init__(self, cluster: Cluster, rank: int, config: RunConfig, source: str, spool: Path | None) -> None:
        self.rank = rank
        self._errors: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - see end()
        threads = thread_environment(max(1, cores() // cluster.size))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "zoo.training.replica"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, **threads},
            start_new_session=True,  # Ctrl-C is for process 0, which ends the others
        )
        asked: dict[str, Any] = {"addresses": cluster.addresses, "rank": rank, "config": config.model_dump(mode="json")}
        asked |= {"source": source, "spool": None if spool is None else str(spool)}
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it ended, which is told when it is waited for
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Wait until it is about to meet the others; raises TrainingError where it ended before."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == READY:
                # What else it prints must not fill the pipe, at which it would stop
                threading.Thread(target=self._process.stdout.read, daemon=True).start()
                return
        self._process.wait()
        raise TrainingError(self.how_it_ended)

    @property
    def failed(self) -> bool:
        """Whether it has ended, and not well."""
        return self._process.poll() not in (None, 0)

    @property
    def how_it_ended(self) -> str:
        """A sentence."""
        self._errors.seek(0)
        said = [line.removeprefix("error: ") for line in self._errors.read().splitlines() if line.startswith("error: ")]
        code = self._process.returncode
        why = said[-1] if said else f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return f"process {self.rank} of --distribute: {why}"

    def end(self, *, well: bool) -> None:
        """Let it end by itself where all went well, else kill it: it has written nothing."""
        assert self._process.stdin is not None
        if well:
            try:
                self._process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                well = False
        if not well:
            self._process.kill()
            self._process.wait()
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._errors.close()


@contextmanager
def replicas(cluster: Cluster, config: RunConfig, source: str, spool: Path | None) -> Iterator[list[Replica]]:
    """Start the processes of a local cluster but this one, and give them when all are about to meet.

    At the end they have ended too. Raises TrainingError where one ends too early.
    """
    with ExitStack() as stack:
        started = []
        for rank in range(1, cluster.size):
            replica = Replica(cluster, rank, config, source, spool)
            stack.push(lambda kind, error, trace, replica=replica: replica.end(well=kind is None))
            started.append(replica)
        for replica in started:
            replica.wait_until_ready()
        yield started
