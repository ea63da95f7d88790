"""An executor by name: processes of this host, or a dask cluster."""

from __future__ import annotations

from typing import get_args

from zoo.settings.choices import Backend
from zoo.workers.messages import Workers
from zoo.workers.worker_threads import cores
from zoo_registry.errors import ConfigError


def executor(
    backend: str = "loky", *, jobs: int | None = None, address: str | None = None, threads: int | None = None
) -> Workers:
    """A ``concurrent.futures`` executor of worker processes, each of which runs one task at a time; a context manager.

    ``loky`` starts ``jobs`` processes on this host (1 unless given), ``dask`` takes the workers of the cluster whose
    scheduler has this ``address``, all of them or ``jobs``. Each computes with ``threads``, which are its share of its
    host's cores unless given. Raises ConfigError for what does not suit.
    """
    check_workers(backend, jobs=jobs, address=address, threads=threads)
    if backend == "dask":
        from zoo.workers.cluster import ClusterWorkers

        assert address is not None  # checked
        return ClusterWorkers(address, jobs, threads)
    from zoo.workers.process_pool import ProcessWorkers

    jobs = jobs or 1
    return ProcessWorkers(jobs, threads or max(1, cores() // jobs))


def check_workers(
    backend: str = "loky", *, jobs: int | None = None, address: str | None = None, threads: int | None = None
) -> None:
    """Raise ConfigError for what :func:`executor` would refuse, before anything slow is done."""
    if backend not in get_args(Backend):
        raise ConfigError(f"`backend` is one of {', '.join(get_args(Backend))}, found '{backend}'")
    for name, number in (("jobs", jobs), ("threads", threads)):
        if number is not None and number < 1:
            raise ConfigError(f"`{name}`: expected 1 or more, found {number}; give another")
    if backend == "dask" and address is None:
        raise ConfigError("`backend='dask'` needs the scheduler's `address`, such as tcp://127.0.0.1:8786; add it")
    if backend != "dask" and address is not None:
        raise ConfigError(f"`address` is for `backend='dask'`, found {backend}; leave one of them out")
