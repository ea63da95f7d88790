"""The replay of golden windows on the runtimes, and what each of them gave."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.bundle.golden import GOLDEN_FILE, PARITY_LIMIT, Golden, Ruler
from zoo.bundle.loading import guarded_session
from zoo.runtimes import find_runtime
from zoo_registry.errors import BundleError, RefusalError

_TIMED_CALLS = 30


@dataclass(frozen=True)
class Verdict:
    """What a runtime gave: the largest difference, as :class:`Ruler` measures it, and milliseconds for one window.

    ``refused`` is the reason why it did not run the bundle, which is no fault of the bundle; else it is empty.
    """

    runtime: str
    version: str
    difference: float
    milliseconds: float
    refused: str = ""

    @property
    def passed(self) -> bool:
        """Whether the difference is within the parity limit."""
        return self.difference <= PARITY_LIMIT


def replay(
    folder: Path,
    runtimes: Sequence[str],
    ruler: Ruler,
    read: Callable[[str], bytes] | None = None,
    operators: Collection[str] | None = None,
    *,
    golden: Golden | None = None,
    strict: bool = True,
) -> list[Verdict]:
    """Replay the golden windows of a folder whose integrity is known; differences are measured by ``ruler``.

    ``read`` gives a file's content by its name, checked, and ``operators`` are those that the manifest lists; None is a
    folder that was written here and now, whose ``golden`` windows may be given with all of their outputs. Not
    ``strict``: a runtime that refuses the bundle gets a verdict that says so, and one whose format the bundle does not
    have gets none. Raises RefusalError where ``strict``, and BundleError where every runtime refuses.
    """
    read = read or (lambda name: (folder / name).read_bytes())
    golden = golden or Golden.parse(read(GOLDEN_FILE), folder / GOLDEN_FILE)
    verdicts = []
    for name in runtimes:
        runtime = find_runtime(name)
        if not strict and not runtime.applies_to(folder):
            continue
        try:
            runtime.check(folder, str(golden.window.dtype))
            session = guarded_session(runtime, folder, read, operators)
        except RefusalError as refusal:
            if strict:
                raise
            reason = str(refusal).removeprefix(f"runtime '{name}': ")
            verdicts.append(Verdict(name, str(runtime.version), np.inf, 0.0, reason))
            continue
        difference = golden.difference(session, ruler)
        times = []
        for _ in range(_TIMED_CALLS):
            started = time.perf_counter()
            session.run(golden.window[:1])
            times.append(time.perf_counter() - started)
        verdicts.append(Verdict(name, str(runtime.version), difference, float(np.median(times)) * 1e3))
    if not verdicts:
        raise BundleError(f"{folder}: the bundle has no format that an installed runtime can run; export again")
    if all(verdict.refused for verdict in verdicts):
        raise BundleError(f"{folder}: no installed runtime can run this bundle ({verdicts[0].refused})")
    return verdicts
