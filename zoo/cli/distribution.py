"""``zoo train --distribute``: several processes for one network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.output import note
from zoo_registry.errors import ConfigError

if TYPE_CHECKING:
    from zoo.engine.collective import Group
    from zoo.training.cluster import Cluster
    from zoo.training.config import RunConfig
    from zoo.training.preparation import Prepared
    from zoo.training.unfinished import UnfinishedRun

Distribute = Annotated[
    str | None,
    typer.Option(
        help="Share each batch among so many processes of this host, or those that the variable TF_CONFIG names;"
        " docs/distributed-training.md [default: one process].",
        metavar="N|tf-config",
        rich_help_panel="Speed",
    ),
]


def cluster_for(distribute: str | None, *, find_lr: bool) -> Cluster | None:
    """The processes that are asked for, and which of them this one is; None for one on its own."""
    if distribute is None:
        return None
    from zoo.training.cluster import cluster_of, local_cluster, parse_distribute

    processes = parse_distribute(distribute)
    if find_lr:
        raise ConfigError("--find-lr trains in one process; leave --distribute out")
    return cluster_of(os.environ) if processes is None else local_cluster(processes)


def join_training(cluster: Cluster, config: RunConfig | None, params: dict[str, Any]) -> None:
    """Compute the share of a process that is not the first, of the training that this one is asked to join."""
    from zoo.training.cluster import check_settings
    from zoo.training.replica import train_share

    if config is not None:
        check_settings(config.training, cluster.size)
    note(f"process {cluster.rank} of {cluster.size}: computes its share for process 0 at {cluster.addresses[0]}")
    train_share(cluster, config, params["data"], params["spool"])
    note(f"process {cluster.rank} of {cluster.size}: the training has ended; process 0 has the run")


@contextmanager
def shared_training(
    cluster: Cluster | None, distribute: str | None, config: RunConfig, prepared: Prepared, params: dict[str, Any]
) -> Iterator[Group | None]:
    """The group of a training that others share, None of one that is not shared."""
    if cluster is None:
        yield None
        return
    from zoo.training.cluster import TF_CONFIG
    from zoo.training.leading import leading

    spool: Path | None = params["spool"]
    source, fingerprint = params["data"] or config.data.source, prepared.table.fingerprint()
    with leading(cluster, config, fingerprint, source, spool, local=distribute != TF_CONFIG) as group:
        note(f"process 0 of {cluster.size}: each computes its share of every batch")
        yield group


def tell_other_distribution(unfinished: UnfinishedRun, distribute: str | None) -> None:
    """Say where a run goes on by other processes than it began with."""
    began = unfinished.record.distribute
    if began != distribute:
        words = [f"--distribute {given}" if given else "no --distribute" for given in (began, distribute)]
        note(
            f"warning: run {unfinished.id} began with {words[0]}, found {words[1]}: the result may differ from that of"
            " an uninterrupted training"
        )
