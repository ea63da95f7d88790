"""Threads of TensorFlow, which have to be chosen before it starts."""

from __future__ import annotations

import os
import warnings
from typing import NamedTuple

import tensorflow as tf

from zoo.workers.worker_threads import TENSORFLOW as VARIABLES
from zoo.workers.worker_threads import cores


class ThreadsWarning(UserWarning):
    """TensorFlow was started before the zoo could choose its threads."""


class Threads(NamedTuple):
    """``intra`` threads inside an operation, ``inter`` operations at once; 0: TensorFlow's own choice, all cores."""

    intra: int
    inter: int


def at_once() -> int:
    """How many operations run side by side: as TensorFlow's settings in force say, at most one on each core."""
    chosen = tf.config.threading.get_inter_op_parallelism_threads() or int(os.environ.get(VARIABLES[1]) or 0)
    return min(chosen or cores(), cores())


def choose_threads() -> Threads:
    """Let each operation run on one thread and as many at once as there are cores, and return what is in force.

    The matrices of recurrent layers are too small to share among threads: they fight, and burn twice the CPU time. The
    parts of a batch run side by side instead. What was set before, by ``tf.config.threading`` or in the environment
    (``TF_NUM_INTRAOP_THREADS``, ``TF_NUM_INTEROP_THREADS``), is left as it is. Warns where TensorFlow has started with
    its own choice, as it is too late then.
    """
    found = Threads(*(int(os.environ.get(variable) or 0) for variable in VARIABLES))
    chosen = Threads(
        tf.config.threading.get_intra_op_parallelism_threads() or found.intra,
        tf.config.threading.get_inter_op_parallelism_threads() or found.inter,
    )
    if any(chosen):
        return chosen
    wanted = Threads(1, cores())
    try:
        tf.config.threading.set_intra_op_parallelism_threads(wanted.intra)
        tf.config.threading.set_inter_op_parallelism_threads(wanted.inter)
    except RuntimeError:  # it has started
        warnings.warn(
            "TensorFlow was started before the zoo could choose its threads, and training is slower so; call zoo.train"
            f" before any other use of it, or set {VARIABLES[0]}=1 in the environment",
            ThreadsWarning,
            stacklevel=2,
        )
        return found
    return wanted
