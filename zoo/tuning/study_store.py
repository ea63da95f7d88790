"""A study's storage: a database of optuna's, shared by all hosts that work at it; nothing that is finished is lost."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from zoo.atomic import make_folder
from zoo.locks import holding, is_held
from zoo.runs.record import pick_id
from zoo.sums import SUMS_FILE, check_sums, write_sums
from zoo.tuning.database import database_errors, open_database
from zoo.tuning.sampling import SeededSampler, grid_points, make_pruner, seed_of
from zoo.tuning.space import ARCHITECTURE
from zoo.tuning.study_plan import StudyPlan
from zoo.tuning.trial_record import COMPLETE, FAILED, PRUNED, RUNNING, WAITING, TrialRecord, TuningError
from zoo_registry.errors import ConfigError, close_match_hint

DATABASE, SESSIONS = "study.db", "sessions"
BEAT, GRACE = 30.0, 150.0  # seconds between two signs of life of a host's trials; and until they are taken for lost
_PLAN, _SESSION, _BEAT, _SEED, _REASON, _RESULT = "plan", "session", "beat", "seed", "reason", "result"
_MOMENT = 10.0  # seconds from asking for a trial to saying whose it is, at most
_FEWEST = 4  # complete trials that an importance can be told from
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_STATES = {
    TrialState.COMPLETE: COMPLETE,
    TrialState.PRUNED: PRUNED,
    TrialState.FAIL: FAILED,
    TrialState.RUNNING: RUNNING,
    TrialState.WAITING: WAITING,
}


class StudyStore:
    """One study in its database; ``folder`` is the study's on this host, for its page and its best configuration."""

    def __init__(
        self,
        name: str,
        folder: Path,
        storage: optuna.storages.RDBStorage,
        study: optuna.Study,
        url: str | None = None,
    ) -> None:
        self.name, self.folder, self.url = name, folder, url
        self._storage, self._study = storage, study
        self.plan = StudyPlan.read(study.user_attrs.get(_PLAN), name)
        self.session = uuid4().hex
        self._seen: dict[int, tuple[Any, float]] = {}  # of each trial of another session: its last beat, and when seen
        self._beats, self._beaten = 0, 0.0
        self.whole_grid: int | None = None  # trials of it, once at work

    @classmethod
    def begin(cls, plan: StudyPlan, studies: Path, *, name: str | None = None, url: str | None = None) -> Self:
        """Begin a study, or go on with the one of this name; raises TuningError where that has another plan."""
        if name is not None and not _NAME.fullmatch(name):
            raise ConfigError(f"`study`: expected a name of letters, digits, '.', '-' and '_', found '{name}'")
        shared = None if url is None else open_database(url)  # told before a folder is made
        folder = _claim(studies, plan) if name is None else studies / name
        make_folder(folder)
        name = folder.name
        if shared is None:
            _check_own(folder)
        storage = shared or open_database(folder / DATABASE)
        with database_errors(url):
            study = optuna.create_study(storage=storage, study_name=name, load_if_exists=True)
            if _PLAN not in study.user_attrs:
                study.set_user_attr(_PLAN, plan.plain())
        store = cls(name, folder, storage, study, url)
        if differences := store.plan.differences(plan):
            told = ", ".join(differences[:3]) + (", …" if len(differences) > 3 else "")
            raise TuningError(
                f"study '{name}' was begun otherwise ({told}); go on with it by `resume` {name}, which takes no"
                " settings, or give another `study`"
            )
        store.plan = plan  # with this host's own source, and this session's budget
        return store

    @classmethod
    def reopen(cls, name: str, studies: Path, url: str | None = None) -> Self:
        """Open a study by its folder's path, its name, the beginning of it, or ``latest``, and in a database by name.

        Raises TuningError where there is none, and RunError where the name begins several.
        """
        folder = _find(name, studies) if url is None else studies / Path(name).name
        if url is None:
            _check_own(folder)
        storage = open_database(url or folder / DATABASE)
        with database_errors(url):
            known = optuna.get_all_study_names(storage)
            if folder.name not in known:
                raise TuningError(f"there is no study '{folder.name}' in this storage{close_match_hint(name, known)}")
            study = optuna.load_study(study_name=folder.name, storage=storage)
        make_folder(folder)
        return cls(folder.name, folder, storage, study, url)

    @contextmanager
    def at_work(self, *, parallel: bool) -> Iterator[Self]:
        """Work at the study: a sign of this session lies in the study's folder as long as its process lives."""
        plan, how = self.plan, self.plan.study
        if how.sampler == "grid":
            points = grid_points(plan.space, how.grid_points, plan.seed)
        else:
            points = plan.space.defaults(plan.configs)
        self._study.sampler = SeededSampler(how.sampler, plan.seed, points, parallel=parallel)
        self._study.pruner = make_pruner(how.pruner)
        self.whole_grid = len(points) if how.sampler == "grid" else None
        sessions = self.folder / SESSIONS
        sessions.mkdir(exist_ok=True)
        path = sessions / self.session
        with ExitStack() as stack:
            stack.enter_context(holding(path))
            stack.callback(path.unlink, missing_ok=True)
            if self.url is None:  # a kill leaves no sums, which would not be those of the database by then
                (self.folder / SUMS_FILE).unlink(missing_ok=True)
                stack.callback(self._keep_sums)
            yield self

    def _keep_sums(self) -> None:
        """Keep the sum of the study's own database, unless another session on this host goes on to write into it."""
        if not any(is_held(path) for path in (self.folder / SESSIONS).iterdir() if path.name != self.session):
            write_sums(self.folder, [DATABASE])

    def ask(self) -> Trial:
        """Begin a trial: one that waits to be run again, else a new one."""
        trial = self._study.ask()
        trial.set_user_attr(_SESSION, self.session)
        trial.set_user_attr(_BEAT, 0)
        trial.set_user_attr(_SEED, seed_of(self.plan.seed, trial.number))
        return trial

    def report(self, trial: Trial, step: int, error: float) -> bool:
        """Keep a trial's validation error at a step, and say whether the pruner would end it."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of steps that the trial had already come to before its worker was lost
            trial.report(error, step)
        return bool(trial.should_prune())

    def complete(self, number: int, result: dict[str, Any]) -> None:
        """Keep a trial's errors."""
        self._end(number, TrialState.COMPLETE, [result["error"]], result=result)

    def prune(self, number: int, reason: str) -> None:
        """Keep that a trial was ended early."""
        self._end(number, TrialState.PRUNED, reason=reason)

    def fail(self, number: int, reason: str) -> None:
        """Keep why a trial failed."""
        self._end(number, TrialState.FAIL, reason=" ".join(reason.split()))

    def give_back(self, number: int) -> None:
        """Have a trial that did not come to its end run again, as it is, by whoever asks next."""
        with suppress(optuna.exceptions.UpdateFinishedTrialError):
            self._storage.set_trial_state_values(self._id(number), state=TrialState.WAITING)

    def give_back_lost(self) -> list[int]:
        """Give back the trials of sessions that ended without saying so, and return their numbers.

        On this host that is seen at once; elsewhere by beats that stay out for ``GRACE`` seconds.
        """
        lost = []
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            session = trial.user_attrs.get(_SESSION)
            if session != self.session and self._is_lost(trial, session):
                self.give_back(trial.number)
                lost.append(trial.number)
        return lost

    def beat(self, numbers: list[int]) -> None:
        """Give a sign of life for these trials, where it is time for one."""
        if (now := time.monotonic()) - self._beaten > BEAT:
            self._beaten, self._beats = now, self._beats + 1
            for number in numbers:
                with suppress(optuna.exceptions.UpdateFinishedTrialError):
                    self._set(number, _BEAT, self._beats)

    def records(self) -> list[TrialRecord]:
        """All trials by number."""
        return [self._record(trial) for trial in self._study.get_trials(deepcopy=False)]

    def importances(self, architecture: str | None = None) -> dict[str, float]:
        """How much of the errors' variance each parameter explains, the greatest first; empty of too few trials.

        By fANOVA (Hutter, Hoos, Leyton-Brown, ICML 2014) of optuna, over complete trials: of all with the parameters
        that all have, or of one architecture with all of its own.
        """
        from optuna.importance import FanovaImportanceEvaluator, get_param_importances

        trials = [
            trial
            for trial in self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            if architecture in (None, self._record(trial).architecture)
        ]
        if len(trials) < _FEWEST or len({trial.value for trial in trials}) < 2:
            return {}
        part = optuna.create_study(storage=None)
        part.add_trials(trials)
        found = get_param_importances(part, evaluator=FanovaImportanceEvaluator(seed=0))
        return {name: float(value) for name, value in found.items() if architecture is None or name != ARCHITECTURE}

    def _record(self, trial: FrozenTrial) -> TrialRecord:
        known, first = trial.user_attrs, self.plan.space.architectures[0]
        result = known.get(_RESULT, {}) if trial.state is TrialState.COMPLETE else {}
        return TrialRecord(
            number=trial.number,
            state=_STATES[trial.state],
            architecture=trial.params.get(ARCHITECTURE, first),
            parameters={name: value for name, value in trial.params.items() if name != ARCHITECTURE},
            seed=known.get(_SEED, seed_of(self.plan.seed, trial.number)),
            error=result.get("error"),
            spread=result.get("spread"),
            reason=known.get(_REASON),
            result=result,
        )

    def _is_lost(self, trial: FrozenTrial, session: str | None) -> bool:
        if session is None:  # its process ended, or will go on, in the very moment after it had asked
            begun = trial.datetime_start
            return begun is not None and (datetime.now() - begun).total_seconds() > _MOMENT
        if (sign := self.folder / SESSIONS / session).exists():  # of this host
            return not is_held(sign)
        beat, now = (session, trial.user_attrs.get(_BEAT)), time.monotonic()
        known, since = self._seen.get(trial.number, (None, now))
        if beat != known:
            self._seen[trial.number], since = (beat, now), now
        return now - since > GRACE

    def _set(self, number: int, name: str, value: Any) -> None:
        self._storage.set_trial_user_attr(self._id(number), name, value)

    def _end(self, number: int, state: TrialState, values: list[float] | None = None, **attributes: Any) -> None:
        with suppress(optuna.exceptions.UpdateFinishedTrialError):  # another host took it for lost, and was quicker
            for name, value in attributes.items():
                self._set(number, name, value)
            self._storage.set_trial_state_values(self._id(number), state, values)

    def _id(self, number: int) -> int:
        study = self._study._study_id  # noqa: SLF001 - any other way asks the database
        return self._storage.get_trial_id_from_study_id_trial_number(study, number)


def list_studies(studies: Path) -> list[Path]:
    """The folders of all studies, oldest first."""
    return sorted(path.parent for path in studies.glob(f"*/{DATABASE}"))


def _find(name: str, studies: Path) -> Path:
    if (Path(name) / DATABASE).is_file():
        return Path(name).resolve()
    known = {folder.name: folder for folder in list_studies(studies)}
    if not known:
        raise TuningError(f"{studies}: there are no studies; begin one with: zoo tune basic")
    if name == "latest":
        return max(known.values(), key=lambda folder: (folder / DATABASE).stat().st_mtime_ns)
    return known[pick_id(name, known, studies, "study")]


def _claim(studies: Path, plan: StudyPlan) -> Path:
    """Make the folder of a name that sorts by time and says what is searched; making it claims it."""
    make_folder(studies)
    wanted = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{'-'.join(plan.configs).replace(':', '-')}"[:100]
    for number in count(1):
        folder = studies / (wanted if number == 1 else f"{wanted}-{number}")
        with suppress(FileExistsError):
            folder.mkdir()
            return folder
    raise AssertionError("there is always a next number")


def _check_own(folder: Path) -> None:
    """Raise TuningError where a study's own database is damaged; one that there is not yet is made.

    It is made empty, with the mode that the umask leaves, which SQLite would not honour.
    """
    check_sums(folder, [DATABASE], TuningError)
    if not (folder / DATABASE).exists():
        (folder / DATABASE).touch()
