"""A search keeps what is finished, whatever ends it, and goes on where it was."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from zoo.tuning import search
from zoo.tuning import study_store as store
from zoo.tuning.search import Session, Watcher
from zoo.tuning.study_store import StudyStore
from zoo.tuning.trial import Outcome
from zoo.tuning.trial_record import COMPLETE, FAILED, PRUNED, RUNNING, WAITING, TuningError, best_of
from zoo.workers.messages import ClusterLostError, WorkerLostError
from zoo_registry.errors import ConfigError, RunError


def measured_as(error: float) -> dict:
    folds = [{"number": number, "error": error, "best_epoch": number} for number in (1, 2, 3)]
    return {"measure": "MAE", "error": error, "spread": 0.1, "epochs": 6, "seconds": 1.5, "folds": folds}


def error_of(config) -> float:
    return config.hyperparameters["units"] + config.training.learning_rate


def measure(task) -> Outcome:
    return Outcome(COMPLETE, measured_as(error_of(task.config)))


@pytest.fixture
def run(monkeypatch, inline_workers, tmp_path):
    """``run(store, trial)``: search with what stands for a cross-validation; returns the records."""

    def go(study: StudyStore, trial=measure, jobs: int = 1, watcher: Watcher | None = None):
        monkeypatch.setattr(search, "run_trial", trial)
        with inline_workers(jobs) as workers, study.at_work(parallel=jobs > 1):
            Session(study, workers, workers.share(tmp_path), watcher or Watcher()).run()
        return study.records()

    return go


@pytest.fixture
def begin(make_study_plan, tmp_path):
    """``begin(**how)``: a study of random trials, five unless told otherwise."""

    def make(name: str | None = "mine", url: str | None = None, **how) -> StudyStore:
        plan = make_study_plan(study={"sampler": "random", "trials": 5, "pruner": "none", **how})
        return StudyStore.begin(plan, tmp_path / "studies", name=name, url=url)

    return make


def told(records):
    return [(record.number, record.parameters, record.seed, record.error) for record in records]


def test_trials_and_scores_are_the_same_however_many_run_at_a_time(run, begin):
    one = run(begin("one", trials=9))
    several = run(begin("several", trials=9), jobs=3)
    assert told(one) == told(several)
    assert [record.state for record in one] == [COMPLETE] * 9
    assert best_of(one, "one").error == min(record.error for record in one)


def test_a_study_that_is_gone_on_with_is_the_same_as_one_that_was_never_stopped(run, begin):
    whole = run(begin("whole", trials=8))
    run(begin("part", trials=3))
    part = run(begin("part", trials=8))
    assert told(part) == told(whole)


def test_a_grid_ends_when_it_is_whole(run, begin):
    records = run(begin(sampler="grid", grid_points=2, trials=None))
    assert len(records) == 3 * 2
    assert len({str(record.parameters) for record in records}) == 6
    assert len(run(begin("short", sampler="grid", grid_points=2, trials=4))) == 4


def test_a_trial_that_fails_is_kept_with_its_reason_and_the_search_goes_on(run, begin):
    def trial(task):
        if task.config.hyperparameters["units"] == 2:
            return Outcome(FAILED, reason="no\n room")
        if task.config.hyperparameters["units"] == 3:
            raise WorkerLostError("its worker was lost")
        return measure(task)

    records = run(begin(trials=12), trial)
    reasons = {record.parameters["units"]: (record.state, record.reason) for record in records}
    assert reasons == {2: (FAILED, "no room"), 3: (FAILED, "its worker was lost"), 4: (COMPLETE, None)}


def test_what_cannot_be_configured_is_a_failed_trial(run, begin, monkeypatch):
    study = begin()

    def refuse(self, point, seed):
        raise ConfigError("these do not suit each other")

    monkeypatch.setattr(type(study.plan), "configure", refuse)
    records = run(study)
    assert {(record.state, record.reason) for record in records} == {(FAILED, "these do not suit each other")}
    with pytest.raises(TuningError, match=r"none of its 5 trials is complete .* these do not suit each other"):
        best_of(records, "mine")


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ClusterLostError("gone")])
def test_what_ends_a_search_gives_back_what_runs(run, begin, stop):
    def trial(task):
        if seen.append(task) or len(seen) == 3:
            raise stop
        return measure(task)

    seen = []
    study = begin()
    with pytest.raises(type(stop) if isinstance(stop, Exception) else stop):
        run(study, trial)
    assert [record.state for record in study.records()] == [COMPLETE, COMPLETE, WAITING]
    assert told(run(begin())) == told(run(begin("whole")))


def test_minutes_end_a_search(run, begin):
    def trial(task):
        time.sleep(0.2)
        return measure(task)

    records = run(begin(trials=None, minutes=0.01), trial)
    assert 1 <= len(records) < 10
    assert {record.state for record in records} == {COMPLETE}


def test_a_trial_that_does_badly_is_pruned(run, begin):
    def trial(task):
        bad = error_of(task.config) > 4
        for epoch in (1, 2):
            task.reporter.send({"fold": 1, "epoch": epoch, "epochs": 2, "error": 9.0 if bad else 1.0})
        for _ in range(100 * bad):
            if task.reporter.stopped():
                return Outcome(PRUNED)
            time.sleep(0.05)
        return measure(task)

    def judged(self, trial, step, error):
        return error > 5

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StudyStore, "report", judged)
        records = run(begin(pruner="median", trials=10), trial)
    pruned = {record.number for record in records if record.parameters["units"] == 4}
    assert pruned
    assert {record.number for record in records if record.state == PRUNED} == pruned
    assert all(record.reason.startswith("in fold 1, epoch ") for record in records if record.state == PRUNED)


def test_the_median_of_the_others_decides(begin):
    study = begin(pruner="median")
    with study.at_work(parallel=False):
        for _ in range(6):
            trial = study.ask()
            assert not any(study.report(trial, step, 1.0) for step in range(1, 9))
            study.complete(trial.number, measured_as(1.0))
        bad = study.ask()
        assert [study.report(bad, step, 3.0) for step in range(1, 9)] == [False] * 2 + [True] * 6
        assert study.report(bad, 8, 2.0), "a step that is told again is no error"


def test_progress_is_told(run, begin):
    seen, ended = set(), []
    trial = measure

    def slow(task):
        task.reporter.send({"fold": 2, "epoch": 7, "epochs": 9, "error": 1.0})
        time.sleep(0.6)
        return trial(task)

    watcher = Watcher(ended.append, lambda running, done, total: seen.update([(str(running), done, total)]))
    records = run(begin(trials=2), slow, watcher=watcher)
    assert ended == records
    assert ("{0: 'fold 2, epoch 7'}", 0, 2) in seen


PROGRAM = """
import sys, time
from pathlib import Path
from zoo.tuning.study_store import StudyStore
study = StudyStore.reopen("mine", Path(sys.argv[1]))
with study.at_work(parallel=False):
    study.ask().suggest_int("units", 2, 4)
    print("asked", flush=True)
    time.sleep(60)
"""


def test_a_trial_of_a_killed_process_is_given_back_at_once_and_one_of_a_living_process_is_not(begin, tmp_path):
    study = begin()
    other = subprocess.Popen([sys.executable, "-c", PROGRAM, tmp_path / "studies"], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "asked\n"
        assert study.give_back_lost() == []
        assert [record.state for record in study.records()] == [RUNNING]
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()
        other.stdout.close()
    assert study.give_back_lost() == [0]
    with study.at_work(parallel=False):
        assert study.ask().number == 0


def test_a_trial_of_another_host_is_given_back_when_its_beats_stay_out(begin, monkeypatch):
    study, elsewhere = begin(), begin()
    with elsewhere.at_work(parallel=False):
        number = elsewhere.ask().number
    assert not (study.folder / store.SESSIONS / elsewhere.session).exists()  # as if it were another host's
    clock = [0.0]
    monkeypatch.setattr(store.time, "monotonic", lambda: clock[0])
    elsewhere._beaten = -store.GRACE
    assert study.give_back_lost() == []
    clock[0] = store.GRACE - 1
    elsewhere.beat([number])
    assert study.give_back_lost() == []
    clock[0] += store.GRACE - 1
    assert study.give_back_lost() == []
    clock[0] += 2
    assert study.give_back_lost() == [number]
    study.complete(number, measured_as(1.0))
    elsewhere.complete(number, measured_as(2.0))
    elsewhere.give_back(number)
    assert study.records()[0].error == 1.0, "who is quicker counts"


def test_studies_are_found_by_name_and_refused_where_they_differ(run, begin, tmp_path, make_study_plan):
    studies = tmp_path / "studies"
    first = run(begin("first"))
    run(begin("second"))
    assert told(StudyStore.reopen("fir", studies).records()) == told(first)
    assert StudyStore.reopen("latest", studies).name == "second"
    assert StudyStore.reopen(str(studies / "first"), studies).name == "first"
    with pytest.raises(RunError, match=r"there is no study 'frist' in .*did you mean 'first'"):
        StudyStore.reopen("frist", studies)
    with pytest.raises(TuningError, match="there are no studies; begin one with"):
        StudyStore.reopen("latest", tmp_path / "nowhere")
    with pytest.raises(TuningError, match=r"was begun otherwise \(study.folds\); go on with it by `resume` first"):
        begin("first", folds=4)
    with pytest.raises(ConfigError, match="expected a name of letters"):
        begin("a/b")


def test_without_a_name_each_study_has_one_of_its_own(begin):
    names = [begin(None).name for _ in range(2)]
    assert len(set(names)) == 2
    assert all(name.split("-")[2] == "basic" for name in names)


def test_a_storage_by_url_is_shared(run, begin, tmp_path):
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    run(begin(url=url, trials=3))
    study = StudyStore.reopen("mine", tmp_path / "elsewhere", url)
    assert len(study.records()) == 3
    assert not (tmp_path / "studies" / "mine" / store.DATABASE).exists()
    with pytest.raises(TuningError, match="there is no study 'other' in this storage"):
        StudyStore.reopen("other", tmp_path / "elsewhere", url)


def test_importances(run, begin):
    study = begin(trials=3)
    run(study)
    assert study.importances() == {}
    found = begin(trials=20)
    run(found)
    shares = found.importances()
    assert next(iter(shares)) == "units"
    assert sum(shares.values()) == pytest.approx(1.0)
    assert found.importances("basic") == shares
