"""What a trial tries hangs on the study's seed and its own number, not on what ran before, or where."""

from __future__ import annotations

import optuna
import pytest

from zoo.tuning.sampling import SeededSampler, grid_points, make_pruner, seed_of, suggest
from zoo.tuning.search_range import read_range
from zoo.tuning.space import ARCHITECTURE, Space

RANGES = {
    "basic": {"units": [2, 3], "rate": {"low": 1e-4, "high": 1e-1, "log": True}, "kind": ["a", "b"]},
    "stacked": {
        "units": [2, 3],
        "layers": {"low": 1, "high": 7, "step": 2},
        "share": {"low": 0.0, "high": 1.0, "step": 0.3},
    },
}


@pytest.fixture(scope="module")
def space() -> Space:
    ranges = {name: {key: read_range(key, value) for key, value in own.items()} for name, own in RANGES.items()}
    return Space(ranges, {name: tuple(own) for name, own in ranges.items()})


def tried(space, name, seed, numbers, points=(), score=lambda parameters: len(str(parameters))):
    study = optuna.create_study(sampler=SeededSampler(name, seed, points, parallel=False))
    found = {}
    for number in range(max(numbers) + 1):
        trial = study.ask()
        if number in numbers:
            found[number] = suggest(trial, space)
            study.tell(trial, score(found[number]))
    return found


@pytest.fixture(autouse=True)
def quiet():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def test_random_trials_hang_on_seed_and_number_alone(space):
    whole, part = tried(space, "random", 3, range(8)), tried(space, "random", 3, [2, 5, 7])
    assert part == {number: whole[number] for number in part}
    assert tried(space, "random", 4, range(8)) != whole
    assert len({str(point) for point in whole.values()}) == 8


def test_tpe_is_the_same_for_the_same_past_and_learns(space):
    def score(parameters):
        return 0.0 if parameters[ARCHITECTURE] == "stacked" else 1.0

    first, second = (tried(space, "tpe", 1, range(30), score=score) for _ in range(2))
    assert first == second
    later = [first[number][ARCHITECTURE] for number in range(12, 30)]
    assert later.count("stacked") > 12


def test_a_grid_tries_each_point_once_in_the_order_of_the_seed(space):
    points = grid_points(space, 2, seed=5)
    assert points != grid_points(space, 2, seed=6)
    found = tried(space, "grid", 5, range(len(points)), points)
    assert sorted(map(str, found.values())) == sorted(map(str, points))
    assert len(points) == 2 * 2 * 2 + 2 * 2 * 2


def test_the_first_trials_are_the_points(space):
    points = [{ARCHITECTURE: "stacked", "units": 3, "layers": 5, "share": 0.3}]
    found = tried(space, "random", 0, range(2), points)
    assert found[0] == points[0]
    assert found[1] == tried(space, "random", 0, range(2))[1]


def test_values_lie_on_their_steps(space):
    found = tried(space, "random", 0, range(60)).values()
    layers = {point["layers"] for point in found if "layers" in point}
    shares = {round(point["share"], 9) for point in found if "share" in point}
    assert layers == {1, 3, 5, 7}
    assert shares == {0.0, 0.3, 0.6, 0.9}


def test_a_trial_keeps_the_parameters_it_has(space):
    study = optuna.create_study(sampler=SeededSampler("random", 0, (), parallel=False))
    trial = study.ask()
    first = suggest(trial, space)
    assert suggest(trial, space) == first


def test_seeds_are_those_of_keras():
    seeds = [seed_of(study, number) for study in (0, 1) for number in range(50)]
    assert len(set(seeds)) == 100
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_pruners():
    assert isinstance(make_pruner("median"), optuna.pruners.MedianPruner)
    assert isinstance(make_pruner("halving"), optuna.pruners.SuccessiveHalvingPruner)
    assert isinstance(make_pruner("none"), optuna.pruners.NopPruner)
