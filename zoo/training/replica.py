"""A process that computes its share of a training, of which process 0 keeps the result."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zoo.training.cluster import Cluster
from zoo.training.config import RunConfig
from zoo.training.preparation import prepare_run
from zoo_registry import discover
from zoo_registry.errors import ZooError

READY = "ready"


def train_share(
    cluster: Cluster,
    config: RunConfig | None,
    source: str | None = None,
    spool: Path | None = None,
    ready: Callable[[], None] = lambda: None,
) -> RunConfig:
    """Compute the shares of process ``cluster.rank`` until the training ends; nothing is written.

    ``config`` is what this process was asked for, None to do as process 0 was; ``source`` is where the table is on this
    host. ``ready`` is called before it waits for the others. Raises as a training does, and TrainingError where another
    process is lost.
    """
    start_quietly()
    from zoo.engine.collective import Group
    from zoo.engine.threads import choose_threads
    from zoo.training.distribution import agree, losses_told
    from zoo.training.trainer import fit

    choose_threads()
    prepared = None if config is None else prepare_run(config, source or config.data.source, spool=spool)
    ready()
    group = Group(cluster.addresses, cluster.rank)

    def fingerprint(told: RunConfig) -> str:
        nonlocal prepared
        if prepared is None:
            prepared = prepare_run(told, source or told.data.source, spool=spool)
        return prepared.table.fingerprint()

    with losses_told(group, None):
        leading = agree(group, config, fingerprint)
    assert prepared is not None
    architecture = discover().catalogue[leading.architecture].architecture
    hp = architecture.configure(leading.hyperparameters)
    fit(architecture, hp, prepared, leading.training, network=leading.network, group=group)
    return leading


def start_quietly() -> None:
    """Import TensorFlow for a group, whose loss it would tell in many lines before an error is raised."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from zoo.quiet import import_tensorflow

    import_tensorflow()


def main() -> None:
    """Do what one line of JSON on standard input asks for, and end at once where that is closed: its writer is gone."""
    asked: dict[str, Any] = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_writer, daemon=True).start()
    cluster = Cluster(tuple(asked["addresses"]), asked["rank"])
    spool = None if asked["spool"] is None else Path(asked["spool"])
    try:
        train_share(
            cluster,
            RunConfig.model_validate(asked["config"]),
            asked["source"],
            spool,
            lambda: print(READY, flush=True),
        )
    except ZooError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(error.exit_code)


def _end_with_writer() -> None:
    while sys.stdin.readline():
        pass
    os._exit(0)  # no cleaning up: the main thread may be inside TensorFlow, and nothing was written


if __name__ == "__main__":
    main()
