"""The bundle: parity of its formats, how it computes the recurrence, and which runtimes read it."""

from __future__ import annotations

from typing import Any

from zoo.bundle.golden import Ruler
from zoo.bundle.replay import replay
from zoo.capabilities import DIFFERS, EQUAL, FORMATS, LOOP, NATIVE, NONE, NOT_INSTALLED, REFUSED
from zoo.export.export_run import export
from zoo.runtimes import runtimes
from zoo.testing.bench import Bench, FirstEpoch, Published
from zoo.testing.checks.training_checks import DROPOUT, dropout_steps
from zoo.testing.outcomes import Findings, NotApplicableError
from zoo_registry import discover
from zoo_registry.errors import BundleError, ExportError, ParityError

_RECURRENT, _LOOPS = {"LSTM", "GRU", "RNN"}, {"Loop", "Scan"}


def check_export(bench: Bench) -> Findings:
    """SavedModel and ONNX file of the first task equal the trained network within the parity limit."""
    return _parity(bench, bench.first_task)


def check_recurrence(bench: Bench) -> Findings:
    """The ONNX graph computes the recurrence with native nodes, or has none; a loop is a warning.

    Of a built-in it is a failure: a ``Loop`` is slow, and not every runtime reads it.
    """
    return _recurrence(bench, bench.first_task)


def check_runtimes(bench: Bench) -> Findings:
    """Each installed runtime that reads the bundle gives its outputs; those that refuse it are noted."""
    return _runtimes(bench, bench.first_task)


def check_other_tasks(bench: Bench) -> Findings:
    """What holds of the bundle of the first task holds of those of the others."""
    others = [task for task in bench.architecture.tasks if task != bench.first_task]
    if not others:
        raise NotApplicableError("the architecture has one task alone")
    tasks: dict[str, dict[str, Any]] = {}
    warnings: list[str] = []
    failures: list[str] = []
    for task in others:
        for look in (_parity, _recurrence, _runtimes):
            found = look(bench, task)
            tasks.setdefault(str(task), {}).update(found.facts["tasks"][str(task)])
            warnings.extend(found.warnings)
            failures += [found.failure] if found.failure else []
    return Findings({"tasks": tasks}, tuple(warnings), "; ".join(failures))


def check_export_with_dropout(bench: Bench) -> None:
    """Dropout, where the architecture has some, changes nothing of what is exported."""
    more = {name: value for name, value in DROPOUT.items() if name in bench.architecture.hyperparameters.model_fields}
    if not more:
        raise NotApplicableError("the architecture has no hyperparameter 'dropout' or 'recurrent_dropout'")
    dropout_steps(bench)
    plain = _recurrence_of(bench.published(bench.first_task))
    dropped = _recurrence_of(bench.publish(bench.train(FirstEpoch(), more=more, epochs=1), "kit-dropout"))
    assert dropped == plain, f"with {', '.join(more)} the ONNX graph's recurrence is '{dropped}', without '{plain}'"


def _parity(bench: Bench, task: str) -> Findings:
    bench.published(task)  # raises ParityError where they differ
    return _of(task, formats=FORMATS)


def _recurrence(bench: Bench, task: str) -> Findings:
    found = _recurrence_of(bench.published(task))
    told = (
        f"task {task}: the ONNX graph holds a loop instead of native recurrent nodes, which is slow and which not every"
        " runtime reads; keras.layers.LSTM and GRU become native"
    )
    if found != LOOP:
        return _of(task, recurrence=found)
    return _of(task, failure=told, recurrence=found) if bench.subject.built_in else _of(task, (told,), recurrence=found)


def _recurrence_of(published: Published) -> str:
    operators = published.manifest.onnx.operators
    return LOOP if _LOOPS & operators.keys() else NATIVE if _RECURRENT & operators.keys() else NONE


def _runtimes(bench: Bench, task: str) -> Findings:
    published = bench.published(task)
    known = runtimes()
    found = {name: NOT_INSTALLED for name, runtime in known.items() if not runtime.version}
    said: dict[str, str] = {}
    for verdict in replay(
        published.folder,
        [name for name, runtime in known.items() if runtime.version and not runtime.exporter],
        Ruler.of(published.manifest),
        strict=False,
    ):
        found[verdict.runtime] = REFUSED if verdict.refused else EQUAL if verdict.passed else DIFFERS
        said[verdict.runtime] = verdict.refused or f"the largest difference is {verdict.difference:.2g}"
    for name, runtime in known.items():
        if runtime.exporter and runtime.version:
            found[name], said[name] = _read_by(bench, published, f"kit-{task}-{name}", runtime.exporter)
    wrong = [f"{name} ({said[name]})" for name, what in found.items() if what == DIFFERS]
    failure = f"task {task}: other outputs than the trained network's are given by {', '.join(wrong)}" if wrong else ""
    warnings = tuple(f"task {task}: {name} refuses it: {said[name]}" for name in found if found[name] == REFUSED)
    return _of(task, warnings, failure, runtimes={name: found[name] for name in known})


def _read_by(bench: Bench, published: Published, name: str, exporter: str) -> tuple[str, str]:
    """Export once more, with the format that a runtime reads; the export itself holds it to the outputs."""
    if exporter not in discover().exporters:
        return NOT_INSTALLED, ""
    try:
        export(published.trained, bench.folder, name, formats=(exporter,))
    except ParityError as error:
        return DIFFERS, str(error)
    except (ExportError, BundleError) as error:
        return REFUSED, str(error).removesuffix("; nothing was published")
    return EQUAL, ""


def _of(task: str, warnings: tuple[str, ...] = (), failure: str = "", **facts: Any) -> Findings:
    return Findings({"tasks": {str(task): facts}}, warnings, failure)
