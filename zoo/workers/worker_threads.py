"""Threads of worker processes, set before TensorFlow starts, so that several workers do not fight for the cores."""

from __future__ import annotations

import os
import sys

TENSORFLOW = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
_OTHERS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_environment(threads: int) -> dict[str, str]:
    """The variables of a worker with so many threads: one inside an operation, and as many operations side by side.

    So :func:`zoo.acceleration.tensorflow_threads.choose_threads` shares out the cores of a training on its own.
    """
    numbers = dict.fromkeys(_OTHERS, str(threads)) | dict(zip(TENSORFLOW, ("1", str(threads)), strict=True))
    return {**numbers, "TF_CPP_MIN_LOG_LEVEL": "2"}


def set_threads(threads: int) -> None:
    """Set the variables in this process, unless TensorFlow was started in it, which reads them once.

    PyArrow, which reads them once too, is told where it was started.
    """
    if "tensorflow" not in sys.modules:
        os.environ.update(thread_environment(threads))
    if (arrow := sys.modules.get("pyarrow")) is not None:
        arrow.set_cpu_count(threads)
