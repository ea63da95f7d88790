"""Run the kit for ``zoo plugin check`` in a process of its own, with its progress, and show what it says."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from zoo.capabilities import NOT_INSTALLED, forget, remember
from zoo.cli.output import note, print_table, say
from zoo.cli.plugin_worker import worker_command
from zoo.cli.prediction_output import progress_bar
from zoo.processes import environment
from zoo.testing.kit_report import FAILED, Report, Verdict
from zoo.testing.targets import Point, Target


def run_checks(target: Target, *, quick: bool = False) -> list[Report]:
    """Check the target's architectures, and keep what a whole check of a distribution's found.

    A process that a plugin ends, by a crash or by ``os._exit``, is a failed check of that plugin.
    """
    reports: list[Report] = []
    doing = "import"
    with progress_bar() as show, _worker(target, quick) as worker:
        assert worker.stdout is not None
        for line in worker.stdout:
            event: dict[str, Any] = json.loads(line)
            if "report" in event:
                reports.append(Report.model_validate(event["report"]))
            else:
                doing = event["check"]
                show(doing, event["done"], event["total"])
        code = worker.wait()
    if code or not reports:
        reports.append(_crashed(target.points[0], doing, code))
    for report in reports:
        if target.keep and report.architecture:
            _keep(report)
    return reports


def _keep(report: Report) -> None:
    """Keep what a whole check that passed found; where one fails, what an earlier one found holds no longer."""
    if not report.passed:
        forget(report.capabilities)
    elif report.complete:
        remember(report.capabilities)


@contextmanager
def _worker(target: Target, quick: bool) -> Iterator[subprocess.Popen[str]]:
    """The process, which is ended whatever happens here."""
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            worker_command(target, folder, quick=quick),
            stdout=subprocess.PIPE,
            env=environment(),
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for this process, which ends that one
        ) as worker,
    ):
        try:
            yield worker
        finally:
            if worker.poll() is None:
                worker.kill()
                worker.wait()


def _crashed(point: Point, doing: str, code: int) -> Report:
    reason = f"the process ended with exit code {code} in the midst of it"
    verdict = Verdict(check=doing, status=FAILED, seconds=0.0, reason=reason)
    return Report(plugin=point.name, distribution=point.distribution, version=point.version, verdicts=(verdict,))


def show_report(report: Report) -> None:
    """Write the verdicts as a table, then what the architecture can do, and the verdict on the whole."""
    origin = f" of {report.distribution} {report.version}".rstrip()
    say(f"{report.name}{origin}\n")
    rows = [
        (
            verdict.check,
            "FAILED" if verdict.status == FAILED else verdict.status,
            f"{verdict.seconds:.1f}",
            _told(verdict),
        )
        for verdict in report.verdicts
    ]
    print_table(("check", "verdict", "s", ""), rows)
    say()
    for task, found in report.capabilities.tasks.items():
        runtimes = [name for name, told in found.runtimes.items() if told != NOT_INSTALLED]
        equal = ", ".join(name for name in runtimes if found.exports(name)) or "-"
        say(f"{task}: {', '.join(found.formats)}; recurrence {found.recurrence}; read by {equal}")
    missing = {
        name for t in report.capabilities.tasks.values() for name, told in t.runtimes.items() if told == NOT_INSTALLED
    }
    if missing:
        say(f"not installed here, so not tried: {', '.join(sorted(missing))}")
    for text in report.warnings:
        note(f"warning: {report.name}: {text}")
    failed = len(report.failed)
    say(f"{report.name}: {'passes the kit' if report.passed else f'{failed} check(s) FAILED'}\n")


def _told(verdict: Verdict) -> str:
    """The reason, or a figure that is worth showing."""
    if verdict.reason:
        return verdict.reason
    facts = verdict.facts
    if "import_seconds" in facts:
        return f"{facts['import_seconds'] * 1e3:.1f} ms"
    if "loss" in facts:
        return f"validation loss {facts['loss'][0]:.3g} to {facts['loss'][1]:.3g}"
    if facts.get("parameters") is not None:
        return f"{facts['parameters']} parameters by default (96 steps of 7 features to 96)"
    if "train_step_ms" in facts:
        return (
            f"{facts['train_step_ms']:.1f} ms a training step, {facts['window_ms']:.2f} ms a window ({facts['stated']})"
        )
    return ""
