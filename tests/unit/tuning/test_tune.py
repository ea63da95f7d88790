"""``zoo.tune``: from a table to the best configuration and a run of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import zoo
from zoo.settings.toml_file import as_file, read_config
from zoo.tuning.trial import Outcome
from zoo.tuning.trial_record import COMPLETE, FAILED, TuningError
from zoo_registry import Search
from zoo_registry.errors import ConfigError, RunError

SETTINGS = {"target": "load", "horizon": 3, "window": 8, "epochs": 2, "sampler": "random", "pruner": "none", "folds": 2}
SEARCH = {"units": [2, 4], "learning_rate": Search.float(1e-3, 1e-1, log=True)}


@pytest.fixture
def tune(inline_workers, tmp_path):
    """``tune(architectures, data, **more)``: a study of two trials in this process."""

    def run(architectures="basic", data=None, *, jobs=1, **more):
        places = {"studies": tmp_path / "studies", "runs": tmp_path / "runs", "workers": lambda: inline_workers(jobs)}
        if more.get("resume") is None:
            more = {**SETTINGS, "search": SEARCH, "only": "units", "trials": 2, **more}
        return zoo.tune(architectures, data, **places, **more)

    return run


@pytest.fixture
def quick(monkeypatch):
    """Trials that train nothing: their error is made of their parameters."""

    def measure(task):
        error = task.config.training.learning_rate + task.config.data.window
        folds = [{"number": number, "error": error, "best_epoch": 1} for number in (1, 2)]
        measured = {"measure": "MAE", "error": error, "spread": 0.0, "epochs": 4, "seconds": 1.0, "folds": folds}
        return Outcome(COMPLETE, measured)

    monkeypatch.setattr("zoo.tuning.search.run_trial", measure)


def scores(study):
    return [(trial.parameters, trial.error) for trial in study.trials]


@pytest.mark.full
def test_a_study_leaves_the_best_configuration_a_page_and_a_run_that_exports(tune, series, tmp_path):
    study = tune(("basic", "stacked"), series, trials=2, epochs=1, retrain=True, study="mine", only=["layers"])
    assert [trial.state for trial in study.trials] == [COMPLETE] * 2
    assert [trial.architecture for trial in study.trials] == ["basic", "stacked"], "the defaults come first"
    assert study.best.error == min(trial.error for trial in study.trials)
    assert study.folder == tmp_path / "studies" / "mine"
    file = read_config(study.folder / "best.toml")
    assert file == as_file(study.best_config)
    assert file.settings["seed"] == study.best.seed
    page = (study.folder / "report.html").read_text(encoding="utf-8")
    assert f"{study.best.error:.4g}" in page
    plain = study.plain()
    assert (plain["measure"], plain["complete"], plain["failed"], plain["run"]) == ("MAE", 2, 0, str(study.run.folder))
    assert study.run.config.data.train_on_validation
    assert study.run.config.architecture == study.best.architecture
    assert study.run.record.data.split["train"].rows[1] == study.run.record.data.split["validation"].rows[1]
    bundle = study.run.export(tmp_path / "exported")
    assert bundle.manifest.architecture.name == study.best.architecture
    assert repr(study) == f"Study({str(study.folder)!r})"


@pytest.mark.full
def test_the_test_rows_are_never_touched(tune, series):
    changed = series.copy()
    changed.loc[204:, ["load", "temperature"]] = np.random.default_rng(5).normal(0, 1e3, (36, 2))
    assert scores(tune(data=series, study="one", trials=1)) == scores(tune(data=changed, study="other", trials=1))
    changed.loc[203, "load"] += 1.0
    assert scores(tune(data=changed, study="third", trials=1)) != scores(tune(data=series, study="one", trials=1))


@pytest.mark.full
def test_windows_of_all_lengths_are_measured_on_the_same_rows(tune, series):
    study = tune(data=series, search={"window": [4, 20]}, only="window", window=None, sampler="grid", trials=None)
    assert {trial.parameters["window"] for trial in study.trials} == {4, 20}
    counts = {tuple(fold["windows"] for fold in trial.result["folds"]) for trial in study.trials}
    assert len(counts) == 1


@pytest.mark.usefixtures("quick")
def test_going_on_by_name_and_by_resume(tune, series):
    first = tune(data=series, study="mine")
    again = tune(data=series, study="mine", trials=3)
    assert scores(again)[:2] == scores(first)
    resumed = tune((), series, resume="mine", trials=4)
    assert scores(resumed)[:3] == scores(again)
    assert len(resumed.trials) == 4
    assert [trial.plain() for trial in tune((), series, resume="latest").trials][:4] == resumed.plain()["trials"]


def test_a_study_of_several_series_keeps_that_they_are_judged_by_series(tune, series, monkeypatch):
    judged = []

    def measure(task):
        judged.append(task.by_series)
        return Outcome(FAILED, reason="it is not trained here")

    monkeypatch.setattr("zoo.tuning.search.run_trial", measure)
    panel = pd.concat([series.assign(name=name) for name in ("a", "b")])
    for begun in ({"study": "mine", "series": "name"}, {"resume": "mine"}):
        with pytest.raises(TuningError, match=r"none of its \d trials is complete"):
            tune("basic" if "study" in begun else (), panel, **begun, trials=2 + len(judged))
    assert judged == [True] * 4
    with pytest.raises(TuningError, match="none of its 2 trials is complete"):
        tune(data=series, study="other")
    assert judged[4:] == [False] * 2


@pytest.mark.parametrize(("given", "meant"), [("trals", "trials"), ("epoch", "epochs")])
def test_a_misspelt_setting_of_the_study_or_of_its_runs(tune, series, given, meant):
    with pytest.raises(ConfigError, match=f"there is no setting '{given}'; did you mean '{meant}'"):
        tune(data=series, **{given: 3})


@pytest.mark.usefixtures("quick")
def test_what_a_resumed_study_refuses(tune, series):
    tune(data=series, study="mine")
    with pytest.raises(TuningError, match="is on a DataFrame of a program; give it"):
        tune((), resume="mine")
    with pytest.raises(TuningError, match="expected the table of study 'mine'"):
        tune((), series.assign(load=series["load"] + 1), resume="mine")
    with pytest.raises(ConfigError, match="`resume` goes on with the study's own settings; leave folds, horizon out"):
        tune((), series, resume="mine", horizon=4, folds=3)
    with pytest.raises(ConfigError, match="leave architectures, hyperparameters, search and only out"):
        tune("basic", series, resume="mine")
    with pytest.raises(RunError, match="did you mean 'mine'"):
        tune((), series, resume="mien")
    with pytest.raises(TuningError, match="was begun otherwise"):
        tune(data=series, study="mine", seed=4)


def test_a_study_without_a_complete_trial_says_why_and_how_to_go_on(tune, series, monkeypatch):
    monkeypatch.setattr("zoo.tuning.search.run_trial", lambda task: Outcome(FAILED, reason="it has no luck"))
    with pytest.raises(
        TuningError, match=r"none of its 2 trials is complete \(2 failed\); trial 1: it has no"
    ) as caught:
        tune(data=series, study="mine")
    assert "zoo tune --resume mine --studies " in caught.value.__notes__[0]


@pytest.mark.usefixtures("quick")
def test_windows_that_no_run_could_have_are_not_searched_unless_asked_for(tune, series):
    study = tune(data=series, search={}, only="window", window=None, sampler="grid", trials=None)
    assert study.plan.space.ranges["basic"]["window"].choices == (24,)


def test_a_trial_that_fails_does_not_end_the_others(tune, series):
    study = tune(data=series, search={"window": [8, 150]}, only="window", window=None, sampler="grid", trials=None)
    assert sorted(trial.state for trial in study.trials) == [COMPLETE, FAILED]
    assert study.best.parameters == {"window": 8}


def test_ctrl_c_says_how_to_go_on(tune, series, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("zoo.tuning.search.Session.run", stop)
    with pytest.raises(KeyboardInterrupt) as caught:
        tune(data=series, study="mine")
    assert caught.value.__notes__[0].startswith("finished trials are kept; go on with: zoo tune --resume mine")


@pytest.mark.parametrize(
    "task", ["classify", *(pytest.param(task, marks=pytest.mark.full) for task in ("regress", "anomaly"))]
)
def test_other_tasks(tune, series, task):
    table = series.assign(state=np.where(series["load"] > 100, "high", "low"), odd=(np.arange(240) % 11 == 0) * 1)
    of_task = {
        "regress": {"target": "load"},
        "classify": {"target": "state"},
        "anomaly": {"target": None, "label": "odd", "features": ["load", "temperature"]},
    }
    settings = {"task": task, "horizon": None, "trials": 1, "epochs": 1, "search": {"units": [2, 4]}, **of_task[task]}
    study = tune(data=table, **settings)
    assert study.best.result["measure"] == {"regress": "MAE", "classify": "log loss"}.get(task, "1 - average precision")
