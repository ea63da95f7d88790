"""The table of what built-in architectures can do: ``python -m zoo.testing.capability_table`` or ``make capabilities``.

Runs what of the kit tells capabilities, and writes ``zoo/capabilities.json``, which ``zoo list --exports`` reads, and
``docs/capabilities.md``. With names it asks anew for these alone, with ``--page`` for none.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from zoo.atomic import write_text
from zoo.capabilities import EXPORTS, NOT_INSTALLED, PACKAGED_FILE, Capabilities, packaged, written
from zoo.quiet import import_tensorflow
from zoo.testing.subject import OWN
from zoo_registry import BUILT_IN_RUNTIMES, Architecture, Entry, discover
from zoo_registry.errors import ZooError

TOLD_BY = ("shapes", "export", "native recurrence", "runtimes", "export of other tasks")
PACKAGE = Path(__file__).parents[1]
PAGE = PACKAGE.parent / "docs" / "capabilities.md"
HEAD = """# What each architecture can do

Made by `make capabilities` from what the conformance kit finds (`zoo plugin check`); a test keeps it true. The same is
in `zoo list --json`, and `zoo list --exports onnx,openvino` chooses by it.

`yes` holds for every task of the row. SavedModel and ONNX equal the trained network within 1e-5 deviations and what
float32 rounds; a runtime reads the bundle and gives these outputs (`openvino` reads the ONNX file,
`openvino-savedmodel` the SavedModel, `openvino-ir` and `litert` what `--format openvino` and `--format litert` write).
Recurrence is `native` where the ONNX graph computes it with LSTM or GRU nodes, `none` where there is none. Parameters
are those of the default hyperparameters with a window of 96 steps of 7 features and a horizon of 96 steps of 7 targets
(where there is no forecast: of the first task); `-` where they do not fit together.
"""


def built_in() -> dict[str, Entry[Architecture]]:
    """The zoo's own architectures by bare name."""
    return {entry.name: entry for entry in discover().catalogue.values() if entry.distribution == OWN}


def page(found: Sequence[Capabilities]) -> str:
    """The table as Markdown."""
    heads = ("architecture", "tasks", "parameters", "recurrence", *EXPORTS)
    lines = [HEAD, _line(heads), _line(["---"] * len(heads))]
    for one in sorted(found, key=lambda one: one.architecture):
        recurrence = ", ".join(sorted({task.recurrence for task in one.tasks.values()}))
        parameters = "-" if one.parameters is None else f"{one.parameters:,}"
        exports = (_cell(one, name) for name in EXPORTS)
        lines.append(_line((f"`{one.architecture}`", ", ".join(one.tasks), parameters, recurrence, *exports)))
    return "\n".join(lines) + "\n"


def look(entry: Entry[Architecture]) -> Capabilities:
    """Run what of the kit tells capabilities; raises ZooError where a check fails."""
    import_tensorflow()
    from zoo.testing.kit import run_checks

    with tempfile.TemporaryDirectory() as folder:
        report = run_checks(entry, Path(folder), TOLD_BY)
    for verdict in report.failed:
        raise ZooError(f"{entry.name}: {verdict.check} failed: {verdict.reason}")
    return report.capabilities


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask the kit, and write both files."""
    parser = argparse.ArgumentParser(prog="python -m zoo.testing.capability_table", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="architectures to ask anew [default: all]")
    parser.add_argument("--page", action="store_true", help="write the page of what is known, and ask for nothing")
    given = parser.parse_args(arguments)
    entries = built_in()
    known = {name: one for (_, name), one in packaged().items() if name in entries}
    for name in () if given.page else given.names or entries:
        if missing := [kind for kind in BUILT_IN_RUNTIMES if discover().runtimes[kind].item.version is None]:
            sys.exit(f"error: expected every runtime, {', '.join(missing)} missing; run: make capabilities")
        known[name] = look(entries[name])
        print(name, ", ".join(known[name].exported), flush=True)
        write_text(PACKAGE / PACKAGED_FILE, written(list(known.values())))  # each time: the whole takes minutes
    write_text(PAGE, page(list(known.values())))


def _cell(one: Capabilities, name: str) -> str:
    """``yes``, ``no``, or the tasks that can be had as it."""
    answers = {task: found.exports(name) for task, found in one.tasks.items()}
    if None in answers.values():
        return NOT_INSTALLED
    if len(set(answers.values())) == 1:
        return "yes" if all(answers.values()) else "no"
    return ", ".join(task for task, answer in answers.items() if answer)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
