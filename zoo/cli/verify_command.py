"""``zoo verify``: is a bundle what was published, and does it compute what was trained; no TensorFlow unless asked."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from zoo.cli.output import BundlePath, Json, RequireSignature, print_json, print_table, say
from zoo_registry.errors import ConfigError

FAILED = 1


def verify(
    bundle: BundlePath,
    runtime: Annotated[
        list[str] | None,
        typer.Option(
            help="Replay on this runtime alone; repeat it for more. all includes tensorflow, which runs the"
            " SavedModel, a program: for bundles whose maker you trust [default: all installed but tensorflow]."
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Check files and signature alone, replay nothing.")] = False,
    require_signature: RequireSignature = None,
    time_limit: Annotated[
        float | None, typer.Option(help="Seconds that the replay may take [default: 300].", metavar="SECONDS", min=0)
    ] = None,
    memory_limit: Annotated[
        int | None,
        typer.Option(
            help="Memory that the replay may take, on Linux [default: by the bundle's size, 2048 at least].",
            metavar="MB",
            min=256,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check every file's hash, then the signature where one is required, then replay the golden windows.

    They are replayed in a process of their own, which is ended at the limits: a stranger's graph may have no end.

    Exits with 1 where a runtime gives other forecasts, with 2 where an earlier check fails.

    Examples:
        zoo verify exported/basic-co2
    """
    from zoo.bundle.opening import open_bundle
    from zoo.bundle.signatures import required_keys

    given = {"--runtime": runtime, "--time-limit": time_limit, "--memory-limit": memory_limit}
    if quick and (of_replays := [name for name, value in given.items() if value]):
        raise ConfigError(f"--quick replays nothing, expected no {of_replays[0]}; leave one of them out")
    keys = required_keys(require_signature or None)
    hold = "hashes and signature hold" if keys else "hashes hold"
    if quick:
        folder = open_bundle(bundle, keys, beside=True).folder
        if as_json:
            print_json({"bundle": str(folder), "passed": True, "signed": bool(keys), "runtimes": []})
        else:
            say(f"{folder}: {hold}, nothing was replayed")
        return
    from zoo.bundle.replay_process import Limits, replay_apart
    from zoo.bundle.verification import choose_runtimes, is_strict

    names = choose_runtimes(runtime or ())
    checked = open_bundle(bundle, keys, beside=True)  # before any parser, and before anything slow
    folder = checked.folder
    limits = Limits.of(checked, time_limit, memory_limit)
    verdicts = replay_apart(checked, names, limits, strict=is_strict(runtime or ()))
    passed = all(verdict.passed for verdict in verdicts if not verdict.refused)
    if as_json:
        replays = [
            vars(v) | {"passed": v.passed, "difference": v.difference if math.isfinite(v.difference) else None}
            for v in verdicts
        ]
        print_json({"bundle": str(folder), "passed": passed, "signed": bool(keys), "runtimes": replays})
    else:
        rows = [
            (v.runtime, v.version, "-", "-", f"refused: {v.refused}")
            if v.refused
            else (
                v.runtime,
                v.version,
                f"{v.difference:.1e}",
                f"{v.milliseconds:.2f}",
                "equal" if v.passed else "DIFFERS",
            )
            for v in verdicts
        ]
        print_table(("runtime", "version", "largest difference (train deviations)", "ms, one window", "verdict"), rows)
        say(f"{folder}: {hold}, {'all runtimes agree' if passed else 'it FAILS, do not serve it'}")
    if not passed:
        raise typer.Exit(FAILED)
