"""Which parameters each trial of a study tries: by the study's seed and the trial's number, whatever ran before it.

So that a study that was interrupted, or runs elsewhere, tries the same; TPE, which learns, also looks at what is known.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial

from zoo.settings.choices import PrunerName, SamplerName
from zoo.tuning.space import ARCHITECTURE, Space
from zoo_registry import Search

_STARTUP, _WARMUP = 5, 3  # whole trials, and epochs, before the median of the others ends a trial


def seed_of(study: int, number: int) -> int:
    """The seed of a trial's sampling and training."""
    return int(np.random.SeedSequence([study, number]).generate_state(1)[0] >> 1)


def make_pruner(name: PrunerName) -> BasePruner:
    """The pruner of optuna: median (Golovin et al., Google Vizier, KDD 2017), successive halving, or none."""
    if name == "median":
        return MedianPruner(n_startup_trials=_STARTUP, n_warmup_steps=_WARMUP)
    return SuccessiveHalvingPruner() if name == "halving" else NopPruner()


class SeededSampler(BaseSampler):
    """Samples each trial by a seed of its own; the trials of ``points``, by number, try those, a grid's or defaults."""

    def __init__(self, name: SamplerName, seed: int, points: Sequence[Mapping[str, Any]], *, parallel: bool) -> None:
        self._name, self._seed, self._points, self._parallel = name, seed, points, parallel
        self._point: Mapping[str, Any] | None = None
        self._inner: BaseSampler = RandomSampler()

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Choose what samples this trial."""
        number = trial.number % len(self._points) if self._name == "grid" else trial.number
        self._point = self._points[number] if number < len(self._points) else None
        seed = seed_of(self._seed, trial.number)
        if self._name == "tpe":
            self._inner = TPESampler(seed=seed, constant_liar=self._parallel)
        else:
            self._inner = RandomSampler(seed)
        self._inner.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """What is sampled together: nothing, but for samplers that do so."""
        return {} if self._point is not None else self._inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Sample that."""
        return self._inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Sample one parameter, or take the point's."""
        if self._point is not None:
            return self._point[param_name]
        return self._inner.sample_independent(study, trial, param_name, param_distribution)


def grid_points(space: Space, points: int, seed: int) -> list[dict[str, Any]]:
    """The grid in an order of the seed's, so that a part of it is spread over all of it."""
    found = space.grid(points)
    return [found[index] for index in np.random.default_rng(seed).permutation(len(found))]


def suggest(trial: Trial, space: Space) -> dict[str, Any]:
    """Give a trial its parameters; one that has some already keeps them."""
    names, found = space.architectures, {}
    if len(names) > 1:
        found[ARCHITECTURE] = trial.suggest_categorical(ARCHITECTURE, names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of ranges that end with a part of a step, which is left out
        for name, search in space.parameters(found.get(ARCHITECTURE, names[0])).items():
            found[name] = _suggest(trial, name, search)
    return found


def _suggest(trial: Trial, name: str, search: Search) -> Any:
    if search.kind == "choice":
        return trial.suggest_categorical(name, search.choices)
    if search.kind == "int":
        step = 1 if search.log else int(search.step or 1)
        return trial.suggest_int(name, int(search.low), int(search.high), step=step, log=search.log)
    return trial.suggest_float(name, search.low, search.high, step=search.step, log=search.log)
