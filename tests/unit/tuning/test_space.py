"""A study searches what is declared and asked for, and nothing that was given a value."""

from __future__ import annotations

import pytest

from zoo.tuning.search_range import read_range
from zoo.tuning.space import ARCHITECTURE
from zoo_registry import Search
from zoo_registry.errors import ConfigError, UnknownArchitectureError


def test_without_a_word_all_that_declares_a_range_is_searched(make_study_plan):
    found = make_study_plan(search={}, only=[]).space.ranges["basic"]
    settings = {"scaler", "schedule", "batch_size", "loss", "learning_rate", "normalize_window"}
    assert set(found) == settings | {"units", "dropout", "recurrent_dropout", "l1", "l2"}  # the window is given
    plan = make_study_plan(search={}, only=[], settings={"window": None, "batch_size": 16})
    assert plan.space.ranges["basic"]["window"].choices == (24, 48, 96, 192)
    assert "batch_size" not in plan.space.ranges["basic"]


def test_windows_that_folds_have_no_room_for_are_left_out_unless_asked_for(make_study_plan):
    nothing = {"settings": {"window": None}, "only": ["window"]}
    assert make_study_plan(search={}, longest=50, **nothing).space.ranges["basic"]["window"].choices == (24, 48)
    asked = make_study_plan(search={"window": [24, 500]}, longest=50, **nothing)
    assert asked.space.ranges["basic"]["window"].choices == (24, 500)


def test_a_hyperparameter_that_is_given_is_not_searched(make_study_plan):
    plan = make_study_plan(("basic", "stacked"), search={}, only=[], hyperparameters={"units": 7, "stacked.layers": 3})
    assert "units" not in plan.space.ranges["basic"]
    assert "layers" not in plan.space.ranges["stacked"]
    assert plan.configs["basic"].hyperparameters["units"] == 7
    assert plan.configs["stacked"].hyperparameters["layers"] == 3


def test_only_and_search_together(make_study_plan):
    plan = make_study_plan(("basic", "stacked"), search={"dropout": [0.0, 0.2]}, only=["layers"])
    assert plan.space.ranges == {
        "basic": {"dropout": Search.choice(0.0, 0.2)},
        "stacked": {"layers": Search.int(2, 4), "dropout": Search.choice(0.0, 0.2)},
    }


def test_one_name_with_two_ranges_has_two_names_in_the_study(make_study_plan):
    search = {"basic.units": [2, 3], "stacked.units": [4, 5], "dropout": [0.0, 0.2]}
    space = make_study_plan(("basic", "stacked"), search=search, only=["dropout"]).space
    assert set(space.parameters("basic")) == {"basic.units", "dropout"}
    point = space.point({ARCHITECTURE: "stacked", "stacked.units": 5, "dropout": 0.2})
    assert (point.architecture, point.hyperparameters) == ("stacked", {"units": 5, "dropout": 0.2})


def test_own_loss_is_left_alone(make_study_plan):
    plan = make_study_plan(("basic", "custom-loss"), search={"units": [2, 3]}, only=["loss"])
    assert "loss" in plan.space.ranges["basic"]
    assert "loss" not in plan.space.ranges["custom-loss"]
    point = plan.space.point({ARCHITECTURE: "custom-loss", "units": 3})
    assert plan.configure(point, 1).training.loss == "architecture"


def test_a_trial_is_the_studys_configuration_with_its_own_values_and_seed(make_study_plan):
    plan = make_study_plan(settings={"optimizer": "adamw", "scaler": "robust"})
    config = plan.configure(plan.space.point({"units": 3, "learning_rate": 0.05}), 17)
    assert (config.hyperparameters["units"], config.training.learning_rate, config.training.seed) == (3, 0.05, 17)
    assert (config.training.optimizer, config.training.weight_decay, config.data.scaler) == ("adamw", 0.004, "robust")


def test_the_first_trials_are_nearest_to_the_defaults(make_study_plan):
    plan = make_study_plan(
        ("basic", "stacked"), search={"units": [16, 80], "l1": {"low": 1e-8, "high": 1e-3, "log": True}}
    )
    assert plan.space.defaults(plan.configs) == [
        {ARCHITECTURE: "basic", "units": 80, "l1": 1e-8},
        {ARCHITECTURE: "stacked", "units": 80, "l1": 1e-8},
    ]


def test_the_grid_has_each_combination_once(make_study_plan):
    space = make_study_plan(("basic", "stacked"), search={"units": [2, 3], "stacked.layers": [2, 3, 4]}).space
    found = space.grid(3)
    assert len(found) == len({tuple(sorted(point.items())) for point in found}) == 2 + 6
    assert {point[ARCHITECTURE] for point in found} == {"basic", "stacked"}


@pytest.mark.parametrize(
    ("search", "only", "words"),
    [
        ({"unit": [1]}, [], "no such setting or hyperparameter; did you mean 'units'"),
        ({"stacked.units": [1]}, [], "'stacked' is no architecture of this study"),
        ({"horizon": [3, 6]}, [], "it has to be the same in all trials"),
        ({"target": ["load"]}, [], "it has to be the same in all trials"),
        ({}, ["layer"], "no such setting or hyperparameter"),
        ({"units": [0, 3]}, [], "`search` units: 0 is out of bounds"),
        ({"scaler": ["standrad"]}, [], "did you mean 'standard'"),
        ({"learning_rate": {"low": 1.0, "high": 99.0}}, [], "99.0 is out of bounds"),
    ],
)
def test_what_cannot_be_searched_is_told(make_study_plan, search, only, words):
    with pytest.raises(ConfigError, match=words):
        make_study_plan(search=search, only=only)


def test_other_refusals(make_study_plan):
    with pytest.raises(ConfigError, match="nothing to search"):
        make_study_plan(search={}, only=["units"], hyperparameters={"units": 3})
    with pytest.raises(ConfigError, match="`context=False` measures longer windows on fewer rows"):
        make_study_plan(search={"window": [8, 16]}, settings={"context": False})
    with pytest.raises(UnknownArchitectureError):
        make_study_plan(("bsic",))
    with pytest.raises(ConfigError, match="Missing argument"):
        make_study_plan(())
    with pytest.raises(ConfigError, match="`start_from` is not for a study"):
        make_study_plan(settings={"start_from": "latest"})
    with pytest.raises(ConfigError, match="did you mean 'units'"):
        make_study_plan(hyperparameters={"unit": 3})
    with pytest.raises(ConfigError, match="'stackd' is no architecture"):
        make_study_plan(hyperparameters={"stackd.units": 3})
    with pytest.raises(ConfigError, match="study 'sampler'"):
        make_study_plan(study={"sampler": "best"})


def test_a_grid_that_is_too_large(make_study_plan):
    names = ["units", "learning_rate", "dropout", "recurrent_dropout", "l1", "l2"]
    search = {name: {"low": 0.001 if name != "units" else 1, "high": 0.5 if name != "units" else 99} for name in names}
    with pytest.raises(ConfigError, match="more than 100,000 combinations"):
        make_study_plan(search=search).space.grid(9)


def test_ranges_of_real_numbers_given_in_whole_ones(make_study_plan):
    found = make_study_plan(search={"momentum": {"low": 0, "high": 0}}).space.ranges["basic"]["momentum"]
    assert found.kind == "float"
    assert read_range("x", [1, "a", True]).choices == (1, "a", True)
