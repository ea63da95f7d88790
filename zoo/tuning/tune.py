"""``zoo.tune``: begin a study or go on with one, search, and write down what was found."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from zoo.data.readers.reading import Source, describe
from zoo.data.table import Table
from zoo.settings.choices import ARRAYS, FRAME
from zoo.settings.parse import read_names
from zoo.settings.resolve import form_of
from zoo.settings.schema import DEFAULT_SOURCE, RunConfig
from zoo.settings.sessions import StudySettings
from zoo.settings.setting import given_of
from zoo.tasks import find_task
from zoo.training.preparation import check_season, prepare_run, read_data, split_table
from zoo.tuning.fold_errors import judged_by_series
from zoo.tuning.folds import Fold, time_folds
from zoo.tuning.search import Session, Watcher
from zoo.tuning.search_range import read_range
from zoo.tuning.study import Study
from zoo.tuning.study_plan import StudyPlan, make_plan
from zoo.tuning.study_store import StudyStore
from zoo.tuning.trial import write_data
from zoo.tuning.trial_record import TuningError
from zoo.workers.executors import executor
from zoo.workers.messages import Workers
from zoo_registry import Search
from zoo_registry.errors import ConfigError, DataError, ZooError

if TYPE_CHECKING:
    from zoo.settings.keywords import StudyKeywords

OpenWorkers = Callable[[], Workers]


def tune(
    architectures: str | Iterable[str] = (),
    data: Source | None = None,
    *,
    hyperparameters: Mapping[str, Any] | None = None,
    search: Mapping[str, Any] | None = None,
    only: str | Iterable[str] = (),
    study: str | None = None,
    resume: str | None = None,
    storage: str | None = None,
    studies: str | Path = "studies",
    backend: str = "loky",
    jobs: int | None = None,
    threads: int | None = None,
    address: str | None = None,
    retrain: bool = False,
    runs: str | Path = "runs",
    progress: bool = False,
    watcher: Watcher | None = None,
    workers: OpenWorkers | None = None,
    **settings: Unpack[StudyKeywords],
) -> Study:
    """Search for the best configuration of one or several architectures by cross-validation that respects time.

    A trial's score is the mean over the folds of the error on each fold's test rows, which all lie before the run's
    test rows: these are never touched. Of several series the error is the mean of their MASE, as in a run's verdict.
    ``settings`` are those of a run, as :func:`zoo.train` takes them, which all
    trials have, and the fields of :class:`zoo.settings.sessions.StudySettings` (sampler, trials, minutes, folds and
    more); ``seed`` is the study's. What is not given is searched in the ranges that the architectures and the zoo
    declare; ``search`` restricts or widens them, by name: a list of values, ``{"low": 16, "high": 256, "log": True}``
    or a :class:`zoo_registry.Search`; ``only`` names those to search beside these.

    ``study`` is the name of a new study, or of one to go on with that was begun alike; ``resume`` goes on with one, by
    name, as it was begun, with other ``trials`` or ``minutes`` perhaps. ``storage`` is the URL of a database
    that several hosts share, ``studies`` the folder of all studies, where each has an SQLite database of its own
    otherwise. ``jobs`` trials run at a time, by ``backend``: see :func:`zoo.workers.executors.executor`; ``workers``
    returns another executor of that kind. ``retrain`` trains the best on train and validation rows together, as
    a run in ``runs``.

    Raises a :class:`zoo.ZooError` for anything that the caller can mend. A trial that fails is recorded with its reason
    and ends nothing. Whatever ends the search before its time, finished trials are kept, and others run again.
    """
    own: dict[str, Any] = {**settings}
    budget = {name: own.pop(name) for name in StudySettings.model_fields if name in own}
    places: dict[str, Any] = {"studies": Path(studies), "url": storage}
    if resume is not None:
        others = (architectures, hyperparameters, search, only)
        store = _reopen(resume, places, own, budget, others)
        table = _same_table(store, data)
    else:
        names, wanted = (tuple(read_names(given)) for given in (architectures, only))
        ranges = {name: _range(name, value) for name, value in (search or {}).items()}
        source = DEFAULT_SOURCE if data is None else data
        plan, table = plan_study(names, source, own, hyperparameters or {}, ranges, wanted, budget)

    open_workers = workers or partial(executor, backend, jobs=jobs, threads=threads, address=address)
    with open_workers() as opened:
        if resume is None:  # a study is begun when there is somebody to work at it
            store = StudyStore.begin(plan, name=study, **places)
        result = work_at(store, table, opened, watcher or Watcher())
    if retrain:
        result.retrain(runs, progress=progress)
    return result


def plan_study(
    architectures: Iterable[str],
    source: Source,
    settings: Mapping[str, Any],
    hyperparameters: Mapping[str, Any],
    search: Mapping[str, Search],
    only: Iterable[str],
    study: Mapping[str, Any],
) -> tuple[StudyPlan, Table]:
    """Make a plan, with windows that the folds have room for, and read the table once; raises ZooError."""
    asked = {**form_of(source, settings).settings, **given_of(settings), "source": describe(source)}
    planned = partial(make_plan, architectures, asked, hyperparameters, search=search, only=only, study=study)
    first = planned()
    table = read_data(first.base.data, source)
    check_season(first.base.data, table)
    folds = study_folds(first, table)
    longest = _longest_window(first, table, folds)
    plan = planned(longest=longest, fingerprint=table.fingerprint())
    shortest = min(_windows(plan))
    configs = {name: _normalized(config, table, shortest) for name, config in plan.configs.items()}
    by_series = judged_by_series(first.base, table, folds)
    return plan.model_copy(update={"configs": configs, "by_series": by_series}), table


def _normalized(config: RunConfig, table: Table, shortest: int) -> RunConfig:
    """A configuration whose windows are normalized alike in all trials and folds: as a run of it would have them.

    Where the table has no room for its window, which no trial takes then, the study's shortest stands in.
    """
    if config.network.normalize_window != "auto":
        return config
    try:
        return config.normalizing(prepare_run(config, table).window_scale.kind)
    except DataError:
        short = config.model_copy(update={"data": config.data.model_copy(update={"window": shortest})})
        return config.normalizing(prepare_run(short, table).window_scale.kind)


def study_folds(plan: StudyPlan, table: Table) -> list[Fold]:
    """The folds of all trials: the same rows, whatever window a trial takes; raises ConfigError and DataError."""
    smallest = plan.base.data.model_copy(update={"window": min(_windows(plan))})
    how = plan.study
    return time_folds(
        plan.base.model_copy(update={"data": smallest}),
        table,
        folds=how.folds,
        kind=how.fold_kind,
        horizon_rows=how.fold_rows,
        train_rows=how.fold_train_rows,
    )


def work_at(store: StudyStore, table: Table, workers: Workers, watcher: Watcher) -> Study:
    """Search until the budget is used up, and write what was found.

    An exception that ends the search has a note that says how to go on.
    """
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zoo-study-")))
            shared = folder / f"{store.name}-{store.session[:8]}.joblib"
            write_data(shared, table, study_folds(store.plan, table))
            stack.enter_context(store.at_work(parallel=workers.jobs > 1))
            Session(store, workers, workers.share(shared), watcher).run()
        study = Study(store, table)
        study.write()
    except (KeyboardInterrupt, SystemExit, ZooError) as stop:
        stop.add_note(f"finished trials are kept; go on with: zoo tune --resume {store.name}{_option(store)}")
        raise
    return study


def _option(store: StudyStore) -> str:
    """What finds the study where it is not in its usual place."""
    place = store.folder.parent
    told = "" if str(place) == "studies" else f" --studies {shlex.quote(str(place))}"
    return told if store.url is None else f"{told} --storage …"


def _reopen(
    name: str,
    places: Mapping[str, Any],
    settings: Mapping[str, Any],
    budget: Mapping[str, Any],
    others: Iterable[Any],
) -> StudyStore:
    """Open a study with another budget; raises ConfigError for settings beside it."""
    refused = sorted({*settings, *(key for key in budget if key not in ("trials", "minutes"))})
    if refused or any(others):
        told = ", ".join(refused) or "architectures, hyperparameters, search and only"
        raise ConfigError(f"`resume` goes on with the study's own settings; leave {told} out")
    store = StudyStore.reopen(name, **places)
    given = {key: value for key, value in budget.items() if value is not None}
    store.plan = store.plan.with_budget(given)
    return store


def _same_table(store: StudyStore, data: Source | None) -> Table:
    """Read a study's table again; raises TuningError where it is another one."""
    source = store.plan.base.data.source if data is None else data
    if isinstance(source, str) and source in (FRAME, ARRAYS):
        raise TuningError(f"study '{store.name}' is on a {source} of a program; give it: tune(resume=…, data=…)")
    table = read_data(store.plan.base.data, source)
    if (found := table.fingerprint()) != store.plan.fingerprint:
        raise TuningError(
            f"{table.source}: expected the table of study '{store.name}', with the fingerprint"
            f" {store.plan.fingerprint[:12]}…, found one with {found[:12]}…; put that one back, or begin anew"
        )
    return table


def _range(name: str, value: Any) -> Search:
    return value if isinstance(value, Search) else read_range(name, value)


def _windows(plan: StudyPlan) -> list[int]:
    """The lengths of windows that trials may take; of a range its ends."""
    found: list[Any] = []
    for name, ranges in plan.space.ranges.items():
        search = ranges.get("window")
        if search is None:
            found.append(plan.configs[name].data.window)
        else:
            found += search.choices if search.kind == "choice" else (search.low, search.high)
    return [int(rows) for rows in found]


def _longest_window(plan: StudyPlan, table: Table, folds: list[Fold]) -> int:
    """The longest of the windows that the run's own parts have room for, and a fold's train rows as many again."""
    rows = min(max(len(split.train) for split in fold.values()) for fold in folds)
    fitting = [0]
    for window in _windows(plan):
        data = plan.base.data.model_copy(update={"window": window})
        layout = find_task(data.task).layout(data)
        try:
            split_table(table, data)
        except DataError:
            continue
        if layout.span + window <= rows:
            fitting.append(window)
    return max(fitting)
