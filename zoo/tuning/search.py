"""The search: ask for trials, give them to workers, keep what they say, until the budget is used up."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field

from optuna.trial import Trial

from zoo.settings.schema import RunConfig
from zoo.tuning.sampling import seed_of, suggest
from zoo.tuning.study_plan import TRIALS
from zoo.tuning.study_store import StudyStore
from zoo.tuning.trial import Outcome, TrialTask, run_trial
from zoo.tuning.trial_record import COMPLETE, FINISHED, PRUNED, RUNNING, TrialRecord
from zoo.workers.messages import ClusterLostError, Message, SharedFile, WorkerLostError, Workers
from zoo_registry.errors import ZooError

_WAIT = 0.25  # seconds between two looks at what trials tell
_LOST = 5.0  # and between two looks for trials that others have lost


@dataclass
class Watcher:
    """Who is told how a search goes on: of each trial that ends, and of all that runs, by number."""

    on_trial: Callable[[TrialRecord], None] = lambda trial: None
    on_progress: Callable[[dict[int, str], int, int | None], None] = lambda running, done, total: None


@dataclass
class _Running:
    trial: Trial
    config: RunConfig
    future: Future[Outcome]
    errors: dict[int, float] = field(default_factory=dict)  # of each fold, the least validation error so far
    stopped: str = ""
    at: str = "begins"

    @property
    def error(self) -> float:
        """The mean over the folds so far."""
        return sum(self.errors.values()) / len(self.errors)


class Session:
    """One session's work at a study."""

    def __init__(self, store: StudyStore, workers: Workers, data: SharedFile, watcher: Watcher) -> None:
        self._store, self._workers, self._data, self._watcher = store, workers, data, watcher
        self._running: dict[int, _Running] = {}
        self._pruning = store.plan.study.pruner != "none"
        self._looked = 0.0
        self._done: int = 0
        self._limit: int | None = None

    def run(self) -> None:
        """Run trials until the study has as many as it should, or the time is over; those that run come to their end.

        Whatever ends it before, such as Ctrl-C, trials that run are given back to the study, to be run again.
        """
        how = self._store.plan.study
        limits = [number for number in (how.trials, self._store.whole_grid) if number is not None]
        limit = min(limits) if limits else TRIALS if how.minutes is None else None
        end = None if how.minutes is None else time.monotonic() + 60 * how.minutes
        try:
            while self._begin(limit, end) or self._running:
                wait([one.future for one in self._running.values()], _WAIT, FIRST_COMPLETED)
                self._hear()
                for number in [n for n, one in self._running.items() if one.future.done()]:
                    self._end(number)
                self._store.beat(list(self._running))
        finally:
            for number in self._running:
                self._store.give_back(number)

    def _begin(self, limit: int | None, end: float | None) -> bool:
        """Begin as many trials as there are free workers, and say whether there are any."""
        if time.monotonic() - self._looked > _LOST:
            self._looked = time.monotonic()
            self._store.give_back_lost()
        while len(self._running) < self._workers.jobs and (end is None or time.monotonic() < end):
            records = self._store.records()
            begun = sum(record.state in (*FINISHED, RUNNING) for record in records)
            self._progress(records, limit)
            if limit is not None and begun >= limit:
                break
            self._ask()
        return bool(self._running)

    def _ask(self) -> None:
        trial = self._store.ask()
        try:
            plan = self._store.plan
            point = plan.space.point(suggest(trial, plan.space))
            config = plan.configure(point, seed_of(plan.seed, trial.number))
        except ZooError as error:
            self._store.fail(trial.number, str(error))
            self._tell(trial.number)
            return
        reporter = self._workers.reporter(str(trial.number))
        task = TrialTask(config, self._data, reporter, tell_epochs=self._pruning, by_series=plan.by_series)
        self._running[trial.number] = _Running(trial, config, self._workers.submit(run_trial, task))

    def _hear(self) -> None:
        for key, message in self._workers.messages():
            if (one := self._running.get(int(key))) is not None:
                self._take(one, message)
        self._progress(None, None)

    def _take(self, one: _Running, message: Message) -> None:
        """Take in what a trial tells: an epoch's validation error, which the pruner judges, or a fold's result."""
        fold = message["fold"]
        if "measured" in message:
            one.at = f"fold {fold} measured"
            return
        one.at = f"fold {fold}, epoch {message['epoch']}"
        one.errors[fold] = min(message["error"], one.errors.get(fold, message["error"]))
        one.errors = {number: error for number, error in one.errors.items() if number <= fold}  # of one run again
        step = (fold - 1) * message["epochs"] + message["epoch"]
        if self._pruning and self._store.report(one.trial, step, one.error) and not one.stopped:
            one.stopped = f"in {one.at}, behind the others"
            self._workers.stop(str(one.trial.number))

    def _end(self, number: int) -> None:
        one = self._running.pop(number)
        try:
            outcome = one.future.result()
        except WorkerLostError as error:
            self._store.fail(number, str(error))
        except (ClusterLostError, KeyboardInterrupt):
            self._running[number] = one  # which is given back with the others
            raise
        except Exception as error:  # a result that cannot be pickled, say
            self._store.fail(number, f"{type(error).__name__}: {str(error)[:500]}")
        else:
            if outcome.state == COMPLETE and outcome.result is not None:
                self._store.complete(number, outcome.result)
            elif outcome.state == PRUNED:
                self._store.prune(number, one.stopped or "as it was asked to stop")
            else:
                self._store.fail(number, outcome.reason)
        self._tell(number)

    def _tell(self, number: int) -> None:
        self._watcher.on_trial(self._store.records()[number])

    def _progress(self, records: list[TrialRecord] | None, limit: int | None) -> None:
        if records is not None:
            self._done, self._limit = sum(record.state in FINISHED for record in records), limit
        self._watcher.on_progress({n: one.at for n, one in self._running.items()}, self._done, self._limit)
