"""A plan is kept with its study, and tells what another one has otherwise."""

from __future__ import annotations

import json

import pytest

from zoo.tuning.study_file import read_study
from zoo.tuning.study_plan import StudyPlan
from zoo_registry import Search
from zoo_registry.errors import ConfigError, RunError


def test_a_plan_reads_back_as_it_was(make_study_plan):
    plan = make_study_plan(("basic", "stacked"), study={"trials": 7, "sampler": "random"}, fingerprint="ab")
    read = StudyPlan.read(json.loads(json.dumps(plan.plain())), "mine")
    assert read == plan
    assert read.space == plan.space
    assert read.differences(plan) == []


def test_a_plan_that_does_not_say_how_series_are_judged_is_judged_as_it_was(make_study_plan):
    plain = make_study_plan().plain()
    assert plain.pop("by_series") is False
    read = StudyPlan.read(plain, "mine")
    assert not read.by_series
    assert read.differences(read.model_copy(update={"by_series": True})) == ["by_series"]


def test_another_version_is_told():
    with pytest.raises(RunError, match="study 'mine' is not of this version"):
        StudyPlan.read({"schema_version": 9}, "mine")
    with pytest.raises(RunError, match="study 'mine' is not of this version"):
        StudyPlan.read(None, "mine")


def test_budget_and_place_of_the_table_may_change(make_study_plan):
    plan = make_study_plan(study={"trials": 7})
    assert plan.differences(make_study_plan(study={"minutes": 3}, settings={"source": "elsewhere.csv"})) == []
    assert plan.differences(make_study_plan(study={"folds": 4})) == ["study.folds"]
    other = make_study_plan(search={"units": [2, 3]}, settings={"seed": 5})
    assert {"seed", "ranges.basic.units", "configs.basic.training.seed"} <= {*plan.differences(other)}


def test_a_grid_is_not_pruned_unless_asked(make_study_plan):
    assert make_study_plan(study={"sampler": "grid"}).study.pruner == "none"
    assert make_study_plan(study={"sampler": "grid", "pruner": "median"}).study.pruner == "median"
    assert make_study_plan().study.pruner == "median"


def test_a_study_as_a_file(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(
        """
        architectures = ["basic", "stacked"]
        only = ["dropout"]
        [study]
        trials = 9
        [search]
        window = [24, 48]
        units = { low = 16, high = 64, log = true }
        stacked.layers = [2, 3]
        [data]
        target = ["load"]
        [hyperparameters]
        dropout = 0.1
        """,
        encoding="utf-8",
    )
    file = read_study(path)
    assert file.only == ("dropout",)
    assert (file.architectures, file.study) == (("basic", "stacked"), {"trials": 9})
    assert file.search == {
        "window": Search.choice(24, 48),
        "units": Search.int(16, 64, log=True),
        "stacked.layers": Search.choice(2, 3),
    }
    assert (file.run.settings, file.run.hyperparameters) == ({"target": ["load"]}, {"dropout": 0.1})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("study = 3", "expected 'study' to be a table"),
        ("architectures = 'basic'", "to be a list of names"),
        ("only = 'units'", "expected 'only' to be a list of names"),
        ("[study]\ntrails = 3", "no key 'trails'; did you mean 'trials'"),
        ("[serach]\nx = 3", "there is no table 'serach'"),
        ("[search]\nunits = 3", "search 'units'"),
        ("[", "not a TOML file"),
    ],
)
def test_what_a_file_may_not_say(tmp_path, content, words):
    path = tmp_path / "study.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=words):
        read_study(path)


def test_a_file_of_one_architecture(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text('architecture = "gru"', encoding="utf-8")
    assert read_study(path).architectures == ("gru",)
