"""The kit: its checks in their order, and how they are run on an architecture."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from zoo.testing.bench import Bench
from zoo.testing.checks import (
    export_checks,
    hyperparameter_checks,
    import_checks,
    network_checks,
    training_checks,
)
from zoo.testing.kit_report import FAILED, PASSED, SKIPPED, Report, Verdict
from zoo.testing.outcomes import EarlierFailureError, Findings, NotApplicableError
from zoo.testing.subject import Subject
from zoo_registry import Architecture, Entry
from zoo_registry.discovery import sentence_of
from zoo_registry.errors import ZooError

Run = Callable[[Bench], Findings | None]
Watch = Callable[[str], None]


@dataclass(frozen=True)
class Check:
    """A check of the kit; ``main`` ones take seconds for all together, the others minutes."""

    name: str
    run: Run
    main: bool = True

    @property
    def summary(self) -> str:
        """What holds where it passes, in one sentence."""
        return (self.run.__doc__ or "").partition("\n")[0]


CHECKS: dict[str, Check] = {
    check.name: check
    for check in (
        Check("import", import_checks.check_import),
        Check("hyperparameters", hyperparameter_checks.check_hyperparameters),
        Check("hyperparameters kept", hyperparameter_checks.check_kept),
        Check("shapes", network_checks.check_shapes),
        Check("real length", network_checks.check_real_length),
        Check("batch independence", network_checks.check_batch_independence),
        Check("loss falls", training_checks.check_loss_falls),
        Check("gradients", training_checks.check_gradients),
        Check("same seed, same weights", training_checks.check_seed),
        Check("dropout", training_checks.check_dropout),
        Check("save and reload", network_checks.check_save_and_reload),
        Check("no state outside the weights", network_checks.check_state),
        Check("export", export_checks.check_export),
        Check("native recurrence", export_checks.check_recurrence),
        Check("runtimes", export_checks.check_runtimes),
        Check("export of other tasks", export_checks.check_other_tasks, main=False),
        Check("export with dropout", export_checks.check_export_with_dropout, main=False),
        Check("time", training_checks.check_time, main=False),
    )
}
MAIN = tuple(name for name, check in CHECKS.items() if check.main)

_bench: Bench | None = None


def check(name: str, what: Architecture | Entry[Architecture], folder: Path) -> None:
    """Run one of ``CHECKS`` on an architecture, or on its entry in the catalogue; ``folder`` is for files.

    Raises AssertionError that says what does not hold. One architecture's checks share a training and an export, so
    they are quickest one after the other.
    """
    global _bench
    subject = Subject.of(what)
    if _bench is None or _bench.architecture is not subject.architecture or not _bench.folder.is_dir():
        _bench = Bench(subject, folder)
    try:
        found = CHECKS[name].run(_bench)
    except NotApplicableError:
        return
    except EarlierFailureError as error:
        raise AssertionError(str(error)) from error
    assert found is None or not found.failure, found.failure


def run_checks(
    what: Architecture | Entry[Architecture] | Subject,
    folder: Path,
    names: Iterable[str] = tuple(CHECKS),
    watch: Watch = lambda name: None,
) -> Report:
    """Run checks, all by default, and report; ``folder`` is for files, ``watch`` is told of each beforehand."""
    subject = Subject.of(what)
    bench = Bench(subject, folder)
    verdicts = []
    for name in names:
        watch(name)
        verdicts.append(_verdict(CHECKS[name], bench))
    return Report(
        architecture=subject.architecture.name,
        plugin=subject.plugin,
        distribution=subject.distribution,
        version=subject.version,
        complete={verdict.check for verdict in verdicts} == set(CHECKS),
        verdicts=tuple(verdicts),
    )


def _verdict(check: Check, bench: Bench) -> Verdict:
    started, status, reason, findings = time.perf_counter(), PASSED, "", Findings()
    try:
        findings = check.run(bench) or findings
        status, reason = (FAILED, findings.failure) if findings.failure else (PASSED, "")
    except (NotApplicableError, EarlierFailureError) as error:
        status, reason = SKIPPED, str(error)
    except KeyboardInterrupt:
        raise
    except (AssertionError, ZooError) as error:
        status, reason = FAILED, " ".join(str(error).split()) or f"the check '{check.name}' does not hold"
    except BaseException as error:  # whatever a plugin's code raises, SystemExit too
        status, reason = FAILED, sentence_of(error)
    return Verdict(
        check=check.name,
        status=status,
        seconds=round(time.perf_counter() - started, 3),
        reason=reason,
        warnings=findings.warnings,
        facts=findings.facts,
    )
