"""Replay a bundle in a process of its own: a graph is its maker's, and may ask for any time and any memory.

The process ends at the limits, and with the one that began it, which waits for it and hears Ctrl-C meanwhile.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from zoo.bundle.coherence import golden_bytes
from zoo.bundle.golden import GOLDEN_FILE, Ruler
from zoo.bundle.integrity import CheckedFiles
from zoo.bundle.replay import Verdict, replay
from zoo.processes import command
from zoo.runtimes import find_runtime
from zoo_registry.errors import BundleError, RefusalError, ZooError, first_line
from zoo_registry.streams import open_closed_streams

SECONDS = 300.0
# Of memory; an import of TensorFlow takes half a gigabyte, and each core some for a thread's stack and buffers
_MEGABYTES, _MEGABYTES_PER_CORE, _PER_BYTE = 2048, 64, 16
_MEGABYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """What a replay may take: seconds from its beginning to its end, and megabytes of memory (on Linux alone)."""

    seconds: float
    megabytes: int

    @classmethod
    def of(cls, checked: CheckedFiles, seconds: float | None = None, megabytes: int | None = None) -> Limits:
        """Those that were asked for, else what the replay of a bundle of this size needs with much to spare."""
        if megabytes is None:
            files = checked.manifest.files.items()
            size = sum(entry.size for name, entry in files if name != GOLDEN_FILE) + golden_bytes(
                checked.manifest.problem
            )
            cores = os.cpu_count() or 1
            megabytes = _MEGABYTES + _MEGABYTES_PER_CORE * cores + _PER_BYTE * size // _MEGABYTE
        return cls(SECONDS if seconds is None else seconds, megabytes)


def replay_apart(checked: CheckedFiles, names: Sequence[str], limits: Limits, *, strict: bool) -> list[Verdict]:
    """Replay the golden windows of a bundle as :func:`zoo.bundle.replay.replay` does, in a process of its own.

    Raises what that raises, and BundleError over a limit, and where the process dies.
    """
    for name in names:
        find_runtime(name).check_installed()
    request = pickle.dumps((checked, names, Ruler.of(checked.manifest), limits, strict))
    open_closed_streams()  # or the pipes below get their descriptors
    alive, held = os.pipe()  # nothing is written: it is closed here when this process ends, however it ends
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    try:
        with subprocess.Popen(command(__name__, {"alive": alive}), pass_fds=(alive,), **pipes) as process:
            try:
                told, _ = process.communicate(request, timeout=limits.seconds)
            finally:
                process.kill()  # no word reaches a graph that runs
                process.wait()
    except subprocess.TimeoutExpired as error:
        raise BundleError(
            f"{checked.folder}: its replay took more than {limits.seconds:g} s, and was ended; do not use the bundle,"
            " or give more with `time_limit` where you trust who made it"
        ) from error
    finally:
        os.close(alive)
        os.close(held)
    try:
        answer = json.loads(told)
    except ValueError as error:
        raise BundleError(
            f"{checked.folder}: its replay ended with the exit code {process.returncode} and without a word; do not use"
            f" the bundle, or give more than {limits.megabytes} MB with `memory_limit` where you trust who made it"
        ) from error
    if "refusal" in answer:
        raise RefusalError(answer["refusal"])
    if "error" in answer:
        raise BundleError(answer["error"])
    return [Verdict(**verdict) for verdict in answer["verdicts"]]


def run(specification: Mapping[str, Any]) -> None:
    """The process: read a request from standard input, and write the answer as JSON, which cannot act on its reader."""
    threading.Thread(target=_end_with, args=(specification["alive"],), daemon=True).start()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)  # what libraries print is no answer
        checked, names, ruler, limits, strict = pickle.load(sys.stdin.buffer)
        json.dump(_answer(checked, names, ruler, limits, strict=strict), out)


def _end_with(alive: int) -> None:
    """End this process once the other end of a pipe is closed."""
    os.read(alive, 1)
    os._exit(1)


def _answer(
    checked: CheckedFiles, names: Sequence[str], ruler: Ruler, limits: Limits, *, strict: bool
) -> dict[str, Any]:
    _limit(limits)
    manifest = checked.manifest
    try:
        verdicts = replay(checked.folder, names, ruler, checked.read, manifest.onnx.operators, strict=strict)
    except RefusalError as refusal:
        return {"refusal": str(refusal)}
    except ZooError as error:
        return {"error": _told(error, checked, limits)}
    except Exception as error:
        reason = BundleError(f"{checked.folder}: cannot be replayed ({type(error).__name__}: {first_line(error)})")
        return {"error": _told(reason, checked, limits)}
    return {"verdicts": [asdict(verdict) for verdict in verdicts]}


def _told(error: ZooError, checked: CheckedFiles, limits: Limits) -> str:
    """What an error says; where memory was asked for in vain, as each runtime says in words of its own, the limit."""
    whole = f"{error} {error.__cause__}".casefold()
    if "alloc" not in whole and "memory" not in whole:
        return str(error)
    return (
        f"{checked.folder}: its replay takes more than {limits.megabytes} MB of memory; do not use the bundle, or give"
        " more with `memory_limit` where you trust who made it"
    )


def _limit(limits: Limits) -> None:
    """Bound this process. What is mapped but not written, as libraries are, counts nothing: Linux' RLIMIT_DATA."""
    try:
        import resource
    except ImportError:  # no such limits on this system
        return
    processor = int(limits.seconds * (os.cpu_count() or 1)) + 1  # for the case that nobody is left to end it
    for kind, most in ((resource.RLIMIT_DATA, limits.megabytes * _MEGABYTE), (resource.RLIMIT_CPU, processor)):
        _, hard = resource.getrlimit(kind)
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
