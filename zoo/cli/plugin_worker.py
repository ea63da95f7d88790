"""The process in which ``zoo plugin check`` loads and checks plugins, so that nothing that they do reaches the command.

It tells what it does on its standard output, one JSON object on a line; what plugins print goes to standard error.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zoo.processes import command
from zoo.quiet import import_tensorflow
from zoo.testing.kit_report import FAILED, PASSED, Report, Verdict
from zoo.testing.subject import Subject
from zoo.testing.targets import Target
from zoo_registry import Plugin
from zoo_registry.discovery import Discovery, discover_from

Tell = Callable[[dict[str, Any]], None]


def worker_command(target: Target, folder: str, *, quick: bool) -> list[str]:
    """The command that runs the checks of a target; ``folder`` is for files, ``quick``: the main ones alone."""
    return command(__name__, {**asdict(target), "folder": folder, "quick": quick})


def run(specification: Mapping[str, Any]) -> None:
    """In that process: check, and tell of each check beforehand, and of each report."""
    from zoo.testing.probe import local_point

    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # libraries in C print too

    def tell(event: dict[str, Any]) -> None:
        told.write(json.dumps(event) + "\n")
        told.flush()

    found = discover_from([local_point(**point) for point in specification["points"]])
    for plugin in found.plugins:
        if not plugin.contributions.get("architectures"):
            tell({"report": _import_alone(plugin).model_dump(mode="json")})
    if subjects := _subjects(found, specification["architecture"]):
        _check(subjects, specification, tell)


def _check(subjects: Sequence[Subject], specification: Mapping[str, Any], tell: Tell) -> None:
    import_tensorflow()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # many small networks are traced anew, which is no fault
    from zoo.testing.kit import CHECKS, MAIN, run_checks

    names = MAIN if specification["quick"] else tuple(CHECKS)
    for index, subject in enumerate(subjects):

        def watch(name: str, subject: Subject = subject, before: int = index * len(names)) -> None:
            done, total = before + names.index(name), len(subjects) * len(names)
            tell({"check": f"{subject.architecture.name}: {name}", "done": done, "total": total})

        folder = Path(specification["folder"]) / str(index)
        folder.mkdir()
        report = run_checks(subject, folder, names, watch)
        tell({"report": report.model_dump(mode="json")})


def _subjects(found: Discovery, only: str | None) -> list[Subject]:
    values = {(plugin.distribution, plugin.name): plugin.value for plugin in found.plugins}
    return [
        Subject(
            entry.item,
            entry.plugin,
            entry.distribution,
            entry.version,
            values[entry.distribution, entry.plugin],
        )
        for entry in found.catalogue.values()
        if only in (None, entry.name)
    ]


def _import_alone(plugin: Plugin) -> Report:
    """A plugin that is broken, or that contributes no architecture."""
    from zoo.testing.checks.import_checks import judge_import

    reason, facts = plugin.error, {}
    if not reason:
        try:
            facts = judge_import(plugin.name, plugin.value, plugin.distribution)
        except AssertionError as error:
            reason = str(error)
    verdict = Verdict(
        check="import",
        status=FAILED if reason else PASSED,
        seconds=round(plugin.seconds, 3),
        reason=reason,
        facts=facts,
    )
    return Report(plugin=plugin.name, distribution=plugin.distribution, version=plugin.version, verdicts=(verdict,))
