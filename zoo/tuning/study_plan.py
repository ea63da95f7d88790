"""What a study searches and how: made of what the user gave, kept with the study, and the same on every host."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from zoo.settings.resolve import resolve
from zoo.settings.schema import RunConfig
from zoo.settings.sessions import StudySettings
from zoo.settings.setting import given_of, settings_of
from zoo.tuning.search_range import plain_range, read_range
from zoo.tuning.space import Point, Space, check_values, configure, make_space
from zoo_registry import Architecture, Search, discover
from zoo_registry.errors import ConfigError, RunError, close_match_hint
from zoo_registry.hyperparameters import validated

_OF_SESSION = {"trials", "minutes"}  # what a study may be gone on with differently
TRIALS = 50


class StudyPlan(BaseModel):
    """All that decides what a study's trials are.

    ``by_series`` says that trials are judged by the mean MASE over the series; older studies, which do not say so, by
    errors over all windows, as their trials were.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    schema_version: int = 1
    configs: dict[str, RunConfig]
    ranges: dict[str, dict[str, Any]]
    study: StudySettings
    seed: int
    fingerprint: str
    by_series: bool = False

    @cached_property
    def space(self) -> Space:
        """What is searched."""
        found = {
            name: {key: read_range(key, value) for key, value in ranges.items()} for name, ranges in self.ranges.items()
        }
        return Space(found, {name: tuple(config.hyperparameters) for name, config in self.configs.items()})

    @property
    def base(self) -> RunConfig:
        """The configuration of the first architecture, whose data is that of all."""
        return next(iter(self.configs.values()))

    def configure(self, point: Point, seed: int) -> RunConfig:
        """The configuration of a trial; raises ConfigError where the values do not suit each other."""
        entry = discover().catalogue[point.architecture]
        return configure(self.configs[point.architecture], entry.item, point, seed)

    def plain(self) -> dict[str, Any]:
        """As plain data, which :meth:`read` takes."""
        return self.model_dump(mode="json", exclude_none=True)

    @classmethod
    def read(cls, content: Any, study: str) -> Self:
        """Read :meth:`plain`; raises RunError where it is not of this version."""
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise RunError(
                f"study '{study}' is not of this version ({error.errors()[0]['msg']}); begin another one"
            ) from error

    def with_budget(self, given: Mapping[str, Any]) -> StudyPlan:
        """The same plan with other trials or minutes; raises ConfigError for impossible ones."""
        if not given:
            return self
        kept = self.study.model_dump(exclude_none=True, exclude={"minutes"})
        return self.model_copy(update={"study": validated(StudySettings, {**kept, **given}, "study")})

    def differences(self, other: StudyPlan) -> list[str]:
        """The names of what another plan has otherwise, but for the budget."""
        own, others = (_flat(plan.plain()) for plan in (self, other))
        return sorted(key for key in own.keys() | others.keys() if own.get(key) != others.get(key))


def make_plan(
    architectures: Iterable[str],
    settings: Mapping[str, Any],
    hyperparameters: Mapping[str, Any],
    *,
    search: Mapping[str, Search] | None = None,
    only: Iterable[str] = (),
    study: Mapping[str, Any] | None = None,
    longest: int | None = None,
    fingerprint: str = "",
) -> StudyPlan:
    """Make a plan of what the user gave; raises ConfigError for names and values that do not suit.

    ``settings`` and ``hyperparameters`` have these values in all trials, a hyperparameter where an architecture has it,
    or of one alone as ``ARCHITECTURE.NAME``; the setting ``seed`` is the study's. ``search`` and ``only`` are those of
    :func:`make_space`, ``study`` the fields of :class:`StudySettings`, ``longest`` the longest window that folds have
    room for where none was asked for.
    """
    known = {name: discover().catalogue[name].item for name in dict.fromkeys(architectures)}
    if not known:
        raise ConfigError("Missing argument 'ARCH': name one or more architectures, as zoo list gives them")
    if unknown := next((name for name in settings if name not in settings_of(RunConfig)), None):
        all_settings = (*settings_of(RunConfig), *StudySettings.model_fields)
        raise ConfigError(f"there is no setting '{unknown}'{close_match_hint(unknown, all_settings)}")
    given = given_of(settings)
    for found in settings_of(RunConfig).values():
        if given.get(found.name) and not found.mark.trials:
            raise ConfigError(
                f"`{found.name}` is not for a study, whose trials are compared with each other; leave it out"
            )
    own = _of_each(hyperparameters, known)
    configs = {name: resolve(name, architecture, own[name], settings) for name, architecture in known.items()}
    how = validated(StudySettings, {k: v for k, v in (study or {}).items() if v is not None}, "study")
    if how.sampler == "grid" and "pruner" not in how.model_fields_set:
        how = how.model_copy(update={"pruner": "none"})
    space = make_space(configs, known, given={*given, *hyperparameters}, search=search, only=only, longest=longest)
    check_values(space, configs, known)
    return StudyPlan(
        configs=configs,
        ranges={
            name: {key: plain_range(found) for key, found in ranges.items()} for name, ranges in space.ranges.items()
        },
        study=how,
        seed=next(iter(configs.values())).training.seed,
        fingerprint=fingerprint,
    )


def _of_each(hyperparameters: Mapping[str, Any], known: Mapping[str, Architecture]) -> dict[str, dict[str, Any]]:
    """What each architecture has of the hyperparameters; raises ConfigError for one that none has."""
    own: dict[str, dict[str, Any]] = {name: {} for name in known}
    for key, value in hyperparameters.items():
        target, _, short = key.rpartition(".")
        takers = [
            name
            for name, found in known.items()
            if target in ("", name) and short in found.hyperparameters.model_fields
        ]
        if not takers:
            first = next(iter(known.values())) if target not in known else known[target]
            first.configure({short: value})  # which raises, with a close match
            raise ConfigError(f"hyperparameter '{key}': '{target}' is no architecture of this study; name one that is")
        for name in takers:
            own[name][short] = value
    return own


def _flat(content: Any, name: str = "") -> dict[str, str]:
    """Plain data by dotted names, each value as JSON; without what a session may change, and where the data is."""
    if not isinstance(content, dict) or not content:
        return {name: json.dumps(content)}
    found: dict[str, str] = {}
    for key, value in content.items():
        if not (name == "study" and key in _OF_SESSION) and not (name.endswith(".data") and key == "source"):
            found |= _flat(value, f"{name}.{key}" if name else key)
    return found
