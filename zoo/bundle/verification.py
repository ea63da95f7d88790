"""Verify a bundle: its integrity first, then its golden windows on the runtimes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo.bundle.opening import open_bundle
from zoo.bundle.replay import Verdict
from zoo.bundle.replay_process import Limits, replay_apart
from zoo.runtimes import find_runtime
from zoo.runtimes import runtimes as all_runtimes
from zoo_registry.errors import BundleError

ALL_RUNTIMES = "all"


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
