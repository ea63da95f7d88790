"""Verify a bundle: its integrity first, then its golden windows on every runtime."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.bundle.golden import PARITY_LIMIT, Golden, Ruler
from zoo.bundle.integrity import check_integrity
from zoo.bundle.loading import find_bundle
from zoo.runtimes import RUNTIMES, find_runtime
from zoo_registry.errors import BundleError

_TIMED_CALLS = 30


@dataclass(frozen=True)
class Verdict:
    """What a runtime gave: the largest difference, as :class:`Ruler` measures it, and milliseconds for one window."""

    runtime: str
    version: str
    difference: float
    milliseconds: float

    @property
    def passed(self) -> bool:
        """Whether the difference is within the parity limit."""
        return self.difference <= PARITY_LIMIT


def verify_bundle(path: str | Path, runtimes: Sequence[str] = ()) -> list[Verdict]:
    """Check hashes, then replay on the named runtimes, or on all that are installed.

    ``path`` is a bundle or a model's folder (then its highest version).

    Raises BundleError where the bundle was changed or a named runtime is missing; a difference over the limit is told
    by the verdict.
    """
    names = choose_runtimes(runtimes)
    folder = find_bundle(path)
    manifest = check_integrity(folder)
    return replay(folder, names, Ruler.of(manifest))


def choose_runtimes(names: Sequence[str] = ()) -> list[str]:
    """Return the named runtimes, or all that are installed; raises BundleError for an unknown one, or where none is."""
    if chosen := [find_runtime(name).name for name in names] or [r.name for r in RUNTIMES.values() if r.version]:
        return chosen
    raise BundleError("no runtime is installed that could replay a bundle; run: pip install onnxruntime")


def replay(folder: Path, runtimes: Sequence[str], ruler: Ruler) -> list[Verdict]:
    """Replay the golden windows of a folder whose integrity is known; differences are measured by ``ruler``."""
    golden, verdicts = Golden.read(folder), []
    for name in runtimes:
        runtime = find_runtime(name)
        session = runtime.load(folder)
        difference = golden.difference(session, ruler)
        times = []
        for _ in range(_TIMED_CALLS):
            started = time.perf_counter()
            session.run(golden.window[:1])
            times.append(time.perf_counter() - started)
        verdicts.append(Verdict(name, str(runtime.version), difference, float(np.median(times)) * 1e3))
    return verdicts
