"""A trial as a study keeps it, and the errors of studies; needs neither optuna nor Keras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from zoo_registry.errors import ZooError

COMPLETE, PRUNED, FAILED, RUNNING, WAITING = "complete", "pruned", "failed", "running", "waiting"
FINISHED = (COMPLETE, PRUNED, FAILED)


class TuningError(ZooError):
    """A study cannot be begun, gone on with, or brought to a result."""


@dataclass(frozen=True)
class TrialRecord:
    """What a study knows of a trial.

    ``parameters`` are those that were searched, by their names in the study. ``error`` and its ``spread`` over the
    folds are in original units for one target, as :class:`zoo.tuning.cross_validation.CrossValidated` says; only
    complete trials have them. ``reason`` says why a trial was pruned, or failed. ``result`` is all that the
    cross-validation measured.
    """

    number: int
    state: str
    architecture: str
    parameters: dict[str, Any]
    seed: int
    error: float | None = None
    spread: float | None = None
    reason: str | None = None
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def best_epochs(self) -> list[int]:
        """The best epoch of each fold, from 1."""
        return [fold["best_epoch"] for fold in self.result["folds"]]

    @property
    def length(self) -> dict[str, int]:
        """How long it was to train: ``epochs``, or ``steps`` and ``validate_every``; an older study does not say."""
        length: dict[str, int] = self.result["folds"][0].get("length", {})
        return length

    @property
    def best_steps(self) -> list[int]:
        """The optimizer steps of each fold up to its best epoch's end."""
        return [fold["best_step"] for fold in self.result["folds"]]

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def complete_ones(trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Those that have an error."""
    return [trial for trial in trials if trial.state == COMPLETE]


def best_of(trials: Sequence[TrialRecord], study: str) -> TrialRecord:
    """The complete trial with the least error, the first of several; raises TuningError where there is none."""
    complete = complete_ones(trials)
    if not complete:
        failed = [trial for trial in trials if trial.state == FAILED]
        why = f"; trial {failed[-1].number}: {failed[-1].reason}" if failed else ""
        raise TuningError(
            f"study '{study}': none of its {len(trials)} trials is complete ({len(failed)} failed){why}; go on with"
            " more `trials`, or begin another study"
        )
    return min(complete, key=lambda trial: (trial.error, trial.number))
