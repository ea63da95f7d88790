"""Verify a bundle: its integrity first, then its golden windows on the runtimes."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.bundle.golden import GOLDEN_FILE, PARITY_LIMIT, Golden, Ruler
from zoo.bundle.loading import guarded_session
from zoo.bundle.opening import open_bundle
from zoo.runtimes import find_runtime
from zoo.runtimes import runtimes as all_runtimes
from zoo_registry.errors import BundleError, RefusalError

ALL_RUNTIMES = "all"
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


def verify_bundle(
    path: str | Path,
    runtimes: Sequence[str] = (),
    *,
    require_signature: Sequence[str | Path] | None = None,
    time_limit: float | None = None,
    memory_limit: int | None = None,
) -> list[Verdict]:
    """Check a bundle and what stands beside it, then replay on :func:`choose_runtimes`' runtimes, in another process.

    ``path`` is a bundle or a model's folder (then its highest version), ``require_signature`` as for
    :func:`zoo.bundle.opening.open_bundle`. ``time_limit`` is in seconds, 300 where it is None, and ``memory_limit`` in
    megabytes, where it is None by the bundle's size, 2,048 at least.

    Raises BundleError where the bundle was changed, a named runtime is missing, it refuses the bundle, or a limit is
    passed; a difference over the limit of parity is told by the verdict.
    """
    from zoo.bundle.replaying import Limits, replay_apart

    names = choose_runtimes(runtimes)
    checked = open_bundle(path, require_signature, beside=True)
    limits = Limits.of(checked, time_limit, memory_limit)
    return replay_apart(checked, names, limits, strict=is_strict(runtimes))


def is_strict(names: Sequence[str]) -> bool:
    """Whether runtimes were asked for by name, so that a refusal is an error."""
    return bool(names) and ALL_RUNTIMES not in names


def choose_runtimes(names: Sequence[str] = ()) -> list[str]:
    """Return the named runtimes; without a name all that are installed and run no programs, with ``all`` those too.

    A SavedModel is a program, that may read and write files: TensorFlow runs it for those who ask.

    Raises BundleError for an unknown name, or where no runtime is installed.
    """
    installed = [runtime for runtime in all_runtimes().values() if runtime.version]
    if ALL_RUNTIMES in names:
        chosen = [runtime.name for runtime in installed]
    elif names:
        chosen = [find_runtime(name).name for name in names]
    else:
        chosen = [runtime.name for runtime in installed if not runtime.runs_programs]
    if chosen:
        return chosen
    raise BundleError("no runtime is installed that could replay a bundle; run: pip install onnxruntime")


def replay(
    folder: Path,
    runtimes: Sequence[str],
    ruler: Ruler,
    read: Callable[[str], bytes] | None = None,
    operators: Collection[str] | None = None,
    *,
    strict: bool = True,
) -> list[Verdict]:
    """Replay the golden windows of a folder whose integrity is known; differences are measured by ``ruler``.

    ``read`` gives a file's content by its name, checked, and ``operators`` are those that the manifest lists; None is a
    folder that was written here and now. Not ``strict``: a runtime that refuses the bundle gets a verdict that says so,
    and one whose format the bundle does not have gets none. Raises RefusalError where ``strict``, and BundleError where
    every runtime refuses.
    """
    read = read or (lambda name: (folder / name).read_bytes())
    golden, verdicts = Golden.parse(read(GOLDEN_FILE), folder / GOLDEN_FILE), []
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
        raise BundleError(f"{folder}: has no format that an installed runtime can run; export again")
    if all(verdict.refused for verdict in verdicts):
        raise BundleError(f"{folder}: no installed runtime can run this bundle ({verdicts[0].refused})")
    return verdicts
