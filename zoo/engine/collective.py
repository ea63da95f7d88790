"""Sums over several processes, by TensorFlow's collective operations; one process is lost, and all get an error."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf

from zoo.engine.rendezvous import meet
from zoo_registry.errors import ConfigError, first_line

Tensor = Any

PATIENCE = 600.0  # seconds for all processes to come
_JOINING = 60  # seconds for all to join, once they have met
_WORD = 4  # bytes of the numbers that bytes are sent as


class Group:
    """This process as number ``rank`` of those at ``addresses`` (host:port), which all make the same calls.

    It has to be made in the main thread before TensorFlow computes anything, and waits until all are there. The ring of
    sums is that of ``tf.distribute.MultiWorkerMirroredStrategy``; a process that ends is noticed by its closed
    connection, one that stands still by missing heartbeats, and a sum then raises :class:`tf.errors.OpError`, see
    :func:`is_loss`. Raises ConfigError where there is a GPU or the own port is taken, TrainingError where others do not
    come in time, and what ``check`` raises meanwhile.
    """

    def __init__(
        self, addresses: Sequence[str], rank: int, patience: float = PATIENCE, check: Callable[[], None] = lambda: None
    ) -> None:
        if gpus := tf.config.list_physical_devices("GPU"):
            raise ConfigError(
                f"--distribute trains on CPUs, found {len(gpus)} GPU(s), on which it was never tried; set"
                " CUDA_VISIBLE_DEVICES=-1, or leave it out"
            )
        self.addresses, self.rank = tuple(addresses), rank
        meet(self.addresses, rank, patience, check)
        try:
            with _ended_after(_JOINING):
                self._strategy = _strategy(self.addresses, rank)
        except tf.errors.OpError as error:
            raise ConfigError(
                f"--distribute: process {rank} cannot use {addresses[rank]} ({first_line(error)}); name a free port of"
                " this host"
            ) from error
        _answer_signals_again()
        self._sum = tf.function(self.sum, autograph=False, reduce_retracing=True)

    @property
    def size(self) -> int:
        """How many processes there are."""
        return len(self.addresses)

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes of a vector, float32 or int32, of one length; for use inside a graph."""

        def reduce(values: Tensor) -> Tensor:
            return tf.distribute.get_replica_context().all_reduce("sum", tf.identity(values))

        return self._strategy.run(reduce, args=(values,))

    def total(self, values: Any) -> np.ndarray:
        """As :meth:`sum`, from numbers to numbers."""
        return np.asarray(self._sum(tf.convert_to_tensor(values)))

    def told(self, content: bytes = b"") -> bytes:
        """What process 0 says, less than 2 GiB, to all; the others' ``content`` is not looked at."""
        content = b"" if self.rank else content
        (length,) = self.total(np.array([len(content)], dtype=np.int32))
        words = np.zeros(-(-int(length) // _WORD), dtype=np.int32)
        words.view(np.uint8)[: len(content)] = np.frombuffer(content, dtype=np.uint8)
        return self.total(words).tobytes()[:length] if length else b""


def is_loss(error: BaseException) -> bool:
    """Whether an error of TensorFlow says that another process of a group is gone."""
    if not isinstance(error, tf.errors.OpError):
        return False
    return isinstance(error, tf.errors.UnavailableError) or "ollective" in str(error)


@contextmanager
def _ended_after(seconds: int) -> Iterator[None]:
    """End this process by SIGALRM after so long: where a peer was lost just now, TensorFlow waits and stops Python."""
    usual = signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, usual)


def _answer_signals_again() -> None:
    """Give SIGTERM back to Python: TensorFlow's watch for preemption takes it, and then nothing ends."""
    if (usual := signal.getsignal(signal.SIGTERM)) is not None:
        signal.signal(signal.SIGTERM, usual)


def _strategy(addresses: Sequence[str], rank: int) -> tf.distribute.Strategy:
    options = tf.distribute.experimental.CommunicationOptions(
        implementation=tf.distribute.experimental.CommunicationImplementation.RING
    )
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(addresses)}), task_type="worker", task_id=rank, rpc_layer="grpc"
    )
    return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver, communication_options=options)
