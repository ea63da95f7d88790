"""Process 0 of a training that several processes share: it starts or meets the others, and keeps the result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.scaling.threads import cores, set_threads
from zoo.training.cluster import Cluster
from zoo.training.config import RunConfig
from zoo.training.local_processes import Replica, replicas
from zoo.training.replica import start_quietly
from zoo_registry.errors import TrainingError

if TYPE_CHECKING:
    from zoo.engine.collective import Group


@contextmanager
def leading(
    cluster: Cluster, config: RunConfig, fingerprint: str, source: str, spool: Path | None, *, local: bool
) -> Iterator[Group]:
    """Meet the other processes of a cluster, which are started where they are ``local``, and give the group.

    ``fingerprint`` is the table's, which the others read from ``source``. TensorFlow must not have computed anything
    yet. At the end local processes have ended too. Raises TrainingError where another process is lost or does not come
    in time, ConfigError where it has other settings or data.
    """
    if local:
        set_threads(max(1, cores() // cluster.size))
    with ExitStack() as stack:
        others = stack.enter_context(replicas(cluster, config, source, spool)) if local else []
        start_quietly()
        from zoo.engine.collective import Group
        from zoo.engine.threads import choose_threads
        from zoo.training.distribution import agree, losses_told

        choose_threads()
        try:
            group = Group(cluster.addresses, cluster.rank, check=lambda: _check(others))
            with losses_told(group, None):
                agree(group, config, lambda _: fingerprint)
            yield group
        except TrainingError as error:
            for other in others:
                if other.failed and other.how_it_ended not in str(error):
                    error.add_note(other.how_it_ended)
            raise


def _check(others: list[Replica]) -> None:
    """Raise TrainingError where a process has ended."""
    for other in others:
        if other.failed:
            raise TrainingError(other.how_it_ended)
