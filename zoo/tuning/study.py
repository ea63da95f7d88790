"""A study as the Python API gives it: its trials, the best of them, and its page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.atomic import write_text
from zoo.data.table import Table
from zoo.settings.schema import RunConfig
from zoo.settings.toml_file import config_text
from zoo.tuning.best import retrain
from zoo.tuning.study_page import study_page
from zoo.tuning.study_store import StudyStore
from zoo.tuning.trial_record import FAILED, PRUNED, TrialRecord, best_of, complete_ones

if TYPE_CHECKING:
    from zoo.run import Run

BEST_FILE, PAGE_FILE = "best.toml", "report.html"


class Study:
    """What a search has found; its folder holds ``study.db`` (unless elsewhere), ``best.toml`` and ``report.html``."""

    def __init__(self, store: StudyStore, table: Table) -> None:
        self._store, self._table = store, table
        self.name, self.folder, self.plan = store.name, store.folder, store.plan
        self.trials: list[TrialRecord] = store.records()
        self.run: Run | None = None

    def __repr__(self) -> str:
        return f"Study({str(self.folder)!r})"

    @property
    def best(self) -> TrialRecord:
        """The complete trial with the least error; raises TuningError where there is none."""
        return best_of(self.trials, self.name)

    @property
    def best_config(self) -> RunConfig:
        """The best trial's configuration, as ``zoo train --config best.toml`` takes it."""
        return self.config(self.best)

    def config(self, trial: TrialRecord) -> RunConfig:
        """The configuration of a trial."""
        parameters = {**trial.parameters, "architecture": trial.architecture}
        return self.plan.configure(self.plan.space.point(parameters), trial.seed)

    def importances(self, architecture: str | None = None) -> dict[str, float]:
        """How much of the errors' variance each parameter explains: see :meth:`StudyStore.importances`."""
        return self._store.importances(architecture)

    def retrain(self, runs: str | Path = "runs", *, progress: bool = False) -> Run:
        """Train the best configuration on train and validation rows: see :func:`zoo.tuning.best.retrain`."""
        self.run = retrain(self.best_config, self.best, self._table, runs=runs, progress=progress)
        return self.run

    def write(self) -> None:
        """Write ``best.toml`` and ``report.html``, each whole or not at all; raises TuningError without a best."""
        config = self.best_config
        write_text(self.folder / BEST_FILE, config_text(config))
        several = len(self.plan.configs) > 1
        importances = {"": self.importances()} if several else {}
        importances |= {name: self.importances(name) for name in self.plan.configs}
        write_text(self.folder / PAGE_FILE, study_page(self.name, self.plan, self.trials, config, importances))

    def plain(self) -> dict[str, Any]:
        """All of it as plain data."""
        counts = {state: sum(trial.state == state for trial in self.trials) for state in (PRUNED, FAILED)}
        return {
            "name": self.name,
            "folder": str(self.folder),
            "measure": self.best.result["measure"],
            "complete": len(complete_ones(self.trials)),
            **counts,
            "best": self.best.plain(),
            "config": str(self.folder / BEST_FILE),
            "report": str(self.folder / PAGE_FILE),
            "run": None if self.run is None else str(self.run.folder),
            "trials": [trial.plain() for trial in self.trials],
        }
