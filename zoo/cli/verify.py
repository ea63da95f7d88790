"""``zoo verify``: is a bundle what was published, and does it compute what was trained; no TensorFlow unless asked."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from zoo.cli.output import BundlePath, print_json, print_table
from zoo.cli.tensorflow import import_tensorflow

FAILED = 1


def verify(
    bundle: BundlePath,
    runtime: Annotated[
        list[str] | None,
        typer.Option(help="Replay on this runtime alone; repeat it for more [default: all installed]."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Check every file's hash, then replay the golden windows on each installed runtime.

    Example: zoo verify exported/basic-co2
    """
    from zoo.bundle.golden import Ruler
    from zoo.bundle.integrity import check_integrity
    from zoo.bundle.loading import find_bundle
    from zoo.bundle.verification import choose_runtimes, replay
    from zoo.runtimes import RUNTIMES

    names = choose_runtimes(runtime or ())
    folder = find_bundle(bundle)
    manifest = check_integrity(folder)  # before any parser, and before anything slow
    if "tensorflow" in names and RUNTIMES["tensorflow"].version:
        import_tensorflow()
    verdicts = replay(folder, names, Ruler.of(manifest))
    passed = all(verdict.passed for verdict in verdicts)
    if as_json:
        replays = [
            vars(v) | {"passed": v.passed, "difference": v.difference if math.isfinite(v.difference) else None}
            for v in verdicts
        ]
        print_json({"bundle": str(folder), "passed": passed, "runtimes": replays})
    else:
        rows = [
            (v.runtime, v.version, f"{v.difference:.1e}", f"{v.milliseconds:.2f}", "equal" if v.passed else "DIFFERS")
            for v in verdicts
        ]
        print_table(("runtime", "version", "largest difference (train deviations)", "ms, one window", "verdict"), rows)
        typer.echo(f"{folder}: hashes hold, {'all runtimes agree' if passed else 'it FAILS, do not serve it'}")
    if not passed:
        raise typer.Exit(FAILED)
