"""Which processes train one network together: those that ``TF_CONFIG`` names, or some on this host; no TensorFlow."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from zoo.training.config import TrainingConfig
from zoo_registry.errors import ConfigError

TF_CONFIG = "tf-config"
_LOCAL = "127.0.0.1"
_MOST = 64  # processes of one host
_EXAMPLE = '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}'


@dataclass(frozen=True)
class Cluster:
    """``addresses``, host:port, of all processes by their rank, and the ``rank`` of this one, counted from 0."""

    addresses: tuple[str, ...]
    rank: int

    @property
    def size(self) -> int:
        """How many processes there are."""
        return len(self.addresses)


def parse_distribute(text: str) -> int | None:
    """Read ``--distribute``: a number of processes on this host, None for ``tf-config``; raises ConfigError."""
    if text == TF_CONFIG:
        return None
    if not text.isdecimal() or not 2 <= int(text) <= _MOST:
        raise ConfigError(
            f"--distribute: expected a number of processes on this host, 2 to {_MOST}, or {TF_CONFIG}, found {text!r}"
        )
    return int(text)


def local_cluster(processes: int) -> Cluster:
    """Processes of this host at ports that are free now; this one is the first."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(processes)]
        for each in sockets:
            each.bind((_LOCAL, 0))
        return Cluster(tuple(f"{_LOCAL}:{each.getsockname()[1]}" for each in sockets), 0)


def cluster_of(environment: Mapping[str, str]) -> Cluster:
    """Read ``TF_CONFIG`` as TensorFlow documents it: a chief, where there is one, comes before the workers.

    Raises ConfigError where the variable is missing or is not that.
    """
    text = environment.get("TF_CONFIG")
    if not text:
        raise ConfigError(
            f"--distribute {TF_CONFIG} reads the variable TF_CONFIG, which is not set; such as {_EXAMPLE}"
        )
    try:
        told = json.loads(text)
        jobs, kind, index = told["cluster"], told["task"]["type"], int(told["task"]["index"])
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"TF_CONFIG: expected JSON such as {_EXAMPLE}, found {text!r}") from error
    addresses = _addresses(jobs)
    if kind not in ("chief", "worker") or not 0 <= index < len(addresses[kind]):
        raise ConfigError(f"TF_CONFIG: the task {kind} {index} is none of its cluster's, chief or worker: {text!r}")
    everyone = (*addresses["chief"], *addresses["worker"])
    if len(set(everyone)) < 2 or len(set(everyone)) < len(everyone):
        raise ConfigError(f"TF_CONFIG: expected two or more different addresses of workers, found {list(everyone)}")
    return Cluster(everyone, index + (len(addresses["chief"]) if kind == "worker" else 0))


def _addresses(jobs: Any) -> dict[str, list[str]]:
    """The addresses of each job; raises ConfigError for jobs that nothing here does."""
    if not isinstance(jobs, Mapping) or (others := sorted(set(jobs) - {"chief", "worker"})):
        found = others if isinstance(jobs, Mapping) else jobs
        raise ConfigError(f"TF_CONFIG: expected a cluster of chief and worker alone, found {found}; leave others out")
    listed = {kind: jobs.get(kind, []) for kind in ("chief", "worker")}
    for kind, addresses in listed.items():
        for address in addresses if isinstance(addresses, list) else [addresses]:
            host, _, port = str(address).rpartition(":")
            if not isinstance(addresses, list) or not host or not port.isdecimal():
                raise ConfigError(f"TF_CONFIG: expected {kind} as a list of host:port, found {addresses!r}")
    return listed


def check_settings(config: TrainingConfig, processes: int) -> None:
    """Raise ConfigError for settings of a training that several processes cannot share."""
    if config.autotune:
        raise ConfigError("--autotune tries the steps of one process; leave it or --distribute out")
    if config.batch_size < processes:
        raise ConfigError(
            f"--batch-size {config.batch_size}: {processes} processes share each batch, expected a window for each;"
            " give a larger one, or fewer processes"
        )
